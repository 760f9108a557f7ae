"""A config: where a request may go and in which shares."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto

from balancer.core.errors import InvalidInput

MAX_DISTRIBUTION_RATE = 1_000_000
"""The rarest that the origin can be asked short of never: once in so many requests."""

MAX_NAME = 100
"""Characters in the name of a config."""


@dataclass(frozen=True, slots=True)
class ConfigDocument:
    """What admins decide in a config: a revision records the whole of it.

    Attributes:
        cdn_host: `cdn.example.com`, with `:port` when it is not the default one; sound already, from `parse_cdn_host`.
        distribution_rate: N: every N-th request goes to the origin; 1 is always, 0 is never.
        name: What admins call it, None when it has no name.

    Raises:
        InvalidInput: When a value is one that a config cannot have.
    """

    cdn_host: str
    distribution_rate: int
    name: str | None = None

    def __post_init__(self) -> None:
        check_distribution_rate(self.distribution_rate)
        if self.name is not None:
            check_text("name", self.name, MAX_NAME)


@dataclass(frozen=True, slots=True)
class CdnConfig:
    """One revision of a config, sound in every field.

    Attributes:
        id: 1 or more. The config with the lowest id is the default one, which the redirect uses.
        cdn_host: As in its document.
        distribution_rate: As in its document.
        revision: 1 for a new config, one more with every change. Orders what reaches a process by different roads.
        created_at: Aware, in UTC.
        updated_at: Aware, in UTC; None until the first change.
        name: As in its document.
    """

    id: int
    cdn_host: str
    distribution_rate: int
    revision: int
    created_at: datetime
    updated_at: datetime | None
    name: str | None = None

    @property
    def document(self) -> ConfigDocument:
        """What admins decide in it."""
        return ConfigDocument(self.cdn_host, self.distribution_rate, self.name)

    def is_newer_than(self, other: "CdnConfig | None") -> bool:
        """Tell whether this supersedes `other` where both were default configs."""
        return other is None or (self.id == other.id and self.revision > other.revision)

    def with_document(self, document: ConfigDocument) -> "CdnConfig":
        """Return this config as it would be with another document."""
        return replace(
            self, cdn_host=document.cdn_host, distribution_rate=document.distribution_rate, name=document.name
        )


class Keep(Enum):
    """The type of `KEEP`."""

    KEEP = auto()


KEEP = Keep.KEEP
"""Stands where a field is to stay as it is; None is a value that a field can have."""


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """What to change in a config.

    Raises:
        InvalidInput: When nothing is given.
    """

    cdn_host: str | Keep = KEEP
    distribution_rate: int | Keep = KEEP
    name: str | Keep | None = KEEP

    def __post_init__(self) -> None:
        if self.cdn_host is KEEP and self.distribution_rate is KEEP and self.name is KEEP:
            fault = "or 'distribution_rate' or 'name' must be given; there is nothing to change"
            raise InvalidInput("cdn_host", fault)

    def applied_to(self, document: ConfigDocument) -> ConfigDocument:
        """Return the document with the change.

        Raises:
            InvalidInput: When a value is one that a config cannot have.
        """
        return ConfigDocument(
            document.cdn_host if isinstance(self.cdn_host, Keep) else self.cdn_host,
            document.distribution_rate if isinstance(self.distribution_rate, Keep) else self.distribution_rate,
            document.name if isinstance(self.name, Keep) else self.name,
        )


def check_distribution_rate(rate: int) -> int:
    """Return `rate` if a config can have it.

    Raises:
        InvalidInput: When it is not from 0 to `MAX_DISTRIBUTION_RATE`.
    """
    if not 0 <= rate <= MAX_DISTRIBUTION_RATE:
        raise InvalidInput("distribution_rate", f"must be from 0 to {MAX_DISTRIBUTION_RATE}, not {rate}")
    return rate


def check_text(field: str, text: str, limit: int) -> str:
    """Return a name or a reason that people gave, if it is one line of 1 to `limit` printable characters.

    Raises:
        InvalidInput: When it is not.
    """
    if not text.strip() or len(text) > limit or not text.isprintable():
        raise InvalidInput(field, f"must be 1 to {limit} printable characters on one line")
    return text
