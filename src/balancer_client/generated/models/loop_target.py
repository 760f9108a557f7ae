from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="LoopTarget")


@_attrs_define
class LoopTarget:
    """What the loop may do with one target."""

    name: str
    """ Name of a target of the config. """
    min_: float | Unset = 0.0
    """ Percentage of all sessions that it gets at least while it is usable. """
    max_: float | Unset = 100.0
    """ Percentage that it gets at most, above 0. """
    cost: float | Unset = 1.0
    """ Relative cost of a session there. A target that costs three times as much must be better by three times as
    many points before it gains. """

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        min_ = self.min_

        max_ = self.max_

        cost = self.cost

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
            }
        )
        if min_ is not UNSET:
            field_dict["min"] = min_
        if max_ is not UNSET:
            field_dict["max"] = max_
        if cost is not UNSET:
            field_dict["cost"] = cost

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        name = d.pop("name")

        min_ = d.pop("min", UNSET)

        max_ = d.pop("max", UNSET)

        cost = d.pop("cost", UNSET)

        loop_target = cls(
            name=name,
            min_=min_,
            max_=max_,
            cost=cost,
        )

        return loop_target
