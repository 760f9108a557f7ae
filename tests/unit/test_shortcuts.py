"""The short way of reading a request is the careful way, only shorter."""

from hypothesis import given, settings
from hypothesis import strategies as st

from balancer.core.refusals import Refusal
from balancer.core.urls.hosts import OriginHosts
from balancer.core.urls.plain import MAX_KNOWN, PlainVideos, is_sound
from balancer.core.urls.videos import OriginUrl, read_request
from balancer.idn import to_ascii
from tests.factories import origins

PIECES = st.sampled_from(
    [
        *("video=", "&video=", "&video", "&videos=1", "video", "http", "https", "://", "%3A%2F%2F"),
        *("%3a%2f%2f", "%2F", "/", "s1.origin-cluster", "S1.origin-cluster", "origin-cluster", "x.example"),
        *("xn--a.origin-cluster", ":80", ":8080", ".", "..", "%2e", "%2E.", "%25", "%", "%4", "+", "~", "-"),
        *("_", "a", "video", "1488", "m3u8", "?", "?x=1", "#", "&", "&&", "&CMCD=br%3D3200", "&%76ideo=1"),
        *("=", "&=", "&x=http://s2.origin-cluster/b", "|", '"', "\\", " ", "é", "\x00", "\t", "\x7f"),
    ]
)  # fmt: skip
SOUND = ["video=http%3A%2F%2Fs1.origin-cluster%2Fvideo%2F1.m3u8", "video=https://s2.origin-cluster/video/1.m3u8", ""]


def read_both(short: PlainVideos, allowed: OriginHosts, query: bytes) -> list[tuple[OriginUrl, bytes] | str]:
    """Return what both ways make of a query, or why they refuse it."""
    results: list[tuple[OriginUrl, bytes] | str] = []
    for read in (short.read, lambda query: read_request(query, allowed)):
        try:
            results.append(read(query))
        except Refusal as refusal:
            results.append(str(refusal))
    return results


@settings(max_examples=150)
@given(st.sampled_from(SOUND), st.lists(st.tuples(st.integers(0, 60), PIECES, st.integers(0, 2)), max_size=4))
def test_both_ways_read_alike(text: str, edits: list[tuple[int, str, int]]) -> None:
    """Whatever is asked, also for the second time, the short way answers as the careful one."""
    for at, piece, over in edits:
        text = text[:at] + piece + text[at + over :]
    allowed = origins()
    short = PlainVideos(allowed)
    # Whatever is plain is read by what the careful way found in others before.
    for known in SOUND[:-1]:
        short.read(known.encode())
    for _ in range(2):
        by_short, by_care = read_both(short, allowed, text.encode())
        assert by_care == by_short


PATHS = st.lists(st.text("abzAZ019_~-.", min_size=1, max_size=6).filter(lambda text: text[0] != "."), min_size=1)
CARRIED = st.lists(st.tuples(st.text("ab.-_~", min_size=1), st.text("a%/?=+:~\"|'", max_size=6)), max_size=3)


@given(st.sampled_from(["http", "https"]), PATHS, CARRIED, st.booleans())
def test_plain_requests_take_the_short_way(
    scheme: str, path: list[str], carried: list[tuple[str, str]], encoded: bool
) -> None:
    """Requests as players send them are plain, and are read as the careful way reads them."""
    url = "/".join([f"{scheme}://s1.origin-cluster", *path])
    value = url.replace(":", "%3A").replace("/", "%2F") if encoded else url
    query = "&".join([f"video={value}", *(f"{name}={text}" for name, text in carried)]).encode()
    allowed = origins()
    short = PlainVideos(allowed)
    for _ in range(2):
        by_short, by_care = read_both(short, allowed, query)
        assert by_care == by_short
        assert isinstance(by_short, tuple)
        assert url == by_short[0].text
    assert short.read_plain(query)


def test_memory_of_origins_is_bounded() -> None:
    """However many origins are asked for, only so many are remembered, and all are answered."""
    short = PlainVideos(OriginHosts(["*.origin-cluster"], to_ascii))
    for number in range(3 * MAX_KNOWN):
        video, _ = short.read(f"video=http://s{number}.origin-cluster/a".encode())
        assert f"s{number}" == video.origin.server
        assert len(short._raw) <= MAX_KNOWN


def test_only_what_stands_for_itself_is_sound() -> None:
    """A path is sound by no other bytes than letters, digits, a few marks and slashes, wherever they stand in it."""
    sound = set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
    for code in range(256):
        assert (code in sound) == is_sound(b"/a%cb" % code)
    assert not any(map(is_sound, [b"/", b"/.", b"/a/.", b"/../a", b"/.a"]))
