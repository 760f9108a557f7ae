"""What has come on a connection and waits: bytes, cut into heads and bodies."""

import httptools

from balancer.edge.bodies import BodyReader
from balancer.edge.parser import MalformedHead

_END_OF_HEAD = b"\r\n\r\n"


class HeadTooLong(Exception):
    """A head has more bytes than it may."""


class Inbox:
    """The bytes of one connection that have come and that nobody has taken. It is true while there are any.

    Args:
        limit: Bytes that a head may have.
    """

    __slots__ = ("_data", "_judge", "_judged", "_limit")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._data = bytearray()
        # A parser that looks at the part of a head that has come, and how much of it it has seen.
        self._judge: httptools.HttpRequestParser | None = None
        self._judged = 0

    def __bool__(self) -> bool:
        return bool(self._data)

    def add(self, data: bytes) -> None:
        """Add what has come."""
        self._data += data

    def next_head(self) -> bytes | None:
        """Take the next head; None when it is not whole yet.

        Raises:
            HeadTooLong: When it has more bytes than it may, whole or not.
            MalformedHead: When its beginning breaks the rules of HTTP already.
        """
        if self._data.startswith((b"\r", b"\n")):
            # RFC 9112 §2.2: empty lines before a request are ignored.
            self._data = self._data.lstrip(b"\r\n")
        end = self._data.find(_END_OF_HEAD, max(0, self._judged - len(_END_OF_HEAD)))
        if (end if end >= 0 else len(self._data)) > self._limit:
            raise HeadTooLong
        if end < 0:
            self._look_at_part()
            return None
        size = end + len(_END_OF_HEAD)
        head = bytes(self._data[:size])
        # Cheap at the front of a bytearray, however many requests stand behind this one.
        del self._data[:size]
        self._judge, self._judged = None, 0
        return head

    def take_body(self, reader: BodyReader) -> bytes:
        """Take what has come of a body.

        Raises:
            MalformedHead: When it breaks the rules of HTTP.
        """
        try:
            body, rest = reader.take(bytes(self._data))
        except httptools.HttpParserError:
            raise MalformedHead("The request breaks the rules of HTTP.") from None
        self._data = bytearray(rest)
        return body

    def _look_at_part(self) -> None:
        if not self._data:
            return
        if self._judge is None:
            self._judge = httptools.HttpRequestParser(None)
            self._judged = 0
        try:
            self._judge.feed_data(self._data[self._judged :])
        except httptools.HttpParserError:
            raise MalformedHead("The request breaks the rules of HTTP.") from None
        self._judged = len(self._data)
