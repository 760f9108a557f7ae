from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.change import Change
    from ..models.target_diff import TargetDiff


T = TypeVar("T", bound="ConfigDiff")


@_attrs_define
class ConfigDiff:
    """How two revisions of a config differ."""

    id: int
    """ Which config. """
    from_: int
    """ Number of the one revision. """
    to: int
    """ Number of the other. """
    changes: list[Change]
    """ The fields that differ, apart from the targets. """
    target_changes: list[TargetDiff]
    """ The fields of the targets that differ, matched by name. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        from_ = self.from_

        to = self.to

        changes = []
        for changes_item_data in self.changes:
            changes_item = changes_item_data.to_dict()
            changes.append(changes_item)

        target_changes = []
        for target_changes_item_data in self.target_changes:
            target_changes_item = target_changes_item_data.to_dict()
            target_changes.append(target_changes_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "from": from_,
                "to": to,
                "changes": changes,
                "target_changes": target_changes,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.change import Change  # noqa: PLC0415
        from ..models.target_diff import TargetDiff  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        from_ = d.pop("from")

        to = d.pop("to")

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

        config_diff = cls(
            id=id,
            from_=from_,
            to=to,
            changes=changes,
            target_changes=target_changes,
        )

        config_diff.additional_properties = d
        return config_diff

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
