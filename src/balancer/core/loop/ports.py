"""What the loop needs of the outside. Every call may raise StoreUnavailable."""

from typing import Protocol

from balancer.core.loop.telling import Loops


class SharedLoops(Protocol):
    """What the process that moves shares tells all others, and whoever comes after it goes on with."""

    async def save(self, loops: Loops) -> None:
        """Replace what was told before. Atomic."""
        ...

    async def load(self) -> Loops | None:
        """Return what was told last, however long ago; None when that is nothing, or cannot be read."""
        ...
