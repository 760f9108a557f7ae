"""What the care of the record needs of the outside. Every call may raise StoreUnavailable."""

from datetime import datetime
from typing import Protocol

from balancer.core.storage.backups import Backup, Restoration
from balancer.core.storage.migrations import Migration

LOCK_WAIT = 30.0
"""Seconds that a change of the schema waits for a lock, unless it is told otherwise."""


class Schema(Protocol):
    """The shape of the database that holds the record."""

    async def make_ready(self) -> None:
        """See that the program can work: an embedded database is brought up to date, a shared one is only checked.

        Raises:
            SchemaMismatch: When a shared database has another schema than the program needs.
        """
        ...

    async def check(self) -> None:
        """See that the database has the schema that the program needs; changes nothing.

        Raises:
            SchemaMismatch: When it has another one, or none.
        """
        ...

    async def plan(self, revision: str) -> Migration:
        """Return the way to a revision, `head`, `base`, `+1` or `-1`; changes nothing.

        Raises:
            UnknownRevision: When there is none such.
            SchemaMismatch: When a newer program has migrated the database.
        """
        ...

    def upgrade(self, revision: str = "head", wait: float = LOCK_WAIT) -> None:
        """Bring the schema up to a revision. Blocks, and must not be called where an event loop runs.

        Args:
            revision: As `plan` takes it.
            wait: Seconds to wait for a lock that somebody else holds; the work itself has no limit.
        """
        ...

    def downgrade(self, revision: str, wait: float = LOCK_WAIT) -> None:
        """Take the schema back to a revision, `-1` for one step. Blocks as `upgrade` does."""
        ...


class StoreClock(Protocol):
    """The clock of a store that several hosts share.

    Attributes:
        name: Of the store: `database` or `redis`.
    """

    name: str

    async def now(self) -> datetime:
        """Return the time there, aware, as it was at some moment of the call."""
        ...


class Backups(Protocol):
    """All that is on record, to a file and from it."""

    async def save(self, path: str) -> Backup:
        """Write the record, as it is at one moment, to a new file that only its owner can read. The service may run.

        Raises:
            UnusableBackup: When there is such a file already, or it cannot be written.
            SchemaMismatch: When the database is empty, or a newer program has migrated it.
        """
        ...

    async def plan(self, path: str, *, replace: bool) -> Restoration:
        """Return what `restore` would do, and raise what it would; read all of the file, and change nothing."""
        ...

    async def restore(self, path: str, *, replace: bool) -> Backup:
        """Put what a file holds on record, and bring it to the schema of this program; all of it or nothing.

        Args:
            path: The file.
            replace: Whether to delete what is on record before.

        Raises:
            UnusableBackup: When the file is damaged, is none of ours, or comes from a newer program.
            RecordNotEmpty: When something is on record and may not be replaced.
            SchemaMismatch: When a newer program has migrated the database.
        """
        ...
