"""For how long a shared cache may use an answer (RFC 9111)."""

import re
from collections.abc import Mapping
from typing import NamedTuple

MAX_FRESH = 3600.0
"""Seconds that anything is used at most without asking again."""

_DIRECTIVE = re.compile(r'([a-z-]++)(?:="?([^",]*+)"?)?')
_SECONDS = re.compile(r"[0-9]{1,9}")


class Freshness(NamedTuple):
    """What an answer says of its use.

    Attributes:
        may_keep: Whether it may be kept at all.
        seconds: For how long it may be used without asking the origin; 0 for asking each time.
    """

    may_keep: bool
    seconds: float


def freshness_of(fields: Mapping[str, str]) -> Freshness:
    """Read the header fields of an answer, by names in lower case.

    Without `Cache-Control` the origin is asked each time: an age is not guessed (RFC 9111 §4.2.2), as a live playlist
    looks like any other. `Expires` is not read.
    """
    said = {
        found[1]: found[2] for part in fields.get("cache-control", "").lower().split(",")
        if (found := _DIRECTIVE.fullmatch(part.strip()))
    }  # fmt: skip
    if said.keys() & {"no-store", "private"}:
        return Freshness(may_keep=False, seconds=0.0)
    # A shared cache goes by its own word (RFC 9111 §5.2.2.10).
    lifetime = said.get("s-maxage") or said.get("max-age") or ""
    if "no-cache" in said or not _SECONDS.fullmatch(lifetime):
        return Freshness(may_keep=True, seconds=0.0)
    age = fields.get("age", "").strip()
    spent = float(age) if _SECONDS.fullmatch(age) else 0.0
    return Freshness(may_keep=True, seconds=max(0.0, min(float(lifetime), MAX_FRESH) - spent))
