"""Bounds of the loop: how far a config's shares may follow the quality that players report."""

from dataclasses import dataclass

from balancer.core.configs.targets import BAD_NAME, NAME
from balancer.core.errors import InvalidInput

MIN_SLOPE = 0.1
MAX_SLOPE = 50.0
"""Percentage points of share that may move in a minute at most."""

FEWEST_SESSIONS = 20
"""Below so many sessions in a window, chance decides what their quality is."""

MOST_SESSIONS = 1_000_000
MIN_WORSE = 1.0
MAX_WORSE = 50.0
MAX_WORSE_FOR = 60.0
MAX_WAY_BACK = 1440.0
MIN_COST = 0.01
MAX_COST = 100.0
MAX_TARGETS = 64
"""Targets with bounds of their own: as many as a config can have."""

PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class TargetBounds:
    """What the loop may do with one target.

    Attributes:
        name: Of the target: `cdn-a`.
        min: Percent of all sessions that it has at least while it is usable.
        max: Percent that it has at most.
        cost: What a session costs there, relative to the other targets. One that costs three times as much must be
            better by three times as many points before it gains.

    Raises:
        InvalidInput: When a value is one that it cannot have; names `loop.targets.cdn-a.…`.
    """

    name: str
    min: float = 0.0
    max: float = PERCENT
    cost: float = 1.0

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise InvalidInput("loop.targets.name", BAD_NAME)
        field = f"loop.targets.{self.name}"
        if not 0 <= self.min <= PERCENT:
            raise InvalidInput(f"{field}.min", f"must be from 0 to 100 percent, not {self.min}")
        if not 0 < self.max <= PERCENT:
            raise InvalidInput(f"{field}.max", f"must be above 0 and at most 100 percent, not {self.max}")
        if self.min > self.max:
            raise InvalidInput(f"{field}.min", f"must not be above 'max', which is {self.max}")
        if not MIN_COST <= self.cost <= MAX_COST:
            raise InvalidInput(f"{field}.cost", f"must be from {MIN_COST} to {MAX_COST:.0f}, not {self.cost}")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the loop may do with the shares of a config.

    Attributes:
        slope: Percentage points of share that may move in a minute, all moves together.
        min_sessions: Sessions that a target needs in a window to be compared with another one.
        worse_by: Percentage points by which more of a target's sessions must be in trouble than of another's, after
            all doubts, before it loses share.
        worse_for: Minutes for which that must last.
        way_back: Minutes for which a target must not be worse before its share comes back. Doubled each time that it
            is worse again soon after, up to sixteen times as long.
        is_frozen: Whether nothing moves.
        targets: Bounds of single targets, by name; the others have 0 to 100 percent and cost 1.

    Raises:
        InvalidInput: When a value is one that it cannot have; names `loop.…`.
    """

    slope: float = 5.0
    min_sessions: int = 100
    worse_by: float = 3.0
    worse_for: float = 2.0
    way_back: float = 10.0
    is_frozen: bool = False
    targets: tuple[TargetBounds, ...] = ()

    def __post_init__(self) -> None:
        ranges = {
            "slope": (MIN_SLOPE, MAX_SLOPE, "points a minute"),
            "min_sessions": (FEWEST_SESSIONS, MOST_SESSIONS, "sessions"),
            "worse_by": (MIN_WORSE, MAX_WORSE, "points"),
            "worse_for": (0.0, MAX_WORSE_FOR, "minutes"),
            "way_back": (1.0, MAX_WAY_BACK, "minutes"),
        }
        for field, (least, most, unit) in ranges.items():
            value = getattr(self, field)
            if not least <= value <= most:
                raise InvalidInput(f"loop.{field}", f"must be from {least:g} to {most:g} {unit}, not {value}")
        self._check_targets()
        # In whichever order they are given, they are the same. The one way to change a frozen object.
        object.__setattr__(self, "targets", tuple(sorted(self.targets, key=lambda target: target.name)))

    def _check_targets(self) -> None:
        names = [target.name for target in self.targets]
        if len(names) > MAX_TARGETS:
            raise InvalidInput("loop.targets", f"must be at most {MAX_TARGETS}, not {len(names)}")
        if len(set(names)) < len(names):
            raise InvalidInput("loop.targets", "has a name more than once")
        least = sum(target.min for target in self.targets)
        if least > PERCENT:
            raise InvalidInput("loop.targets", f"has minimums of {least:g} percent together; 100 is the most")

    def of(self, name: str) -> TargetBounds:
        """Return the bounds of a target."""
        return next((target for target in self.targets if target.name == name), TargetBounds(name))
