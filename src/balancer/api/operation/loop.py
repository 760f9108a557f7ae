"""What the loops do: shares that follow the quality that players report."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from dishka.integrations.litestar import FromDishka

from balancer.api.framework.endpoints import Endpoints
from balancer.api.openapi.operations import Time, one_of
from balancer.core.access.keys import Role
from balancer.core.configs.documents import CdnConfig
from balancer.core.health.watching import Watchlist
from balancer.core.loop.known import KnownLoops
from balancer.core.loop.moves import Idle, Seen, Why
from balancer.core.loop.telling import Event

ENDPOINTS = Endpoints("targets")


class LoopShare(msgspec.Struct):
    """What the loop gives one target. All is null while nothing is known of it.

    Attributes:
        target: Its name.
        configured: The share of sessions that the config gives it with the targets that are usable now; 0 when it is
            not.
        share: The share that the loop gives it.
        part: Of its weight that the loop leaves it for that, from 0.001 to 1.
        worse_since: Since when it is worse than another target; null when it is not.
        good_since: Since when it is not; null when it is.
        tries: How often in a row it was worse again soon after share came back; each doubles the time of the way back.
    """

    target: str
    configured: float | None
    share: float | None
    part: float | None
    worse_since: Time | None
    good_since: Time | None
    tries: int | None


class LoopConfig(msgspec.Struct):
    """The loop of one config.

    Attributes:
        config: The id of the config.
        idle: Why nothing moves; null when something does.
        targets: What it gives each of them, in order.
    """

    config: int
    idle: Annotated[str, one_of(Idle)] | None
    targets: list[LoopShare]


class LoopSeen(msgspec.Struct):
    """How a target fared when share moved.

    Attributes:
        sessions: How many that rests on.
        networks: From how many networks.
        troubled: Percentage of the sessions that starved, failed or were late.
        starved: Percentage whose buffer ran empty.
        failed: Percentage that reported an error.
        late: Percentage that took long to start.
    """

    sessions: int
    networks: int
    troubled: float
    starved: float
    failed: float
    late: float


class LoopEvent(msgspec.Struct):
    """What has moved from one target to another within a minute, for one reason.

    Attributes:
        config: The id of the config.
        at: The beginning of the minute.
        source: The target that lost.
        to: The one that gained.
        points: Percentage points of all sessions.
        why: The reason.
        worse_by: By how many points more of the first one's sessions were in trouble; null when that could not be told.
        at_least: The same after all doubts.
        source_seen: How the first one fared.
        to_seen: How the other one fared.
    """

    config: int
    at: Time
    source: str
    to: str
    points: float
    why: Annotated[str, one_of(Why)]
    worse_by: float | None
    at_least: float | None
    source_seen: LoopSeen
    to_seen: LoopSeen

    @classmethod
    def of(cls, event: Event) -> "LoopEvent":
        """Return what clients see of an event."""
        move = event.move
        seen = _seen(move.source_seen), _seen(move.to_seen)
        points = round(move.points, 2)
        return cls(event.config, event.at, move.source, move.to, points, move.why, move.worse_by, move.at_least, *seen)


class LoopAnswer(msgspec.Struct):
    """What all loops do.

    Attributes:
        configs: Those in use that have bounds, by id.
        events: What has moved, the latest first, at most 100.
        age_seconds: Since this process last heard from the one that moves shares; null when no config has bounds.
    """

    configs: list[LoopConfig]
    events: list[LoopEvent]
    age_seconds: float | None


@ENDPOINTS.endpoint("GET /loop", Role.VIEWER, answer="What they do.")
async def read_loop(watchlist: FromDishka[Watchlist], known: FromDishka[KnownLoops]) -> LoopAnswer:
    """Read what the loop does.

    For every config in use that has bounds: the shares that it gives, why it moves nothing, and what it has moved.
    """
    configs = sorted((config for config in watchlist.configs if config.document.loop), key=lambda config: config.id)
    age, current = known.age, known.current
    events = [LoopEvent.of(event) for event in reversed(current.events)] if current else []
    return LoopAnswer([_config(config, known) for config in configs], events, None if age is None else round(age, 3))


def _config(config: CdnConfig, known: KnownLoops) -> LoopConfig:
    names = [target.name for target in config.document.targets]
    return LoopConfig(config.id, known.idle(config), [_share(config, name, known) for name in names])


def _share(config: CdnConfig, name: str, known: KnownLoops) -> LoopShare:
    loop = known.about(config)
    if loop is None:
        return LoopShare(name, None, None, None, None, None, None)
    standing = loop.state.standings.get(name)
    return LoopShare(
        name,
        round(loop.configured.get(name, 0.0), 4),
        round(loop.shares.get(name, 0.0), 4),
        loop.parts.get(name, 1.0),
        time_of(standing.worse_since) if standing else None,
        time_of(standing.good_since) if standing else None,
        standing.tries if standing else 0,
    )


def time_of(seconds: float | None) -> datetime | None:
    """Return a time that is known in seconds since 1970."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _seen(seen: Seen) -> LoopSeen:
    return LoopSeen(*seen)
