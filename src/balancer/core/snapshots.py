"""A config compiled for the redirect: its targets, and the schedule that says which ticket goes to which of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from balancer.core.configs import CdnConfig
from balancer.core.schedules import lay_out
from balancer.core.videos import OriginUrl


@dataclass(frozen=True, slots=True)
class OriginTarget:
    """The origin itself: the player gets the URL that it asked for."""

    name: str = "origin"

    def location(self, video: OriginUrl, carried: str) -> str:
        """Return `http://s1.origin-cluster/video/…`."""
        return video.at_origin(carried)


@dataclass(frozen=True, slots=True)
class CdnTarget:
    """A CDN: the origin's first label becomes the first segment of the path."""

    host: str
    name: str = "cdn"

    def location(self, video: OriginUrl, carried: str) -> str:
        """Return `http://cdn.example.com/s1/video/…`."""
        return video.at_cdn(self.host, carried)


Target = OriginTarget | CdnTarget


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a redirect needs to know, in one immutable object that is swapped by one assignment.

    Attributes:
        config: What it was compiled from.
        targets: Where requests may go.
        schedule: For ticket t, `schedule[t % len(schedule)]` is the index of its target.
    """

    config: CdnConfig
    targets: tuple[Target, ...]
    schedule: Sequence[int]

    @classmethod
    def of(cls, config: CdnConfig) -> "Snapshot":
        """Compile a config: tickets that N divides go to the origin, all others to the CDN."""
        rate = config.distribution_rate
        weights = (1, rate - 1) if rate else (0, 1)
        return cls(config, (OriginTarget(), CdnTarget(config.cdn_host)), lay_out(weights))

    def target_of(self, ticket: int) -> Target:
        """Return the target of a ticket: one look-up, however many targets there are."""
        return self.targets[self.schedule[ticket % len(self.schedule)]]
