from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.group_quality import GroupQuality
    from ..models.target_quality import TargetQuality


T = TypeVar("T", bound="QualityAnswer")


@_attrs_define
class QualityAnswer:
    """How players fared in a window."""

    window: int
    """ How many minutes it is long. """
    end: datetime.datetime
    """ Until when reports are counted, some twenty seconds ago. """
    targets: list[TargetQuality]
    """ In total for each target, the one with the most sessions first. """
    groups: list[GroupQuality]
    """ By target, network and country, those with the most sessions first. """
    left_out: int
    """ How many groups there are beyond those. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        window = self.window

        end = self.end.isoformat()

        targets = []
        for targets_item_data in self.targets:
            targets_item = targets_item_data.to_dict()
            targets.append(targets_item)

        groups = []
        for groups_item_data in self.groups:
            groups_item = groups_item_data.to_dict()
            groups.append(groups_item)

        left_out = self.left_out

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "window": window,
                "end": end,
                "targets": targets,
                "groups": groups,
                "left_out": left_out,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.group_quality import GroupQuality  # noqa: PLC0415
        from ..models.target_quality import TargetQuality  # noqa: PLC0415

        d = dict(src_dict)
        window = d.pop("window")

        end = datetime.datetime.fromisoformat(d.pop("end"))

        targets = []
        _targets = d.pop("targets")
        for targets_item_data in _targets:
            targets_item = TargetQuality.from_dict(targets_item_data)

            targets.append(targets_item)

        groups = []
        _groups = d.pop("groups")
        for groups_item_data in _groups:
            groups_item = GroupQuality.from_dict(groups_item_data)

            groups.append(groups_item)

        left_out = d.pop("left_out")

        quality_answer = cls(
            window=window,
            end=end,
            targets=targets,
            groups=groups,
            left_out=left_out,
        )

        quality_answer.additional_properties = d
        return quality_answer

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
