from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="TargetDiff")


@_attrs_define
class TargetDiff:
    """One field of a target that differs."""

    target: str
    """ The target's name. """
    field: str
    """ Name of the field; fields of the check are `check.url`, `check.interval` and so on. """
    before: bool | float | int | None | str
    """ Its value before; null where there was no such target or value. """
    after: bool | float | int | None | str
    """ Its value after; null where there is no such target or value. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        target = self.target

        field = self.field

        before: bool | float | int | None | str
        before = self.before

        after: bool | float | int | None | str
        after = self.after

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "target": target,
                "field": field,
                "before": before,
                "after": after,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        target = d.pop("target")

        field = d.pop("field")

        def _parse_before(data: object) -> bool | float | int | None | str:
            if data is None:
                return data
            return cast(bool | float | int | None | str, data)

        before = _parse_before(d.pop("before"))

        def _parse_after(data: object) -> bool | float | int | None | str:
            if data is None:
                return data
            return cast(bool | float | int | None | str, data)

        after = _parse_after(d.pop("after"))

        target_diff = cls(
            target=target,
            field=field,
            before=before,
            after=after,
        )

        target_diff.additional_properties = d
        return target_diff

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
