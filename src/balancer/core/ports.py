"""What the domain needs of the outside, in its own words.

Adapters implement these ports. Every call may raise StoreUnavailable.
"""

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from balancer.core.backups import Backup
from balancer.core.configs import CdnConfig, ConfigDocument
from balancer.core.keys import ApiKey, AuditEntry, Identity
from balancer.core.migrations import Migration
from balancer.core.revisions import Edit, Revision, Signature

Clock = Callable[[], datetime]
"""Gives the present time, aware and in UTC."""

LOCK_WAIT = 30.0
"""Seconds that a change of the schema waits for a lock, unless it is told otherwise."""


class CdnConfigs(Protocol):
    """The configs as they are on record. Every change of one records a revision with it, both or none.

    A change whose signature has an attempt that is on record already is not made again: what it made is returned.
    """

    async def create_first(self, config: CdnConfig, signature: Signature) -> None:
        """Record `config`, whose id is 1, unless there is one already. Atomic."""
        ...

    async def create(self, document: ConfigDocument, signature: Signature) -> CdnConfig:
        """Record a new config and return it; its id is greater than any before. Atomic.

        Raises:
            IdempotencyKeyReused: When the attempt's key is that of another request.
            OutcomeUnknown: When it may have been recorded or not.
        """
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

    async def page(self, after: int, limit: int) -> Sequence[CdnConfig]:
        """Return at most `limit` configs with ids above `after`, by id."""
        ...

    async def edit(
        self, config_id: int, edit: Edit, signature: Signature, restored: int | None = None
    ) -> CdnConfig | None:
        """Let `edit` decide by the config as it is at that moment, record that, and return it. Atomic.

        A decision that leaves the document as it was makes no revision. What `edit` raises comes out, and nothing has
        changed then.

        Args:
            config_id: Which config; also a deleted one.
            edit: Decides.
            signature: Signs the revision.
            restored: Number of the revision that this goes back to.

        Returns:
            The config, None when it is deleted.

        Raises:
            ConfigNotFound: When there never was one with that id.
            IdempotencyKeyReused: When the attempt's key is that of another request.
            OutcomeUnknown: When it may have been recorded or not.
        """
        ...


class ConfigHistory(Protocol):
    """The revisions of all configs, also of deleted ones."""

    async def page(self, config_id: int, before: int | None, limit: int) -> Sequence[Revision]:
        """Return at most `limit` revisions with numbers below `before` (None: from the latest), the newest first.

        Raises:
            ConfigNotFound: When there never was a config with that id.
        """
        ...

    async def get(self, config_id: int, number: int) -> Revision:
        """Return one revision.

        Raises:
            RevisionNotFound: When the config has none of that number.
            ConfigNotFound: When there never was a config with that id.
        """
        ...


class ApiKeys(Protocol):
    """The API keys, each by the digest of its secret alone; a revoked one stays on record."""

    async def create_first(self, key: ApiKey) -> bool:
        """Record `key` with id 1 unless there is, or was, one already; return whether it was recorded. Atomic."""
        ...

    async def create(self, key: ApiKey) -> ApiKey:
        """Record a key and return it with its id; the one in `key` does not count. Atomic."""
        ...

    async def find(self, digest: bytes) -> ApiKey | None:
        """Return the key with this digest, also an expired or revoked one, None when there is none."""
        ...

    async def page(self, after: int, limit: int) -> Sequence[ApiKey]:
        """Return at most `limit` keys with ids above `after`, by id; revoked ones too."""
        ...

    async def working(self, now: datetime) -> Collection[bytes]:
        """Return the digests of all keys that work at this time; they may be remembered for a second."""
        ...

    async def revoke(self, key_id: int, signature: Signature, *, even_last: bool = False) -> ApiKey:
        """Revoke a key and return it; one that is revoked already stays as it is. Atomic.

        Args:
            key_id: Which key.
            signature: Who revokes it, and when.
            even_last: Whether it may be the last admin's key that works at that time.

        Raises:
            KeyNotFound: When there is none with that id.
            LastAdminKey: When it is that one, and may not; two admins who revoke each other's key at once are served
                one after the other.
        """
        ...

    async def use(self, key_id: int, now: datetime) -> None:
        """Note when a key was last used."""
        ...


class IdentityTokens(Protocol):
    """Tokens that the operator's identity provider has signed (RFC 7519)."""

    async def identify(self, token: str) -> Identity:
        """Return who the token says is asking.

        Raises:
            Unauthenticated: When it is not a token for this program, or not valid now.
        """
        ...


class AuditTrail(Protocol):
    """All that was ever changed, and by whom."""

    def read(self) -> AsyncGenerator[AuditEntry, None]:
        """Yield every change of a config or a key, the oldest first."""
        ...


class SharedLimits(Protocol):
    """The debts that clients have made at all processes together; see `balancer.core.limits`."""

    async def add(self, policy: str, debts: Mapping[str, float], most: float) -> Mapping[str, float]:
        """Add to the debts of clients and return what they are now. Atomic for each client.

        Args:
            policy: Whose debts.
            debts: By client, in seconds.
            most: Seconds of debt that a client can have: what is above that is forgotten.
        """
        ...


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

    def listen(self) -> AsyncGenerator[CdnConfig | None, None]:
        """Yield the default config whenever another process, or this one, has published it. Never ends by itself.

        None says that it listens: at the beginning, and from time to time.
        """
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


class Backups(Protocol):
    """All that is on record, to a file and from it."""

    async def save(self, path: str) -> Backup:
        """Write the record, as it is at one moment, to a new file that only its owner can read. The service may run.

        Raises:
            UnusableBackup: When there is such a file already, or it cannot be written.
            SchemaMismatch: When the database is empty, or a newer program has migrated it.
        """
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
