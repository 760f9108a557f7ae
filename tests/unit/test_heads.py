"""What is recognised in the bytes, the parser reads in the same way."""

import json
from pathlib import Path

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balancer.edge.heads import VERSION, RecognizedHead, Start, recognize_rest, recognize_start
from balancer.edge.parser import HeadParser, MalformedHead

CORPUS = json.loads((Path(__file__).parents[1] / "data" / "heads.json").read_text())

HEAD = (
    b"GET /?video=http%3A%2F%2Fs1.origin-cluster%2Fa.m3u8 HTTP/1.1\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
    b"Host: balancer.example:8000\r\n"
    b"Connection: keep-alive\r\n"
    b"X-Forwarded-For: 203.0.113.9 \r\n"
    b"x-request-id:\ta1 \r\n"
    b"Empty:\r\n"
    b"\r\n"
)

TOLD = (b"x-forwarded-for", b"forwarded", b"x-request-id", b"expect")
"""Fields that the edge reads."""


class Parsed:
    """What llhttp, the parser behind httptools, makes of bytes."""

    def __init__(self, data: bytes) -> None:
        self.target = b""
        self.fields: list[tuple[bytes, bytes]] = []
        self.heads = self.ends = 0
        self.body = b""
        self.keeps = self.upgrades = False
        self.parser = httptools.HttpRequestParser(self)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # What is behind the head would be of another protocol; there is nothing.
            self.upgrades = upgrade.args == (len(data),)

    def on_url(self, url: bytes) -> None:
        """Take the target."""
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field."""
        self.fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Count a head."""
        self.heads += 1
        self.keeps = self.parser.should_keep_alive()

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self.body += body

    def on_message_complete(self) -> None:
        """Count a message."""
        self.ends += 1


def recognize(data: bytes) -> tuple[Start, RecognizedHead] | None:
    """Read bytes as a connection does."""
    end = data.find(VERSION)
    start, rest = recognize_start(data[:end]), recognize_rest(data[end:])
    return (start, rest) if end > 0 and start and rest else None


def check(data: bytes) -> bool:
    """Check that what is recognised is one whole request without a body for the parser, too; return whether it is."""
    found = recognize(data)
    if found is None:
        return False
    start, head = found
    parsed = Parsed(data)
    assert (1, 1, b"") == (parsed.heads, parsed.ends, parsed.body)
    version = parsed.parser.get_http_version()
    assert start.method == parsed.parser.get_method()
    assert parsed.target.partition(b"?") == (start.path, b"?" if b"?" in parsed.target else b"", start.query)
    url = httptools.parse_url(parsed.target)
    assert (start.path, start.query) == (url.path, url.query or b"")
    assert url.fragment is None
    hosts = [value for name, value in parsed.fields if name == b"host"]
    assert len(hosts) == 1 or (not hosts and version == "1.0")
    # Nothing is kept open that the parser would close.
    assert not head.keep_alive or (parsed.keeps and not parsed.upgrades and version == "1.1")
    by_parser = HeadParser().parse(data)
    assert (by_parser.start, by_parser.keep_alive, by_parser.body) == (start, head.keep_alive, 0)
    assert [by_parser.joined(name) for name in TOLD] == [head.joined(name) for name in TOLD]
    assert [value.strip(b" \t") for value in by_parser.cmcd] == [value.strip(b" \t") for value in head.cmcd]
    return True


TOKENS = st.sampled_from(
    [
        *(b"GET", b"POST", b"HEAD", b"OPTIONS", b"get", b" ", b"  ", b"\t", b"/", b"/?", b"?", b"#", b"*"),
        *(b"HTTP/1.1", b" HTTP/1.", b"HTTP/1.0", b"HTTP/2.0", b"\r\n", b"\r", b"\n", b"\r\n\r\n", b":", b": ", b" :"),
        *(b"\r\n ", b"\r\n\t", b"\x00", b"\x7f", b"\x80", b"\xff", b"Host", b"host: a\r\n", b"\r\nHost: b", b"[::1]"),
        *(b"Connection: close\r\n", b"\r\nCONNECTION:close", b"\r\nConnection:\tclose", b"keep-alive", b"close"),
        *(b"\r\nConnection: keep-alive, close", b"\r\nContent-Length: 5", b"\r\ncontent-length:0"),
        *(b"\r\nContent-Length : 5", b"\r\nContent-Length: 00", b"\r\nContent-Length: +0", b"\r\nContent-Length:"),
        *(b"\r\nTransfer-Encoding: chunked", b"\r\ntransfer-encoding:\tchunked", b"\r\nTransfer-Encoding: identity"),
        *(b"\r\nUpgrade: websocket", b"\r\nConnection: Upgrade, HTTP2-Settings", b"\r\nUpgrade: h2c"),
        *(b"Expect: 100-continue", b"\r\nExpect: 100-continue", b"\r\nKeep-Alive: 5", b"\r\nProxy-Connection: close"),
        *(b"\r\nTE: trailers", b"\r\nTrailer: x", b"\r\nX: y", b"\r\nForwarded: for=1", b"\r\nX-Forwarded-For: b"),
        *(b"\r\nX\x00: y", b"\r\nX(: y", b"\r\n: y", b"\r\n=: y", b'\r\n"a": y', b"\r\nX-Request-Id: c"),
        *(b"GET /?a HTTP/1.1\r\nHost: a\r\n\r\n", b"{}", b"GET http://a/?b"),
    ]
)  # fmt: skip
EDITS = st.lists(
    st.tuples(st.integers(0, len(HEAD)), TOKENS | st.binary(min_size=1, max_size=3), st.integers(0, 4)), max_size=3
)


@given(EDITS, st.integers(0, len(HEAD)))
@settings(max_examples=max(150, settings().max_examples))
def test_recognised_heads_are_what_the_parser_sees(edits: list[tuple[int, bytes, int]], cut: int) -> None:
    """For all that is recognised the parser sees the same method, target, fields and framing, and one request only."""
    data = HEAD
    for at, piece, over in edits:
        data = data[:at] + piece + data[at + over :]
    check(data)
    check(data[:cut])


NAMES = st.text("abzAZ09-_!#$%&'*+.^`|~", min_size=1, max_size=12).map(str.encode)
VALUES = st.text(["\t", *map(chr, range(0x20, 0x7F)), *map(chr, range(0x80, 0x100))], max_size=20).map(
    lambda text: text.encode("latin-1")
)
QUERIES = st.text([chr(code) for code in range(0x21, 0x7F) if chr(code) != "#"], min_size=1).map(str.encode)
PLACED = st.sampled_from(
    [b"Connection: close", b"connection:keep-alive", b"Content-Length: 0", b"TE: trailers", b"Upgrade: h2c"]
)


@given(
    st.sampled_from([b"GET", b"HEAD", b"OPTIONS"]),
    QUERIES,
    st.lists(st.tuples(NAMES, VALUES), max_size=8),
    st.sets(PLACED),
    st.integers(0, 12),
)
@settings(max_examples=max(150, settings().max_examples))
def test_sound_heads(
    method: bytes, query: bytes, fields: list[tuple[bytes, bytes]], placed: set[bytes], host: int
) -> None:
    """Heads made by the grammar of RFC 9112 are all recognised, wherever their host stands, and read alike."""
    special = {b"host", b"connection", b"proxy-connection", b"content-length", b"transfer-encoding", b"expect"}
    lines = [name + b": " + value for name, value in fields if name.lower() not in special] + sorted(placed)
    lines.insert(host, b"Host: a")
    # " HTTP/1." within a target cannot be: it has no space.
    assert check(method + b" /?" + query + b" HTTP/1.1\r\n" + b"\r\n".join([*lines, b"", b""]))


@pytest.mark.parametrize("row", CORPUS, ids=lambda row: row["client"])
def test_real_heads_are_recognised(row: dict[str, str]) -> None:
    """The head of every client in the corpus is recognised without the parser, and read as the parser reads it."""
    assert check(row["raw_head"].encode("latin-1"))


def test_parts_are_not_recognised() -> None:
    """No part of a head is taken for the whole, neither its beginning nor its end, wherever it is cut."""
    assert check(HEAD)
    for cut in range(len(HEAD)):
        assert recognize(HEAD[:cut]) is None
        assert recognize(HEAD[cut + 1 :]) is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(HEAD + b"G", id="more"),
        pytest.param(HEAD + HEAD, id="two"),
        pytest.param(HEAD.replace(b"GET", b"POST"), id="POST"),
        pytest.param(HEAD.replace(b"HTTP/1.1", b"HTTP/2.0"), id="HTTP/2.0"),
        pytest.param(HEAD.replace(b"keep-alive", b"keep-alive, close"), id="two words for the connection"),
        pytest.param(HEAD.replace(b"Empty:", b"Content-Length: 1"), id="body"),
        pytest.param(HEAD.replace(b"Empty:", b"Content-Length: 0\r\nContent-Length: 0"), id="two lengths"),
        pytest.param(HEAD.replace(b"Empty:", b"TRANSFER-ENCODING: chunked"), id="chunked"),
        pytest.param(HEAD.replace(b"Empty:", b"Expect: 100-continue"), id="expect"),
        pytest.param(HEAD.replace(b"Empty:", b"Host: other"), id="two hosts"),
        pytest.param(HEAD.replace(b"Host: balancer.example:8000\r\n", b""), id="no host"),
        pytest.param(HEAD.replace(b"balancer.example:8000", b""), id="empty host"),
        pytest.param(HEAD.replace(b"balancer.example:8000", b"a b"), id="host with a space"),
        pytest.param(HEAD.replace(b"Empty:", b" folded"), id="folded"),
        pytest.param(HEAD.replace(b"a.m3u8", b"a.m3u8#b"), id="fragment"),
        pytest.param(HEAD.replace(b"\r\n", b"\n"), id="bare line feeds"),
        pytest.param(HEAD.replace(b"/?", b"http://a/?"), id="absolute form"),
    ],
)
def test_not_recognised(data: bytes) -> None:
    """What is not exactly one plain head is left to the parser."""
    assert recognize(data) is None


@pytest.mark.parametrize(
    ("head", "path", "query"),
    [
        pytest.param(b"GET http://other/?video=a HTTP/1.1", b"/", b"video=a", id="absolute form"),
        pytest.param(b"GET http://other?video=a HTTP/1.1", b"/", b"video=a", id="absolute form without a path"),
        pytest.param(b"OPTIONS * HTTP/1.1", b"*", b"", id="the server itself"),
        pytest.param(b"GET /a?b#c HTTP/1.1", b"/a", b"b", id="fragment"),
    ],
)
def test_forms_of_a_target(head: bytes, path: bytes, query: bytes) -> None:
    """The parser takes all forms of a target that a server must know."""
    parsed = HeadParser().parse(head + b"\r\nHost: a\r\n\r\n")
    assert (path, query) == (parsed.start.path, parsed.start.query)


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost:\r\n\r\n", id="empty host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", id="two hosts"),
        pytest.param(b"GET / HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n", id="two hosts in HTTP/1.0"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", id="host with a space"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", id="host with a port that is no number"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", id="host with a path"),
        pytest.param(b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", id="authority form"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n", id="part of a head"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", id="two heads"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", id="two lengths"
        ),
    ],
)
def test_malformed_heads(head: bytes) -> None:
    """A head that breaks HTTP is refused, and the next one is parsed as if nothing had been."""
    parser = HeadParser()
    with pytest.raises(MalformedHead):
        parser.parse(head)
    assert b"/" == parser.parse(HEAD).start.path


@pytest.mark.parametrize("values", [(b"keep-alive", b"close"), (b"close", b"keep-alive"), (b"keep-alive",) * 2])
def test_connection_fields_in_a_row(values: tuple[bytes, ...]) -> None:
    """Of several fields for the connection each counts, and one word to close is enough."""
    head = HEAD.replace(b"Connection: keep-alive", b"\r\n".join(b"Connection: " + value for value in values))
    assert check(head)
    found = recognize(head)
    assert found
    assert found[1].keep_alive == (b"close" not in values)


def test_a_client_before_http_1_1_needs_no_host() -> None:
    """Health checks in HTTP/1.0 name no host, and are answered."""
    assert not HeadParser().parse(b"OPTIONS / HTTP/1.0\r\n\r\n").keep_alive


@given(
    st.lists(st.sampled_from([HEAD, HEAD[:-2], b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"]), max_size=8)
)
def test_one_parser_for_many_heads(heads: list[bytes]) -> None:
    """What a parser has seen before changes nothing in what it sees next."""
    parser = HeadParser()
    for head in heads:
        results = []
        for each in (parser, HeadParser()):
            try:
                found = each.parse(head)
            except MalformedHead as fault:
                results.append(str(fault))
            else:
                results.append(f"{found.start} {found.fields} {found.body} {found.keep_alive}")
        assert results[1] == results[0]
