"""What watching the service needs of the outside. Every call may raise StoreUnavailable."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from balancer.core.configs.checks import Check
from balancer.core.health.verdicts import Outcome, Verdicts
from balancer.core.loop.ports import SharedLoops

LEASE = 5.0
"""Seconds for which a process leads unless it asks again: how long at most nobody probes after one was killed, beside
the second until another process tries."""


class SharedStats(Protocol):
    """What the processes of all hosts have served, in steps of time. Old steps are forgotten after some hours."""

    async def save(self, source: str, steps: Mapping[int, Mapping[str, int]]) -> None:
        """Replace what one process has counted in each of these steps.

        Args:
            source: Names the process, of all hosts.
            steps: By the number of the step: how often each name was counted.
        """
        ...

    async def load(self, steps: range) -> Mapping[int, Mapping[str, Mapping[str, int]]]:
        """Return by step what each process has counted, by its name; steps that nobody knows are left out."""
        ...


class Dependency(Protocol):
    """A store that the program talks to, as whoever watches it sees it.

    Attributes:
        name: `database`, `redis`, `data folder` or `identity provider`.
        fallback: What goes on without it, in one clause.
        interval: Seconds between two looks at it.
    """

    name: str
    fallback: str
    interval: float = 2.0

    async def ping(self) -> None:
        """Ask the store for the least that it can answer."""
        ...


class LocalFolder(Dependency, Protocol):
    """The folder of what this host keeps for itself."""


class Prober(Protocol):
    """Asks targets whether they work. Never raises StoreUnavailable: a target that does not answer is an outcome."""

    async def probe(self, check: Check) -> Outcome:
        """Ask once, and return what was found, within the check's time-out.

        Args:
            check: With an absolute URL.
        """
        ...


class Leadership(Protocol):
    """Which one of several processes probes, and moves shares, for all of them."""

    async def lead(self) -> bool:
        """Take the lead, or keep it, for `LEASE` seconds; return whether this process has it now. Atomic.

        To be called again well before that time is over. A process that died loses the lead by itself.
        """
        ...

    async def leave(self) -> None:
        """Give the lead up, where this process has it: another one may take it at once."""
        ...


class SharedVerdicts(Protocol):
    """What the process that probes tells all others."""

    async def save(self, verdicts: Verdicts) -> None:
        """Replace what was told before. Atomic."""
        ...

    async def load(self) -> Verdicts | None:
        """Return what was told last, however long ago; None when that is nothing, or cannot be read."""
        ...


class PeerGroup(NamedTuple):
    """Processes that have one prober between them, and hear what it finds: those of a fleet, or those of a host.

    The same process works out the shares that follow quality.
    """

    leadership: Leadership
    verdicts: SharedVerdicts
    loops: SharedLoops
