"""How things are, again and again: what the console shows, and what anybody may follow."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count
from typing import Annotated, Literal

import msgspec
from dishka.integrations.litestar import FromDishka
from litestar.enums import HttpMethod
from litestar.openapi.datastructures import ResponseSpec
from litestar.response.base import ASGIResponse

from balancer.api.console.streams import MAX_STREAMS, EventStream, Streams, event
from balancer.api.framework.endpoints import Endpoints
from balancer.api.framework.guards import client_of
from balancer.api.framework.inputs import AnyRequest, read_integer
from balancer.api.framework.parameters import query
from balancer.api.openapi.operations import Time, one_of
from balancer.api.operation.stats import StatsAnswer, stats_of
from balancer.api.operation.targets import TargetState, states_of
from balancer.core.access.authentication import Authenticator
from balancer.core.access.keys import Role
from balancer.core.clocks import Clock
from balancer.core.configs.documents import PolicyName
from balancer.core.errors import BalancerError, StoreUnavailable, TooManyStreams
from balancer.core.health.fallbacks import Fallback
from balancer.core.health.known import Heeded
from balancer.core.health.watching import Watchlist
from balancer.core.quality.known import KnownQuality
from balancer.core.routing.reasons import RoutingReason
from balancer.core.routing.redirects import Redirects
from balancer.problems import problem_of
from balancer.telemetry.health import Watchman
from balancer.telemetry.metrics.live import INTERVAL, LiveNumbers, Look
from balancer.telemetry.metrics.recent import STEP
from balancer.telemetry.metrics.stats import Timeline

ENDPOINTS = Endpoints("stats")

STATS_WINDOW = 300
"""Seconds of the statistics, as `GET /stats` has them if it is not asked for others."""

RENEWED = 3
"""Steps that are told again with each event: others tell of theirs a little later."""

CHECK = 2
"""Events between two looks at whether the credentials still count."""

MAX_EVENTS = 1_000_000

EVENTS = query(
    "events",
    "How many events to send; without it they end when the client leaves.",
    f"must be from 1 to {MAX_EVENTS}",
    minimum=1,
    maximum=MAX_EVENTS,
)


class LiveConfig(msgspec.Struct):
    """A config that is in force.

    Attributes:
        id: Its id.
        name: What admins call it, or null.
        revision: In force in this process.
        policy: How requests are spread.
        reason: Why requests go where they go, whichever they are.
        shares: By target, which part of the requests it is to have now, from 0 to 1.
        redirects_per_second: Over the last ten seconds.
    """

    id: int
    name: str | None
    revision: int
    policy: Annotated[str, one_of(PolicyName)]
    reason: Annotated[str, one_of(RoutingReason)]
    shares: dict[str, float]
    redirects_per_second: float


class LiveStep(msgspec.Struct):
    """What was served in ten seconds.

    Attributes:
        begin: Seconds since 1970 at which they begin.
        redirects: By id of the config and by target.
        refusals: Of all reasons together.
    """

    begin: int
    redirects: dict[str, dict[str, int]]
    refusals: int


class Live(msgspec.Struct):
    """How things are, for all workers of this host, or for all hosts that share a Redis.

    Attributes:
        at: As of when.
        status: Of this process, as `GET /health/ready` tells it.
        workers: How many of this host are alive.
        fallbacks: How many of them go on without a store, by how they do.
        redirects_per_second: Over the last ten seconds.
        refusals_per_second: The same.
        p50_ms: Within which time half of the redirects of this host were answered in the last minute, from a request's
            bytes to its answer; null without any.
        p99_ms: The same for 99 of 100.
        default: The id of the default config; null while none is in force.
        configs: Those in force, by id.
        targets: As `GET /targets` tells them.
        stats: As `GET /stats` tells them for the last five minutes.
        steps: The last ten minutes in the first event, and in the others what may have changed since.
    """

    at: Time
    status: Literal["ok", "degraded", "unable"]
    workers: int
    fallbacks: dict[Annotated[str, one_of(Fallback)], int]
    redirects_per_second: float
    refusals_per_second: float
    p50_ms: float | None
    p99_ms: float | None
    default: int | None
    configs: list[LiveConfig]
    targets: list[TargetState]
    stats: StatsAnswer
    steps: list[LiveStep]


class Scene:
    """Everything that an event tells of.

    Args:
        numbers: What is counted.
        watchman: How this process is.
        redirects: What is in force.
        watchlist: The targets.
        heeded: What is known of them.
        quality: How players fare.
        clock: Tells the time.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - made by the table of parts alone
        self,
        numbers: LiveNumbers,
        watchman: Watchman,
        redirects: Redirects,
        watchlist: Watchlist,
        heeded: Heeded,
        quality: KnownQuality,
        clock: Clock,
    ) -> None:
        self._numbers = numbers
        self._watchman = watchman
        self._redirects = redirects
        self._watchlist = watchlist
        self._heeded = heeded
        self._quality = quality
        self._clock = clock

    async def seen(self, *, is_first: bool) -> Live:
        """Return how things are; the first event of a stream has all steps."""
        look = await self._numbers.look()
        ready = await self._watchman.look()
        plan = self._redirects.plan
        steps = _steps(look.timeline)
        return Live(
            at=datetime.fromtimestamp(look.timeline.end, UTC),
            status=ready.status,
            workers=look.workers,
            fallbacks=dict(look.fallbacks),
            redirects_per_second=_rate(look, "redirected"),
            refusals_per_second=_rate(look, "refused"),
            p50_ms=_milliseconds(look.p50),
            p99_ms=_milliseconds(look.p99),
            default=plan.default.config.id if plan else None,
            configs=self._configs(look),
            targets=states_of(self._watchlist, self._heeded, self._clock()),
            stats=stats_of(look.timeline.served(STATS_WINDOW), plan, self._heeded.verdicts, self._quality),
            steps=steps if is_first else steps[-RENEWED:],
        )

    def _configs(self, look: Look) -> list[LiveConfig]:
        plan = self._redirects.plan
        return [
            LiveConfig(
                config_id,
                route.config.document.name,
                route.config.revision,
                route.config.document.policy,
                route.reason,
                route.shares,
                _rate(look, "redirected", str(config_id)),
            )
            for config_id, route in sorted(plan.routes.items() if plan else ())
        ]


def _steps(timeline: Timeline) -> list[LiveStep]:
    found = []
    for number, counts in timeline.steps.items():
        step = LiveStep(number * STEP, {}, 0)
        for (name, *labels), times in counts.items():
            if name == "redirected":
                step.redirects.setdefault(labels[0], {})[labels[1]] = times
            elif name == "refused":
                step.refusals += times
        found.append(step)
    return found


def _rate(look: Look, *beginning: str) -> float:
    whole = sum(rate for name, rate in look.rates.items() if name[: len(beginning)] == beginning)
    return round(whole, 3)


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 4)


@ENDPOINTS.endpoint(
    "GET /live",
    Role.VIEWER,
    EVENTS,
    errors=[TooManyStreams(MAX_STREAMS)],
    responses={
        200: ResponseSpec(
            Live,
            media_type="text/event-stream",
            generate_examples=False,
            description="Events named `live`, whose data are this as JSON; one named `end` has a problem.",
        )
    },
)
async def follow_live(
    request: AnyRequest,
    scene: FromDishka[Scene],
    streams: FromDishka[Streams],
    authenticator: FromDishka[Authenticator],
) -> ASGIResponse:
    """Follow how things are.

    Sends an event about once a second, as a stream of server-sent events: what was served, by whom, and how the targets
    are. It ends when the credentials count no more, with an event `end`, and when the service stops.
    """
    wanted = read_integer(request, "events", 1, MAX_EVENTS)
    if request.method == HttpMethod.HEAD:
        return ASGIResponse(
            media_type="text/event-stream", headers={"cache-control": "no-store"}, is_head_response=True
        )
    streams.begin()
    return EventStream(_events(request, scene, streams, authenticator, wanted), streams.end)


async def _events(
    request: AnyRequest, scene: Scene, streams: Streams, authenticator: Authenticator, wanted: int | None
) -> AsyncIterator[bytes]:
    for number in count():
        if number and number % CHECK == 0 and (error := await _refusal(request, authenticator)):
            yield event("end", msgspec.json.encode(problem_of(error)))
            return
        yield event("live", msgspec.json.encode(await scene.seen(is_first=number == 0)))
        if number + 1 == wanted or await streams.is_closing(INTERVAL):
            return


async def _refusal(request: AnyRequest, authenticator: Authenticator) -> BalancerError | None:
    """Return why the credentials of a stream count no more; None while they do.

    While the keys cannot be read none can be revoked, and the stream shows what goes on without them.
    """
    try:
        identity = await authenticator.identify(request.headers.get("authorization"), client_of(request))
        identity.check(Role.VIEWER)
    except StoreUnavailable:
        return None
    except BalancerError as error:
        return error
    return None
