"""A session and how it moves: as few sessions change their target as a change of the shares needs.

Every session has a target and a position there, from 0 to 1. The positions of a target's sessions are spread evenly, so
the part of them that lies above a number is known without a table of sessions. When a target's share is cut from `a` to
`b`, the sessions with positions above b/a leave, and spread over the targets whose shares grew, in proportion to their
growth. Whoever stays, and whoever comes, gets a position in the new share, so that the next change works alike.
"""

from collections.abc import Mapping
from typing import NamedTuple

from balancer.core.routing.sticky import SLOTS

GOLDEN = 0.6180339887498949
"""The golden ratio's fraction: its multiples spread most evenly of all (Knuth, TAOCP 3, §6.4)."""

SHIFT = 0.41421356237309515
"""Another irrational number, so that the sequences of two slots are not shifted by a multiple of the first."""

LAST = 1 - 2**-32
"""The greatest position: rounding must not push a session out of its target."""


class Seat(NamedTuple):
    """Where a session sits.

    Attributes:
        target: Names its target.
        position: Among the target's sessions, from 0 to below 1.
    """

    target: int
    position: float


def first_position(ticket: int, cycle: int) -> float:
    """Return the position of the session with this ticket among those of its target.

    The sessions of one slot of the schedule get the multiples of an irrational number, which fill the range evenly at
    any time.
    """
    turn, slot = divmod(ticket, cycle)
    return min((turn * GOLDEN + slot * SHIFT) % 1.0, LAST)


def slot_without_key(ticket: int, now: int) -> int:
    """Return the slot of a session that has no key: those of one process are spread evenly over all slots."""
    return int((ticket + now) * GOLDEN % 1.0 * SLOTS)


def seat_after(seat: Seat, before: Mapping[int, float], now: Mapping[int, float]) -> Seat:
    """Return where a session sits when the shares have changed.

    Args:
        seat: Where it sat.
        before: By target, its share of the sessions then, from 0 to 1.
        now: The same at present, at least one share above 0.
    """
    had, has = before.get(seat.target, 0.0), now.get(seat.target, 0.0)
    if has and has >= had:
        return Seat(seat.target, _within(seat.position * had / has))
    kept = has / had if had else 0.0
    if seat.position < kept:
        return Seat(seat.target, _within(seat.position / kept))
    place = (seat.position - kept) / (1 - kept)
    growth = [(target, grown) for target, share in now.items() if (grown := share - before.get(target, 0.0)) > 0]
    if not growth:
        # Only rounding can cut a share where none grows.
        target = max(now, key=lambda name: now[name])
        return Seat(target, seat.position)
    place *= sum(grown for _, grown in growth)
    target, grown = growth.pop(0)
    while growth and place >= grown:
        place -= grown
        target, grown = growth.pop(0)
    # Those that were there before sit below, so the newcomers take what is above them.
    return Seat(target, _within((before.get(target, 0.0) + min(place, grown)) / now[target]))


def _within(position: float) -> float:
    return min(max(position, 0.0), LAST)
