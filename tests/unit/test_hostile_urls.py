"""Whatever is redirected goes where we mean it to, also as a browser reads it."""

import random
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import ada_url
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar import Litestar

from tests.factories import ConfigFactory
from tests.unit.apps import DirectCalls, direct_calls, make_test_app

CDN = "cdn.example.com"

# What attacks on URLs are made of: separators, escapes, look-alikes, other hosts, and pieces of sound URLs.
PIECES = [
    "http", "https", "HTTP", "ftp", "javascript", ":", "/", "//", "///", "\\", "/\\", "@", "?", "#", "&", "=",
    ";", "+", ",", ".", "..", "...", "%2e", "%2E%2e", "%2f", "%5c", "%00", "%0a", "%0d%0a", "%09", "%20", "%",
    "%2", "%zz", "%25", "%252e", "%40", "%3a", "%3A%2F%2F", "\t", "\n", "\r", "\0", " ", "\x7f", "\x85",
    "\xa0", "\u2028", "\u3000", "．", "。", "／", "：", "＠", "＃", "℀", "ſ", "é", "видео", "\ud7ff", "😀", "xn--",
    "xn--a", "xn--bcher-kva", "[", "]", "[::1]", "127.0.0.1", "0x7f.1", "2130706433", "017700000001", "1.2.3",
    ":80", ":443", ":8080", ":", ":0", ":99999", "user:pass@", "s1", "S1", "s1.origin-cluster",
    "origin-cluster", ".origin-cluster", "s1.origin-cluster.", "origin-cluster.evil.example", "evil.example",
    "@evil.example", "cdn.example.com", "/video/1488/a.m3u8", "/video", "a", "|", '"', "<", ">", "^", "`", "{",
    "}", "'", "~", "*", "!", "$", "_", "-", "--", "video=", "&video=", "&x=1",
]  # fmt: skip

SOUND = [
    "http://s1.origin-cluster/video/a.m3u8",
    "https://S2.origin-cluster:443/b?x=1",
    "http://xn--bcher-kva.origin-cluster/c",
]


URLS_OF_EACH_SEED = 10


def attacks(seed: int) -> Iterator[tuple[str, bool]]:
    """Yield hostile URLs, and whether to send each percent-encoded: sound ones or nothing, with pieces put in."""
    chance = random.Random(seed)
    for _ in range(URLS_OF_EACH_SEED):
        text = chance.choice([*SOUND, *SOUND, "http://s1.origin-cluster/", ""])
        for _ in range(chance.choice([1, 1, 2, 3, 5])):
            any_character = chr(chance.choice([chance.randrange(0xD800), chance.randrange(0xE000, 0x110000)]))
            piece = chance.choice([*PIECES, any_character, any_character])
            # Most attacks begin behind the host; what is put before it is nearly always refused.
            path = text.find("/", len("https://")) + 1
            at = chance.randint(chance.choice([0, path, path, path]), len(text))
            text = text[:at] + piece + text[at + chance.randint(0, 2) :]
        yield text, chance.random() < 0.5


@pytest.fixture(scope="module")
def app() -> Litestar:
    """Return the real application over fakes, at a rate that takes both branches in turn."""
    return make_test_app(ConfigFactory.build(distribution_rate=2))


@pytest.fixture(scope="module")
def calls(app: Litestar) -> Iterator[DirectCalls]:
    """Return a way to ask the application."""
    with direct_calls(app) as calls:
        yield calls


def check(status: int, headers: dict[bytes, bytes], video: str) -> None:
    """Check that one answer is a refusal without a location, or a redirect that a browser reads as we do."""
    if status != 301:
        assert status in {414, 422}
        assert b"location" not in headers
        return
    location = headers[b"location"].decode("ascii")
    assert location.isprintable()
    read = ada_url.URL(location)
    assert not read.username
    assert not read.password
    origin = read.hostname.endswith(".origin-cluster") and read.hostname.count(".") == 1 and read.port == ""
    assert origin or (read.hostname, read.port) == (CDN, "")
    # A browser resolves nothing away: the path is the one that we sent, and so the server's segment leads it.
    assert urlsplit(location).path.lower() == quote(read.pathname, safe="/%:@!$&'()*+,;=-._~").lower(), video


@settings(max_examples=100)
@given(st.integers(0, 2**32))
def test_hostile_urls(calls: DirectCalls, seed: int) -> None:
    """Each of 1,000 hostile URLs is refused, or leads to the CDN or an allowed origin as a browser reads it."""
    for video, encoded in attacks(seed):
        # Raw stands for a client that escapes only what cannot stand in a request at all.
        value = quote(video, safe="" if encoded else "%/:@!$&'()*+,;=-._~?#[]|\"<>^`{}\\")
        for _branch in ("cdn", "origin"):
            check(*calls.get(f"video={value}".encode()), video)


def test_attacks_are_not_all_refused(calls: DirectCalls) -> None:
    """Enough of the hostile URLs are redirected, so that the check of where they lead has something to check."""
    videos = [video for seed in range(20) for video, _ in attacks(seed)]
    statuses = [calls.get(f"video={quote(video, safe='')}".encode())[0] for video in videos]
    assert statuses.count(301) >= 30


@settings(max_examples=150)
@given(query=st.binary(max_size=60), sound=st.booleans())
def test_any_query_string(calls: DirectCalls, query: bytes, sound: bool) -> None:
    """Any bytes at all as a query string are refused, or lead to the CDN or an allowed origin."""
    status, headers = calls.get(b"video=http://s1.origin-cluster/a&" * sound + query)
    assert status in {301, 422}
    if status == 301:
        assert ada_url.URL(headers[b"location"].decode("latin-1")).hostname in {CDN, "s1.origin-cluster"}
