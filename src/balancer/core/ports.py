"""What the domain needs of the outside, in its own words.

Adapters implement these ports. Every call may raise StoreUnavailable.
"""

from collections.abc import AsyncGenerator, Callable
from datetime import datetime
from typing import Protocol

from balancer.core.configs import CdnConfig, ConfigChange

Clock = Callable[[], datetime]
"""Gives the present time, aware and in UTC."""


class CdnConfigs(Protocol):
    """The configs as they are on record."""

    async def create_first(self, config: CdnConfig) -> None:
        """Record `config`, whose id is 1, unless there is one already. Atomic."""
        ...

    async def default(self) -> CdnConfig:
        """Return the config with the lowest id.

        Raises:
            NoConfig: When there is none at all.
        """
        ...

    async def get(self, config_id: int) -> CdnConfig:
        """Return one config.

        Raises:
            ConfigNotFound: When there is none with that id.
        """
        ...

    async def change(self, config_id: int, change: ConfigChange, now: datetime) -> CdnConfig:
        """Apply a change to the config as it is at that moment, and return the result. Atomic.

        A change that leaves every field as it was makes no new revision.

        Raises:
            ConfigNotFound: When there is none with that id.
        """
        ...


class ConfigCopies(Protocol):
    """A copy of the default config outside of the database, to start from while the database is down."""

    async def load(self) -> CdnConfig | None:
        """Return the copy, None when there is none that can be read."""
        ...

    async def save(self, config: CdnConfig) -> None:
        """Replace the copy. Atomic."""
        ...


class ConfigNotices(Protocol):
    """Word of changes, from the process that made one to all others. Some may be lost."""

    async def publish(self, config: CdnConfig) -> None:
        """Tell the others that the default config is now this."""
        ...

    def listen(self) -> AsyncGenerator[CdnConfig, None]:
        """Yield the default config whenever another process, or this one, has published it. Never ends by itself."""
        ...


class Tickets(Protocol):
    """The ticket sequence that all processes and hosts share."""

    async def lease(self, cycle: int, size: int) -> range:
        """Take the next `size` tickets of the sequence for schedules of `cycle` tickets; nobody else gets them. Atomic.

        Args:
            cycle: The length of the schedule.
            size: How many; a multiple of `cycle`.
        """
        ...


class Schema(Protocol):
    """The shape of the database that holds the record."""

    async def make_ready(self) -> None:
        """See that the program can work: an embedded database is brought up to date, a shared one is only checked.

        Raises:
            SchemaMismatch: When a shared database has another schema than the program needs.
        """
        ...

    def upgrade(self, revision: str = "head") -> None:
        """Bring the schema up to a revision. Blocks, and must not be called where an event loop runs."""
        ...

    def downgrade(self, revision: str) -> None:
        """Take the schema back to a revision, `-1` for one step. Blocks as `upgrade` does."""
        ...
