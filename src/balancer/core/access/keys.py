"""API keys and roles: who may do what."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from hashlib import sha256
from typing import NamedTuple

from balancer.core.configs.revisions import Revision
from balancer.core.errors import Forbidden
from balancer.core.rules.revisions import RuleRevision

KEY_PREFIX = "vbk_"
"""Begins every API key, so that people and scanners recognise one."""

KEY_BYTES = 32
"""Random bytes in an API key: 256 bits."""

MAX_KEY_NAME = 100
"""Characters in the name of an API key."""


class Role(IntEnum):
    """What a request may do; a higher one may all that a lower one may."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3

    @property
    def label(self) -> str:
        """The name as people write it: `viewer`."""
        return self.name.lower()

    @classmethod
    def of(cls, label: str) -> "Role":
        """Return the role that people call so.

        Raises:
            ValueError: When there is none.
        """
        for role in cls:
            if role.label == label:
                return role
        raise ValueError(f"must be one of {', '.join(role.label for role in cls)}")


class Identity(NamedTuple):
    """Who makes a request.

    Attributes:
        actor: As it stands in the history: `key:3 Alice's laptop`, `token:alice`.
        role: None when no role goes with the credentials.
    """

    actor: str
    role: Role | None

    def check(self, needed: Role) -> None:
        """See that this may do what needs a role.

        Raises:
            Forbidden: When it may not.
        """
        if self.role is None or self.role < needed:
            raise Forbidden(needed.label, self.role.label if self.role else None)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key without its secret.

    Attributes:
        id: 1 or more; 0 before it is on record.
        name: What admins call it.
        role: What it may do.
        digest: SHA-256 of the secret. The secret has 256 random bits, so a slow hash would add nothing.
        created_at: Aware, in UTC, as all the times.
        created_by: The actor.
        expires_at: None when it does not expire.
        last_used_at: To the minute; None when it never was.
        revoked_at: None when it is not revoked.
        revoked_by: The actor.
    """

    id: int
    name: str
    role: Role
    digest: bytes = field(repr=False)
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None

    def works_at(self, now: datetime) -> bool:
        """Tell whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    @property
    def actor(self) -> str:
        """How it stands in the history."""
        return f"key:{self.id} {self.name}"


class AuditEntry(NamedTuple):
    """One change, of a config, of the rules or of a key.

    Attributes:
        at: Aware, in UTC.
        actor: Who made it.
        action: `config.created`, `config.changed`, `config.rolled-back`, `config.deleted`, `rules.replaced`,
            `rules.rolled-back`, `key.created` or `key.revoked`.
        reason: None when none was given.
        revision: What a config became; None when something else was changed.
        key: A key as it is now; None when something else was changed.
        rules: What the rules became; None when something else was changed.
    """

    at: datetime
    actor: str
    action: str
    reason: str | None
    revision: Revision | None
    key: ApiKey | None
    rules: RuleRevision | None = None


def read_time(text: str) -> datetime:
    """Return a time that people wrote by ISO 8601, aware and in UTC.

    Args:
        text: `2027-06-30T14:00:00+02:00`, or `2027-06-30` for the midnight that begins that day in UTC. A time of day
            without an offset is one in UTC.

    Raises:
        ValueError: When it is anything else, or a year that there is not in UTC.
    """
    found = datetime.fromisoformat(text.strip())
    try:
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be a year from 1 to 9999 in UTC") from None


def digest_of(secret: str) -> bytes:
    """Return what is stored of a key."""
    return sha256(secret.encode()).digest()
