"""For whoever watches the process: whether it lives, whether it can serve, and from what."""

import asyncio
from collections.abc import Collection, Sequence
from time import monotonic
from typing import Any

import msgspec
import structlog
from dishka.integrations.litestar import FromDishka, inject
from litestar import Response, route
from litestar.enums import HttpMethod
from litestar.handlers.http_handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec

from balancer.api.access import OPEN
from balancer.api.documents import by_method
from balancer.core.errors import StoreUnavailable
from balancer.core.ports import Clock, Dependency
from balancer.core.serving import Serving

PATIENCE = 2.0
"""Seconds that a store may take to answer before it counts as down."""

LIFETIME = 1.0
"""Seconds that an answer of the stores counts: however often somebody asks, they are asked no oftener."""

NO_STORE = {"cache-control": "no-store"}

logger = structlog.stdlib.get_logger(__name__)


class Health(msgspec.Struct):
    """Whether the process answers."""

    status: str


class DependencyHealth(msgspec.Struct):
    """How a store is.

    Attributes:
        name: `database`, `redis` or `identity provider`.
        status: `ok` or `down`.
        latency_ms: Until it answered, or until that was given up.
        fallback: What goes on without it; null while it is there.
    """

    name: str
    status: str
    latency_ms: float
    fallback: str | None


class ConfigHealth(msgspec.Struct):
    """What the process serves by.

    Attributes:
        id: Of the config in force.
        revision: Its revision.
        age_seconds: Since the database last said that it is in force, or since the start.
    """

    id: int
    revision: int
    age_seconds: float


class Readiness(msgspec.Struct):
    """Whether the process can serve.

    Attributes:
        status: `ok`, `degraded` (it serves, without something), or `unable`.
        config: Null while none is known.
        fallbacks: How it goes on without what is missing.
        dependencies: The stores.
    """

    status: str
    config: ConfigHealth | None
    fallbacks: list[str]
    dependencies: list[DependencyHealth]


class Watchman:
    """Looks whether this process can serve.

    Args:
        dependencies: Its stores.
        serving: What it serves by.
        clock: Tells the time.
        needs: Names of the stores without which it cannot serve at all.
    """

    def __init__(
        self, dependencies: Sequence[Dependency], serving: Serving, clock: Clock, needs: Collection[str]
    ) -> None:
        self._dependencies = dependencies
        self._serving = serving
        self._clock = clock
        self._needs = needs
        self._looking = asyncio.Lock()
        self._seen: list[DependencyHealth] = []
        self._seen_at: float | None = None

    async def look(self) -> Readiness:
        """Return how things are."""
        async with self._looking:
            if self._seen_at is None or monotonic() - self._seen_at > LIFETIME:
                self._seen = await asyncio.gather(*map(_ask, self._dependencies))
                self._seen_at = monotonic()
        down = {dependency.name for dependency in self._seen if dependency.status == "down"}
        config = self._serving.redirects.config
        known = None
        if config:
            age = (self._clock() - self._serving.in_force.confirmed_at).total_seconds()
            known = ConfigHealth(config.id, config.revision, round(max(age, 0.0), 3))
        fallbacks = [str(fallback) for fallback in self._serving.fallbacks.active]
        status = "degraded" if down or fallbacks else "ok"
        if known is None or down & set(self._needs):
            status = "unable"
        return Readiness(status, known, fallbacks, self._seen)


async def _ask(dependency: Dependency) -> DependencyHealth:
    begun = monotonic()
    try:
        await asyncio.wait_for(dependency.ping(), PATIENCE)
    except (StoreUnavailable, TimeoutError):
        status = "down"
    except Exception:  # a driver's fault that nobody has seen yet must not look like a healthy store
        logger.exception("store failed", store=dependency.name)
        status = "down"
    else:
        status = "ok"
    fallback = dependency.fallback if status == "down" else None
    return DependencyHealth(dependency.name, status, round((monotonic() - begun) * 1000, 3), fallback)


_SETTINGS: dict[str, Any] = {
    "http_method": [HttpMethod.GET, HttpMethod.HEAD],
    "response_headers": NO_STORE,
    "tags": ["health"],
    **OPEN,
}


@route("/health/live", operation_id=by_method("live"), **_SETTINGS)
async def live() -> Health:
    """Tell that the process answers; asks no store."""
    return Health("ok")


@route(
    "/health/ready",
    operation_id=by_method("ready"),
    responses={503: ResponseSpec(Readiness, description="It cannot serve.", generate_examples=False)},
    **_SETTINGS,
)
@inject
async def ready(watchman: FromDishka[Watchman]) -> Response[Readiness]:
    """Tell whether the process can serve, and how each store is; a degraded one serves, and so answers 200."""
    found = await watchman.look()
    return Response(found, status_code=503 if found.status == "unable" else 200)


ROUTES: list[HTTPRouteHandler] = [live, ready]
