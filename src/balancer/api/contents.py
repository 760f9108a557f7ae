"""Files of the program's own pages: bytes with a tag, written as fast as the client reads them."""

import gzip
import re
from hashlib import sha256
from typing import Any, NamedTuple

from litestar import Request
from litestar.enums import HttpMethod
from litestar.response.base import ASGIResponse
from litestar.status_codes import HTTP_200_OK, HTTP_304_NOT_MODIFIED
from litestar.types import Receive, Send
from typing_extensions import override

GET_AND_HEAD = [HttpMethod.GET, HttpMethod.HEAD]

PIECE = 16 * 1024
"""Bytes of a file that are written at once, one record of TLS; the next ones follow when the client has read these."""

REVALIDATE = "no-cache"
"""What may change with the program is asked for again each time, and answered 304 while it is the same."""

_TAG = re.compile(r'"[!#-~\x80-\xff]*"')

_NOT_AT_ALL = {"q=0", "q=0.", "q=0.0", "q=0.00", "q=0.000"}


class Content(NamedTuple):
    """Bytes that all requests share.

    Attributes:
        data: The bytes.
        media_type: Theirs.
        cache_control: How long a client may keep them without asking.
        etag: Their strong entity tag (RFC 9110 §8.8.3).
        coding: How they are packed; empty for not at all.
    """

    data: bytes
    media_type: str
    cache_control: str
    etag: str
    coding: str = ""

    @classmethod
    def of(cls, data: bytes, media_type: str, cache_control: str) -> "Content":
        """Return content with the tag of its bytes."""
        return cls(data, media_type, cache_control, f'"{sha256(data).hexdigest()[:32]}"')

    def packed(self) -> "Content":
        """Return the same content for clients that take it packed; the same bytes each time."""
        data = gzip.compress(self.data, mtime=0)
        return Content.of(data, self.media_type, self.cache_control)._replace(coding="gzip")


class InPieces(ASGIResponse):
    """Writes its body as fast as the client reads it, so that what waits for a client that does not is bounded."""

    @override
    async def send_body(self, send: Send, receive: Receive) -> None:
        # The server waits in `send` while too much is waiting, and takes nothing more once the client is gone.
        for begin in range(0, len(self.body), PIECE):
            end = begin + PIECE
            piece = self.body[begin:end]
            await send({"type": "http.response.body", "body": piece, "more_body": end < len(self.body)})


def answered(request: Request[Any, Any, Any], content: Content) -> ASGIResponse:
    """Answer 304 to a client that has this content (RFC 9110 §13.1.2)."""
    headers = {"cache-control": content.cache_control, "etag": content.etag}
    if content.coding:
        headers["content-encoding"] = content.coding
    asked = _joined(request, "if-none-match")
    if asked.strip() == "*" or content.etag in _TAG.findall(asked):
        return ASGIResponse(status_code=HTTP_304_NOT_MODIFIED, headers=headers)
    headers |= {"content-type": f"{content.media_type}; charset=utf-8", "content-length": str(len(content.data))}
    is_head = request.method == HttpMethod.HEAD
    return InPieces(
        status_code=HTTP_200_OK, headers=headers, body=b"" if is_head else content.data, is_head_response=is_head
    )


def takes_gzip(request: Request[Any, Any, Any]) -> bool:
    """Tell whether a client takes what is packed by gzip, and says so by name (RFC 9110 §12.5.3)."""
    offers = (offer.partition(";") for offer in _joined(request, "accept-encoding").lower().split(","))
    return any(coding.strip() == "gzip" and weight.replace(" ", "") not in _NOT_AT_ALL for coding, _, weight in offers)


def _joined(request: Request[Any, Any, Any], name: str) -> str:
    return ", ".join(request.headers.getall(name, []))
