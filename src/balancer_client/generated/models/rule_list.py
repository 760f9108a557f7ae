from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.rule_item import RuleItem


T = TypeVar("T", bound="RuleList")


@_attrs_define
class RuleList:
    """All rules, in order, at one revision. The first one that a request matches decides."""

    revision: int
    """ Its number; each change adds one. 0 while there never was a rule. """
    rules: list[RuleItem]
    """ The rules. """
    actor: None | str
    """ Who made this revision; null for revision 0, like all that follow. """
    made_at: datetime.datetime | None
    """ When, as RFC 3339 in UTC. """
    reason: None | str
    """ Why; null also when no reason was given. """
    restored: int | None
    """ Number of the revision that a rollback went back to; null for any other change. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        revision = self.revision

        rules = []
        for rules_item_data in self.rules:
            rules_item = rules_item_data.to_dict()
            rules.append(rules_item)

        actor: None | str
        actor = self.actor

        made_at: None | str
        if isinstance(self.made_at, datetime.datetime):
            made_at = self.made_at.isoformat()
        else:
            made_at = self.made_at

        reason: None | str
        reason = self.reason

        restored: int | None
        restored = self.restored

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "revision": revision,
                "rules": rules,
                "actor": actor,
                "made_at": made_at,
                "reason": reason,
                "restored": restored,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.rule_item import RuleItem  # noqa: PLC0415

        d = dict(src_dict)
        revision = d.pop("revision")

        rules = []
        _rules = d.pop("rules")
        for rules_item_data in _rules:
            rules_item = RuleItem.from_dict(rules_item_data)

            rules.append(rules_item)

        def _parse_actor(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        actor = _parse_actor(d.pop("actor"))

        def _parse_made_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                made_at_type_0 = datetime.datetime.fromisoformat(data)

                return made_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        made_at = _parse_made_at(d.pop("made_at"))

        def _parse_reason(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        reason = _parse_reason(d.pop("reason"))

        def _parse_restored(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        restored = _parse_restored(d.pop("restored"))

        rule_list = cls(
            revision=revision,
            rules=rules,
            actor=actor,
            made_at=made_at,
            reason=reason,
            restored=restored,
        )

        rule_list.additional_properties = d
        return rule_list

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
