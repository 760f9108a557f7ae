"""Changes of a config, field by field."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum, auto
from typing import Any, TypeVar

from balancer.core.configs.bounds import Bounds, TargetBounds
from balancer.core.configs.checks import Check
from balancer.core.configs.documents import ConfigDocument, PolicyName
from balancer.core.configs.simple import with_simple
from balancer.core.configs.targets import Scheme, Target
from balancer.core.errors import InvalidInput, NotSimple, TargetNotFound


class Keep(Enum):
    """The type of `KEEP`."""

    KEEP = auto()


KEEP = Keep.KEEP
"""Stands where a field is to stay as it is; None is a value that a field can have."""

Value = TypeVar("Value")


def _given(change: object) -> dict[str, Any]:
    values = {field.name: getattr(change, field.name) for field in fields(change)}  # type: ignore[arg-type]  # a dataclass
    return {name: value for name, value in values.items() if value is not KEEP}


@dataclass(frozen=True, slots=True)
class BoundsChange:
    """What to change in the bounds of a config's loop. Where it has none, the rest of them have their defaults.

    Attributes:
        slope: As in the bounds, like all that follow.
        min_sessions: Of a target.
        worse_by: In points.
        worse_for: In minutes.
        way_back: In minutes.
        is_frozen: Whether nothing moves.
        targets: Those of all targets.
    """

    slope: float | Keep = KEEP
    min_sessions: int | Keep = KEEP
    worse_by: float | Keep = KEEP
    worse_for: float | Keep = KEEP
    way_back: float | Keep = KEEP
    is_frozen: bool | Keep = KEEP
    targets: tuple[TargetBounds, ...] | Keep = KEEP

    def applied_to(self, bounds: Bounds | None) -> Bounds:
        """Return the bounds with the change.

        Raises:
            InvalidInput: When a value is one that bounds cannot have.
        """
        return replace(bounds or Bounds(), **_given(self))


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """What to change in a config.

    Attributes:
        cdn_host: Of the simple view.
        distribution_rate: Of the simple view.
        name: As in the document, like all that follow.
        policy: How requests are spread.
        sticky_key: What keeps its target.
        panic_threshold: In percent.
        slow_start: In seconds.
        targets: All of them.
        loop: The bounds of the loop, field by field; None to switch it off.

    Raises:
        InvalidInput: When nothing is given, or the targets twice.
    """

    cdn_host: str | Keep = KEEP
    distribution_rate: int | Keep = KEEP
    name: str | Keep | None = KEEP
    policy: PolicyName | Keep = KEEP
    sticky_key: str | Keep = KEEP
    panic_threshold: int | Keep = KEEP
    slow_start: float | Keep = KEEP
    targets: tuple[Target, ...] | Keep = KEEP
    loop: BoundsChange | Keep | None = KEEP

    def __post_init__(self) -> None:
        given = _given(self)
        if not given:
            first, *others = (field.name for field in fields(self))
            raise InvalidInput(first, f"or {', '.join(map(repr, others))} must be given; there is nothing to change")
        if "targets" in given and given.keys() & {"cdn_host", "distribution_rate"}:
            raise InvalidInput("targets", "cannot be given together with 'cdn_host' or 'distribution_rate'")

    def applied_to(self, document: ConfigDocument) -> ConfigDocument:
        """Return the document with the change.

        Raises:
            InvalidInput: When a value is one that a config cannot have.
            NotSimple: When the simple view is to change of a document that has none.
        """
        given = _given(self)
        simple = {field: given.pop(field) for field in ("cdn_host", "distribution_rate") if field in given}
        if simple:
            changed = with_simple(document, **simple)
            if changed is None:
                raise NotSimple(*simple)
            document = changed
        if isinstance(change := given.get("loop"), BoundsChange):
            given["loop"] = change.applied_to(document.loop)
        return replace(document, **given)


@dataclass(frozen=True, slots=True)
class TargetChange:
    """What to change in one target of a config.

    Raises:
        InvalidInput: When nothing is given.
    """

    name: str
    host: str | Keep = KEEP
    scheme: Scheme | Keep = KEEP
    path: str | Keep = KEEP
    weight: int | Keep = KEEP
    tier: int | Keep = KEEP
    enabled: bool | Keep = KEEP
    check: Check | Keep | None = KEEP

    def __post_init__(self) -> None:
        if not self._changes:
            others = ", ".join(repr(field.name) for field in fields(self)[2:])
            raise InvalidInput("host", f"or {others} must be given; there is nothing to change")

    @property
    def _changes(self) -> Mapping[str, Any]:
        return {name: value for name, value in _given(self).items() if name != "name"}

    def applied_to(self, document: ConfigDocument) -> ConfigDocument:
        """Return the document with the change.

        Raises:
            TargetNotFound: When it has no target of that name.
            InvalidInput: When a value is one that a target cannot have.
        """
        before = document.target(self.name)
        if before is None:
            raise TargetNotFound(self.name)
        after = replace(before, **self._changes)
        return replace(document, targets=tuple(after if target is before else target for target in document.targets))
