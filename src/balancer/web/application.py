"""The Litestar application, put together from the routes of this room."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from litestar import Litestar, Response, Router
from litestar.exceptions import HTTPException, NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import License, Tag
from litestar.status_codes import HTTP_404_NOT_FOUND

from balancer.core.errors import BalancerError
from balancer.web import config, docs, health, history, player
from balancer.web.problems import MAX_BODY, on_domain_error, on_http_error, on_unexpected

_TAGS = [
    Tag(name="player", description="What players ask."),
    Tag(name="config", description="What admins ask and change."),
    Tag(name="history", description="What a config was before."),
    Tag(name="health", description="What orchestrators ask."),
]


def _no_pages(response: Response[Any]) -> Response[Any]:
    """Let an unknown path below `/schema` be a problem as everywhere else; the framework would send a page."""
    if response.status_code == HTTP_404_NOT_FOUND:
        raise NotFoundException
    return response


def make_application(version: str, lifespan: Callable[[Litestar], AbstractAsyncContextManager[None]]) -> Litestar:
    """Return the application.

    Args:
        version: The program's, for the OpenAPI document.
        lifespan: Entered before the first request, left after the last one.
    """
    return Litestar(
        route_handlers=[*player.ROUTES, *config.ROUTES, *history.ROUTES, *health.ROUTES, *docs.ROUTES],
        lifespan=[lifespan],
        exception_handlers={
            BalancerError: on_domain_error,
            HTTPException: on_http_error,
            Exception: on_unexpected,
        },
        openapi_config=OpenAPIConfig(
            title="Video balancer",
            version=version,
            description="Redirects video players to an origin cluster or to a CDN, by rules that admins change.",
            license=License(name="MIT", identifier="MIT"),
            openapi_router=Router("/schema", route_handlers=[], include_in_schema=False, after_request=_no_pages),
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
            tags=_TAGS,
            use_handler_docstrings=True,
        ),
        request_max_body_size=MAX_BODY,
        # Tracebacks are logged by our own handlers.
        logging_config=None,
    )
