"""For whoever watches the process."""

import msgspec
from litestar import route
from litestar.enums import HttpMethod
from litestar.handlers.http_handlers import HTTPRouteHandler

from balancer.web.access import OPEN
from balancer.web.documents import by_method


class Health(msgspec.Struct):
    """Whether the process answers."""

    status: str


@route(
    "/health/live",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    operation_id=by_method("live"),
    response_headers={"cache-control": "no-store"},
    tags=["health"],
    **OPEN,
)
async def live() -> Health:
    """Tell that the process answers; asks no store."""
    return Health("ok")


ROUTES: list[HTTPRouteHandler] = [live]
