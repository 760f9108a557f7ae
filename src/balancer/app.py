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
from balancer.background import Background
from balancer.core.changes import ConfigInForce
from balancer.core.configs import CdnConfig
from balancer.core.fallbacks import Fallback, Fallbacks
from balancer.logs import log_config, style_of
from balancer.metrics.board import Board
from balancer.metrics.meters import Meters
from balancer.settings import Settings, read_settings
from balancer.traces import Tracing
from balancer.web.application import make_application
from balancer.web.observing import Observer, PlayerWatch
from balancer.web.protocol import ProcessParts
from balancer.wiring import make_container

CLOSE_TIMEOUT = 5.0
"""Seconds that the stores are given when the process ends."""

logger = structlog.stdlib.get_logger(__name__)


def create_app(
    settings: Settings | None = None, container: AsyncContainer | None = None, board: Board | None = None
) -> Litestar:
    """Return the application of one process.

    Args:
        settings: Read from the environment when they are not given.
        container: Its parts; made from the settings when it is not given.
        board: Where it counts together with the other processes of its service; alone when it is not given.
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
            app.state.process_parts = await parts.get(ProcessParts)
            app.asgi_handler = Observer(handler, meters, watch, tracing)
            # Only what clients ask for is traced.
            with tracing.quiet() if tracing else nullcontext():
                in_force = await parts.get(ConfigInForce)
                if not await in_force.begin(await parts.get(CdnConfig)):
                    (await parts.get(Fallbacks)).enter(Fallback.LAST_CONFIG)
                    logger.warning("the database does not answer: serving by the last config that is known")
                background = await parts.get(Background)
                async with background.running():
                    # What is alive now stays so; looking through all of it again and again would delay requests.
                    gc.collect()
                    gc.freeze()
                    yield
        finally:
            try:
                await asyncio.wait_for(parts.close(), CLOSE_TIMEOUT)
            except TimeoutError:
                logger.warning("a store did not take leave in time; going without", seconds=CLOSE_TIMEOUT)

    app = make_application(
        __version__, lifespan, role=settings.role, open_docs=settings.open_docs, open_metrics=settings.open_metrics
    )
    setup_dishka(parts, app)
    handler = app.asgi_handler
    return app
