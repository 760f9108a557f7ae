"""For whoever watches the process: whether it lives, whether it can serve, and from what."""

import msgspec
from dishka.integrations.litestar import FromDishka
from litestar import Response
from litestar.openapi.datastructures import ResponseSpec

from balancer.api.framework.endpoints import Endpoints
from balancer.telemetry.health import Readiness, Watchman

ENDPOINTS = Endpoints("health")


class Health(msgspec.Struct):
    """Whether the process answers."""

    status: str


@ENDPOINTS.endpoint("GET /health/live", None)
async def live() -> Health:
    """Tell that the process answers; asks no store."""
    return Health("ok")


@ENDPOINTS.endpoint(
    "GET /health/ready",
    None,
    responses={503: ResponseSpec(Readiness, description="It cannot serve.", generate_examples=False)},
)
async def ready(watchman: FromDishka[Watchman]) -> Response[Readiness]:
    """Tell whether the process can serve, and how each store was when it was last probed; a degraded one serves."""
    found = await watchman.look()
    return Response(found, status_code=503 if found.status == "unable" else 200)
