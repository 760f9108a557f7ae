"""Recognises the one hot request in the bytes of a connection, without the parser.

What is recognised is a strict subset of HTTP/1.1 (RFC 9112): exactly one complete head of `GET /?…`, nothing after it,
and no field that bears on framing, on the connection, or on how the request is to be treated. Whatever is in doubt is
left to the parser. A property test feeds the same bytes to the parser (llhttp) and demands the same reading of them.
"""

import re

_START = b"GET /?"
_END = b" HTTP/1.1\r\n"

# Visible ASCII without "#": what llhttp takes for a query string up to the space.
_QUERY = re.compile(rb"[!\"$-~]++")

# RFC 9110 §5.6.2 (token) and §5.5 (field values, without obs-text and tabs, which the parser may judge).
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_VALUE = rb"[ -~]*+"
_HOST = rb"(?i:host):[ ]?[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?\r\n"
# These say how long the message is, whether the connection stays, or that the sender expects more than an answer.
_OTHERS = (
    rb"(?!(?i:host|connection|proxy-connection|keep-alive|content-length|transfer-encoding|te|trailer|upgrade|expect):)"
)
_FIELDS = re.compile(
    _HOST + rb"(?:" + _OTHERS + _TOKEN + rb":" + _VALUE + rb"\r\n|(?i:connection):[ ]?(?i:keep-alive)\r\n)*+\r\n"
)


class HeadRecognizer:
    """Recognises hot requests on one connection.

    A player sends the same fields with each request. So the fields that were found sound last are remembered, and
    compared before they are looked through again.
    """

    __slots__ = ("_sound",)

    def __init__(self) -> None:
        self._sound: bytes | None = None

    @property
    def fields(self) -> bytes:
        """The fields of the request that was recognised last, each line with its end."""
        return self._sound or b""

    def query_of(self, data: bytes) -> bytes | None:
        """Return the raw query string when `data` is exactly one hot request, else None."""
        end = data.find(_END)
        if end < 0 or not data.startswith(_START):
            return None
        query = data[len(_START) : end]
        fields = data[end + len(_END) :]
        if _QUERY.fullmatch(query) is None:
            return None
        if fields != self._sound:
            if _FIELDS.fullmatch(fields) is None:
                return None
            self._sound = fields
        return query
