"""What watching the service needs of the outside. Every call may raise StoreUnavailable."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class SharedStats(Protocol):
    """What the processes of all hosts have served, in steps of time. Old steps are forgotten after some hours."""

    async def save(self, source: str, steps: Mapping[int, Mapping[str, int]]) -> None:
        """Replace what one process has counted in each of these steps.

        Args:
            source: Names the process, of all hosts.
            steps: By the number of the step: how often each name was counted.
        """
        ...

    async def load(self, steps: range) -> Sequence[Mapping[str, Mapping[str, int]]]:
        """Return for each step what each process has counted, by its name; steps that nobody knows are left out."""
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
