"""Content steering for HLS playlists."""

import re
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balancer.core.configs.targets import Kind, Scheme, Target
from balancer.core.errors import InvalidInput, NotSteerable, SteeringObstacle
from balancer.core.manifests.pathways import Pathway, pathway_of
from balancer.core.manifests.playlists import MAX_STEERED, steered_playlist
from balancer.core.manifests.steering import steered_manifest
from balancer.core.urls.videos import parse_video
from tests.factories import origins
from tests.manifests import BASE_URL, CDN_A, CDN_B, FMP4, FMP4_STEERED, MEDIA, ORIGIN, PATHWAYS, SERVER, TS

HEAD = "#EXTM3U\n"
STEERING = f'#EXT-X-CONTENT-STEERING:SERVER-URI="{SERVER}",PATHWAY-ID="cdn-a"'
VARIANT = "#EXT-X-STREAM-INF:BANDWIDTH=1\n"


def steered(playlist: str, *pathways: Pathway, base_url: str = BASE_URL) -> str:
    """Return a playlist with content steering, by default to one CDN."""
    return steered_playlist(playlist.encode(), base_url, pathways or [CDN_A], SERVER).decode()


def test_playlist_of_a_packager() -> None:
    """A playlist with all that packagers write is steered as it should be, and the rest stands as it stood."""
    assert FMP4_STEERED == steered(FMP4, CDN_A, ORIGIN)


def test_plain_playlist() -> None:
    """A playlist with nothing but variants has them once for each pathway, those of the first one first."""
    assert [
        "#EXTM3U",
        STEERING,
        '#EXT-X-STREAM-INF:PROGRAM-ID=1,BANDWIDTH=1280000,PATHWAY-ID="cdn-a"',
        "http://cdn-a.example.com/s1/video/1488/low/index.m3u8",
        '#EXT-X-STREAM-INF:PROGRAM-ID=1,BANDWIDTH=7680000,NAME=high,PATHWAY-ID="cdn-a"',
        "http://cdn-a.example.com/s1/video/1488/high/index.m3u8",
        '#EXT-X-STREAM-INF:PROGRAM-ID=1,BANDWIDTH=1280000,PATHWAY-ID="cdn-b"',
        "https://cdn-b.example.com:8443/video/1488/low/index.m3u8",
        '#EXT-X-STREAM-INF:PROGRAM-ID=1,BANDWIDTH=7680000,NAME=high,PATHWAY-ID="cdn-b"',
        "https://cdn-b.example.com:8443/video/1488/high/index.m3u8",
        "",
    ] == steered(TS, CDN_A, CDN_B).split("\n")


@pytest.mark.parametrize("pathways", [[CDN_A], [CDN_A, ORIGIN]], ids=["one pathway", "two"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", "", id="no line break at the end"),
        pytest.param("", "\n", id="a line break"),
        pytest.param("", "\n\n", id="an empty line"),
        pytest.param("\ufeff", "\n", id="a byte order mark"),
    ],
)
def test_line_breaks(before: str, after: str, pathways: list[Pathway]) -> None:
    """Lines end as the first one does, the last as it did; a byte order mark is dropped."""
    plain = before + TS.rstrip("\n") + after
    expected = steered(TS, *pathways).rstrip("\n") + after
    assert expected == steered(plain, *pathways)
    assert expected.replace("\n", "\r\n") == steered(plain.replace("\n", "\r\n"), *pathways)


@pytest.mark.parametrize(
    ("uri", "leads_to"),
    [
        ("a.m3u8", "http://c.example/s1/video/1488/a.m3u8"),
        ("a.m3u8?x=1#f", "http://c.example/s1/video/1488/a.m3u8?x=1#f"),
        ("./a/../b.m3u8", "http://c.example/s1/video/1488/b.m3u8"),
        ("../../../a.m3u8", "http://c.example/s1/a.m3u8"),
        ("/a.m3u8", "http://c.example/s1/a.m3u8"),
        ("a//b.m3u8", "http://c.example/s1/video/1488/a//b.m3u8"),
        ("a/.", "http://c.example/s1/video/1488/a/"),
        ("..", "http://c.example/s1/video/"),
        ("?x=/../1", "http://c.example/s1/video/1488/master.m3u8?x=/../1"),
        ("?", "http://c.example/s1/video/1488/master.m3u8?"),
        ("//s1.origin-cluster/a.m3u8", "http://c.example/s1/a.m3u8"),
        ("//other.example/a.m3u8", "http://other.example/a.m3u8"),
        ("HTTP://S1.Origin-Cluster:80/a.m3u8", "http://c.example/s1/a.m3u8"),
        ("http://s1.origin-cluster", "http://c.example/s1/"),
        ("https://s1.origin-cluster/a.m3u8", "https://s1.origin-cluster/a.m3u8"),
        ("http://s1.origin-cluster:8080/a.m3u8", "http://s1.origin-cluster:8080/a.m3u8"),
        ("http://user@s1.origin-cluster/a.m3u8", "http://user@s1.origin-cluster/a.m3u8"),
        ("HTTPS://Other.example/../a?", "HTTPS://Other.example/../a?"),
        ("data:application/x-mpegurl,x", "data:application/x-mpegurl,x"),
        ("%D1%8F/a%20b.m3u8", "http://c.example/s1/video/1488/%D1%8F/a%20b.m3u8"),
        ("\u044f.m3u8", "http://c.example/s1/video/1488/\u044f.m3u8"),
        ("\ta.m3u8 ", "http://c.example/s1/video/1488/a.m3u8"),
    ],
)
def test_where_uris_lead(uri: str, leads_to: str) -> None:
    """A URI at the playlist's own origin leads to the pathway, and one at another host where it led, absolute."""
    made = steered(f"{HEAD}{VARIANT}{uri}\n", Pathway("c", "http://c.example/s1"))
    assert leads_to == made.split("\n")[3]


def test_templates_of_targets() -> None:
    """A pathway is made of a target: its scheme, host and path template, and the origin leaves URLs as they are."""
    origin = parse_video(BASE_URL.encode(), origins()).origin
    targets = (
        Target("origin", Kind.ORIGIN),
        Target("a", Kind.CDN, "a.example"),
        Target("b", Kind.CDN, "b.example:81", Scheme.HTTPS, "/vod/{host}{path}/x"),
    )
    made = steered(f"{HEAD}{VARIANT}v.m3u8?y=1\n", *(pathway_of(target, origin) for target in targets))
    assert [
        "http://s1.origin-cluster/video/1488/v.m3u8?y=1",
        "http://a.example/s1/video/1488/v.m3u8?y=1",
        "https://b.example:81/vod/s1.origin-cluster/video/1488/v.m3u8/x?y=1",
    ] == [line for line in made.split("\n") if line and line[0] != "#"]


def test_groups_stay_apart() -> None:
    """Groups of two pathways never have the same name, also where a pathway's name ends as a group's begins."""
    playlist = "".join(
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{group}",NAME="n",URI="a.m3u8"\n' for group in ("x", "b_x", "b-x")
    )
    made = steered(f"{HEAD}{playlist}{VARIANT}v.m3u8\n", *(Pathway(name, "http://c.example") for name in ("a", "a-b")))
    assert 6 == len(set(re.findall('GROUP-ID="([^"]*)"', made)))


def test_variables() -> None:
    """A variable in a URI is replaced by what it was defined as, so that the URI can be made absolute."""
    made = steered(
        f'{HEAD}#EXT-X-DEFINE:NAME="host",VALUE="http://s1.origin-cluster"\n#EXT-X-DEFINE:NAME="d",VALUE="deep"\n'
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{$d}",NAME="{$d}",URI="{$d}/a.m3u8"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="deep"\n{$host}/{$d}/v.m3u8\n'
    )
    assert [
        "#EXTM3U",
        STEERING,
        '#EXT-X-DEFINE:NAME="host",VALUE="http://s1.origin-cluster"',
        '#EXT-X-DEFINE:NAME="d",VALUE="deep"',
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="cdn-a_{$d}",NAME="{$d}",URI="http://cdn-a.example.com/s1/video/1488/deep/a.m3u8"',
        '#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO="cdn-a_deep",PATHWAY-ID="cdn-a"',
        "http://cdn-a.example.com/s1/deep/v.m3u8",
        "",
    ] == made.split("\n")


Reason = SteeringObstacle
MIB = 1024 * 1024
BOUND = 30
"""Seconds of processor time: ten times as much as the slowest takes, and far less than what grows with the square."""


@pytest.mark.parametrize(
    ("playlist", "reason", "fault"),
    [
        pytest.param(MEDIA, Reason.MEDIA_PLAYLIST, "is a media playlist", id="media playlist"),
        pytest.param(HEAD + STEERING, Reason.STEERED_ALREADY, "has content steering already", id="steered"),
        pytest.param(
            f'{HEAD}#EXT-X-STREAM-INF:PATHWAY-ID="a"\nv\n', Reason.STEERED_ALREADY, "has pathways", id="pathways"
        ),
        pytest.param("", Reason.NOT_A_MANIFEST, "first line", id="nothing"),
        pytest.param(VARIANT, Reason.NOT_A_MANIFEST, "first line", id="no first line"),
        pytest.param("#EXTM3U8\n", Reason.NOT_A_MANIFEST, "first line", id="another first line"),
        pytest.param(HEAD, Reason.MALFORMED, "no variants", id="no variants"),
        pytest.param(f"{HEAD}v.m3u8\n", Reason.MALFORMED, "belongs to no variant", id="URI alone"),
        pytest.param(HEAD + VARIANT, Reason.MALFORMED, "without a URI", id="variant alone"),
        pytest.param(HEAD + VARIANT * 2 + "v", Reason.MALFORMED, "without a URI", id="two variants, one URI"),
        pytest.param(f"{HEAD}#EXT-X-I-FRAME-STREAM-INF:A=1\n", Reason.MALFORMED, "without a URI", id="I-frames"),
        pytest.param(f'{HEAD}#EXT-X-MEDIA:TYPE=AUDIO,URI="a"\n', Reason.MALFORMED, "without a group", id="no group"),
        pytest.param(f'{HEAD}#EXT-X-STREAM-INF:AUDIO="a\nv\n', Reason.MALFORMED, "never closed", id="open quote"),
        pytest.param(f'{HEAD}#EXT-X-STREAM-INF:AUDIO="a"b\nv\n', Reason.MALFORMED, "wrong place", id="stray quote"),
        pytest.param(f"{HEAD}#EXT-X-STREAM-INF:AUDIO=a\nv\n", Reason.MALFORMED, "needs", id="no quotes"),
        pytest.param(f'{HEAD}#EXT-X-MEDIA:URI="a",URI="b"\n', Reason.MALFORMED, "twice", id="twice"),
        pytest.param(f'{HEAD}#EXT-X-SESSION-KEY:URI=""\n', Reason.MALFORMED, "empty", id="empty URI"),
        pytest.param(f"{HEAD}{VARIANT}a b.m3u8\n", Reason.MALFORMED, "characters", id="space in a URI"),
        pytest.param(f"{HEAD}{VARIANT}a\\b.m3u8\n", Reason.MALFORMED, "characters", id="backslash in a URI"),
        pytest.param(f"{HEAD}{VARIANT}http:a.m3u8\n", Reason.MALFORMED, "without a host", id="scheme alone"),
        pytest.param(f"{HEAD}{VARIANT}http:///a.m3u8\n", Reason.MALFORMED, "without a host", id="no host"),
        pytest.param(f"{HEAD}{VARIANT}///a.m3u8\n", Reason.MALFORMED, "without a host", id="three slashes"),
        pytest.param(f"{HEAD}{VARIANT}{'a' * 9000}\n", Reason.MALFORMED, "longer", id="long URI"),
        pytest.param(f"{HEAD}{VARIANT}a\0b\n", Reason.MALFORMED, "control character", id="NUL"),
        pytest.param(f"{HEAD}#\x85\n{VARIANT}a\n", Reason.MALFORMED, "control character", id="next line"),
        pytest.param(f"{HEAD}#a\rb\n{VARIANT}a\n", Reason.MALFORMED, "carriage return", id="lone carriage return"),
        pytest.param(
            f'{HEAD}#EXT-X-DEFINE:QUERYPARAM="a"\n{TS[8:]}', Reason.UNSUPPORTED, "not in it", id="query parameter"
        ),
        pytest.param(f'{HEAD}#EXT-X-DEFINE:IMPORT="a"\n{TS[8:]}', Reason.UNSUPPORTED, "not in it", id="import"),
        pytest.param(f"{HEAD}{VARIANT}{{$a}}/v\n", Reason.UNSUPPORTED, "not defined", id="unknown variable"),
        pytest.param(f"{HEAD}{VARIANT}{{$a/v\n", Reason.UNSUPPORTED, "variable", id="half a variable"),
        pytest.param(
            f'{HEAD}#EXT-X-DEFINE:NAME="a",VALUE="{{$a}}"\n{VARIANT}{{$a}}/v\n',
            Reason.UNSUPPORTED,
            "variable in a variable",
            id="a variable of itself",
        ),
    ],
)
def test_what_cannot_be_steered(playlist: str, reason: SteeringObstacle, fault: str) -> None:
    """Whatever cannot be steered is refused, and the error says of which class the obstacle is, and which it is."""
    with pytest.raises(NotSteerable, match=fault) as refused:
        steered(playlist, *PATHWAYS)
    assert reason == refused.value.reason


def test_no_text() -> None:
    """Bytes that are not UTF-8 are refused."""
    with pytest.raises(NotSteerable, match="UTF-8"):
        steered_playlist(b"#EXTM3U\n#\xff\n", BASE_URL, PATHWAYS, SERVER)


@pytest.mark.parametrize("playlist", [TS, FMP4], ids=["TS", "fMP4"])
def test_twice(playlist: str) -> None:
    """What was steered once is refused the second time."""
    with pytest.raises(NotSteerable, match="already"):
        steered(steered(playlist))


@pytest.mark.parametrize(
    "playlist",
    [
        pytest.param(f"{HEAD}{VARIANT}{'a' * 10 * MIB}", id="a line of 10 MiB"),
        pytest.param(f"{HEAD}#EXT-X-STREAM-INF:{',A' * MIB}", id="commas"),
        pytest.param(f"{HEAD}#EXT-X-STREAM-INF:" + 'A="' * (MIB // 2), id="quotation marks"),
        pytest.param(f"{HEAD}#EXT-X-STREAM-INF:" + 'URI="a",' * (MIB // 5), id="the same attribute again and again"),
        pytest.param(f"{HEAD}#EXT-X-STREAM-INF:AUDIO={' ' * (MIB + MIB // 2)}", id="spaces"),
        pytest.param(f"{HEAD}#EXT-X-STREAM-INF:" + ' ,URI="' * (MIB // 4), id="never closed"),
        pytest.param(HEAD + VARIANT * 60_000, id="variants without URIs"),
        pytest.param(HEAD + (VARIANT + "a\n") * 60_000, id="too many variants"),
        pytest.param(HEAD + "\n" * 2 * MIB, id="empty lines"),
        pytest.param(HEAD + "#EXT-X-SESSION-DATA:\n" * 90_000, id="lines of no use"),
        pytest.param(
            f'{HEAD}#EXT-X-DEFINE:NAME="a",VALUE="{"b" * 8000}"\n{VARIANT}{"{$a}" * 2000}', id="variables that grow"
        ),
        pytest.param(f"{HEAD}{VARIANT}{'../' * 2700}a\n" * 200, id="dot segments"),
    ],
)
def test_hostile_playlists(playlist: str) -> None:
    """A hostile playlist is refused, or steered as any other, in a time that its size alone decides."""
    base_url = f"http://s1.origin-cluster/{'a' * 2000}/m.m3u8"
    begun = time.process_time()
    with suppress(NotSteerable):
        assert MAX_STEERED >= len(steered_manifest(playlist.encode(), base_url, PATHWAYS, SERVER))
    assert BOUND > time.process_time() - begun


def test_many_pathways() -> None:
    """A playlist that would grow too large is refused; one that just fits is as long as is said."""
    pathways = [Pathway(f"cdn-{number}", f"http://cdn-{number}.example.com") for number in range(64)]
    fits = HEAD + (VARIANT + "a\n") * 500
    assert MAX_STEERED > len(steered(fits, *pathways)) > MAX_STEERED // 3
    with pytest.raises(NotSteerable, match="larger") as refused:
        steered(HEAD + (VARIANT + "a\n") * 2500, *pathways)
    assert Reason.TOO_LARGE == refused.value.reason


@pytest.mark.parametrize(
    ("pathways", "server_uri", "base_url", "field"),
    [
        pytest.param([CDN_A], 'https://a.example/"', BASE_URL, "server_uri", id="quotation mark"),
        pytest.param([CDN_A], "https://a.example/\n", BASE_URL, "server_uri", id="line feed"),
        pytest.param([CDN_A], "https://a.example/\r", BASE_URL, "server_uri", id="carriage return"),
        pytest.param([CDN_A], "https://a.example/{$a}", BASE_URL, "server_uri", id="variable"),
        pytest.param([CDN_A], "https://a.example/" + "a" * 2048, BASE_URL, "server_uri", id="long"),
        pytest.param([CDN_A], "/steering", BASE_URL, "server_uri", id="relative"),
        pytest.param([], SERVER, BASE_URL, "pathways", id="no pathway"),
        pytest.param([CDN_A, CDN_A], SERVER, BASE_URL, "pathways", id="a pathway twice"),
        pytest.param([Pathway("A", "http://a.example")], SERVER, BASE_URL, "pathways", id="name"),
        pytest.param([Pathway("a", 'http://a.example"')], SERVER, BASE_URL, "pathways", id="before"),
        pytest.param([Pathway("a", "http://a.example", "{$")], SERVER, BASE_URL, "pathways", id="after"),
        pytest.param([CDN_A], SERVER, "video/a.m3u8", "base_url", id="relative base"),
        pytest.param([CDN_A], SERVER, "http://s1.origin-cluster/{$a}/", "base_url", id="variable in the base"),
        pytest.param([CDN_A], SERVER, "http://a.example/" + "a" * 8192, "base_url", id="long base"),
    ],
)
def test_wrong_arguments(pathways: list[Pathway], server_uri: str, base_url: str, field: str) -> None:
    """What would end an attribute, or be none of what it should be, is named by its argument."""
    with pytest.raises(InvalidInput) as refused:
        steered_playlist(TS.encode(), base_url, pathways, server_uri)
    assert field == refused.value.field


# Any text but what ends a line, a quotation or a playlist.
TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters='"'), max_size=12)
VALUES = st.one_of(TEXT.map(lambda text: f'"{text}"'), st.sampled_from(["NONE", "640x360", "7", "0x1F"]))
ATTRIBUTES = st.dictionaries(st.sampled_from(["X-A", "X-AUDIO", "X-URI", "NAME", "BANDWIDTH"]), VALUES, max_size=3).map(
    lambda found: tuple(f"{name}={value}" for name, value in found.items())
)
URIS = st.sampled_from(["a.m3u8", "b/c.m3u8?x=1", "../d.m3u8", "/e/f.m3u8", "https://other.example/g.m3u8"])


def tag(name: str, *attributes: str) -> str:
    """Return a line with an attribute list."""
    return f"{name}:{','.join(attributes)}"


UNKNOWN = st.one_of(
    TEXT.map(lambda text: f"# {text}"),
    TEXT.map(lambda text: f"#EXT-X-NEW:{text}"),
    ATTRIBUTES.map(lambda found: tag("#EXT-X-NEWER", *found)),
    st.just(""),
    st.just('#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="a",INSTREAM-ID="CC1"'),
)


@dataclass
class Made:
    """A playlist, and what was put into it.

    Attributes:
        lines: All of it.
        unknown: The lines that are to stay.
        attributes: Attributes that are to stay, of lines that are repeated.
        variants: How many there are.
    """

    lines: list[str]
    unknown: list[str]
    attributes: list[str]
    variants: int


def made(parts: list[tuple[str, tuple[str, ...], str, str]]) -> Made:
    """Return a playlist of known and unknown lines, with at least one variant."""
    found = Made(["#EXTM3U"], [], [], 0)
    for kind, attributes, uri, unknown in [*parts, ("variant", (), "last.m3u8", "")]:
        if kind in {"unknown", "between"}:
            found.unknown.append(unknown)
        if kind in {"variant", "between"}:
            between = [unknown] if kind == "between" else []
            found.lines += [tag("#EXT-X-STREAM-INF", *attributes, 'AUDIO="a"'), *between, uri]
        elif kind == "i-frames":
            found.lines.append(tag("#EXT-X-I-FRAME-STREAM-INF", *attributes, f'URI="{uri}"'))
        elif kind == "media":
            found.lines.append(tag("#EXT-X-MEDIA", "TYPE=AUDIO", *attributes, f'URI="{uri}"', 'GROUP-ID="a"'))
        else:
            found.lines.append(unknown)
        found.variants += kind in {"variant", "between", "i-frames"}
        if kind != "unknown":
            found.attributes += attributes
    return found


KINDS = st.sampled_from(["unknown", "variant", "between", "i-frames", "media"])
PLAYLISTS = st.lists(st.tuples(KINDS, ATTRIBUTES, URIS, UNKNOWN), max_size=8).map(made)


@settings(max_examples=100)
@given(PLAYLISTS, st.sampled_from(["\n", "\r\n"]), st.integers(1, 3))
def test_nothing_is_lost(playlist: Made, end: str, count: int) -> None:
    """Unknown lines stay byte for byte, in order and once; each variant and what is said of it is there per pathway."""
    pathways = PATHWAYS[:count]
    lines = steered(end.join([*playlist.lines, ""]), *pathways).split(end)
    assert lines[1].startswith("#EXT-X-CONTENT-STEERING:")
    rest = iter(lines)
    assert all(unknown in rest for unknown in playlist.unknown)
    assert all(lines.count(line) == times for line, times in Counter(playlist.unknown).items() if line)
    steered_lines = [line for line in lines if re.match("#EXT-X-(I-FRAME-)?STREAM-INF:", line)]
    of_pathways = Counter(line.rpartition('PATHWAY-ID="')[2].rstrip('"') for line in steered_lines)
    assert {pathway.name: playlist.variants for pathway in pathways} == of_pathways
    known = "\n".join(line for line in lines if re.match("#EXT-X-(I-FRAME-STREAM-INF|STREAM-INF|MEDIA):", line))
    assert all(known.count(attribute) >= times * count for attribute, times in Counter(playlist.attributes).items())
    uris = [line for line in lines if line and line[0] != "#"] + re.findall(r'[:,]URI="([^"]*)"', known)
    assert all(re.match("https?://", uri) for uri in uris)


@settings(max_examples=100)
@given(PLAYLISTS)
def test_the_first_pathway_stands_where_it_stood(playlist: Made) -> None:
    """With the origin as the one pathway, all that changes is what steering adds, and relative URIs."""
    lines = steered("\n".join(playlist.lines), ORIGIN).split("\n")
    del lines[1]
    restored = [line.replace(',PATHWAY-ID="origin"', "").replace('"origin_a"', '"a"') for line in lines]
    uri = re.compile(r'((?:^|[:,]URI="))[^"#]+\.m3u8(?:\?x=\d)?')
    assert [uri.sub(r"\1", line) for line in playlist.lines] == [uri.sub(r"\1", line) for line in restored]


@settings(max_examples=200)
@given(st.one_of(st.binary(max_size=200), TEXT.map(str.encode)), st.sampled_from(["", HEAD, HEAD + VARIANT]))
def test_any_bytes(found: bytes, before: str) -> None:
    """Whatever is given, there is a playlist or a clear refusal."""
    with suppress(NotSteerable):
        assert b"#EXT-X-CONTENT-STEERING" in steered_manifest(before.encode() + found, BASE_URL, PATHWAYS, SERVER)
