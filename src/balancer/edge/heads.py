"""Recognises the heads of requests that have no body, without the parser.

What is recognised is a strict subset of HTTP/1 (RFC 9112): exactly one complete head of GET, HEAD or OPTIONS, nothing
after it, and no field that announces a body or changes how the message is framed. Whatever is in doubt is left to the
parser. A property test feeds the same bytes to the parser (llhttp) and demands the same reading of them.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol

VERSION = b" HTTP/1."
"""Ends the target of a request that may be recognised."""

# RFC 9110 §5.6.2 (token) and §5.5 (field values, with tabs and obs-text).
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_VALUE = rb"[\t -~\x80-\xff]*+"
_SPACE = rb"[\t ]*+"

HOST = rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]++|\[[0-9A-Fa-f:.]++\])(?::[0-9]{0,5})?"
"""A sound `Host` (RFC 9110 §7.2): a name or an address, and perhaps a port."""

_HOST = rb"(?i:host):" + _SPACE + HOST + _SPACE + rb"\r\n"
_NO_BODY = rb"(?i:content-length):" + _SPACE + rb"0" + _SPACE + rb"\r\n"
# What connections are asked to be: JDK's client offers HTTP/2 with each request.
_CONNECTION = rb"(?i:connection):" + _SPACE + rb"(?i:keep-alive|close|upgrade, ?http2-settings)" + _SPACE + rb"\r\n"
# These say how long the message is, who is asked, whether the connection stays, or that the sender waits for a word.
_SPECIAL = rb"(?i:host|connection|proxy-connection|content-length|transfer-encoding|expect):"
_OTHERS = rb"(?:(?!" + _SPECIAL + rb")" + _TOKEN + rb":" + _VALUE + rb"\r\n|" + _CONNECTION + rb")*+"
_FIELDS = (
    _OTHERS
    + rb"(?:" + _HOST + _OTHERS + rb"(?:" + _NO_BODY + _OTHERS + rb")?+|" + _NO_BODY + _OTHERS + _HOST + _OTHERS + rb")"
)  # fmt: skip
_REST = re.compile(VERSION + rb"(?:1\r\n" + _FIELDS + rb"|0\r\n(?:" + _FIELDS + rb"|" + _OTHERS + rb"))\r\n")

# Visible ASCII without "#": what llhttp takes for a target in origin form up to the space.
_START = re.compile(rb"(GET|HEAD|OPTIONS) (/[!\"$->@-~]*+)(?:\?([!\"$-~]*+))?")

_REPORTS = re.compile(rb"(?im)^cmcd-[a-z]++:([^\r\n]*+)\r$")

_CONNECTIONS = re.compile(rb"\nconnection:(.*)\r")


class Start(NamedTuple):
    """The beginning of a request, up to the version.

    Attributes:
        method: `GET`.
        path: As it was sent: `/`.
        query: As it was sent, without the `?`; empty when there is none.
    """

    method: bytes
    path: bytes
    query: bytes


class Head(Protocol):
    """What both ways of reading a head make of it.

    Attributes:
        keep_alive: Whether the client keeps the connection for more requests.
    """

    keep_alive: bool

    @property
    def cmcd(self) -> Sequence[bytes]:
        """The values of the fields by which a player reports (CTA-5004): mostly none."""
        ...

    def joined(self, name: bytes) -> str:
        """Return all values of a field, joined by commas; empty when there is none.

        Args:
            name: In lower case.
        """
        ...


class RecognizedHead:
    """A head that was recognised.

    Args:
        rest: From the space before the version to the end of the head.

    Attributes:
        rest: As above.
    """

    __slots__ = ("_joined", "cmcd", "keep_alive", "rest")

    def __init__(self, rest: bytes) -> None:
        self.rest = rest
        self._joined: dict[bytes, str] = {}
        lower = rest.lower()
        # Looked for once for each head that is remembered, so that a redirect need only ask whether there are any.
        self.cmcd: Sequence[bytes] = _REPORTS.findall(rest) if b"\r\ncmcd-" in lower else ()
        connection = _CONNECTIONS.findall(lower) if b"\r\nconnection:" in lower else []
        self.keep_alive = rest.startswith(VERSION + b"1") and stays(connection, upgrade=b"\r\nupgrade:" in lower)

    def joined(self, name: bytes) -> str:
        """Return all values of a field, joined by commas; a player sends the same head again and again."""
        joined = self._joined.get(name)
        if joined is None:
            found = re.findall(rb"(?im)^" + re.escape(name) + rb":(.*)\r$", self.rest)
            joined = self._joined[name] = b",".join(value.strip(b"\t ") for value in found).decode("latin-1")
        return joined


def recognize_rest(rest: bytes) -> RecognizedHead | None:
    """Read a head from the space before the version to its end, None when it is not sound beyond doubt."""
    return RecognizedHead(rest) if _REST.fullmatch(rest) else None


def recognize_start(start: bytes) -> Start | None:
    """Read a head up to the space before the version, None when it is not sound beyond doubt."""
    found = _START.fullmatch(start)
    return Start(found[1], found[2], found[3] or b"") if found else None


def stays(connection: list[bytes], *, upgrade: bool) -> bool:
    """Tell whether the connection of an HTTP/1.1 request stays open (RFC 9112 §9.3).

    Nothing can follow a request for another protocol, as none is spoken here (RFC 9110 §7.8).

    Args:
        connection: The values of its `Connection` fields.
        upgrade: Whether it has an `Upgrade` field.
    """
    options = {option.strip().lower() for value in connection for option in value.split(b",")}
    return b"close" not in options and not (upgrade and b"upgrade" in options)
