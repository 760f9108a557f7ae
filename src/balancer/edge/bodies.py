"""Takes the body of a request out of the bytes of its connection."""

from typing import Protocol

import httptools

from balancer.edge.parser import Body


class BodyReader(Protocol):
    """Takes one body, piece by piece.

    Attributes:
        is_done: Whether all of it has been taken.
    """

    is_done: bool

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """Return what is of the body, and what stands behind it.

        Raises:
            httptools.HttpParserError: When it breaks the rules of HTTP.
        """
        ...


class SizedBody:
    """A body of a size that was announced (RFC 9112 §6.2).

    Args:
        size: In bytes, 1 or more.
    """

    def __init__(self, size: int) -> None:
        self._left = size
        self.is_done = False

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """Return what is of the body, and what stands behind it."""
        body, rest = data[: self._left], data[self._left :]
        self._left -= len(body)
        self.is_done = not self._left
        return body, rest


class ChunkedBody:
    """A body in chunks (RFC 9112 §7.1), by llhttp.

    Nothing behind it is handed out: llhttp does not say where it ends.

    Args:
        head: The whole head that announces it.
    """

    def __init__(self, head: bytes) -> None:
        self._pieces: list[bytes] = []
        self.is_done = False
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(head)

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """Return what is of the body, and nothing else."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            # What stands behind the body is no business of this reader.
            if not self.is_done:
                raise
        body = b"".join(self._pieces)
        self._pieces.clear()
        return body, b""

    def on_body(self, body: bytes) -> None:
        """Take a piece."""
        if not self.is_done:
            self._pieces.append(body)

    def on_message_complete(self) -> None:
        """Take nothing more."""
        self.is_done = True


def body_of(length: Body, head: bytes) -> BodyReader | None:
    """Return what reads the body of that length behind a head, None when there is none."""
    if length == "chunked":
        return ChunkedBody(head)
    return SizedBody(length) if length else None
