"""Revisions: every state that a config has ever been in, who made it so, when and why. They are never rewritten."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from balancer.core.configs.documents import ConfigDocument

MAX_REASON = 500
"""Characters in the reason of a change."""

MAX_ACTOR = 300
"""Characters in the name of who made a change."""


MAX_IDEMPOTENCY_KEY = 255
"""Characters in an idempotency key."""


class Attempt(NamedTuple):
    """A request to change something that may be sent again; see draft-ietf-httpapi-idempotency-key-header.

    Attributes:
        key: Chosen by the client, unique among the requests of one actor.
        digest: SHA-256 of the request in hex, to tell a repetition from another request with the same key.
    """

    key: str
    digest: str


class Signature(NamedTuple):
    """Who makes a change, when, and why.

    Attributes:
        actor: `key:3 Alice's laptop`, `token:alice`, `command-line`, `first-start`.
        at: Aware, in UTC.
        reason: One line, None when none was given.
        attempt: None when the request cannot be told from others.
    """

    actor: str
    at: datetime
    reason: str | None = None
    attempt: Attempt | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """One state of a config.

    Attributes:
        config_id: Which config.
        number: 1 for the first one, one more with every change.
        document: All that admins decide in it; None when the change deleted the config.
        signed: Who made it, when and why.
        restored: The number of the revision that a rollback went back to, None for any other change.
    """

    config_id: int
    number: int
    document: ConfigDocument | None
    signed: Signature
    restored: int | None = None


class Standing(NamedTuple):
    """A config at the moment when it is to be changed, while nobody else can change it.

    Attributes:
        config_id: Which config.
        revision: The number of its latest revision.
        document: None when it is deleted.
        is_default: Whether the redirect uses it.
    """

    config_id: int
    revision: int
    document: ConfigDocument | None
    is_default: bool


Edit = Callable[[Standing], ConfigDocument | None]
"""Decides what a config becomes: another document, the same, or None to delete it. Pure; may raise a domain error."""
