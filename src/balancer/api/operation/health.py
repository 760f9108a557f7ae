"""For whoever watches the process: whether it lives, whether it can serve, and from what."""

from typing import Any

import msgspec
from dishka.integrations.litestar import FromDishka, inject
from litestar import Response, route
from litestar.enums import HttpMethod
from litestar.handlers.http_handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec

from balancer.api.framework.guards import OPEN
from balancer.api.openapi.operations import by_method
from balancer.telemetry.health import Readiness, Watchman

NO_STORE = {"cache-control": "no-store"}


class Health(msgspec.Struct):
    """Whether the process answers."""

    status: str


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
    """Tell whether the process can serve, and how each store was when it was last probed; a degraded one serves."""
    found = await watchman.look()
    return Response(found, status_code=503 if found.status == "unable" else 200)


ROUTES: list[HTTPRouteHandler] = [live, ready]
