"""Reads any head that HTTP/1 allows, by llhttp."""

import re
from collections.abc import Sequence
from typing import Literal

import httptools

from balancer.edge.heads import HOST, Start, stays

_HOST = re.compile(HOST)

Body = int | Literal["chunked"]
"""How long the body is that follows a head, in bytes."""


class MalformedHead(Exception):
    """A head that breaks the rules of HTTP; the message says how, in one sentence."""


class ParsedHead:
    """A head that was parsed.

    Attributes:
        start: Method, path and query; the path is `*` where the server itself is asked (RFC 9112 §3.2.4).
        version: `1.1`.
        fields: Names in lower case with their values.
        body: How long the body is.
        keep_alive: Whether the client keeps the connection for more requests.
    """

    __slots__ = ("body", "fields", "keep_alive", "start", "version")

    def __init__(
        self, start: Start, version: str, fields: list[tuple[bytes, bytes]], body: Body, *, keep_alive: bool
    ) -> None:
        self.start = start
        self.version = version
        self.fields = fields
        self.body = body
        self.keep_alive = keep_alive

    @property
    def cmcd(self) -> Sequence[bytes]:
        """The values of the fields by which a player reports."""
        return [value for field, value in self.fields if field.startswith(b"cmcd-")]

    def values(self, name: bytes) -> list[bytes]:
        """Return all values of a field, named in lower case."""
        return [value for field, value in self.fields if field == name]

    def joined(self, name: bytes) -> str:
        """Return all values of a field, joined by commas."""
        return b",".join(self.values(name)).decode("latin-1")


class HeadParser:
    """Parses one whole head after another.

    A parser that has seen a head without a body is as good as new, and is used again, as making one costs more than
    parsing with it.
    """

    def __init__(self) -> None:
        self._renew()

    def parse(self, head: bytes) -> ParsedHead:
        """Parse one head, from its first byte to the empty line that ends it.

        Raises:
            MalformedHead: When that is not what it is.
        """
        self._target = b""
        self._fields: list[tuple[bytes, bytes]] = []
        self._heads = self._ends = 0
        self._keeps = False
        upgrade = False
        try:
            self._parser.feed_data(head)
        except httptools.HttpParserUpgrade:
            upgrade = True
        except httptools.HttpParserError:
            self._renew()
            raise MalformedHead("The request breaks the rules of HTTP.") from None
        fields, version = self._fields, self._parser.get_http_version()
        method = self._parser.get_method()
        if not (self._heads == 1 and self._ends <= 1):
            self._renew()
            raise MalformedHead("The request breaks the rules of HTTP.")
        keeps = self._keeps and not upgrade and version == "1.1"
        body: Body = 0
        if upgrade or not keeps or not self._ends:
            self._renew()
        if not self._ends and not upgrade:
            body = self._announced()
        keeps = keeps and stays(self._values(b"connection"), upgrade=bool(self._values(b"upgrade")))
        self._check_host(version)
        # What follows a body in chunks is not looked for.
        return ParsedHead(self._start(method), version, fields, body, keep_alive=keeps and body != "chunked")

    def on_message_begin(self) -> None:
        """Nothing is known yet."""

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field; llhttp leaves white space behind its value (RFC 9112 §5.1)."""
        self._fields.append((name.lower(), value.rstrip(b"\t ")))

    def on_headers_complete(self) -> None:
        """Count the head, and ask what is forgotten at the end of the message."""
        self._heads += 1
        self._keeps = self._parser.should_keep_alive()

    def on_message_complete(self) -> None:
        """Count the message."""
        self._ends += 1

    def _renew(self) -> None:
        self._parser = httptools.HttpRequestParser(self)

    def _values(self, name: bytes) -> list[bytes]:
        return [value for field, value in self._fields if field == name]

    def _announced(self) -> Body:
        """Return how long the body is; llhttp has judged the fields that say so."""
        if self._values(b"transfer-encoding"):
            return "chunked"
        return int(self._values(b"content-length")[0])

    def _check_host(self, version: str) -> None:
        """Refuse a request that does not name one host; those before HTTP/1.1 need not (RFC 9112 §3.2)."""
        hosts = self._values(b"host")
        if (not hosts and version not in {"1.0", "0.9"}) or len(hosts) > 1:
            raise MalformedHead("The request needs exactly one Host header.")
        if hosts and not _HOST.fullmatch(hosts[0]):
            raise MalformedHead("Invalid host header.")

    def _start(self, method: bytes) -> Start:
        target, _, _ = self._target.partition(b"#")
        if not target.startswith((b"/", b"*")):
            target = self._origin_form(target)
        path, _, query = target.partition(b"?")
        return Start(method, path, query)

    def _origin_form(self, target: bytes) -> bytes:
        """Take scheme and authority off a target in absolute form (RFC 9112 §3.2.2)."""
        found = re.fullmatch(rb"[A-Za-z][A-Za-z0-9+.-]*+://[^/?]*+(.*)", target)
        if found is None:
            raise MalformedHead("The request asks for nothing that is here.")
        return found[1] if found[1].startswith(b"/") else b"/" + found[1]
