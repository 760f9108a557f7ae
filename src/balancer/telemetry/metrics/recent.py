"""What was served over the last hour, in steps of ten seconds.

Beside the numbers of a slot stands a ring of steps, which only its process writes to: how much was counted in each. So
what a worker that is gone had served is still there, and nobody waits for a lock. With a store that hosts share, each
process writes its steps there as well, whole and by name, so that writing one again changes nothing.
"""

from collections import Counter
from collections.abc import Iterable

from balancer.telemetry.metrics.board import FREE, SLOT_WORDS, Entry, Slot, View

STEP = 10
"""Seconds of a step."""

STEPS = 366
"""Steps that are kept: an hour, and some that are just beginning or ending."""

COLUMNS = 256
"""Names whose steps are kept; those that come later count for the total alone."""

KEPT = frozenset({"redirected", "refused", "limited"})

Name = tuple[str, ...]
"""What was counted, with its labels: `("redirected", "1", "cdn")`."""

# First how much of each name is in the ring already, then the steps, each with its time before its numbers.
_TOLD = FREE
_RING = _TOLD + COLUMNS
_ROW = COLUMNS + 1

if _RING + STEPS * _ROW > SLOT_WORDS:
    raise AssertionError("a slot is too small for its ring")


class RecentSteps:
    """The ring of this process.

    Args:
        slot: Where it stands.
    """

    def __init__(self, slot: Slot) -> None:
        self._slot = slot

    def turn(self, entries: Iterable[Entry], now: float) -> None:
        """Put what was counted since the last turn into the step of `now`, in seconds since 1970.

        Args:
            entries: Those of the slot.
            now: Also of a clock that was put back: steps that have been are added to.
        """
        words, step = self._slot.words, int(now) // STEP
        row = _RING + step % STEPS * _ROW
        if words[row] != step:
            for index in range(row + 1, row + _ROW):
                words[index] = 0.0
            words[row] = step
        for column, (_, total) in enumerate(_kept(entries)):
            told = _TOLD + column
            if new := total - words[told]:
                words[row + 1 + column] += new
                words[told] = total

    def steps(self, entries: Iterable[Entry], first: int) -> dict[int, Counter[Name]]:
        """Return what was counted in each step from `first` on."""
        return _steps(self._slot.words, [name for name, _ in _kept(entries)], first)


def counted(views: Iterable[View], steps: range) -> dict[int, Counter[Name]]:
    """Return what the processes of a host have counted in each of some steps, of which the last one is now."""
    found: dict[int, Counter[Name]] = {step: Counter() for step in steps}
    for view in views:
        kept = list(_kept(view.entries))
        for column, (name, total) in enumerate(kept):
            # What is in no step yet was counted within the last second.
            found[steps[-1]][name] += round(total - view.words[_TOLD + column])
        for step, counts in _steps(view.words, [name for name, _ in kept], steps[0]).items():
            # By a clock that was put back, a step may lie ahead.
            found[min(step, steps[-1])] += counts
    return {step: +counts for step, counts in found.items()}


def _kept(entries: Iterable[Entry]) -> Iterable[tuple[Name, float]]:
    kept = [entry for entry in entries if entry.name in KEPT][:COLUMNS]
    return [((entry.name, *entry.labels), entry.values[0]) for entry in kept]


def _steps(words: "memoryview[float]", names: list[Name], first: int) -> dict[int, Counter[Name]]:
    found = {}
    for row in range(_RING, _RING + STEPS * _ROW, _ROW):
        if words[row] >= first > 0:
            counts = words[row + 1 : row + 1 + len(names)].tolist()
            found[int(words[row])] = Counter({name: round(count) for name, count in zip(names, counts, strict=True)})
    return found
