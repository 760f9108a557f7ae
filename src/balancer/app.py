"""The application as a server runs it: `uvicorn --factory balancer.app:create_app`, or better `balancer serve`."""

import asyncio
import gc
import logging.config
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext

import structlog
from dishka import AsyncContainer
from dishka.integrations.litestar import setup_dishka
from litestar import Litestar

from balancer import __version__
from balancer.api.application import Served, make_application
from balancer.api.console.pages import policy_of
from balancer.api.console.streams import Streams
from balancer.api.framework.guards import Throttles
from balancer.api.framework.observing import Observer
from balancer.api.framework.strangers import Strangers
from balancer.core.clients.addresses import TrustedProxies
from balancer.core.control.in_force import ConfigInForce
from balancer.core.health.fallbacks import Fallback, Fallbacks
from balancer.core.routing.redirects import Redirects
from balancer.edge.listening import Edge
from balancer.edge.players import Players
from balancer.edge.process import EdgeParts
from balancer.edge.reports import ReportAnswers
from balancer.edge.steering import SteeringAnswers
from balancer.jobs.runner import Background
from balancer.settings import Settings, read_settings
from balancer.telemetry.logs import log_config, style_of
from balancer.telemetry.metrics.board import Board
from balancer.telemetry.metrics.meters import Meters
from balancer.telemetry.players import PlayerWatch
from balancer.telemetry.traces import Tracing
from balancer.wiring import make_container

CLOSE_TIMEOUT = 5.0
"""Seconds that the stores are given when the process ends."""

logger = structlog.stdlib.get_logger(__name__)


def create_app(
    settings: Settings | None = None,
    container: AsyncContainer | None = None,
    board: Board | None = None,
    edge: Edge | None = None,
) -> Litestar:
    """Return the application of one process.

    Args:
        settings: Read from the environment when they are not given.
        container: Its parts; made from the settings when it is not given.
        board: Where it counts together with the other processes of its service; alone when it is not given.
        edge: What is to answer players before a request comes here; it is opened when the application has started.
    """
    settings = settings or read_settings()
    if not structlog.is_configured():
        logging.config.dictConfig(log_config(settings.log_level, style_of(settings.log_format), settings.secrets))
    parts = container or make_container(settings, board=board)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None, None]:
        try:
            meters, watch = await parts.get(Meters), await parts.get(PlayerWatch)
            tracing: Tracing | None = await parts.get(Tracing | None)
            proxies, strangers = await parts.get(TrustedProxies), await parts.get(Strangers)
            strangers.learn(app)
            app.asgi_handler = Observer(handler, meters, watch, tracing, strangers)
            # Only what clients ask for is traced.
            with tracing.quiet() if tracing else nullcontext():
                in_force = await parts.get(ConfigInForce)
                if not await in_force.begin():
                    (await parts.get(Fallbacks)).enter(Fallback.LAST_CONFIG)
                    _tell_how_it_serves(await parts.get(Redirects))
                background = await parts.get(Background)
                async with background.running():
                    # What is alive now stays so; looking through all of it again and again would delay requests.
                    gc.collect()
                    gc.freeze()
                    if edge:
                        players: Players | None = await parts.get(Players | None)
                        steering: SteeringAnswers | None = await parts.get(SteeringAnswers | None)
                        reports: ReportAnswers | None = await parts.get(ReportAnswers | None)
                        limit = (await parts.get(Throttles)).strangers
                        paths = _paths(app, settings)
                        streams = await parts.get(Streams)
                        edge.open(
                            EdgeParts(players, steering, paths, meters, proxies, watch, limit, reports, streams.close)
                        )
                    yield
        finally:
            try:
                await asyncio.wait_for(parts.close(), CLOSE_TIMEOUT)
            except TimeoutError:
                logger.warning("a store did not take leave in time; going without", seconds=CLOSE_TIMEOUT)

    served = Served(
        settings.role,
        settings.manifests,
        settings.cmcd,
        settings.open_docs,
        settings.open_metrics,
        policy_of(settings.sign_in),
    )
    app = make_application(__version__, lifespan, served)
    setup_dishka(parts, app)
    handler = app.asgi_handler
    return app


def _tell_how_it_serves(redirects: Redirects) -> None:
    if redirects.plan:
        logger.warning("no config can be read from the database: serving by the last one that is known")
    else:
        logger.warning("no config can be read from the database, nor a copy of one: players get 503 until one can be")


def _paths(app: Litestar, settings: Settings) -> frozenset[bytes] | None:
    """Return the first segments of all paths that the application has; None when it is to answer whatever is asked."""
    if not settings.fast_lane:
        return None
    is_front = settings.role == "admin"
    return frozenset(route.path.split("/")[1].encode() for route in app.routes if route.path != "/" or is_front)
