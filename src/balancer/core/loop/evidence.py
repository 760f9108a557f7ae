"""What can be believed of what players report: comparisons of targets that a few liars cannot turn.

A session is *in trouble* when it starved, told an error or was late, in the window that is looked at; it counts once.
Three things keep liars small:

- A network counts for at most a fifth of all sessions, however many it claims to have.
- Networks are spread over five *cells* of the same size. Two targets are compared in each cell, country by country, and
  the cell that speaks most for a difference is left out.
- One of twenty sessions may lie, and where a target has more sessions than its share, they may be liars from elsewhere
  (all together one of twenty again). A difference counts by what is left of it then, and after two standard errors.
"""

import heapq
import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from balancer.core.loop.moves import Seen, Why
from balancer.core.quality import distinct
from balancer.core.quality.aggregates import Qualities, Quality

CELLS = 5
"""Parts into which networks are spread, and networks that are needed."""

MOST = 1 / CELLS
"""The part of all sessions that one network can make up."""

LIARS = 0.05
"""The part of all sessions that may lie."""

STANDARD_ERRORS = 2.0
PERCENT = 100.0


class Sums(NamedTuple):
    """Sessions of one target somewhere, and how many of them were in which trouble; estimates, so not whole."""

    sessions: float = 0.0
    troubled: float = 0.0
    starved: float = 0.0
    failed: float = 0.0
    late: float = 0.0

    @property
    def rate(self) -> float:
        """The part of the sessions that were in trouble."""
        return self.troubled / self.sessions if self.sessions else 0.0

    def times(self, factor: float) -> "Sums":
        """Return a part of them."""
        return Sums(*(number * factor for number in self))

    def plus(self, other: "Sums") -> "Sums":
        """Return these and others together."""
        return Sums(*(one + two for one, two in zip(self, other, strict=True)))


NOBODY = Sums()

Cell = dict[str, dict[str, Sums]]
"""By country and target, what was heard there."""


class Compared(NamedTuple):
    """How two targets compare; both from -1 to 1.

    Attributes:
        worse_by: The part of its sessions by which more of one's are in trouble than of the other's.
        at_least: What is left of that after all doubts.
    """

    worse_by: float
    at_least: float


class Evidence:
    """What was heard of some targets in a window.

    Args:
        qualities: Of all groups; those of other targets are not looked at.
        likely: By name of each target that is compared, the part of all sessions that it can be expected to have.
    """

    def __init__(self, qualities: Qualities, likely: Mapping[str, float]) -> None:
        heard = _by_network(qualities, likely)
        self.networks = len(heard)
        self._likely = likely
        self._networks_of = dict.fromkeys(likely, 0)
        self._cells: list[Cell] = []
        self._totals = dict.fromkeys(likely, NOBODY)
        for network in heard.values():
            for target in {target for _, target in network}:
                self._networks_of[target] += 1
        if self.networks >= CELLS:
            self._cells = _cells(heard)
        for cell in self._cells:
            for targets in cell.values():
                for target, sums in targets.items():
                    self._totals[target] = self._totals[target].plus(sums)
        self._all = sum(total.sessions for total in self._totals.values())

    @property
    def is_narrow(self) -> bool:
        """Whether it comes from too few networks to say anything."""
        return self.networks < CELLS

    def sessions(self, target: str) -> float:
        """Return how many sessions of a target count."""
        return self._totals[target].sessions

    def rate(self, target: str) -> float:
        """Return which part of them was in trouble."""
        return self._totals[target].rate

    def seen(self, target: str) -> Seen:
        """Return the figures of a target."""
        total = self._totals[target]
        rates = (PERCENT * number / total.sessions if total.sessions else 0.0 for number in total[1:])
        return Seen(round(total.sessions), self._networks_of[target], *(round(rate, 1) for rate in rates))

    def cause(self, one: str, other: str) -> Why:
        """Return which trouble differs most between two targets, the first one having more of it."""
        a, b = (self._totals[name].times(1 / max(self.sessions(name), 1.0)) for name in (one, other))
        found = {
            Why.STARVATION: a.starved - b.starved,
            Why.ERRORS: a.failed - b.failed,
            Why.START_UP: a.late - b.late,
        }
        # Of equals `max` returns the first.
        return max(found, key=lambda why: found[why])

    def risen(self, target: str, before: float) -> float:
        """Return by how much the part of a target's sessions in trouble has risen at least, below 0 where it has not.

        Args:
            target: Its name.
            before: The part that was in trouble before.
        """
        total = self._totals[target]
        lies = self._lies(target)
        if not total.sessions or lies >= 1:
            return -1.0
        return (total.rate - lies) / (1 - lies) - before - STANDARD_ERRORS * _error(before, total.sessions)

    def compare(self, one: str, other: str) -> Compared | None:
        """Return by how much one target is worse than another, None when that cannot be told."""
        found = [cell for cell in (_difference(cell, one, other) for cell in self._cells) if cell]
        if len(found) < CELLS:
            return None
        left_out = max(weight for _, weight in found)
        worse_by = _mean_of_lowest(found, left_out)
        a, b = self._totals[one], self._totals[other]
        # To leave out the cell that says most never raises the mean, so the part that may lie is no larger by it.
        lies_a, lies_b = self._lies(one), self._lies(other)
        if max(lies_a, lies_b) >= 1:
            return Compared(worse_by, -1.0)
        # Liars say of the one that it starves, and of the other that it does not. The standard error is that of two
        # targets that are both as good as the other one, so that it does not grow with what is to be found.
        doubt = lies_a * (1 - a.rate) / (1 - lies_a) + lies_b * b.rate / (1 - lies_b)
        error = _error(b.rate, 1 / (1 / a.sessions + 1 / b.sessions))
        return Compared(worse_by, max(-1.0, worse_by - doubt - STANDARD_ERRORS * error))

    def _lies(self, target: str) -> float:
        """Return which part of a target's sessions may lie."""
        sessions = self.sessions(target)
        excess = max(0.0, sessions - self._likely[target] * self._all)
        return min(LIARS * self._all, LIARS * sessions + excess) / sessions if sessions else 1.0


def _sums(quality: Quality) -> Sums:
    sessions = distinct.count(quality.sessions)
    troubles = (quality.starved, quality.failed, quality.late)
    told = [registers for registers in troubles if registers]
    troubled = b""
    for registers in told:
        troubled = distinct.united(troubled, registers)
    # These are estimates, and a part must not be more than the whole.
    counts = [min(sessions, distinct.count(registers)) for registers in troubles]
    together = max(counts) if len(told) < 2 else min(sessions, distinct.count(troubled))  # noqa: PLR2004  one, or more
    return Sums(sessions, together, *counts)


def _by_network(qualities: Qualities, targets: Iterable[str]) -> dict[str, dict[tuple[str, str], Sums]]:
    """Return for each network, by country and target, what was heard there."""
    wanted = frozenset(targets)
    heard: dict[str, dict[tuple[str, str], Sums]] = {}
    for group, quality in qualities.items():
        if group.target in wanted and (sums := _sums(quality)).sessions > 0:
            heard.setdefault(group.network, {})[group.country, group.target] = sums
    return heard


def _most_of(sizes: Iterable[float]) -> float:
    """Return how many sessions a network may count for, so that none is more than a fifth of what counts."""
    falling = sorted(sizes, reverse=True)
    rest = sum(falling)
    for larger, size in enumerate(falling[: CELLS - 1]):
        # With so many networks at the limit, and the others as they are.
        limit = MOST * rest / (1 - larger * MOST)
        if size <= limit:
            return limit
        rest -= size
    return rest


def _cells(heard: Mapping[str, Mapping[tuple[str, str], Sums]]) -> list[Cell]:
    """Spread networks over cells of nearly the same size, the largest ones first."""
    sizes = {network: sum(sums.sessions for sums in places.values()) for network, places in heard.items()}
    limit = _most_of(sizes.values())
    cells: list[Cell] = [{} for _ in range(CELLS)]
    heap = [(0.0, place) for place in range(CELLS)]
    for network in sorted(sizes, key=lambda name: (-sizes[name], name)):
        size, place = heap[0]
        factor = min(1.0, limit / sizes[network])
        heapq.heapreplace(heap, (size + sizes[network] * factor, place))
        for (country, target), sums in heard[network].items():
            targets = cells[place].setdefault(country, {})
            targets[target] = targets.get(target, NOBODY).plus(sums.times(factor))
    return cells


def _difference(cell: Cell, one: str, other: str) -> tuple[float, float] | None:
    """Return by how much one target is worse in a cell, and how many sessions the countries have where both serve.

    Countries are weighted as by Mantel and Haenszel, so that one in which a target has few sessions counts for little.
    """
    top = bottom = sessions = 0.0
    for targets in cell.values():
        if one in targets and other in targets:
            a, b = targets[one], targets[other]
            weight = a.sessions * b.sessions / (a.sessions + b.sessions)
            top += weight * (a.rate - b.rate)
            bottom += weight
            sessions += sum(sums.sessions for sums in targets.values())
    return (top / bottom, sessions) if bottom else None


def _mean_of_lowest(values: Iterable[tuple[float, float]], left_out: float) -> float:
    """Return the mean of weighted values without the highest ones, which have this weight."""
    total = weights = 0.0
    for value, weight in sorted(values, reverse=True):
        ignored = min(weight, left_out)
        left_out -= ignored
        total += value * (weight - ignored)
        weights += weight - ignored
    return total / weights


def _error(rate: float, sessions: float) -> float:
    """Return the standard error of a part of so many sessions; half of them is where it is greatest."""
    # One more session in trouble than there was, as none at all would leave no error.
    likely = min(0.5, (rate * sessions + 1) / (sessions + 2))
    return math.sqrt(likely * (1 - likely) / sessions)
