"""The console's files, and how its visitors sign in."""

from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import msgspec
from dishka.integrations.litestar import FromDishka, inject
from litestar import Request, Router, route
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from balancer.api.contents import GET_AND_HEAD, REVALIDATE, Content, answered, takes_gzip
from balancer.api.framework.guards import OPEN, client_of
from balancer.api.framework.inputs import joined
from balancer.api.framework.strangers import Strangers
from balancer.api.routing.player import shown_to_person
from balancer.core.access.providers import SignIn
from balancer.front_page import FrontPage, is_persons

AnyRequest = Request[Any, Any, Any]

PAGE = files("balancer.api.console") / "page"

TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

FILES = {path.name: path for path in PAGE.iterdir() if path.name[path.name.rfind(".") :] in TYPES}
"""All that the console is made of, by name."""


def policy_of(sign_in: SignIn | None) -> str:
    """Return the policy of the page: its own files, this service, and the provider that people sign in at.

    Nothing in it stands inline, and text never becomes markup.
    """
    asked = "".join(f" {origin}" for origin in _origins_of(sign_in)) if sign_in else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src 'self'{asked}; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _origins_of(sign_in: SignIn) -> list[str]:
    # The settings let no other characters through.
    parts = [urlsplit(url) for url in (sign_in.issuer, sign_in.token_url) if url]
    return list(dict.fromkeys(f"{part.scheme}://{part.netloc}" for part in parts))


@route("/console", http_method=GET_AND_HEAD, include_in_schema=False, sync_to_thread=True)
def console_page(request: AnyRequest) -> ASGIResponse:
    """Return the page."""
    return _answer(request, "index.html")


# In a thread, as the first request for a file reads and packs it.
@route("/console/{name:str}", http_method=GET_AND_HEAD, include_in_schema=False, sync_to_thread=True)
def console_file(request: AnyRequest, name: FromPath[str]) -> ASGIResponse:
    """Return one of the files that the page is made of."""
    if name not in FILES:
        raise NotFoundException
    return _answer(request, name)


@route("/console/sign-in", http_method=GET_AND_HEAD, include_in_schema=False)
@inject
async def console_sign_in(request: AnyRequest, sign_in: FromDishka[SignIn | None]) -> ASGIResponse:
    """Return how people sign in at the identity provider; null where only API keys are known."""
    return answered(request, Content.of(msgspec.json.encode(sign_in), "application/json", REVALIDATE))


@route("/", http_method=GET_AND_HEAD, include_in_schema=False)
@inject
async def front(request: AnyRequest, page: FromDishka[FrontPage], strangers: FromDishka[Strangers]) -> ASGIResponse:
    """Show a person what this is, at a port without players."""
    strangers.count_failure(client_of(request))
    if not is_persons(joined(request, b"accept")):
        raise NotFoundException
    return shown_to_person(request, page)


@cache
def _file(name: str) -> tuple[Content, Content]:
    media_type = TYPES[name[name.rfind(".") :]]
    plain = Content.of(FILES[name].read_bytes(), media_type, REVALIDATE)
    return plain, plain.packed()


def _answer(request: AnyRequest, name: str) -> ASGIResponse:
    plain, packed = _file(name)
    answer = answered(request, packed if takes_gzip(request) else plain)
    answer.headers["vary"] = "accept-encoding"
    return answer


def routes(*, has_players: bool) -> list[Router]:
    """Return the routes of the console.

    Args:
        has_players: Whether players ask at the same port; what they get at `/` is said elsewhere then.
    """
    handlers = [console_page, console_file, console_sign_in, *([] if has_players else [front])]
    return [Router("/", route_handlers=handlers, **OPEN)]
