"""The interactive page at `/docs`: Swagger UI from a Python package, so that it works with no internet."""

from functools import cache
from importlib.resources import files
from typing import Any

from litestar import Request, Router, route
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from balancer.api.contents import GET_AND_HEAD, REVALIDATE, Content, answered

_SWAGGER_UI = files("mkdocs_swagger_ui_tag") / "swagger-ui"

_FILES = {
    "swagger-ui.css": (_SWAGGER_UI / "stylesheets/swagger-ui.css", "text/css", "max-age=86400"),
    "swagger-ui-bundle.js": (_SWAGGER_UI / "javascripts/swagger-ui-bundle.js", "text/javascript", "max-age=86400"),
    "start.js": (files("balancer.api.openapi") / "docs.js", "text/javascript", REVALIDATE),
}

# All addresses are relative, so that the page also works behind a proxy that adds a prefix.
_HTML = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Video balancer API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""

_PAGE = Content.of(_HTML, "text/html", REVALIDATE)


@route("/docs", http_method=GET_AND_HEAD, include_in_schema=False, sync_to_thread=False)
def docs_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Return the page."""
    return answered(request, _PAGE)


# In a thread, as the first request for a file reads it.
@route("/docs/{name:str}", http_method=GET_AND_HEAD, include_in_schema=False, sync_to_thread=True)
def docs_file(request: Request[Any, Any, Any], name: FromPath[str]) -> ASGIResponse:
    """Return one of the files that the page is made of."""
    if name not in _FILES:
        raise NotFoundException
    return answered(request, _file(name))


@cache
def _file(name: str) -> Content:
    path, media_type, cache_control = _FILES[name]
    return Content.of(path.read_bytes(), media_type, cache_control)


def routes(access: dict[str, Any]) -> list[Router]:
    """Return the routes of the page.

    Args:
        access: Who may see it, as `balancer.api.framework.guards` says it.
    """
    return [Router("/", route_handlers=[docs_page, docs_file], **access)]
