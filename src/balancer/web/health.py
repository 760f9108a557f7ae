"""For whoever watches the process."""

import msgspec
from litestar import get
from litestar.handlers.http_handlers import HTTPRouteHandler


class Health(msgspec.Struct):
    """Whether the process answers."""

    status: str


@get("/health/live", operation_id="live", response_headers={"cache-control": "no-store"}, tags=["health"])
async def live() -> Health:
    """Tell that the process answers; asks no store."""
    return Health("ok")


ROUTES: list[HTTPRouteHandler] = [live]
