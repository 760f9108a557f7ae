from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="RulesEntry")


@_attrs_define
class RulesEntry:
    """A revision of the rules in their history; `GET /rules/revision` shows what it says."""

    revision: int
    """ Its number, from 1. """
    actor: str
    """ Who made it: `key:3 deployment`, `token:alice`. """
    made_at: datetime.datetime
    """ When, as RFC 3339 in UTC. """
    reason: None | str
    """ Why; null when no reason was given. """
    restored: int | None
    """ Number of the revision that a rollback went back to; null for any other change. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        revision = self.revision

        actor = self.actor

        made_at = self.made_at.isoformat()

        reason: None | str
        reason = self.reason

        restored: int | None
        restored = self.restored

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "revision": revision,
                "actor": actor,
                "made_at": made_at,
                "reason": reason,
                "restored": restored,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        revision = d.pop("revision")

        actor = d.pop("actor")

        made_at = datetime.datetime.fromisoformat(d.pop("made_at"))

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

        rules_entry = cls(
            revision=revision,
            actor=actor,
            made_at=made_at,
            reason=reason,
            restored=restored,
        )

        rules_entry.additional_properties = d
        return rules_entry

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
