from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.change import Change
    from ..models.outcome import Outcome
    from ..models.target_diff import TargetDiff


T = TypeVar("T", bound="Preview")


@_attrs_define
class Preview:
    """What a change would do."""

    id: int
    """ Which config. """
    revision: int
    """ Its latest revision, to which the change would apply. """
    changes: list[Change]
    """ The fields that would differ, apart from the targets. """
    target_changes: list[TargetDiff]
    """ The fields of the targets that would differ, matched by name. """
    before: Outcome
    """ What players get with a config while all its targets are healthy. """
    after: Outcome
    """ What players get with a config while all its targets are healthy. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        revision = self.revision

        changes = []
        for changes_item_data in self.changes:
            changes_item = changes_item_data.to_dict()
            changes.append(changes_item)

        target_changes = []
        for target_changes_item_data in self.target_changes:
            target_changes_item = target_changes_item_data.to_dict()
            target_changes.append(target_changes_item)

        before = self.before.to_dict()

        after = self.after.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "revision": revision,
                "changes": changes,
                "target_changes": target_changes,
                "before": before,
                "after": after,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.change import Change  # noqa: PLC0415
        from ..models.outcome import Outcome  # noqa: PLC0415
        from ..models.target_diff import TargetDiff  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        revision = d.pop("revision")

        changes = []
        _changes = d.pop("changes")
        for changes_item_data in _changes:
            changes_item = Change.from_dict(changes_item_data)

            changes.append(changes_item)

        target_changes = []
        _target_changes = d.pop("target_changes")
        for target_changes_item_data in _target_changes:
            target_changes_item = TargetDiff.from_dict(target_changes_item_data)

            target_changes.append(target_changes_item)

        before = Outcome.from_dict(d.pop("before"))

        after = Outcome.from_dict(d.pop("after"))

        preview = cls(
            id=id,
            revision=revision,
            changes=changes,
            target_changes=target_changes,
            before=before,
            after=after,
        )

        preview.additional_properties = d
        return preview

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
