"""A config: where a request may go and in which shares."""

from dataclasses import dataclass
from datetime import datetime

from balancer.core.errors import InvalidConfig

MAX_DISTRIBUTION_RATE = 1_000_000
"""The rarest that the origin can be asked short of never: once in so many requests."""


@dataclass(frozen=True, slots=True)
class CdnConfig:
    """One revision of a config, sound in every field.

    Attributes:
        id: 1 or more. The config with the lowest id is the default one, which the redirect uses.
        cdn_host: `cdn.example.com`, with `:port` when it is not the default one.
        distribution_rate: N: every N-th request goes to the origin; 1 is always, 0 is never.
        revision: 1 for a new config, one more with every change. Orders what reaches a process by different roads.
        created_at: Aware, in UTC.
        updated_at: Aware, in UTC; None until the first change.
    """

    id: int
    cdn_host: str
    distribution_rate: int
    revision: int
    created_at: datetime
    updated_at: datetime | None

    def is_newer_than(self, other: "CdnConfig | None") -> bool:
        """Tell whether this supersedes `other` where both were default configs."""
        return other is None or (self.id == other.id and self.revision > other.revision)


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """What to change in a config; None leaves a field as it is.

    Raises:
        InvalidConfig: When it changes nothing or sets a rate out of range. The host is sound already: it comes from
            `parse_cdn_host`.
    """

    cdn_host: str | None = None
    distribution_rate: int | None = None

    def __post_init__(self) -> None:
        if self.cdn_host is None and self.distribution_rate is None:
            raise InvalidConfig("cdn_host", "or 'distribution_rate' must be given; there is nothing to change")
        if self.distribution_rate is not None:
            check_distribution_rate(self.distribution_rate)


def check_distribution_rate(rate: int) -> int:
    """Return `rate` if a config can have it.

    Raises:
        InvalidConfig: When it is not from 0 to `MAX_DISTRIBUTION_RATE`.
    """
    if not 0 <= rate <= MAX_DISTRIBUTION_RATE:
        raise InvalidConfig("distribution_rate", f"must be from 0 to {MAX_DISTRIBUTION_RATE}, not {rate}")
    return rate
