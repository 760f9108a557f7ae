"""The paths that players ask: `GET /?video=…` and `GET /to/…`."""

from collections.abc import Callable, Mapping
from functools import partial
from time import time
from typing import Any

from dishka.integrations.litestar import FromDishka
from litestar import Request, Response
from litestar.datastructures import ResponseHeader
from litestar.enums import HttpMethod
from litestar.openapi.spec.enums import OpenAPIFormat
from litestar.response.base import ASGIResponse
from litestar.status_codes import HTTP_204_NO_CONTENT, HTTP_301_MOVED_PERMANENTLY
from typing_extensions import override

from balancer import front_page, headers
from balancer.api.framework.endpoints import HTTP_DETAILS, Endpoints
from balancer.api.framework.guards import limit_players
from balancer.api.framework.inputs import joined
from balancer.api.framework.notes import note_of
from balancer.api.framework.parameters import VIDEOS, text
from balancer.core.clients.addresses import TrustedProxies
from balancer.core.errors import NoConfig, RateLimited
from balancer.core.quality.hearing import Hearing
from balancer.core.refusals import InvalidVideo, QueryTooLong, RefusalReason
from balancer.core.routing.decisions import Decision
from balancer.core.routing.redirects import Redirects
from balancer.core.routing.routes import Client
from balancer.core.urls.videos import IN_PATH, MAX_VIDEO
from balancer.front_page import FrontPage, is_persons

ENDPOINTS = Endpoints("player")

VIDEO = text(
    "video",
    "The video's URL at its origin, raw or percent-encoded. "
    "Other parameters are carried over to the end of the target's query.",
    format=OpenAPIFormat.URI,
    max_length=MAX_VIDEO,
).but(required=True, examples=VIDEOS)

URL = text(
    "url",
    "The scheme, the host and the path of the video's URL at its origin, each behind a slash: "
    "`http/s1.origin-cluster/video/1488/xcg2djHckad.m3u8`. The query is carried over to the target's.",
    min_length=1,
    max_length=MAX_VIDEO,
).but(param_in="path", required=True, example="http/s1.origin-cluster/video/1488/xcg2djHckad.m3u8")

LIMITED = RateLimited("player", 50, 1, 50, 0.02)

LOCATION = ResponseHeader(
    name="location",
    documentation_only=True,
    description="The video at its origin, or at a CDN: `http://cdn.example.com/s1/video/1488/xcg2djHckad.m3u8`.",
)


def headers_named(fields: Mapping[str, str]) -> list[ResponseHeader]:
    """Describe header fields that an answer has anyway."""
    return [
        ResponseHeader(name=name, documentation_only=True, description=f"`{value}`") for name, value in fields.items()
    ]


PREFLIGHT_HEADERS = headers_named(headers.PREFLIGHT)


def allow_all(response: Response[None]) -> Response[None]:
    """Say what is allowed, in an order that does not change from one process to the next."""
    response.headers.update(headers.PREFLIGHT)
    return response


class Redirection(ASGIResponse):
    """A response without a body, and so without the content type that the framework gives every response."""

    @override
    def encode_headers(self) -> list[tuple[bytes, bytes]]:
        return [header for header in super().encode_headers() if header[0] != b"content-type"]


def shown_to_person(request: Request[Any, Any, Any], page: FrontPage) -> ASGIResponse:
    """Return the answer to a person who opens the path of players in a browser."""
    fields = {"content-type": front_page.MEDIA_TYPE, "content-length": str(len(page)), **front_page.HEADERS}
    is_head = request.method == HttpMethod.HEAD
    return ASGIResponse(headers={**headers.PLAYER, **fields}, body=b"" if is_head else page, is_head_response=is_head)


# It stands first: where a path has no OPTIONS yet, the framework adds one of its own.
@ENDPOINTS.endpoint(
    "OPTIONS /",
    None,
    status=HTTP_204_NO_CONTENT,
    answer="What browsers on other sites may ask.",
    headers=PREFLIGHT_HEADERS,
    errors=[LIMITED],
    details={400: HTTP_DETAILS[400]},
    route={"guards": [limit_players], "after_request": allow_all},
)
async def preflight() -> None:
    """Answer a browser's preflight.

    Allows pages of all sites to ask, for a day. It takes no ticket.
    """


@ENDPOINTS.endpoint(
    "GET /",
    None,
    VIDEO,
    status=HTTP_301_MOVED_PERMANENTLY,
    answer="Where the video is. It has no body, and is not to be cached.",
    headers=[LOCATION],
    errors=[
        InvalidVideo(RefusalReason.VIDEO_MISSING, "is missing"),
        InvalidVideo(RefusalReason.HOST_NOT_ALLOWED, "has the host 'example.com', which is not an allowed origin"),
        QueryTooLong(MAX_VIDEO),
        NoConfig(),
        LIMITED,
    ],
    details=HTTP_DETAILS,
    route={"guards": [limit_players]},
)
async def redirect_video(
    request: Request[Any, Any, Any],
    redirects: FromDishka[Redirects],
    proxies: FromDishka[TrustedProxies],
    hearing: FromDishka[Hearing | None],
    page: FromDishka[FrontPage],
) -> ASGIResponse:
    """Redirect a player to its video.

    To the origin or to a CDN, by the shares of the config in force. Each redirect takes a ticket; a refused request
    takes none. A browser shows no script where a redirect leads, so an interactive page cannot show the answer. Use
    curl:

    ```sh
    curl --include 'http://127.0.0.1:8000/?video=http://s1.origin-cluster/video/1488/xcg2djHckad.m3u8'
    ```

    or `GET /explain` with the same query, which tells status and location as JSON.
    """
    query = request.scope["query_string"]
    try:
        return _redirection(request, proxies, hearing, lambda client: redirects.redirect(query, client))
    except InvalidVideo as error:
        if error.reason is RefusalReason.VIDEO_MISSING and is_persons(joined(request, b"accept")):
            return shown_to_person(request, page)
        raise


@ENDPOINTS.endpoint(
    "OPTIONS /to/{url:path}",
    None,
    URL,
    status=HTTP_204_NO_CONTENT,
    answer="What browsers on other sites may ask.",
    headers=PREFLIGHT_HEADERS,
    errors=[LIMITED],
    details=HTTP_DETAILS,
    route={"guards": [limit_players], "after_request": allow_all},
)
async def preflight_path() -> None:
    """Answer a browser's preflight for a video in the path.

    Allows pages of all sites to ask, for a day. It takes no ticket.
    """


@ENDPOINTS.endpoint(
    "GET /to/{url:path}",
    None,
    URL,
    status=HTTP_301_MOVED_PERMANENTLY,
    answer="Where the video is. It has no body, and is not to be cached.",
    headers=[LOCATION],
    errors=[
        InvalidVideo(RefusalReason.NOT_A_URL, "is not an absolute http or https URL", IN_PATH),
        InvalidVideo(
            RefusalReason.HOST_NOT_ALLOWED, "has the host 'example.com', which is not an allowed origin", IN_PATH
        ),
        QueryTooLong(MAX_VIDEO, IN_PATH),
        NoConfig(),
        LIMITED,
    ],
    details=HTTP_DETAILS,
    route={"guards": [limit_players]},
)
async def redirect_path(
    request: Request[Any, Any, Any],
    redirects: FromDishka[Redirects],
    proxies: FromDishka[TrustedProxies],
    hearing: FromDishka[Hearing | None],
) -> ASGIResponse:
    """Redirect a player to the video whose URL is the path.

    `GET /to/http/s1.origin-cluster/video/1488/xcg2djHckad.m3u8` is answered as
    `GET /?video=http://s1.origin-cluster/video/1488/xcg2djHckad.m3u8` is. A player that resolves relative URLs against
    the URL that it asked for, and not against the one that it was sent to, so comes back for each of them.
    """
    path, query = request.scope["raw_path"].partition(b"?")[0], request.scope["query_string"]
    return _redirection(request, proxies, hearing, lambda client: redirects.redirect_by_path(path, query, client))


def hear(request: Request[Any, Any, Any], hearing: Hearing | None, address: str, target: str) -> None:
    """Take in the report that goes with a request, if it has one.

    Args:
        request: The request.
        hearing: None where nobody is heard.
        address: Of its client.
        target: Name of the one that the player is sent to.
    """
    if hearing is not None:
        fields = [value for name, value in request.scope["headers"] if name.startswith(b"cmcd-")]
        hearing.hear_request(request.scope["query_string"], fields, target, address, int(time()))


def _redirection(
    request: Request[Any, Any, Any],
    proxies: TrustedProxies,
    hearing: Hearing | None,
    decide: Callable[[Client], Decision],
) -> ASGIResponse:
    peer = request.client.host if request.client else ""
    header = partial(joined, request)
    client = Client(proxies.address_of(peer, header), header)
    decision = decide(client)
    hear(request, hearing, client.address, decision.target.name)
    # It is counted once it is answered.
    note_of(request.scope).decision = decision
    # In the order in which the edge has them.
    fields = {**headers.PLAYER, "content-length": "0", "location": decision.location}
    return Redirection(status_code=HTTP_301_MOVED_PERMANENTLY, headers=fields)
