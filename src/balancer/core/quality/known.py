"""What is known of the quality at all targets, over all processes: the windows, and how far they reach."""

from collections.abc import Iterable, Mapping

from balancer.core.quality.aggregates import NOTHING, Qualities, Quality, merge, merged
from balancer.core.quality.windows import STEP, STEPS, Windows


class KnownQuality:
    """Keeps the windows of one process, and adds each up once when somebody asks.

    One thread may add while another one reads.
    """

    def __init__(self) -> None:
        self._windows = Windows()
        self._newest = 0
        self._told: frozenset[int] = frozenset()
        # Another object whenever a window may be another one.
        self._edition: object = None
        self._groups: dict[int, tuple[object, Qualities]] = {}
        self._targets: dict[int, tuple[object, Mapping[str, Quality]]] = {}

    @property
    def end(self) -> int:
        """Until when reports are counted, in seconds since 1970."""
        return (self._newest + 1) * STEP

    def go_on(self, newest: int) -> None:
        """Let the windows end with this step."""
        if newest != self._newest:
            self._newest, self._edition = newest, object()

    def add(self, step: int, heard: Iterable[Qualities]) -> None:
        """Take in what processes have heard in a step; each step is to be told once."""
        self._windows.add(step, merge(heard))
        self._edition = object()

    def note(self, steps: Iterable[int]) -> None:
        """Note that all have told what they heard in these steps, also where that was nothing."""
        self._told = frozenset(step for step in {*self._told, *steps} if step > self._newest - STEPS)

    @property
    def told_until(self) -> int:
        """The end of the newest step that all have told, in seconds since 1970; 0 before any."""
        return (max(self._told) + 1) * STEP if self._told else 0

    def lacks(self, minutes: int) -> bool:
        """Tell whether steps of a window are still to be taken in, as by a process that has just started."""
        return any(step not in self._told for step in self._windows.steps(minutes, self._newest))

    def groups(self, minutes: int) -> Qualities:
        """Return the quality of each group in a window of 1, 5 or 60 minutes."""
        edition, (known, found) = self._edition, self._groups.get(minutes, (self, {}))
        if known is not edition:
            found = self._windows.quality(minutes, self._newest)
            self._groups[minutes] = edition, found
        return found

    def targets(self, minutes: int) -> Mapping[str, Quality]:
        """Return the quality at each target, by its name, in a window of 1, 5 or 60 minutes."""
        edition, (known, found) = self._edition, self._targets.get(minutes, (self, {}))
        if known is not edition:
            sums: dict[str, Quality] = {}
            for group, quality in self.groups(minutes).items():
                sums[group.target] = merged(sums.get(group.target, NOTHING), quality)
            self._targets[minutes] = edition, sums
            return sums
        return found
