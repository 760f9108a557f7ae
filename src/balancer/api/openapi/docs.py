"""The interactive page at `/docs`: Swagger UI from a Python package, so that it works with no internet."""

import re
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, NamedTuple

from litestar import Request, Router, route
from litestar.enums import HttpMethod
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response.base import ASGIResponse
from litestar.status_codes import HTTP_200_OK, HTTP_304_NOT_MODIFIED
from litestar.types import Receive, Send
from typing_extensions import override

GET_AND_HEAD = [HttpMethod.GET, HttpMethod.HEAD]

PIECE = 16 * 1024
"""Bytes of a file that are written at once, one record of TLS; the next ones follow when the client has read these."""

REVALIDATE = "no-cache"
"""What may change with the program is asked for again each time, and answered 304 while it is the same."""

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

_TAG = re.compile(r'"[!#-~\x80-\xff]*"')


class Content(NamedTuple):
    """Bytes that all requests share.

    Attributes:
        data: The bytes.
        media_type: Theirs.
        cache_control: How long a client may keep them without asking.
        etag: Their strong entity tag (RFC 9110 §8.8.3).
    """

    data: bytes
    media_type: str
    cache_control: str
    etag: str

    @classmethod
    def of(cls, data: bytes, media_type: str, cache_control: str) -> "Content":
        """Return content with the tag of its bytes."""
        return cls(data, media_type, cache_control, f'"{sha256(data).hexdigest()[:32]}"')


class InPieces(ASGIResponse):
    """Writes its body as fast as the client reads it, so that what waits for a client that does not is bounded."""

    @override
    async def send_body(self, send: Send, receive: Receive) -> None:
        # The server waits in `send` while too much is waiting, and takes nothing more once the client is gone.
        for begin in range(0, len(self.body), PIECE):
            end = begin + PIECE
            piece = self.body[begin:end]
            await send({"type": "http.response.body", "body": piece, "more_body": end < len(self.body)})


_PAGE = Content.of(_HTML, "text/html", REVALIDATE)


@route("/docs", http_method=GET_AND_HEAD, include_in_schema=False, sync_to_thread=False)
def docs_page(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Return the page."""
    return _answer(request, _PAGE)


# In a thread, as the first request for a file reads it.
@route("/docs/{name:str}", http_method=GET_AND_HEAD, include_in_schema=False, sync_to_thread=True)
def docs_file(request: Request[Any, Any, Any], name: FromPath[str]) -> ASGIResponse:
    """Return one of the files that the page is made of."""
    if name not in _FILES:
        raise NotFoundException
    return _answer(request, _file(name))


@cache
def _file(name: str) -> Content:
    path, media_type, cache_control = _FILES[name]
    return Content.of(path.read_bytes(), media_type, cache_control)


def _answer(request: Request[Any, Any, Any], content: Content) -> ASGIResponse:
    """Answer 304 to a client that has this content (RFC 9110 §13.1.2)."""
    headers = {"cache-control": content.cache_control, "etag": content.etag}
    asked = ", ".join(request.headers.getall("if-none-match", []))
    if asked.strip() == "*" or content.etag in _TAG.findall(asked):
        return ASGIResponse(status_code=HTTP_304_NOT_MODIFIED, headers=headers)
    headers |= {"content-type": f"{content.media_type}; charset=utf-8", "content-length": str(len(content.data))}
    is_head = request.method == HttpMethod.HEAD
    return InPieces(
        status_code=HTTP_200_OK, headers=headers, body=b"" if is_head else content.data, is_head_response=is_head
    )


def routes(access: dict[str, Any]) -> list[Router]:
    """Return the routes of the page.

    Args:
        access: Who may see it, as `balancer.api.framework.guards` says it.
    """
    return [Router("/", route_handlers=[docs_page, docs_file], **access)]
