"""What the fast lane recognises, the parser reads in the same way."""

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balancer.web.heads import HeadRecognizer

HEAD = (
    b"GET /?video=http%3A%2F%2Fs1.origin-cluster%2Fa.m3u8 HTTP/1.1\r\n"
    b"Host: balancer.example:8000\r\n"
    b"Connection: keep-alive\r\n"
    b'sec-ch-ua: "Chromium";v="142"\r\n'
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
    b"Accept: */*\r\n"
    b"Empty:\r\n"
    b"\r\n"
)


class Parsed:
    """What llhttp, the parser behind httptools, makes of bytes."""

    def __init__(self, data: bytes) -> None:
        self.target = b""
        self.fields: list[tuple[bytes, bytes]] = []
        self.heads = self.ends = 0
        self.body = b""
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        """Take the target."""
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field."""
        self.fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Count a head."""
        self.heads += 1

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self.body += body

    def on_message_complete(self) -> None:
        """Count a message."""
        self.ends += 1


def check(data: bytes) -> bool:
    """Check that what is recognised is one whole GET without a body for the parser, too; return whether it is."""
    query = HeadRecognizer().query_of(data)
    if query is None:
        return False
    parsed = Parsed(data)
    assert (1, 1, b"") == (parsed.heads, parsed.ends, parsed.body)
    assert b"GET" == parsed.parser.get_method()
    assert "1.1" == parsed.parser.get_http_version()
    assert parsed.parser.should_keep_alive()
    assert not parsed.parser.should_upgrade()
    assert b"/?" + query == parsed.target
    url = httptools.parse_url(parsed.target)
    assert (b"/", query) == (url.path, url.query)
    assert url.fragment is None
    assert 1 == sum(name == b"host" for name, _ in parsed.fields)
    return True


TOKENS = st.sampled_from(
    [
        *(b"GET", b"POST", b"HEAD", b"get", b" ", b"  ", b"\t", b"/", b"/?", b"?", b"#", b"*", b"HTTP/1.1"),
        *(b"HTTP/1.0", b"HTTP/2.0", b"\r\n", b"\r", b"\n", b"\r\n\r\n", b":", b": ", b" :", b"\r\n "),
        *(b"\r\n\t", b"\x00", b"\x7f", b"\x80", b"\xff", b"Host", b"host: a\r\n", b"\r\nHost: b"),
        *(b"Connection: close\r\n", b"\r\nCONNECTION:close", b"keep-alive"),
        *(b"\r\nConnection: keep-alive, close", b"\r\nContent-Length: 5", b"\r\ncontent-length:0"),
        *(b"\r\nContent-Length : 5", b"\r\nTransfer-Encoding: chunked", b"\r\ntransfer-encoding:\tchunked"),
        *(b"\r\nUpgrade: websocket", b"Expect: 100-continue", b"\r\nExpect: 100-continue"),
        *(b"\r\nKeep-Alive: 5", b"\r\nProxy-Connection: close", b"\r\nTE: trailers", b"\r\nX: y"),
        *(b"\r\nX\x00: y", b"\r\nX(: y", b"\r\n: y", b"\r\n=: y", b'\r\n"a": y'),
        *(b"GET /?a HTTP/1.1\r\nHost: a\r\n\r\n", b"{}"),
    ]
)  # fmt: skip
EDITS = st.lists(
    st.tuples(st.integers(0, len(HEAD)), TOKENS | st.binary(min_size=1, max_size=3), st.integers(0, 4)), max_size=3
)


@given(EDITS, st.integers(0, len(HEAD)))
@settings(max_examples=max(300, settings().max_examples))
def test_recognised_heads_are_what_the_parser_sees(edits: list[tuple[int, bytes, int]], cut: int) -> None:
    """For all that is recognised the parser sees the same method, target, fields and framing, and one request only."""
    data = HEAD
    for at, piece, over in edits:
        data = data[:at] + piece + data[at + over :]
    check(data)
    check(data[:cut])


NAMES = st.text("abzAZ09-_!#$%&'*+.^`|~", min_size=1, max_size=12).map(str.encode)
VALUES = st.text([chr(code) for code in range(0x20, 0x7F)], max_size=20).map(str.encode)
QUERIES = st.text([chr(code) for code in range(0x21, 0x7F) if chr(code) != "#"], min_size=1).map(str.encode)


@given(QUERIES, st.lists(st.tuples(NAMES, VALUES), max_size=12))
@settings(max_examples=max(300, settings().max_examples))
def test_sound_heads(query: bytes, fields: list[tuple[bytes, bytes]]) -> None:
    """Heads made by the grammar of RFC 9112 are read alike, and all recognised but for those with special fields."""
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in fields)
    special = {b"host", b"connection", b"te", b"trailer", b"upgrade", b"expect"}
    recognised = check(b"GET /?" + query + b" HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\n")
    assert recognised or special & {name.lower() for name, _ in fields}


@pytest.mark.parametrize("before", [b"", HEAD], ids=["first", "later"])
def test_parts_are_not_recognised(before: bytes) -> None:
    """No part of a head is taken for the whole, neither its beginning nor its end, wherever it is cut."""
    heads = HeadRecognizer()
    heads.query_of(before)
    for cut in range(len(HEAD)):
        assert heads.query_of(HEAD[:cut]) is None
        assert heads.query_of(HEAD[cut + 1 :]) is None


def test_browser_head_is_recognised() -> None:
    """A head as a browser sends it is recognised, the first and the second time."""
    heads = HeadRecognizer()
    assert b"video=http%3A%2F%2Fs1.origin-cluster%2Fa.m3u8" == heads.query_of(HEAD) == heads.query_of(HEAD)
    assert check(HEAD)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(HEAD[:-1], id="cut"),
        pytest.param(HEAD + b"G", id="more"),
        pytest.param(HEAD + HEAD, id="two"),
        pytest.param(HEAD.replace(b"GET", b"HEAD"), id="HEAD"),
        pytest.param(HEAD.replace(b"HTTP/1.1", b"HTTP/1.0"), id="HTTP/1.0"),
        pytest.param(HEAD.replace(b"keep-alive", b"close"), id="close"),
        pytest.param(HEAD.replace(b"Empty:", b"Content-Length: 0"), id="length"),
        pytest.param(HEAD.replace(b"Empty:", b"TRANSFER-ENCODING: chunked"), id="chunked"),
        pytest.param(HEAD.replace(b"Empty:", b"Expect: 100-continue"), id="expect"),
        pytest.param(HEAD.replace(b"Empty:", b"Upgrade: h2c"), id="upgrade"),
        pytest.param(HEAD.replace(b"Empty:", b"Host: other"), id="two hosts"),
        pytest.param(HEAD.replace(b"Host: balancer.example:8000\r\n", b""), id="no host"),
        pytest.param(HEAD.replace(b"Empty:", b" folded"), id="folded"),
        pytest.param(HEAD.replace(b"a.m3u8", b"a.m3u8#b"), id="fragment"),
        pytest.param(HEAD.replace(b"\r\n", b"\n"), id="bare line feeds"),
    ],
)
def test_not_recognised(data: bytes) -> None:
    """What is not exactly one plain head is left to the parser, also after a sound one on the same connection."""
    heads = HeadRecognizer()
    assert heads.query_of(data) is None
    heads.query_of(HEAD)
    assert heads.query_of(data) is None
