"""Where players report: `POST /cmcd`. In production the edge answers, with the same bytes; this describes it."""

from functools import partial
from time import time
from typing import Any

from dishka.integrations.litestar import FromDishka
from litestar import Request, Response
from litestar.status_codes import HTTP_204_NO_CONTENT

from balancer import headers
from balancer.api.framework.endpoints import BODY_DETAILS, HTTP_DETAILS, Endpoints
from balancer.api.framework.guards import limit_players
from balancer.api.framework.inputs import joined
from balancer.api.routing.player import LIMITED, headers_named
from balancer.core.clients.addresses import TrustedProxies
from balancer.core.quality.hearing import Hearing

ENDPOINTS = Endpoints("player")

_EXAMPLE = 'cid="c-1",e=rr,mtp=(8200),rc=200,sid="s-1",ts=1795549970597,url="https://cdn.example.com/s1/a.m4s",v=2\n'


def _allow_reports(response: Response[None]) -> Response[None]:
    """Say what is allowed, in an order that does not change from one process to the next."""
    response.headers.update(headers.REPORT_PREFLIGHT)
    return response


def _accept(response: Response[None]) -> Response[None]:
    response.headers.update(headers.PLAYER)
    return response


# It stands first: where a path has no OPTIONS yet, the framework adds one of its own.
@ENDPOINTS.endpoint(
    f"OPTIONS {headers.REPORTS}",
    None,
    status=HTTP_204_NO_CONTENT,
    answer="What browsers on other sites may send.",
    headers=headers_named(headers.REPORT_PREFLIGHT),
    route={"after_request": _allow_reports},
)
async def preflight_reports() -> None:
    """Answer the preflight that browsers send before a report.

    Allows pages of all sites to report, for a day.
    """


@ENDPOINTS.endpoint(
    f"POST {headers.REPORTS}",
    None,
    status=HTTP_204_NO_CONTENT,
    answer="Taken, as far as it could be read.",
    headers=headers_named(headers.PLAYER),
    text=("application/cmcd", _EXAMPLE),
    errors=[LIMITED],
    details={400: HTTP_DETAILS[400], 413: BODY_DETAILS[413], 431: HTTP_DETAILS[431]},
    route={"guards": [limit_players], "after_request": _accept},
)
async def report_playback(
    request: Request[Any, Any, Any], hearing: FromDishka[Hearing | None], proxies: FromDishka[TrustedProxies]
) -> None:
    """Report events of playback.

    The body has a line for each event, as CMCD of version 2 defines it (CTA-5004-B, event mode), whatever its media
    type is called. Lines that cannot be read are counted and dropped; of more than 200 lines, those after them.
    """
    body = await request.body()
    if hearing is not None and body:
        peer = request.client.host if request.client else ""
        hearing.hear_events(body, proxies.address_of(peer, partial(joined, request)), int(time()))
