from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.target_state import TargetState


T = TypeVar("T", bound="TargetList")


@_attrs_define
class TargetList:
    """How all targets in use are."""

    targets: list[TargetState]
    """ Of every config in use, by id and in order. """
    age_seconds: float | None
    """ Since this process last heard from the one that probes; null when no target is watched. """
    unreliable_since: datetime.datetime | None
    """ Since when everything fails, so that it may be the prober's own network and verdicts are unknown; null when
    not so. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        targets = []
        for targets_item_data in self.targets:
            targets_item = targets_item_data.to_dict()
            targets.append(targets_item)

        age_seconds: float | None
        age_seconds = self.age_seconds

        unreliable_since: None | str
        if isinstance(self.unreliable_since, datetime.datetime):
            unreliable_since = self.unreliable_since.isoformat()
        else:
            unreliable_since = self.unreliable_since

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "targets": targets,
                "age_seconds": age_seconds,
                "unreliable_since": unreliable_since,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.target_state import TargetState  # noqa: PLC0415

        d = dict(src_dict)
        targets = []
        _targets = d.pop("targets")
        for targets_item_data in _targets:
            targets_item = TargetState.from_dict(targets_item_data)

            targets.append(targets_item)

        def _parse_age_seconds(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        age_seconds = _parse_age_seconds(d.pop("age_seconds"))

        def _parse_unreliable_since(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                unreliable_since_type_0 = datetime.datetime.fromisoformat(data)

                return unreliable_since_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        unreliable_since = _parse_unreliable_since(d.pop("unreliable_since"))

        target_list = cls(
            targets=targets,
            age_seconds=age_seconds,
            unreliable_since=unreliable_since,
        )

        target_list.additional_properties = d
        return target_list

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
