"""Where sessions ask: `GET /steering`. In production the edge answers, with the same bytes; this describes it."""

from functools import partial
from time import time
from typing import Any

import msgspec
from dishka.integrations.litestar import FromDishka
from litestar import Request
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.response.base import ASGIResponse
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT

from balancer import headers
from balancer.api.framework.endpoints import Endpoints
from balancer.api.framework.inputs import joined
from balancer.api.framework.notes import note_of
from balancer.api.framework.parameters import text
from balancer.api.routing.player import PREFLIGHT_HEADERS, allow_all, hear
from balancer.core.clients.addresses import TrustedProxies
from balancer.core.quality.hearing import Hearing
from balancer.core.routing.routes import Client
from balancer.core.steering.documents import MEDIA_TYPE, Addresses, steering_list
from balancer.core.steering.steering import Steering

ENDPOINTS = Endpoints("player")

_FIELDS = ("version", "ttl", "reload_uri", "pathway_priority")

_EXAMPLE = {
    "VERSION": 1,
    "TTL": 28,
    "RELOAD-URI": "http://127.0.0.1:8000/steering?config=1&session=AQAAAAFrCK4MdG7UE8zPAd7xVh4-qqqrHktOlz8qqquoXuQlLk3gqA",
    "PATHWAY-PRIORITY": ["cdn", "origin"],
}

SESSION = text("session", "The session's state, from the URL of the answer before. Anything else is a new session.")
CONFIG = text("config", "The id of the config by whose policy a new session is steered; the default config without it.")


class SteeringManifest(msgspec.Struct, rename={name: name.upper().replace("_", "-") for name in _FIELDS}):
    """What a session is told (draft-pantos-content-steering §7).

    Attributes:
        version: Always 1.
        ttl: Seconds until the session is to ask again.
        reload_uri: Where it is to ask then.
        pathway_priority: The names of the usable targets, best first.
    """

    version: int
    ttl: int
    reload_uri: str
    pathway_priority: list[str]


# It stands first: where a path has no OPTIONS yet, the framework adds one of its own.
@ENDPOINTS.endpoint(
    "OPTIONS /steering",
    None,
    status=HTTP_204_NO_CONTENT,
    answer="What browsers on other sites may ask.",
    headers=PREFLIGHT_HEADERS,
    route={"after_request": allow_all},
)
async def preflight_steering() -> None:
    """Answer the preflight of a browser that sends a session's request with header fields of its own.

    Allows pages of all sites to ask, for a day.
    """


@ENDPOINTS.endpoint(
    "GET /steering",
    None,
    SESSION,
    CONFIG,
    status=HTTP_200_OK,
    responses={
        HTTP_200_OK: ResponseSpec(
            SteeringManifest,
            generate_examples=False,
            description="Where to be, for HLS and DASH.",
            examples=[Example(summary="Two targets", value=_EXAMPLE)],
        )
    },
)
async def steer_session(
    request: Request[Any, Any, Any],
    steering: FromDishka[Steering],
    addresses: FromDishka[Addresses],
    proxies: FromDishka[TrustedProxies],
    hearing: FromDishka[Hearing | None],
) -> ASGIResponse:
    """Tell a session where to be.

    Names the usable targets, best first, and the URL that the session asks next. A session keeps its target as long as
    that is usable and its share is not cut. What a player reports about itself changes nothing but its own place.
    """
    peer = request.client.host if request.client else ""
    header = partial(joined, request)
    client = Client(proxies.address_of(peer, header), header)
    steered = steering.steer(request.scope["query_string"], lambda: client, int(time()))
    if steered is not None:
        hear(request, hearing, client.address, steered.route.config.document.targets[steered.first].name)
    note = note_of(request.scope)
    note.is_steering, note.steered = True, steered
    told = header(b"x-forwarded-proto") if proxies.trusts(peer) else ""
    base = addresses.base(request.scope["scheme"], header(b"host"), told)
    fields = {**headers.PLAYER, "content-type": MEDIA_TYPE}
    return ASGIResponse(body=steering_list(base, steered), status_code=HTTP_200_OK, headers=fields)
