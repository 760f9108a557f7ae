"""What a process goes on with while a store is away: a closed vocabulary for health, logs and metrics."""

from collections.abc import Collection
from enum import StrEnum


class Fallback(StrEnum):
    """A way to go on without a store."""

    LAST_CONFIG = "last-config"
    """The config in force is the last one that the record told; changes there are not seen."""

    POLLING = "polling"
    """Changes made by other processes are found by looking at the record, not by notices."""

    OWN_TICKETS = "own-tickets"
    """Tickets are not shared: the process counts by itself."""

    OWN_LIMITS = "own-limits"
    """Clients are limited by what this process knows of them."""

    OWN_STATS = "own-stats"
    """What this process serves is not told to the other hosts; it is kept, and told later."""

    NO_QUALITY = "no-quality"
    """What players report is not shared: figures of quality run dry, and what waits longer than a minute is lost."""

    OWN_VERDICTS = "own-verdicts"
    """The processes of this host probe the targets for themselves, and do not hear what others have found."""

    NO_VERDICTS = "no-verdicts"
    """Nobody can be chosen to probe: verdicts get old, and all targets count as usable then."""


class Fallbacks:
    """Those that one process is in."""

    def __init__(self) -> None:
        self._active: set[Fallback] = set()

    @property
    def active(self) -> Collection[Fallback]:
        """Those that it is in now, by name."""
        return sorted(self._active)

    def enter(self, fallback: Fallback) -> bool:
        """Note that the process goes on in this way, and return whether it did not before."""
        new = fallback not in self._active
        self._active.add(fallback)
        return new

    def leave(self, fallback: Fallback) -> bool:
        """Note that it does not need to any more, and return whether it did before."""
        was = fallback in self._active
        self._active.discard(fallback)
        return was
