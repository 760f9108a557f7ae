"""The application as a server runs it: `uvicorn --factory balancer.app:create_app`, or better `balancer serve`."""

import asyncio
import gc
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from dishka import AsyncContainer
from dishka.integrations.litestar import setup_dishka
from litestar import Litestar

from balancer import __version__
from balancer.background import Background
from balancer.core.changes import ConfigInForce
from balancer.core.configs import CdnConfig
from balancer.core.redirects import Redirects
from balancer.settings import Settings, read_settings
from balancer.web.application import make_application
from balancer.web.protocol import PlayerGate
from balancer.wiring import make_container

CLOSE_TIMEOUT = 5.0
"""Seconds that the stores are given when the process ends."""

logger = logging.getLogger(__name__)


def create_app(settings: Settings | None = None, container: AsyncContainer | None = None) -> Litestar:
    """Return the application of one process.

    Args:
        settings: Read from the environment when they are not given.
        container: Its parts; made from the settings when it is not given.
    """
    settings = settings or read_settings()
    parts = container or make_container(settings)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None, None]:
        try:
            app.state.redirects = await parts.get(Redirects)
            app.state.gate = await parts.get(PlayerGate)
            in_force = await parts.get(ConfigInForce)
            if not await in_force.begin(await parts.get(CdnConfig)):
                logger.warning("The database does not answer: serving by the last config that is known")
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
                logger.warning("A store did not take leave within %g seconds; going without", CLOSE_TIMEOUT)

    app = make_application(__version__, lifespan, role=settings.role, open_docs=settings.open_docs)
    setup_dishka(parts, app)
    return app
