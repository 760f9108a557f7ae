from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="RuleChange")


@_attrs_define
class RuleChange:
    """One field in which a rule differs; `position` only of a rule that has moved among the others."""

    rule: str
    """ Its name. """
    field: str
    """ `config_id`, `enabled`, `position`, or a condition such as `when.hosts`. """
    before: bool | int | None | str
    """ Null where there was no such rule or condition; several values in one text. """
    after: bool | int | None | str
    """ Null where there is no such rule or condition. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        rule = self.rule

        field = self.field

        before: bool | int | None | str
        before = self.before

        after: bool | int | None | str
        after = self.after

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "rule": rule,
                "field": field,
                "before": before,
                "after": after,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        rule = d.pop("rule")

        field = d.pop("field")

        def _parse_before(data: object) -> bool | int | None | str:
            if data is None:
                return data
            return cast(bool | int | None | str, data)

        before = _parse_before(d.pop("before"))

        def _parse_after(data: object) -> bool | int | None | str:
            if data is None:
                return data
            return cast(bool | int | None | str, data)

        after = _parse_after(d.pop("after"))

        rule_change = cls(
            rule=rule,
            field=field,
            before=before,
            after=after,
        )

        rule_change.additional_properties = d
        return rule_change

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
