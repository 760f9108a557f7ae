"""How far shares may follow quality, as tables tell it."""

from collections.abc import Iterable, Mapping
from typing import Any

FIELDS = ("slope", "min_sessions", "worse_by", "worse_for", "way_back")
"""The bounds of the loop of a config, beside those of its targets."""

TARGET_FIELDS = ("min", "max", "cost")
"""The bounds of a target."""

Json = Mapping[str, Any]


def state(loop: Json | None) -> str:
    """Return whether a config's shares follow quality: `off`, `on` or `frozen`."""
    if loop is None:
        return "off"
    return "frozen" if loop["is_frozen"] else "on"


def bounds_lines(loop: Json | None) -> list[str]:
    """Return the bounds of the loop line by line, as options name them; none where it is off."""
    if loop is None:
        return []
    single = (f"  {target['name']}: {_told(target, TARGET_FIELDS)}" for target in loop["targets"])
    return [f"Loop: {_told(loop, FIELDS)}", *single]


def _told(bounds: Json, names: Iterable[str]) -> str:
    return " ".join(f"{name}={bounds[name]:g}" for name in names)
