"""What knowing who asks needs of the outside. Every call may raise StoreUnavailable."""

from collections.abc import AsyncGenerator, Collection, Sequence
from datetime import datetime
from typing import Protocol

from balancer.core.access.keys import ApiKey, AuditEntry, Identity
from balancer.core.configs.revisions import Signature


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
        """Yield every change of a config, of the rules or of a key, the oldest first."""
        ...
