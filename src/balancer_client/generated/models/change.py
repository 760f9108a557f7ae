from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Change")


@_attrs_define
class Change:
    """One field of a config that differs. `cdn_host` and `distribution_rate` are listed where the config has them both
    before and after. The field `order` lists the names of the targets where the same targets are in another order.
    Fields of the loop are `loop.slope`, `loop.targets.cdn-a.max` and so on.

    """

    field: str
    """ Name of the field. """
    before: bool | float | int | None | str
    """ Its value before; null where there was no config, or no name. """
    after: bool | float | int | None | str
    """ Its value after; null where there is no config, or no name. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        field = self.field

        before: bool | float | int | None | str
        before = self.before

        after: bool | float | int | None | str
        after = self.after

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "field": field,
                "before": before,
                "after": after,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
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

        change = cls(
            field=field,
            before=before,
            after=after,
        )

        change.additional_properties = d
        return change

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
