from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.loop_config_idle import LoopConfigIdle

if TYPE_CHECKING:
    from ..models.loop_share import LoopShare


T = TypeVar("T", bound="LoopConfig")


@_attrs_define
class LoopConfig:
    """The loop of one config."""

    config: int
    """ The id of the config. """
    idle: LoopConfigIdle | None
    """ Why nothing moves; null when something does. """
    targets: list[LoopShare]
    """ What it gives each of them, in order. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        config = self.config

        idle: None | str
        if isinstance(self.idle, LoopConfigIdle):
            idle = self.idle.value
        else:
            idle = self.idle

        targets = []
        for targets_item_data in self.targets:
            targets_item = targets_item_data.to_dict()
            targets.append(targets_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "config": config,
                "idle": idle,
                "targets": targets,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.loop_share import LoopShare  # noqa: PLC0415

        d = dict(src_dict)
        config = d.pop("config")

        def _parse_idle(data: object) -> LoopConfigIdle | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                idle_type_0 = LoopConfigIdle(data)

                return idle_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(LoopConfigIdle | None, data)

        idle = _parse_idle(d.pop("idle"))

        targets = []
        _targets = d.pop("targets")
        for targets_item_data in _targets:
            targets_item = LoopShare.from_dict(targets_item_data)

            targets.append(targets_item)

        loop_config = cls(
            config=config,
            idle=idle,
            targets=targets,
        )

        loop_config.additional_properties = d
        return loop_config

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
