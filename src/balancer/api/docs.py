"""The interactive page at `/docs`: Swagger UI from a Python package, so that it works with no internet."""

from importlib.resources import files
from typing import Any

from litestar import MediaType, Response, Router, route
from litestar.enums import HttpMethod
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

GET_AND_HEAD = [HttpMethod.GET, HttpMethod.HEAD]

_ASSETS = files("mkdocs_swagger_ui_tag") / "swagger-ui"

_FILES = {
    "swagger-ui.css": ("stylesheets/swagger-ui.css", "text/css"),
    "swagger-ui-bundle.js": ("javascripts/swagger-ui-bundle.js", "text/javascript"),
}

# All addresses are relative, so that the page also works behind a proxy that adds a prefix.
_PAGE = """<!doctype html>
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

_START = """SwaggerUIBundle({url: "schema/openapi.json", dom_id: "#docs", deepLinking: true, validatorUrl: null});
"""


@route("/docs", http_method=GET_AND_HEAD, media_type=MediaType.HTML, include_in_schema=False, sync_to_thread=False)
def docs_page() -> str:
    """Return the page."""
    return _PAGE


@route("/docs/{name:str}", http_method=GET_AND_HEAD, include_in_schema=False, sync_to_thread=True)
def docs_file(name: FromPath[str]) -> Response[bytes]:
    """Return one of the files that the page is made of."""
    if name == "start.js":
        return Response(_START.encode(), media_type="text/javascript")
    if name not in _FILES:
        raise NotFoundException
    path, media_type = _FILES[name]
    return Response((_ASSETS / path).read_bytes(), media_type=media_type, headers={"cache-control": "max-age=86400"})


def routes(access: dict[str, Any]) -> list[Router]:
    """Return the routes of the page.

    Args:
        access: Who may see it, as `balancer.api.access` says it.
    """
    return [Router("/", route_handlers=[docs_page, docs_file], **access)]
