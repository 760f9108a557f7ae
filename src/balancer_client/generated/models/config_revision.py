from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.change import Change
    from ..models.document import Document
    from ..models.target_diff import TargetDiff


T = TypeVar("T", bound="ConfigRevision")


@_attrs_define
class ConfigRevision:
    """One revision of a config. It is never rewritten."""

    id: int
    """ Which config. """
    revision: int
    """ Its number, from 1. """
    document: Document | None
    """ The config as of this revision; null when the revision deleted it. """
    changes: list[Change]
    """ How it differs from the revision before, apart from its targets. """
    actor: str
    """ Who made it: `key:3 deployment`, `token:alice`, `command-line` or `first-start`. """
    made_at: datetime.datetime
    """ When, as RFC 3339 in UTC. """
    reason: None | str
    """ Why; null when no reason was given. """
    restored: int | None
    """ Number of the revision that a rollback went back to; null for any other change. """
    target_changes: list[TargetDiff]
    """ How its targets differ from those of the revision before, matched by name. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.document import Document  # noqa: PLC0415

        id = self.id

        revision = self.revision

        document: dict[str, Any] | None
        if isinstance(self.document, Document):
            document = self.document.to_dict()
        else:
            document = self.document

        changes = []
        for changes_item_data in self.changes:
            changes_item = changes_item_data.to_dict()
            changes.append(changes_item)

        actor = self.actor

        made_at = self.made_at.isoformat()

        reason: None | str
        reason = self.reason

        restored: int | None
        restored = self.restored

        target_changes = []
        for target_changes_item_data in self.target_changes:
            target_changes_item = target_changes_item_data.to_dict()
            target_changes.append(target_changes_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "revision": revision,
                "document": document,
                "changes": changes,
                "actor": actor,
                "made_at": made_at,
                "reason": reason,
                "restored": restored,
                "target_changes": target_changes,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.change import Change  # noqa: PLC0415
        from ..models.document import Document  # noqa: PLC0415
        from ..models.target_diff import TargetDiff  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        revision = d.pop("revision")

        def _parse_document(data: object) -> Document | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                document_type_0 = Document.from_dict(data)

                return document_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Document | None, data)

        document = _parse_document(d.pop("document"))

        changes = []
        _changes = d.pop("changes")
        for changes_item_data in _changes:
            changes_item = Change.from_dict(changes_item_data)

            changes.append(changes_item)

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

        target_changes = []
        _target_changes = d.pop("target_changes")
        for target_changes_item_data in _target_changes:
            target_changes_item = TargetDiff.from_dict(target_changes_item_data)

            target_changes.append(target_changes_item)

        config_revision = cls(
            id=id,
            revision=revision,
            document=document,
            changes=changes,
            actor=actor,
            made_at=made_at,
            reason=reason,
            restored=restored,
            target_changes=target_changes,
        )

        config_revision.additional_properties = d
        return config_revision

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
