from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.loop_config import LoopConfig
    from ..models.loop_event import LoopEvent


T = TypeVar("T", bound="LoopAnswer")


@_attrs_define
class LoopAnswer:
    """What all loops do."""

    configs: list[LoopConfig]
    """ Those in use that have bounds, by id. """
    events: list[LoopEvent]
    """ What has moved, the latest first, at most 100. """
    age_seconds: float | None
    """ Since this process last heard from the one that moves shares; null when no config has bounds. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        configs = []
        for configs_item_data in self.configs:
            configs_item = configs_item_data.to_dict()
            configs.append(configs_item)

        events = []
        for events_item_data in self.events:
            events_item = events_item_data.to_dict()
            events.append(events_item)

        age_seconds: float | None
        age_seconds = self.age_seconds

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "configs": configs,
                "events": events,
                "age_seconds": age_seconds,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.loop_config import LoopConfig  # noqa: PLC0415
        from ..models.loop_event import LoopEvent  # noqa: PLC0415

        d = dict(src_dict)
        configs = []
        _configs = d.pop("configs")
        for configs_item_data in _configs:
            configs_item = LoopConfig.from_dict(configs_item_data)

            configs.append(configs_item)

        events = []
        _events = d.pop("events")
        for events_item_data in _events:
            events_item = LoopEvent.from_dict(events_item_data)

            events.append(events_item)

        def _parse_age_seconds(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        age_seconds = _parse_age_seconds(d.pop("age_seconds"))

        loop_answer = cls(
            configs=configs,
            events=events,
            age_seconds=age_seconds,
        )

        loop_answer.additional_properties = d
        return loop_answer

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
