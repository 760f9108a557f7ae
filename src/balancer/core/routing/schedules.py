"""Schedules: in which order the tickets of a cycle go to the targets, so that each gets its share evenly.

A schedule is laid out once for a config. Looking a ticket's target up in it costs the same for two targets as for
sixty-four.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

MAX_TARGETS = 2**8
"""Targets that a schedule can tell apart: a slot is one byte."""

STRETCH = 200
"""Slots that are laid out between two pauses, in about a tenth of a millisecond."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Whose turn it is at each ticket of a cycle.

    Attributes:
        slots: For ticket t, `slots[t % len(slots)]` is the index of its target.
        weights: By target index, how many tickets of a cycle are its own; together they are the cycle.
    """

    slots: bytes
    weights: tuple[int, ...]

    def counts(self, requests: int) -> list[int]:
        """Return by target index how many of the tickets from 1 to `requests` are its own."""
        cycles, begun = divmod(requests, len(self.slots))
        counts = [cycles * weight for weight in self.weights]
        # The heaviest target gets what the others leave, so that its many slots need not be counted.
        heaviest = max(range(len(counts)), key=self.weights.__getitem__)
        left = begun
        for index, weight in enumerate(self.weights):
            if weight and index != heaviest:
                # Ticket 1 has slot 1.
                had = self.slots.count(index, 1, begun + 1)
                counts[index] += had
                left -= had
        counts[heaviest] += left
        return counts


def lay_out(weights: Sequence[int], pause: Callable[[], None] | None = None) -> Schedule:
    """Return the schedule of targets with these weights.

    After any number of tickets from 1 on, each target has had its exact share, rounded up or down.

    Args:
        weights: By target index, 0 or more, not all 0. A cycle has as many tickets as they are together, divided by
            their greatest common divisor.
        pause: Called every `STRETCH` slots, so that a thread that lays out can let others run.

    Raises:
        ValueError: When there are no weights, or too many.
    """
    divisor = math.gcd(*weights)
    if divisor < 1 or min(weights) < 0 or len(weights) > MAX_TARGETS:
        raise ValueError("weights must be 0 or more, not all 0, and not too many")
    reduced = tuple(weight // divisor for weight in weights)
    if sorted(reduced)[:-1] == [1]:
        return Schedule(_one_in(sum(reduced), reduced.index(1)), reduced)
    order = _in_order(reduced, pause)
    # Ticket 1 has slot 1, and the last ticket of the cycle has slot 0.
    return Schedule(bytes([order[-1], *order[:-1]]), reduced)


def _in_order(weights: Sequence[int], pause: Callable[[], None] | None) -> bytearray:
    """Return the targets of the tickets of a cycle, from the first ticket to the last.

    The j-th ticket of a target is due between j/w and (j+1)/w of the cycle; whichever is due first comes first. Such an
    order always exists, and the earliest due date finds it (Baruah et al., Proportionate Progress, 1996). Of equals
    the later target comes first, so that a first target of weight 1 gets the last ticket.
    """
    length, order, taken = sum(weights), bytearray(), [0] * len(weights)
    # A ticket is one number for the heap: its due date, then its target, counted from the end.
    last = MAX_TARGETS - 1
    ready = [-(-length // weight) * MAX_TARGETS + last - target for target, weight in enumerate(weights) if weight]
    ready.sort()
    waiting: dict[int, list[int]] = {}
    for slot in range(length):
        if pause and not slot % STRETCH:
            pause()
        for ticket in waiting.pop(slot, ()):
            heappush(ready, ticket)
        target = last - heappop(ready) % MAX_TARGETS
        order.append(target)
        taken[target] += 1
        begin, weight = taken[target], weights[target]
        start = begin * length // weight
        ticket = -(-(begin + 1) * length // weight) * MAX_TARGETS + last - target
        # Never in this slot: inside a reduced cycle, the earliest due date finishes ahead of any due date that falls
        # within a slot.
        waiting.setdefault(start, []).append(ticket)
    return order


def _one_in(length: int, rare: int) -> bytes:
    """Return the slots of two targets one of which gets a single ticket, the last of the cycle."""
    often = bytes([1 - rare])
    return bytes([rare]) + often * (length - 1)
