"""Begins sessions fast: what those of one target have in common is made once.

Nothing here decides. A test compares each answer with that of `Steering.steer`, which takes any request.
"""

import re
from collections.abc import Callable
from typing import NamedTuple
from zlib import crc32

from balancer.core.steering.pathways import Pathways
from balancer.core.steering.sessions import GOLDEN, LAST, SHIFT, slot_without_key
from balancer.core.steering.tokens import Tokens, place_of

# What players send first, in characters that need no care: a pathway without quotation marks, or in those of dash.js
# while that has measured nothing, and so does not come back.
_PLAIN = re.compile(
    rb"(?:config=([0-9]{1,10})(?:&|$))?"
    rb"(?:_(?:HLS|DASH)_pathway=([A-Za-z0-9-]*+)(?:&_(?:HLS|DASH)_throughput=[0-9]*+)?"
    rb"|_DASH_pathway=%22([A-Za-z0-9-]++)%22(?:&_DASH_throughput=)?)?"
)


class _Start(NamedTuple):
    """What is the same for all sessions of a target that report the same pathway.

    Attributes:
        at: The place of the target among the shares.
        told: That of the target which the first answer names.
        first: The index of that one.
        listed: The names of all usable targets, best first, as a list in JSON.
        is_urgent: Whether they are to ask again soon.
    """

    at: int
    told: int
    first: int
    listed: bytes
    is_urgent: bool


def read_plain(query: bytes) -> tuple[int, bytes] | None:
    """Read the plain query of a session that begins: its config, 0 for none, and the pathway that it reports.

    None is one that needs more care.
    """
    found = _PLAIN.fullmatch(query)
    return (int(found[1] or 0), found[2] or found[3] or b"") if found else None


class Beginnings:
    """Begins the sessions of a route without a key, under the policy `exact`.

    Args:
        pathways: Of the route.
        tokens: Carry the state of sessions.
        take: Takes a ticket for a session.
    """

    def __init__(self, pathways: Pathways, tokens: Tokens, take: Callable[[], int]) -> None:
        route = pathways.route
        self._pathways = pathways
        self._seal = tokens.seal
        self._take = take
        self._choose, self._cycle = route.policy.choose, route.policy.cycle
        self._config_id, self._shares = route.config.id, pathways.packed
        # By the index of a session's target: where no usable pathway is reported, and by the one that is.
        self._nowhere: dict[int, _Start] = {}
        self._reported: dict[bytes, dict[int, _Start]] = {b"": self._nowhere}

    def begin(self, pathway: bytes, now: int) -> tuple[bytes, int, bytes, float, bool]:
        """Begin a session.

        Args:
            pathway: Where it says that it is.
            now: The time in Unix seconds.

        Returns:
            Its token, the index of the target that it is told, the names of all usable targets, best first, as a list
            in JSON, its position, and whether it is to ask again soon.
        """
        starts = self._reported.get(pathway)
        if starts is None:
            starts = self._starts_at(pathway)
        ticket = self._take()
        index = self._choose(b"", ticket)[0]
        start = starts.get(index)
        if start is None:
            start = starts[index] = self._start(index, pathway)
        at, told, first, listed, is_urgent = start
        # `first_position`, without the cost of a call.
        turn, place = divmod(ticket, self._cycle)
        position = min((turn * GOLDEN + place * SHIFT) % 1.0, LAST)
        slot = slot_without_key(ticket, now)
        token = self._seal(self._config_id, now, slot, position, at, told, self._shares)
        return token, first, listed, position, is_urgent

    def _starts_at(self, pathway: bytes) -> dict[int, _Start]:
        """Return the sessions that report a pathway; of names that mean nothing there are too many to remember them."""
        if not self._pathways.usable(crc32(pathway)):
            return self._nowhere
        return self._reported.setdefault(pathway, {})

    def _start(self, index: int, pathway: bytes) -> _Start:
        pathways = self._pathways
        target, reported = pathways.target_at(index), crc32(pathway)
        told = reported if pathways.usable(reported) else target
        first, listed = pathways.listed(told, 0)
        is_urgent = pathways.is_unwell or told != target
        return _Start(pathways.places[target], place_of(told, pathways.places), first, listed, is_urgent)
