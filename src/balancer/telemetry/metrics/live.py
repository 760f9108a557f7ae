"""How things are right now, for whoever looks on: worked out at most once a second, however many look."""

import asyncio
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import NamedTuple

from balancer.core.clocks import Stopwatch
from balancer.telemetry.metrics.board import Board, View
from balancer.telemetry.metrics.meters import REDIRECT_BOUNDS
from balancer.telemetry.metrics.recent import STEP, Name
from balancer.telemetry.metrics.stats import Stats, Timeline

WINDOW = 600
"""Seconds of the timeline."""

INTERVAL = 1.0
"""Seconds between two looks."""

LIFETIME = 0.9 * INTERVAL
"""Seconds for which a look counts for everybody."""

SPAN = 60.0
"""Seconds over which latency is told."""


class Look(NamedTuple):
    """What one look has found.

    Attributes:
        timeline: What was served in the last ten minutes.
        rates: Of each name, how often it is counted in a second.
        workers: How many of this host are alive.
        fallbacks: In which of them how many go on without a store.
        p50: Seconds within which half of the redirects of this host were answered, lately; None without any.
        p99: The same for 99 of 100.
    """

    timeline: Timeline
    rates: Mapping[Name, float]
    workers: int
    fallbacks: Mapping[str, int]
    p50: float | None
    p99: float | None


class LiveNumbers:
    """Looks at all workers and hosts.

    Args:
        stats: What was served.
        board: What the processes of this host show.
        stopwatch: Tells when a look is over.
    """

    def __init__(self, stats: Stats, board: Board, stopwatch: Stopwatch) -> None:
        self._stats = stats
        self._board = board
        self._stopwatch = stopwatch
        self._looking = asyncio.Lock()
        self._last: tuple[float, Look] | None = None
        # When the classes of latency were as they were, for as long as that matters.
        self._times: deque[tuple[float, list[float]]] = deque()

    async def look(self) -> Look:
        """Return how things are, as of less than a second ago."""
        async with self._looking:
            now = self._stopwatch()
            if self._last is None or now - self._last[0] >= LIFETIME:
                timeline = await self._stats.timeline(WINDOW)
                self._last = now, self._found(timeline, self._board.read(), now)
            return self._last[1]

    def _found(self, timeline: Timeline, views: Sequence[View], now: float) -> Look:
        alive = [view for view in views if view.alive]
        fallbacks: Counter[str] = Counter()
        for view in alive:
            fallbacks.update(
                {entry.labels[0]: 1 for entry in view.entries if entry.name == "fallback" and entry.values[0]}
            )
        recent = self._recent_times(views, now)
        return Look(timeline, rates(timeline), len(alive), fallbacks, quantile(0.5, recent), quantile(0.99, recent))

    def _recent_times(self, views: Sequence[View], now: float) -> list[float]:
        """Return how many redirects of the last minute were in each class of latency.

        Where nobody has looked for a while, these are all since the start.
        """
        times = [0.0] * (len(REDIRECT_BOUNDS) + 1)
        for view in views:
            for entry in view.entries:
                if entry.name == "timed":
                    times = [sum(pair) for pair in zip(times, entry.values, strict=False)]
        while self._times and now - self._times[0][0] > SPAN:
            self._times.popleft()
        before = self._times[0][1] if self._times else [0.0] * len(times)
        self._times.append((now, times))
        return [max(0.0, one - other) for one, other in zip(times, before, strict=True)]


def rates(timeline: Timeline) -> dict[Name, float]:
    """Return how often each name is counted in a second, over the last ten.

    Of the step before the present one counts the part that is less than ten seconds ago.
    """
    present = int(timeline.end) // STEP
    passed = timeline.end / STEP - present
    counts, before = (timeline.steps.get(step, Counter[Name]()) for step in (present, present - 1))
    return {name: (counts[name] + before[name] * (1 - passed)) / STEP for name in counts | before}


def quantile(part: float, times: Sequence[float]) -> float | None:
    """Return the seconds below which a part of the redirects were answered, None without any.

    Within a class they count as evenly spread, and those beyond the last bound as at it.

    Args:
        part: From 0 to 1.
        times: How many were in each class of `REDIRECT_BOUNDS`, and beyond the last.
    """
    wanted, seen = part * sum(times), 0.0
    if not wanted:
        return None
    for (lower, upper), count in zip(pairwise((0.0, *REDIRECT_BOUNDS, inf)), times, strict=True):
        if seen + count >= wanted and count:
            return lower + (upper - lower) * (wanted - seen) / count if upper < inf else lower
        seen += count
    return REDIRECT_BOUNDS[-1]
