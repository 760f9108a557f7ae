"""Where players ask for a manifest with steering added: `GET /manifest?video=…`."""

from functools import partial
from time import time
from typing import Any

from dishka.integrations.litestar import FromDishka
from litestar import Request
from litestar.openapi.datastructures import ResponseSpec
from litestar.response.base import ASGIResponse
from litestar.status_codes import HTTP_200_OK, HTTP_204_NO_CONTENT, HTTP_301_MOVED_PERMANENTLY

from balancer import headers
from balancer.api.framework.endpoints import HTTP_DETAILS, Endpoints
from balancer.api.framework.guards import limit_players
from balancer.api.framework.inputs import joined
from balancer.api.framework.notes import note_of
from balancer.api.framework.parameters import text
from balancer.api.routing.player import LIMITED, PREFLIGHT_HEADERS, VIDEO, Redirection, allow_all, hear
from balancer.core.clients.addresses import TrustedProxies
from balancer.core.errors import NoConfig
from balancer.core.manifests.refreshing import SESSION, split_session
from balancer.core.manifests.serving import SteeredManifests
from balancer.core.quality.hearing import Hearing
from balancer.core.refusals import InvalidVideo, QueryTooLong, RefusalReason
from balancer.core.routing.decisions import Decision, decide
from balancer.core.routing.redirects import Redirects
from balancer.core.routing.routes import Client
from balancer.core.steering.documents import Addresses
from balancer.core.urls.videos import MAX_VIDEO

ENDPOINTS = Endpoints("player")

TOKEN = text(
    SESSION.decode(), "The session's state, from the `Location` of the MPD before. Anything else begins a session."
)


# It stands first: where a path has no OPTIONS yet, the framework adds one of its own.
@ENDPOINTS.endpoint(
    "OPTIONS /manifest",
    None,
    status=HTTP_204_NO_CONTENT,
    answer="What browsers on other sites may ask.",
    headers=PREFLIGHT_HEADERS,
    errors=[LIMITED],
    details={400: HTTP_DETAILS[400]},
    route={"guards": [limit_players], "after_request": allow_all},
)
async def preflight_manifest() -> None:
    """Answer a browser's preflight for a manifest.

    Allows pages of all sites to ask, for a day.
    """


@ENDPOINTS.endpoint(
    "GET /manifest",
    None,
    VIDEO,
    TOKEN,
    status=HTTP_200_OK,
    answer="The manifest, with the usable targets as pathways and the steering server of this session.",
    errors=[
        InvalidVideo(RefusalReason.VIDEO_MISSING, "is missing"),
        InvalidVideo(RefusalReason.HOST_NOT_ALLOWED, "has the host 'example.com', which is not an allowed origin"),
        QueryTooLong(MAX_VIDEO),
        NoConfig(),
        LIMITED,
    ],
    details=HTTP_DETAILS,
    responses={
        HTTP_301_MOVED_PERMANENTLY: ResponseSpec(
            None, generate_examples=False, description="Where the video is, as for `GET /`: no steering can be added."
        )
    },
    route={"guards": [limit_players]},
)
async def steer_manifest(  # noqa: PLR0913, PLR0917  the framework hands it its parts
    request: Request[Any, Any, Any],
    redirects: FromDishka[Redirects],
    manifests: FromDishka[SteeredManifests],
    addresses: FromDishka[Addresses],
    proxies: FromDishka[TrustedProxies],
    hearing: FromDishka[Hearing | None],
) -> ASGIResponse:
    """Give a player a manifest by which it can be steered.

    Fetches the multivariant playlist or MPD from its origin, names the targets as pathways, and begins a session: its
    first pathway is the one that its share or its key gives it. A live MPD says in its `Location` where the session
    gets the next one. What cannot be steered, such as a bare media playlist, and what the origin does not give is
    redirected as by `GET /`.
    """
    peer = request.client.host if request.client else ""
    header = partial(joined, request)
    client = Client(proxies.address_of(peer, header), header)
    query, token = split_session(request.scope["query_string"])
    asked = redirects.find(query)
    asked = asked.plan.settle(asked, client)
    told = header(b"x-forwarded-proto") if proxies.trusts(peer) else ""
    base = addresses.base(request.scope["scheme"], header(b"host"), told)
    found = await manifests.answer(asked, client, base, int(time()), token)
    if found is not None:
        hear(request, hearing, client.address, found.target)
        fields = {**headers.PLAYER, "content-type": found.media_type}
        return ASGIResponse(body=found.body, status_code=HTTP_200_OK, headers=fields)
    decision = note_of(request.scope).decision = Decision(*decide(asked, client))
    hear(request, hearing, client.address, decision.target.name)
    fields = {**headers.PLAYER, "content-length": "0", "location": decision.location}
    return Redirection(status_code=HTTP_301_MOVED_PERMANENTLY, headers=fields)
