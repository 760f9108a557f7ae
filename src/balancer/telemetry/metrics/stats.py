"""What was served lately, over all processes of the host, and over all hosts that share a store."""

from collections import Counter
from collections.abc import Collection, Mapping
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


@dataclass(frozen=True)
class Timeline:
    """The same step by step.

    Attributes:
        end: Seconds since 1970 until when.
        is_fleet: As of `Served`.
        steps: By number, how often each name was counted in each step, in order.
        hosts: By number of the step, the other hosts that told anything.
    """

    end: float
    is_fleet: bool
    steps: Mapping[int, Counter[Name]]
    hosts: Mapping[int, Collection[str]]

    def served(self, window: int) -> Served:
        """Return what was served in the last `window` seconds of it, rounded up to whole steps."""
        first = int(self.end - window) // STEP
        counts: Counter[Name] = Counter()
        for step, found in self.steps.items():
            if step >= first:
                counts.update(found)
        hosts = {host for step, names in self.hosts.items() if step >= first for host in names}
        return Served(first * STEP, self.end, 1 + len(hosts), self.is_fleet, counts)


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
        return (await self.timeline(window)).served(window)

    async def timeline(self, window: int) -> Timeline:
        """Return the same step by step."""
        now = self._clock().timestamp()
        steps = range(int(now - window) // STEP, int(now) // STEP + 1)
        others = await self._others(steps)
        # After the others have answered, so that nothing of here is older than what they say.
        self._reporting.report()
        counts = counted(self._board.read(), steps)
        hosts: dict[int, Collection[str]] = {}
        for step, told in (others or {}).items():
            hosts[step] = {host for source in told if (host := _host_of(source)) != self._board.name}
            for source, found in told.items():
                if _host_of(source) != self._board.name:
                    counts[step].update({name_of(text): count for text, count in found.items()})
        return Timeline(now, others is not None, counts, hosts)

    async def _others(self, steps: range) -> Mapping[int, Mapping[str, Mapping[str, int]]] | None:
        """Return what all hosts have told, with the steps that it is about; None when they cannot be asked."""
        if self._shared is None:
            return None
        try:
            return await self._shared.load(steps)
        except StoreUnavailable:
            return None


def _host_of(source: str) -> str:
    return source.partition("/")[0]
