"""From a query string to the URLs that it can be redirected to."""

from urllib.parse import quote

import pytest

from balancer.core.configs.targets import Kind, Target
from balancer.core.refusals import InvalidVideo, QueryTooLong, Refusal, RefusalReason
from balancer.core.routing.locations import ends_of
from balancer.core.urls.videos import MAX_VIDEO, parse_video, split_query, tail_of
from tests.factories import AT_CDN, VIDEO, origins

CDN = "cdn.example.com"


def redirect(query: str, *patterns: str) -> tuple[str, str]:
    """Return where a query string leads, at the origin and at the CDN."""
    value, carried = split_query(query.encode())
    video = parse_video(value, origins(*patterns))
    targets = Target("origin", Kind.ORIGIN), Target("cdn", Kind.CDN, CDN)
    at_origin, at_cdn = (
        b"".join((ends.before, video.path, ends.after, tail_of(video.query, carried))).decode("latin-1")
        for ends in (ends_of(target, video.origin) for target in targets)
    )
    return at_origin, at_cdn


@pytest.mark.parametrize(
    ("query", "at_origin", "at_cdn"),
    [
        pytest.param(f"video={VIDEO}", VIDEO, AT_CDN, id="raw"),
        pytest.param(f"video={quote(VIDEO, safe='')}", VIDEO, AT_CDN, id="percent-encoded"),
        pytest.param(f"%76ideo={VIDEO}", VIDEO, AT_CDN, id="name percent-encoded"),
        pytest.param(f"video={quote(VIDEO)}", VIDEO, AT_CDN, id="slashes left as they are"),
        pytest.param(
            "video=https://s1.origin-cluster/a.m3u8",
            "https://s1.origin-cluster/a.m3u8",
            "https://cdn.example.com/s1/a.m3u8",
            id="https",
        ),
        pytest.param(
            "video=HTTP://S1.Origin-Cluster/A.m3u8",
            "http://s1.origin-cluster/A.m3u8",
            "http://cdn.example.com/s1/A.m3u8",
            id="upper case host",
        ),
        pytest.param(
            "video=http://s1.origin-cluster/a?x=1&y=2",
            "http://s1.origin-cluster/a?x=1&y=2",
            "http://cdn.example.com/s1/a?x=1&y=2",
            id="raw query of its own",
        ),
        pytest.param(
            "b=%2f&video=http://s1.origin-cluster/a&CMCD=br%3D3200%2Cbs&&c",
            "http://s1.origin-cluster/a?b=%2f&CMCD=br%3D3200%2Cbs&&c",
            "http://cdn.example.com/s1/a?b=%2f&CMCD=br%3D3200%2Cbs&&c",
            id="carried parameters byte for byte",
        ),
        pytest.param(
            f"video={quote('http://s1.origin-cluster/a?x=1&y=2#t=3', safe='')}&z=3",
            "http://s1.origin-cluster/a?x=1&y=2&z=3",
            "http://cdn.example.com/s1/a?x=1&y=2&z=3",
            id="fragment dropped, carried after its query",
        ),
        pytest.param(
            "video=http://s1.origin-cluster/a?&z=3",
            "http://s1.origin-cluster/a?z=3",
            "http://cdn.example.com/s1/a?z=3",
            id="empty query",
        ),
        pytest.param(
            "video=http://s1.origin-cluster/a%20b%2Fc%C3%A9%7e?q=%26",
            "http://s1.origin-cluster/a%20b%2Fc%C3%A9%7e?q=%26",
            "http://cdn.example.com/s1/a%20b%2Fc%C3%A9%7e?q=%26",
            id="escapes of the raw form stay",
        ),
        pytest.param(
            f"video={quote('http://s1.origin-cluster/a%20b?q=%26', safe='')}",
            "http://s1.origin-cluster/a%20b?q=%26",
            "http://cdn.example.com/s1/a%20b?q=%26",
            id="escapes of the encoded form stay",
        ),
        pytest.param(
            "video=http://s1.origin-cluster/a+b?c+d",
            "http://s1.origin-cluster/a+b?c+d",
            "http://cdn.example.com/s1/a+b?c+d",
            id="a plus is a plus",
        ),
        pytest.param(
            "video=http%3A%2F%2Fs1.origin-cluster%2Fa+b",
            "http://s1.origin-cluster/a+b",
            "http://cdn.example.com/s1/a+b",
            id="a plus is a plus in the encoded form",
        ),
        pytest.param(
            f"video={quote('http://s1.origin-cluster/видео|[1]' + chr(34) + '?é={}', safe='')}",
            "http://s1.origin-cluster/%D0%B2%D0%B8%D0%B4%D0%B5%D0%BE%7C%5B1%5D%22?%C3%A9=%7B%7D",
            "http://cdn.example.com/s1/%D0%B2%D0%B8%D0%B4%D0%B5%D0%BE%7C%5B1%5D%22?%C3%A9=%7B%7D",
            id="what a URL cannot hold is escaped",
        ),
        pytest.param(
            "video=http://s1.origin-cluster:80/a",
            "http://s1.origin-cluster:80/a",
            "http://cdn.example.com/s1/a",
            id="default port",
        ),
        pytest.param(
            "video=http://s1.origin-cluster//a/...m3u8/.b",
            "http://s1.origin-cluster//a/...m3u8/.b",
            "http://cdn.example.com/s1//a/...m3u8/.b",
            id="dots that are no dot segment",
        ),
        pytest.param(
            "video=http://s1.origin-cluster/a?b/../c",
            "http://s1.origin-cluster/a?b/../c",
            "http://cdn.example.com/s1/a?b/../c",
            id="dots in the query",
        ),
    ],
)
def test_redirects(query: str, at_origin: str, at_cdn: str) -> None:
    """A sound query leads to the given URL at the origin and to the rewritten one at the CDN."""
    assert (at_origin, at_cdn) == redirect(query)


R = RefusalReason


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        pytest.param("", R.VIDEO_MISSING, id="no query"),
        pytest.param("videos=http://s1.origin-cluster/a", R.VIDEO_MISSING, id="another name"),
        pytest.param("video", R.VIDEO_MISSING, id="no value"),
        pytest.param("video=", R.VIDEO_MISSING, id="empty"),
        pytest.param(f"video={VIDEO}&video={VIDEO}", R.VIDEO_REPEATED, id="twice"),
        pytest.param(f"video={VIDEO}&%76id%65o=", R.VIDEO_REPEATED, id="twice in disguise"),
        pytest.param("video=/video/a", R.NOT_A_URL, id="path"),
        pytest.param("video=//s1.origin-cluster/a", R.NOT_A_URL, id="no scheme"),
        pytest.param("video=ftp://s1.origin-cluster/a", R.NOT_A_URL, id="other scheme"),
        pytest.param("video=javascript:alert(1)", R.NOT_A_URL, id="script"),
        pytest.param("video=http:s1.origin-cluster/a", R.NOT_A_URL, id="no slashes"),
        pytest.param("video=http:/s1.origin-cluster/a", R.NOT_A_URL, id="one slash"),
        pytest.param("video=http:///s1.origin-cluster/a", R.BAD_HOST, id="three slashes"),
        pytest.param(f"video={quote('httpſ://s1.origin-cluster/a')}", R.NOT_A_URL, id="long s"),
        pytest.param("video=http://u:p@s1.origin-cluster/a", R.USER_INFO, id="user info"),
        pytest.param("video=http://example.com@s1.origin-cluster/a", R.USER_INFO, id="user"),
        pytest.param("video=http://s1.origin-cluster%40example.com/a", R.BAD_HOST, id="escaped user info"),
        pytest.param("video=http://example.com/a", R.HOST_NOT_ALLOWED, id="another host"),
        pytest.param("video=http://a.b.origin-cluster/a", R.HOST_NOT_ALLOWED, id="star is one label"),
        pytest.param("video=http://s1.origin-cluster.example.com/a", R.HOST_NOT_ALLOWED, id="allowed as a prefix"),
        pytest.param("video=http://s1.xorigin-cluster/a", R.HOST_NOT_ALLOWED, id="allowed as a suffix"),
        pytest.param("video=http://s1.origin-cluster:8080/a", R.HOST_NOT_ALLOWED, id="another port"),
        pytest.param("video=http://s1.origin-cluster:443/a", R.HOST_NOT_ALLOWED, id="port of the other scheme"),
        pytest.param("video=http://s1.origin-cluster:/a", R.BAD_PORT, id="empty port"),
        pytest.param("video=http://s1.origin-cluster:080/a", R.BAD_PORT, id="leading zero"),
        pytest.param("video=http://s1.origin-cluster:65536/a", R.BAD_PORT, id="port too great"),
        pytest.param("video=http://s1.origin-cluster:8a/a", R.BAD_PORT, id="port not a number"),
        pytest.param(f"video={quote('http://s1.origin-clúster/a')}", R.BAD_HOST, id="not ASCII"),
        pytest.param(f"video={quote('http://s1．origin-cluster/a')}", R.BAD_HOST, id="full-width dot"),
        pytest.param("video=http://xn--a.origin-cluster/a", R.HOST_NOT_ALLOWED, id="punycode of nothing"),
        pytest.param("video=http://s1.origin-cluster./a", R.BAD_HOST, id="root dot"),
        pytest.param("video=http://.origin-cluster/a", R.BAD_HOST, id="empty label"),
        pytest.param("video=http://s%31.origin-cluster/a", R.BAD_HOST, id="escape in the host"),
        pytest.param("video=http://s1%2eorigin-cluster/a", R.BAD_HOST, id="escaped dot in the host"),
        pytest.param("video=http://origin-cluster/a", R.BAD_HOST, id="no label before the domain"),
        pytest.param("video=http://127.0.0.1/a", R.IP_ADDRESS, id="IPv4"),
        pytest.param("video=http://0x7f.1/a", R.IP_ADDRESS, id="IPv4 in hex"),
        pytest.param("video=http://2130706433/a", R.IP_ADDRESS, id="IPv4 as a number"),
        pytest.param("video=http://[::1]/a", R.IP_ADDRESS, id="IPv6"),
        pytest.param("video=http://s1.origin-cluster", R.PATH_EMPTY, id="no path"),
        pytest.param("video=http://s1.origin-cluster/", R.PATH_EMPTY, id="only a slash"),
        pytest.param("video=http://s1.origin-cluster?a=1", R.PATH_EMPTY, id="no path but a query"),
        pytest.param("video=http://s1.origin-cluster/%23/../a", R.DOT_SEGMENT, id="dot dot"),
        pytest.param("video=http://s1.origin-cluster/a/.", R.DOT_SEGMENT, id="dot at the end"),
        pytest.param("video=http://s1.origin-cluster/%2e%2E/a", R.DOT_SEGMENT, id="escaped dots"),
        pytest.param("video=http://s1.origin-cluster/.%2e/a", R.DOT_SEGMENT, id="mixed dots"),
        pytest.param("video=http://s1.origin-cluster/..;/a", R.DOT_SEGMENT, id="dots with an empty parameter"),
        pytest.param("video=http://s1.origin-cluster/%2e%2e;a/b", R.DOT_SEGMENT, id="escaped dots with a parameter"),
        pytest.param("video=http://s1.origin-cluster/..%3Ba/b", R.DOT_SEGMENT, id="dots with an escaped semicolon"),
        pytest.param("video=http://s1.origin-cluster/..%20/b", R.DOT_SEGMENT, id="dots with a space behind"),
        pytest.param("video=http://s1.origin-cluster/%252e%252e/b", R.DOT_SEGMENT, id="dots for a second decoding"),
        pytest.param("video=http://s1.origin-cluster/..%c0%af/b", R.BAD_ESCAPE, id="overlong slash"),
        pytest.param("video=http://s1.origin-cluster/%C0%AE%c0%ae/b", R.BAD_ESCAPE, id="overlong dots"),
        pytest.param("video=http://s1.origin-cluster/%e0%80%ae./b", R.BAD_ESCAPE, id="overlong dot of three bytes"),
        pytest.param("video=http://s1.origin-cluster/%f0%80%80%ae./b", R.BAD_ESCAPE, id="overlong dot of four bytes"),
        pytest.param("video=http://s1.origin-cluster/a/..%2fb", R.DOT_SEGMENT, id="escaped slash"),
        pytest.param("video=http://s1.origin-cluster/a%5c..%5cb", R.DOT_SEGMENT, id="escaped backslashes"),
        pytest.param("video=http%3A%2F%2Fs1.origin-cluster%2F%252e%252e%2Fa", R.DOT_SEGMENT, id="doubly escaped dots"),
        pytest.param("video=http://s1.origin-cluster\\@example.com/a", R.BAD_CHARACTER, id="backslash in the host"),
        pytest.param("video=http://s1.origin-cluster/a?b\\c", R.BAD_CHARACTER, id="backslash in the query"),
        pytest.param("video=http%3A%2F%2Fs1.origin-cluster%2Fa%0Ab", R.BAD_CHARACTER, id="newline"),
        pytest.param("video=http%3A%2F%2Fs1.origin-cluster%2Fa%09b", R.BAD_CHARACTER, id="tab"),
        pytest.param("video=http%3A%2F%2Fs1.origin-cluster%2Fa%20b", R.BAD_CHARACTER, id="space"),
        pytest.param("video=http%3A%2F%2Fs1.origin-cluster%2Fa%00b", R.BAD_CHARACTER, id="null"),
        pytest.param("video=http%3A%2F%2Fs1.origin-cluster%2Fa%C2%A0b", R.BAD_CHARACTER, id="no-break space"),
        pytest.param("video=%20http%3A%2F%2Fs1.origin-cluster%2Fa", R.BAD_CHARACTER, id="leading space"),
        pytest.param("video=http://s1.origin-cluster/a%0d%0aSet-Cookie:b", R.BAD_CHARACTER, id="escaped newline"),
        pytest.param("video=http://s1.origin-cluster/a%zz", R.BAD_ESCAPE, id="broken escape"),
        pytest.param("video=http://s1.origin-cluster/a?b%2", R.BAD_ESCAPE, id="cut escape"),
        pytest.param("video=http%3A%2F%2Fs1.origin-cluster%2Fa%2", R.BAD_ESCAPE, id="cut outer escape"),
        pytest.param("video=http%3A%2F%2Fs1.origin-cluster%2Fa%25zz", R.BAD_ESCAPE, id="broken inner escape"),
        pytest.param("video=http%3A%2F%2Fs1.origin-cluster%2Fa%FF", R.BAD_ESCAPE, id="not UTF-8"),
    ],
)
def test_refuses(query: str, reason: RefusalReason) -> None:
    """An unsound query is refused for the reason that it has, and the error names the parameter."""
    with pytest.raises(InvalidVideo, match="'video'") as caught:
        redirect(query)
    assert reason == caught.value.reason


def test_longest() -> None:
    """The longest video is served, one byte more is too long."""
    longest = VIDEO + "a" * (MAX_VIDEO - len(VIDEO))
    assert longest == redirect(f"video={longest}")[0]
    with pytest.raises(QueryTooLong):
        redirect(f"video={longest}a")
    with pytest.raises(QueryTooLong):
        redirect(f"video={longest}&a")


def test_patterns_with_a_port() -> None:
    """A pattern with a port allows that port and no other, in either scheme."""
    patterns = ("*.origin-cluster:8080", "vod.example.com")
    assert "http://s1.origin-cluster:8080/a" == redirect("video=http://s1.origin-cluster:8080/a", *patterns)[0]
    assert "https://s1.origin-cluster:8080/a" == redirect("video=https://s1.origin-cluster:8080/a", *patterns)[0]
    assert "http://cdn.example.com/vod/a" == redirect("video=http://vod.example.com/a", *patterns)[1]
    with pytest.raises(Refusal, match="not an allowed origin"):
        redirect("video=http://s1.origin-cluster/a", *patterns)


def test_punycode() -> None:
    """A host whose label is sound punycode is served as it is."""
    assert "http://xn--bcher-kva.origin-cluster/a" == redirect("video=http://xn--bcher-kva.origin-cluster/a")[0]
