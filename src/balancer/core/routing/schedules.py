"""Schedules: in which order the tickets of a cycle go to the targets, so that each gets its share evenly.

A schedule is laid out once for a config. Looking a ticket's target up in it costs the same for two targets as for
thousands.
"""

from array import array
from collections.abc import Sequence
from heapq import heappop, heappush

MAX_TARGETS = 2**16
"""Targets that a schedule can tell apart."""


def lay_out(weights: Sequence[int]) -> Sequence[int]:
    """Return a schedule: for ticket t, `schedule[t % len(schedule)]` is the index of its target.

    After any number of tickets from 1 on, each target has had its exact share, rounded up or down.

    Args:
        weights: Of each target, 0 or more, not all 0; a cycle has as many tickets as they are together.

    Raises:
        ValueError: When there are no weights, or too many.
    """
    length = sum(weights)
    if length < 1 or min(weights) < 0 or len(weights) > MAX_TARGETS:
        raise ValueError("weights must be 0 or more, not all 0, and not too many")
    if sorted(weights)[:-1] == [1]:
        return _one_in(length, weights.index(1))
    # The j-th ticket of a target is due between j/w and (j+1)/w of the cycle; whichever is due first comes first.
    # Such an order always exists, and the earliest due date finds it (Baruah et al., Proportionate Progress, 1996).
    # Of equals the later target comes first, so that a first target of weight 1 gets the last ticket.
    waiting = [(0, -(-length // weight), target) for target, weight in enumerate(weights) if weight]
    taken = [0] * len(weights)
    ready: list[tuple[int, int]] = []
    order = array("H")
    for slot in range(length):
        while waiting and waiting[0][0] <= slot:
            _, due, target = heappop(waiting)
            heappush(ready, (due, -target))
        target = -heappop(ready)[1]
        order.append(target)
        taken[target] += 1
        begin, weight = taken[target], weights[target]
        if begin < weight:
            heappush(waiting, (begin * length // weight, -(-(begin + 1) * length // weight), target))
    # Ticket 1 has index 1, and the last ticket of the cycle has index 0.
    return array("H", [order[-1], *order[:-1]])


def _one_in(length: int, rare: int) -> Sequence[int]:
    """Return the schedule of two targets one of which gets a single ticket, the last of the cycle."""
    often = bytes([1 - rare])
    return bytes([rare]) + often * (length - 1)
