"""What rules need of the outside."""

from collections.abc import Sequence
from typing import Protocol

from balancer.core.configs.revisions import Signature
from balancer.core.rules.revisions import RuleEdit, RuleEntry, RuleRevision


class ClientPlaces(Protocol):
    """Where clients are, as a database in memory says. No call of it blocks or fails."""

    @property
    def edition(self) -> int:
        """Another number whenever another database is in use: what was found before may be out of date."""
        ...

    @property
    def has_countries(self) -> bool:
        """Whether it knows countries."""
        ...

    @property
    def has_asns(self) -> bool:
        """Whether it knows autonomous systems."""
        ...

    def country(self, address: str) -> str | None:
        """Return the country of an address: `DE`; None when it is not known."""
        ...

    def asn(self, address: str) -> int | None:
        """Return the number of the autonomous system of an address, None when it is not known."""
        ...


class PlaceFiles(ClientPlaces, Protocol):
    """Places from databases in files, which may be replaced while they are in use."""

    async def look(self) -> None:
        """Take those that have changed. One that cannot be used is reported, and the one before it goes on."""
        ...


class RuleRecord(Protocol):
    """The rules as they are on record, and every revision of them. Every call may raise StoreUnavailable."""

    async def latest(self, known: RuleRevision | None = None) -> RuleRevision:
        """Return the latest revision, `NO_RULES` while there is none.

        Args:
            known: The one that the caller has: itself is returned where it is still the latest, and then nothing but
                its number is read.
        """
        ...

    async def get(self, number: int) -> RuleRevision:
        """Return one revision; 0 is `NO_RULES`.

        Raises:
            RuleRevisionNotFound: When there is none of that number.
        """
        ...

    async def page(self, before: int | None, limit: int) -> Sequence[RuleEntry]:
        """Return at most `limit` revisions with numbers below `before` (None: from the latest), the newest first."""
        ...

    async def edit(self, edit: RuleEdit, signature: Signature, restored: int | None = None) -> RuleRevision:
        """Let `edit` decide by the rules as they are at that moment, record that, and return it. Atomic.

        A decision that leaves them as they were makes no revision. What `edit` raises comes out, and nothing has
        changed then. No config that a rule names can be deleted meanwhile. A change whose signature has an attempt that
        is on record already is not made again: what it made is returned.

        Args:
            edit: Decides.
            signature: Signs the revision.
            restored: Number of the revision that this goes back to.

        Raises:
            InvalidInput: When a rule names a config that there is not; names `rules.live.config_id`.
            IdempotencyKeyReused: When the attempt's key is that of another request.
            OutcomeUnknown: When it may have been recorded or not.
        """
        ...
