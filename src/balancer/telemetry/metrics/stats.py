"""What was served lately, over all processes of the host, and over all hosts that share a store."""

from collections import Counter
from dataclasses import dataclass

from balancer.core.clocks import Clock
from balancer.core.errors import StoreUnavailable
from balancer.core.health.ports import SharedStats
from balancer.telemetry.metrics.board import Board
from balancer.telemetry.metrics.recent import STEP, STEPS, Name, counted
from balancer.telemetry.metrics.reporting import Reporting, name_of

MAX_WINDOW = 3600
"""Seconds that can be asked for."""

if MAX_WINDOW // STEP >= STEPS:
    raise AssertionError("the steps that are kept do not cover the longest window")


@dataclass(frozen=True)
class Served:
    """What was counted.

    Attributes:
        begin: Seconds since 1970 from which on; the beginning of a step.
        end: Seconds since 1970 until when.
        hosts: How many were counted: this one, and those that told anything in that time.
        is_fleet: Whether all hosts were asked: not where there is nothing that they share, or where that is away.
        counts: How often each name was counted.
    """

    begin: float
    end: float
    hosts: int
    is_fleet: bool
    counts: Counter[Name]


class Stats:
    """Counts what was served.

    Args:
        board: What the processes of this host count.
        reporting: Brings this process's part up to date.
        clock: Tells the time.
        shared: What other hosts tell; None where there is one.
    """

    def __init__(self, board: Board, reporting: Reporting, clock: Clock, shared: SharedStats | None) -> None:
        self._board = board
        self._reporting = reporting
        self._clock = clock
        self._shared = shared

    async def served(self, window: int) -> Served:
        """Return what was served in the last `window` seconds, from 1 to `MAX_WINDOW`, rounded up to whole steps.

        This host is counted up to now, others up to their last report, a second ago.
        """
        now = self._clock().timestamp()
        first, last = int(now - window) // STEP, int(now) // STEP
        others, names = await self._others(range(first, last + 1))
        # After the others have answered, so that nothing of here is older than what they say.
        self._reporting.report()
        here = counted(self._board.read(), first)
        return Served(first * STEP, now, 1 + len(names or ()), names is not None, here + others)

    async def _others(self, steps: range) -> tuple[Counter[Name], set[str] | None]:
        """Return what the other hosts have counted, and their names; None when they cannot be asked."""
        counts: Counter[Name] = Counter()
        names: set[str] = set()
        if self._shared is None:
            return counts, None
        try:
            found = await self._shared.load(steps)
        except StoreUnavailable:
            return counts, None
        for step in found:
            for source, told in step.items():
                host = source.partition("/")[0]
                if host != self._board.name:
                    names.add(host)
                    for text, count in told.items():
                        counts[name_of(text)] += count
        return counts, names
