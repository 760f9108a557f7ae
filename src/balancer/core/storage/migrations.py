"""Which way a migration goes, and what it costs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

_STEPS = re.compile(r"[+-]\d{1,4}")


class UnknownRevision(Exception):
    """There is no schema revision of that name; the message lists those that there are."""

    def __init__(self, wanted: str, known: Sequence[str]) -> None:
        super().__init__(
            f"there is no schema revision {wanted!r}; there are base, {', '.join(known)} and head, "
            "and steps from the present one such as +1 and -1"
        )
        self.wanted = wanted


class Loss(NamedTuple):
    """Data that goes with a step back.

    Attributes:
        what: In an operator's words: `table api_keys`.
        rows: How many rows of it there are at the moment.
    """

    what: str
    rows: int


@dataclass(frozen=True, slots=True)
class Migration:
    """A way from one schema revision to another.

    Attributes:
        found: The present revision, None when the database has no schema.
        target: The revision to come to, None for none at all.
        is_down: Whether it goes back.
        losses: What is lost on the way.
    """

    found: str | None
    target: str | None
    is_down: bool
    losses: Sequence[Loss] = ()


def resolve(wanted: str, found: str | None, known: Sequence[str]) -> str | None:
    """Return the revision that an operator means, None for the one before all.

    Args:
        wanted: A revision, `head`, `base`, `+1` or `-1`.
        found: The present revision, which is known, or None.
        known: All revisions, the oldest first.

    Raises:
        UnknownRevision: When there is none such.
    """
    places: list[str | None] = [None, *known]
    if wanted == "base":
        return None
    if wanted == "head":
        return places[-1]
    if _STEPS.fullmatch(wanted):
        place = places.index(found) + int(wanted)
        if not 0 <= place < len(places):
            raise UnknownRevision(wanted, known)
        return places[place]
    if wanted not in known:
        raise UnknownRevision(wanted, known)
    return wanted


def steps_down(found: str | None, target: str | None, known: Sequence[str]) -> Sequence[str]:
    """Return the revisions that are undone on the way from one to another, the newest first; none on the way up."""
    places: list[str | None] = [None, *known]
    return known[places.index(target) : places.index(found)][::-1]
