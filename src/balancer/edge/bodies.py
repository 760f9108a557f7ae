"""Takes the body of a request out of the bytes of its connection."""

from typing import Final, Protocol

import httptools

from balancer.edge.parser import Body, ParsedHead

LONGEST: Final = 64 * 1024
"""Bytes of a body that a path of the edge's own takes, or waits for where nobody wants it; behind a longer one the
connection is closed."""

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
"""Tells a client to go on that waits for a word before it sends a body (RFC 9110 §10.1.1)."""


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


class WantedBody:
    """A body that is collected, for a path of the edge's own.

    Args:
        head: Of its request.
        reader: Takes it out of the bytes that come.

    Attributes:
        head: As above.
        is_done: Whether all of it has been taken.
        is_too_long: Whether it has more bytes than it may; nothing of it is kept then.
    """

    def __init__(self, head: ParsedHead, reader: BodyReader) -> None:
        self.head = head
        self.is_done = self.is_too_long = False
        self._reader = reader
        self._data = bytearray()

    @property
    def is_held_back(self) -> bool:
        """Whether the client waits for a word before it sends it; those of HTTP/1.0 do not."""
        return self.head.version == "1.1" and self.head.joined(b"expect").lower() == "100-continue"

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """Collect what is of the body; return nothing, and what stands behind it."""
        body, rest = self._reader.take(data)
        self.is_done = self._reader.is_done
        self.is_too_long = self.is_too_long or len(self._data) + len(body) > LONGEST
        if self.is_too_long:
            self._data.clear()
        else:
            self._data += body
        return b"", rest

    @property
    def whole(self) -> bytes | None:
        """All of it; None when it is too long."""
        return None if self.is_too_long else bytes(self._data)


def is_too_long(length: Body) -> bool:
    """Tell whether a body is announced that is longer than it may be."""
    return length != "chunked" and length > LONGEST


def body_of(length: Body, head: bytes) -> BodyReader | None:
    """Return what reads the body of that length behind a head, None when there is none."""
    if length == "chunked":
        return ChunkedBody(head)
    return SizedBody(length) if length else None
