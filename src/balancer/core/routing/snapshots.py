"""A config compiled for the redirect: its targets, and the schedule that says which ticket goes to which of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from balancer.core.configs.documents import CdnConfig
from balancer.core.routing.schedules import lay_out
from balancer.core.urls.videos import OriginUrl


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


class RoutingReason(StrEnum):
    """Why a request that is redirected goes where it goes: a closed vocabulary, with `RefusalReason` for the others."""

    SCHEDULE = "schedule"
    ONLY_TARGET = "only-target"


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

    def place_of(self, ticket: int) -> int:
        """Return which of the targets a ticket stands for: one look-up, however many there are."""
        return self.schedule[ticket % len(self.schedule)]

    @property
    def weights(self) -> list[int]:
        """Of each target, how many tickets of a cycle are its own."""
        return [self.schedule.count(index) for index in range(len(self.targets))]

    @property
    def shares(self) -> dict[str, float]:
        """Of each target, by name, which part of the requests it is to have, from 0 to 1."""
        cycle = len(self.schedule)
        return {target.name: weight / cycle for target, weight in zip(self.targets, self.weights, strict=True)}

    @property
    def reason(self) -> RoutingReason:
        """Why a ticket's target is its target."""
        return RoutingReason.ONLY_TARGET if len(self.schedule) in self.weights else RoutingReason.SCHEDULE

    def counts(self, requests: int) -> list[int]:
        """Return for each target how many of the tickets from 1 to `requests` are its own."""
        cycles, rest = divmod(requests, len(self.schedule))
        begun = self.schedule[1 : rest + 1]
        return [cycles * weight + begun.count(index) for index, weight in enumerate(self.weights)]
