"""Bounds of the loop as clients send and see them."""

from typing import Annotated, Any

import msgspec

from balancer.core.configs import bounds
from balancer.core.configs.edits import KEEP, BoundsChange

DEFAULT = bounds.Bounds()


def _between(least: float, most: float, example: float) -> msgspec.Meta:
    """Describe the range of a number; the domain holds to it, and names the field by the name of its target."""
    return msgspec.Meta(extra_json_schema={"minimum": least, "maximum": most, "examples": [example]})


Slope = Annotated[float, _between(bounds.MIN_SLOPE, bounds.MAX_SLOPE, 5)]
MinSessions = Annotated[int, _between(bounds.FEWEST_SESSIONS, bounds.MOST_SESSIONS, 100)]
WorseBy = Annotated[float, _between(bounds.MIN_WORSE, bounds.MAX_WORSE, 3)]
WorseFor = Annotated[float, _between(0, bounds.MAX_WORSE_FOR, 2)]
WayBack = Annotated[float, _between(1, bounds.MAX_WAY_BACK, 10)]
Most = Annotated[
    float, msgspec.Meta(extra_json_schema={"exclusiveMinimum": 0, "maximum": bounds.PERCENT, "examples": [60]})
]
Percent = Annotated[float, _between(0, bounds.PERCENT, 15)]
Cost = Annotated[float, _between(bounds.MIN_COST, bounds.MAX_COST, 3)]


class LoopTarget(msgspec.Struct, forbid_unknown_fields=True):
    """What the loop may do with one target.

    Attributes:
        name: Name of a target of the config.
        min: Percentage of all sessions that it gets at least while it is usable.
        max: Percentage that it gets at most, above 0.
        cost: Relative cost of a session there. A target that costs three times as much must be better by three times
            as many points before it gains.
    """

    name: str
    min: Percent = 0.0
    max: Most = bounds.PERCENT
    cost: Cost = 1.0


class Loop(msgspec.Struct, forbid_unknown_fields=True):
    """How far the shares of a config may follow the quality that players report.

    Attributes:
        slope: Percentage points of share that may move in a minute, all moves together.
        min_sessions: Sessions of a target in five minutes below which it is not judged.
        worse_by: Percentage points by which more of its sessions must be in trouble, after all doubts.
        worse_for: Minutes for which that must last before it loses share.
        way_back: Minutes without trouble before its share comes back.
        is_frozen: True keeps all shares as they are.
        targets: Bounds of single targets; the others may have 0 to 100 percent and cost 1.
    """

    slope: Slope = DEFAULT.slope
    min_sessions: MinSessions = DEFAULT.min_sessions
    worse_by: WorseBy = DEFAULT.worse_by
    worse_for: WorseFor = DEFAULT.worse_for
    way_back: WayBack = DEFAULT.way_back
    is_frozen: bool = DEFAULT.is_frozen
    targets: list[LoopTarget] = msgspec.field(default_factory=list)

    def read(self) -> bounds.Bounds:
        """Return the bounds that this describes.

        Raises:
            InvalidInput: When a value is one that bounds cannot have.
        """
        return bounds.Bounds(**{**msgspec.structs.asdict(self), "targets": _targets(self.targets)})

    @classmethod
    def of(cls, found: bounds.Bounds | None) -> "Loop | None":
        """Return what clients see of bounds."""
        if found is None:
            return None
        targets = [LoopTarget(one.name, one.min, one.max, one.cost) for one in found.targets]
        return cls(**{name: getattr(found, name) for name in cls.__struct_fields__} | {"targets": targets})


class LoopPatch(msgspec.Struct, forbid_unknown_fields=True):
    """What to change in the bounds of the loop. Fields that are not given stay as they are.

    Where the loop is off, it is switched on, and fields that are not given have their defaults.

    Attributes:
        slope: Percentage points of share that may move in a minute, all moves together.
        min_sessions: Sessions of a target in five minutes below which it is not judged.
        worse_by: Percentage points by which more of its sessions must be in trouble, after all doubts.
        worse_for: Minutes for which that must last before it loses share.
        way_back: Minutes without trouble before its share comes back.
        is_frozen: True keeps all shares as they are.
        targets: Bounds of single targets, which replace all that are there.
    """

    slope: Slope | msgspec.UnsetType = msgspec.UNSET
    min_sessions: MinSessions | msgspec.UnsetType = msgspec.UNSET
    worse_by: WorseBy | msgspec.UnsetType = msgspec.UNSET
    worse_for: WorseFor | msgspec.UnsetType = msgspec.UNSET
    way_back: WayBack | msgspec.UnsetType = msgspec.UNSET
    is_frozen: bool | msgspec.UnsetType = msgspec.UNSET
    targets: list[LoopTarget] | msgspec.UnsetType = msgspec.UNSET

    def read(self) -> BoundsChange:
        """Return the change that this describes.

        Raises:
            InvalidInput: When a value is one that bounds cannot have.
        """
        given = {name: getattr(self, name) for name in self.__struct_fields__}
        fields: dict[str, Any] = {name: KEEP if value is msgspec.UNSET else value for name, value in given.items()}
        if not isinstance(self.targets, msgspec.UnsetType):
            fields["targets"] = _targets(self.targets)
        return BoundsChange(**fields)


def _targets(given: list[LoopTarget]) -> tuple[bounds.TargetBounds, ...]:
    return tuple(bounds.TargetBounds(**msgspec.structs.asdict(target)) for target in given)
