from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.loop_target import LoopTarget


T = TypeVar("T", bound="Loop")


@_attrs_define
class Loop:
    """How far the shares of a config may follow the quality that players report."""

    slope: float | Unset = 5.0
    """ Percentage points of share that may move in a minute, all moves together. """
    min_sessions: int | Unset = 100
    """ Sessions of a target in five minutes below which it is not judged. """
    worse_by: float | Unset = 3.0
    """ Percentage points by which more of its sessions must be in trouble, after all doubts. """
    worse_for: float | Unset = 2.0
    """ Minutes for which that must last before it loses share. """
    way_back: float | Unset = 10.0
    """ Minutes without trouble before its share comes back. """
    is_frozen: bool | Unset = False
    """ True keeps all shares as they are. """
    targets: list[LoopTarget] | Unset = UNSET
    """ Bounds of single targets; the others may have 0 to 100 percent and cost 1. """

    def to_dict(self) -> dict[str, Any]:
        slope = self.slope

        min_sessions = self.min_sessions

        worse_by = self.worse_by

        worse_for = self.worse_for

        way_back = self.way_back

        is_frozen = self.is_frozen

        targets: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.targets, Unset):
            targets = []
            for targets_item_data in self.targets:
                targets_item = targets_item_data.to_dict()
                targets.append(targets_item)

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if slope is not UNSET:
            field_dict["slope"] = slope
        if min_sessions is not UNSET:
            field_dict["min_sessions"] = min_sessions
        if worse_by is not UNSET:
            field_dict["worse_by"] = worse_by
        if worse_for is not UNSET:
            field_dict["worse_for"] = worse_for
        if way_back is not UNSET:
            field_dict["way_back"] = way_back
        if is_frozen is not UNSET:
            field_dict["is_frozen"] = is_frozen
        if targets is not UNSET:
            field_dict["targets"] = targets

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.loop_target import LoopTarget  # noqa: PLC0415

        d = dict(src_dict)
        slope = d.pop("slope", UNSET)

        min_sessions = d.pop("min_sessions", UNSET)

        worse_by = d.pop("worse_by", UNSET)

        worse_for = d.pop("worse_for", UNSET)

        way_back = d.pop("way_back", UNSET)

        is_frozen = d.pop("is_frozen", UNSET)

        _targets = d.pop("targets", UNSET)
        targets: list[LoopTarget] | Unset = UNSET
        if _targets is not UNSET:
            targets = []
            for targets_item_data in _targets:
                targets_item = LoopTarget.from_dict(targets_item_data)

                targets.append(targets_item)

        loop = cls(
            slope=slope,
            min_sessions=min_sessions,
            worse_by=worse_by,
            worse_for=worse_for,
            way_back=way_back,
            is_frozen=is_frozen,
            targets=targets,
        )

        return loop
