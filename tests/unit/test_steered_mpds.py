"""Content steering for DASH MPDs."""

import re
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urljoin
from xml.etree import ElementTree as ET
from xml.parsers.expat import ParserCreate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balancer.core.errors import NotSteerable, SteeringObstacle
from balancer.core.manifests.mpds import Refresh, steered_mpd
from balancer.core.manifests.pathways import Pathway
from balancer.core.manifests.steering import steered_manifest
from tests.manifests import (
    BASE_URL,
    CDN_A,
    CDN_B,
    LEVELS,
    LEVELS_STEERED,
    LIVE,
    LIVE_STEERED,
    ORIGIN,
    PATHWAYS,
    SERVER,
)

NAMESPACE = 'xmlns="urn:mpeg:dash:schema:mpd:2011"'
MIB = 1024 * 1024
BOUND = 30
"""Seconds of processor time: ten times as much as the slowest takes, and far less than what grows with the square."""


def steered(mpd: str, *pathways: Pathway, base_url: str = BASE_URL, refresh: Refresh | None = None) -> str:
    """Return an MPD with content steering, by default to one CDN and the origin."""
    return steered_mpd(mpd.encode(), base_url, pathways or (CDN_A, ORIGIN), SERVER, refresh).decode()


def mpd(*inside: str) -> str:
    """Return an MPD with these elements."""
    return f"<MPD {NAMESPACE}>{''.join(inside)}</MPD>"


PERIOD = "<Period/>"


@pytest.mark.parametrize(("before", "after"), [(LIVE, LIVE_STEERED), (LEVELS, LEVELS_STEERED)], ids=["live", "levels"])
def test_mpds_of_packagers(before: str, after: str) -> None:
    """An MPD as packagers write it is steered as it should be, and the rest stays byte for byte."""
    assert after == steered(before)
    assert after.replace("\n", "\r\n") == steered(before.replace("\n", "\r\n"))
    assert f"\ufeff{after}" == steered(f"\ufeff{before}")


def test_where_a_live_mpd_is_had_anew() -> None:
    """A live MPD leads to its next steered one by its own `Location`, or where it has none, by its own URL."""
    asked: list[str] = []

    def refresh(url: str) -> str:
        asked.append(url)
        return "https://balancer.example.com/manifest?a=1&b=2"

    begin = "  <ContentSteering "
    location = "  <Location>https://balancer.example.com/manifest?a=1&amp;b=2</Location>\n"
    assert LIVE_STEERED.replace(begin, location + begin) == steered(LIVE, refresh=refresh)
    old = "  <Location>http://s1.origin-cluster/video/1488/a.mpd</Location>\n"
    assert LIVE_STEERED.replace(begin, location + begin) == steered(LIVE.replace(old, ""), refresh=refresh)
    assert LIVE_STEERED.replace("dynamic", "static") == steered(LIVE.replace("dynamic", "static"), refresh=refresh)
    assert ["http://s1.origin-cluster/video/1488/a.mpd", BASE_URL] == asked
    with pytest.raises(NotSteerable, match="anew at another host"):
        steered(LIVE, refresh=lambda _url: None)


def test_mpd_on_one_line() -> None:
    """An MPD without base URLs leads to its own folder, whose query and file name are left out."""
    assert mpd(
        '<BaseURL serviceLocation="cdn-b">https://cdn-b.example.com:8443/video/1488/</BaseURL>',
        '<BaseURL serviceLocation="cdn-a">http://cdn-a.example.com/s1/video/1488/</BaseURL>',
        '<ContentSteering defaultServiceLocation="cdn-b" queryBeforeStart="false">'
        "https://balancer.example.com/steering?video=1488&amp;v=1</ContentSteering>",
        PERIOD,
    ) == steered(mpd(PERIOD), CDN_B, CDN_A, base_url=f"{BASE_URL}?token=1")


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        pytest.param(
            "<BaseURL>http://s1.origin-cluster/a/</BaseURL><BaseURL>/b/</BaseURL>",
            "http://cdn-a.example.com/s1/a/",
            id="several of the origin",
        ),
        pytest.param("<BaseURL>one.mp4</BaseURL>", "http://cdn-a.example.com/s1/video/1488/one.mp4", id="a file"),
        pytest.param("<BaseURL> ../a/ </BaseURL>", "http://cdn-a.example.com/s1/video/a/", id="dot segments"),
        pytest.param("<BaseURL/>", "http://cdn-a.example.com/s1/video/1488/", id="empty"),
        pytest.param("<BaseURL>a&#38;b/</BaseURL>", "http://cdn-a.example.com/s1/video/1488/a&b/", id="ampersand"),
    ],
)
def test_base_urls_of_all(inside: str, expected: str) -> None:
    """The first base URL of the MPD tells where all its files are."""
    root = ET.fromstring(steered(mpd(inside, PERIOD)))
    found = [element.text for element in root if element.tag.endswith("BaseURL")]
    assert (expected, 2) == (found[0], len(found))


@pytest.mark.parametrize(
    ("mpd_url", "period", "representation"),
    [
        (None, None, "/a/b.mp4"),
        (None, None, "http://s1.origin-cluster/"),
        ("dash/", "p1/", "http://s1.origin-cluster/video/1488/dash/p1/b.mp4"),
        ("dash/", "/p1", "/p1"),
        (None, "/x/y/z/", "//s1.origin-cluster/x/b:1.mp4"),
        (None, "a/b/c.mp4", "/video/1488/a/b/d.mp4#t=1"),
        ("http://s1.origin-cluster/", None, "/video/1488/master.m3u8"),
    ],
)
def test_files_at_every_pathway(mpd_url: str | None, period: str | None, representation: str) -> None:
    """A base URL at any level leads from each pathway's to the same file there, as at the origin without steering."""
    urls = [f"<BaseURL>{url}</BaseURL>" if url else "" for url in (mpd_url, period, representation)]
    made = ET.fromstring(
        steered(
            mpd(urls[0], f"<Period>{urls[1]}<AdaptationSet><Representation>{urls[2]}", *_ENDS),
            *PATHWAYS,
        )
    )
    at_origin = BASE_URL
    for url in (mpd_url, period, representation):
        at_origin = urljoin(at_origin, url or "")
    starts = [element.text for element in made if element.tag.endswith("BaseURL")]
    below = [element.text for element in made.iter() if element.tag.endswith("BaseURL")][len(starts) :]
    for pathway, start in zip(PATHWAYS, starts, strict=True):
        leads_to = start or ""
        for url in below:
            leads_to = urljoin(leads_to, url)
        assert at_origin.replace(ORIGIN.before, pathway.before) == leads_to


def test_empty_segments() -> None:
    """Empty segments of a path are kept, and none makes a base URL one that begins with a slash."""
    made = steered(mpd("<Period><BaseURL>/x//</BaseURL><AdaptationSet><BaseURL>/x///y?a=1</BaseURL>", *_ENDS[1:]))
    assert ["../../x//", ".//y?a=1"] == re.findall("<BaseURL>([^<]*)<", made)


_ENDS = ("</Representation>", "</AdaptationSet>", "</Period>")
Reason = SteeringObstacle
OTHER = "<BaseURL>https://other.example/</BaseURL>"


@pytest.mark.parametrize(
    ("given_mpd", "reason", "fault"),
    [
        pytest.param(steered(LIVE), Reason.STEERED_ALREADY, "already", id="steered"),
        pytest.param(
            mpd("<ServiceDescription><ContentSteering/></ServiceDescription>", PERIOD),
            Reason.STEERED_ALREADY,
            "already",
            id="steered in its service description",
        ),
        pytest.param("<html/>", Reason.NOT_A_MANIFEST, "no MPD", id="another root"),
        pytest.param("<MPD", Reason.MALFORMED, "well-formed", id="half a tag"),
        pytest.param(mpd(PERIOD)[:-3], Reason.MALFORMED, "well-formed", id="half an MPD"),
        pytest.param("<x:MPD/>", Reason.MALFORMED, "well-formed", id="no namespace"),
        pytest.param(mpd(), Reason.MALFORMED, "no periods", id="no periods"),
        pytest.param(mpd("<AdaptationSet/>"), Reason.MALFORMED, "no periods", id="sets without a period"),
        pytest.param(
            mpd("<AdaptationSet><Period/></AdaptationSet>"), Reason.MALFORMED, "no periods", id="a period in a set"
        ),
        pytest.param(mpd("<x xmlns='urn:x'><Period/></x>"), Reason.MALFORMED, "no periods", id="others' periods"),
        pytest.param(mpd("<BaseURL>a<b/></BaseURL>"), Reason.MALFORMED, "where a URL", id="element in a URL"),
        pytest.param(mpd("<BaseURL>a b</BaseURL>", PERIOD), Reason.MALFORMED, "URI", id="space in a URL"),
        pytest.param(mpd(PERIOD, "<BaseURL>a</BaseURL>"), Reason.MALFORMED, "behind", id="base URL behind a period"),
        pytest.param(
            mpd("<Period><SegmentTimeline><SegmentTimeline/></SegmentTimeline></Period>"),
            Reason.MALFORMED,
            "within a timeline",
            id="nested timelines",
        ),
        pytest.param(mpd(OTHER, PERIOD), Reason.UNSUPPORTED, "another host", id="files elsewhere"),
        pytest.param(
            mpd("<BaseURL>a</BaseURL>", OTHER, PERIOD), Reason.UNSUPPORTED, "another host", id="some files elsewhere"
        ),
        pytest.param(
            mpd(
                f"<Period>{OTHER}<AdaptationSet><BaseURL>http://s1.origin-cluster/a</BaseURL></AdaptationSet></Period>"
            ),
            Reason.UNSUPPORTED,
            "cannot be made relative",
            id="the origin below another host",
        ),
        pytest.param(
            mpd(
                "<Period><BaseURL>a/</BaseURL><BaseURL>b/</BaseURL>",
                "<AdaptationSet><BaseURL>/c</BaseURL></AdaptationSet></Period>",
            ),
            Reason.UNSUPPORTED,
            "cannot be made relative",
            id="the origin below several places",
        ),
        pytest.param(
            mpd("<Period>", *(f"<BaseURL>{number}/</BaseURL>" for number in range(9)), "</Period>"),
            Reason.UNSUPPORTED,
            "more than 8",
            id="many base URLs",
        ),
        pytest.param(
            mpd(
                *("<Period>", *(f"<BaseURL>{number}/</BaseURL>" for number in range(3))),
                *("<AdaptationSet>", *(f"<BaseURL>{number}/</BaseURL>" for number in range(3))),
                "</AdaptationSet></Period>",
            ),
            Reason.UNSUPPORTED,
            "more than 8",
            id="many places",
        ),
        pytest.param(
            mpd('<Period><SegmentTemplate media="/a/$Number$.m4s"/></Period>'),
            Reason.UNSUPPORTED,
            "begins with '/'",
            id="absolute segments",
        ),
        pytest.param(
            mpd('<Period><SegmentBase><Initialization sourceURL="http://s1.origin-cluster/i"/></SegmentBase></Period>'),
            Reason.UNSUPPORTED,
            "its own host",
            id="absolute initialization",
        ),
        pytest.param(f"<!DOCTYPE MPD>{mpd(PERIOD)}", Reason.UNSUPPORTED, "document type", id="document type"),
        pytest.param(
            f'<?xml version="1.0" encoding="ISO-8859-1"?>{mpd(PERIOD)}', Reason.UNSUPPORTED, "UTF-8", id="Latin-1"
        ),
        pytest.param(
            f'<?xml version="1.0" encoding="x-none"?>{mpd(PERIOD)}', Reason.UNSUPPORTED, "UTF-8", id="unknown encoding"
        ),
        pytest.param(mpd("\0", PERIOD), Reason.UNSUPPORTED, "UTF-8", id="NUL"),
        pytest.param(mpd("\x01", PERIOD), Reason.MALFORMED, "well-formed", id="control character"),
        pytest.param("just text", Reason.NOT_A_MANIFEST, "neither", id="text"),
        pytest.param("", Reason.NOT_A_MANIFEST, "neither", id="nothing"),
    ],
)
def test_what_cannot_be_steered(given_mpd: str, reason: SteeringObstacle, fault: str) -> None:
    """Whatever cannot be steered is refused, and the error says of which class the obstacle is, and which it is."""
    with pytest.raises(NotSteerable, match=fault) as refused:
        steered_manifest(given_mpd.encode(), BASE_URL, PATHWAYS, SERVER)
    assert reason == refused.value.reason


def test_other_encodings() -> None:
    """UTF-16 is refused, with or without a byte order mark."""
    for encoding in ("utf-16", "utf-16-le"):
        with pytest.raises(NotSteerable):
            steered_mpd(mpd(PERIOD).encode(encoding), BASE_URL, PATHWAYS, SERVER)


def test_template_with_an_end() -> None:
    """A pathway that puts something behind the path cannot be had by relative URLs."""
    with pytest.raises(NotSteerable, match="behind the path"):
        steered(LIVE, Pathway("a", "http://a.example", "/x"))


def test_what_stays_elsewhere() -> None:
    """Segments and linked elements at other hosts stay as they are."""
    before = mpd(
        '<Period xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="urn:mpeg:dash:resolve-to-zero:2013">'
        '<SegmentTemplate media="https://other.example/$Number$.m4s" initialization="i.mp4"/></Period>'
    )
    assert before[before.index("<Period") :] == steered(before)[-len(before) + before.index("<Period") :]


LAUGHS = "".join(f'<!ENTITY l{number} "' + f"&l{number - 1};" * 10 + '">' for number in range(1, 10))
ATTRIBUTES = " ".join(f"a{number}='1'" for number in range(100_000))


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(f'<!DOCTYPE MPD [<!ENTITY l0 "ha">{LAUGHS}]><MPD {NAMESPACE}>&l9;</MPD>', id="billion laughs"),
        pytest.param(f'<!DOCTYPE MPD [<!ENTITY x SYSTEM "file:///etc/passwd">]><MPD {NAMESPACE}>&x;</MPD>', id="file"),
        pytest.param(f'<!DOCTYPE MPD SYSTEM "http://127.0.0.1:1/x.dtd"><MPD {NAMESPACE}/>', id="outer document type"),
        pytest.param(f"<MPD {NAMESPACE}>" + "<a>" * 500_000, id="deep"),
        pytest.param(f'<MPD {NAMESPACE} a="' + "a" * 10 * MIB, id="a line of 10 MiB"),
        pytest.param(f'<MPD {NAMESPACE} a="' + "a" * MIB, id="a quotation mark that is never closed"),
        pytest.param(f"<MPD {NAMESPACE}" + " " * MIB, id="spaces in a tag"),
        pytest.param(mpd(f"<BaseURL{' ' * MIB}>a</BaseURL{' ' * (MIB // 2)}>", PERIOD), id="more spaces in a tag"),
        pytest.param(mpd(" " * MIB, PERIOD), id="spaces before a tag"),
        pytest.param(f"<MPD {NAMESPACE} {ATTRIBUTES}/>", id="attributes"),
        pytest.param(mpd(*["<BaseURL>a</BaseURL>"] * 80_000, PERIOD), id="base URLs"),
        pytest.param(mpd(*["\n \t" * 20 + "<Location/>"] * 25_000, PERIOD), id="locations"),
        pytest.param(mpd(*["<Period><BaseURL>/a/b/c</BaseURL></Period>"] * 45_000), id="periods"),
        pytest.param(mpd("<Period>", "<S/>" * 500_000, "</Period>"), id="segments"),
        pytest.param(mpd("<Period><SegmentTimeline>", "<S/>" * 500_000, "</SegmentTimeline></Period>"), id="timeline"),
        pytest.param(mpd("<Period>", "<SegmentTimeline/>" * 100_000, "</Period>"), id="timelines"),
        pytest.param(mpd(f"<BaseURL>{'../' * 2700}</BaseURL>", PERIOD), id="dot segments"),
        pytest.param("<" * MIB, id="brackets"),
        pytest.param("<!--" + "-" * MIB, id="a comment that is never closed"),
    ],
)
def test_hostile_mpds(hostile: str) -> None:
    """A hostile MPD is refused, or steered as any other, in a time that its size alone decides."""
    begun = time.process_time()
    with suppress(NotSteerable):
        assert b"<ContentSteering" in steered_manifest(hostile.encode(), BASE_URL, PATHWAYS, SERVER)
    assert BOUND > time.process_time() - begun


def heard(manifest: str) -> list[Any]:
    """Return all that a parser tells of an MPD, but for what steering may change, and white space."""
    parser = ParserCreate(namespace_separator=" ")
    told: list[Any] = []
    inside = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal inside
        is_steering = name.startswith("urn:mpeg") and name.rpartition(" ")[2] in {
            "BaseURL",
            "Location",
            "ContentSteering",
        }
        inside += is_steering or inside > 0
        if not inside:
            told.append((name, attributes))

    def end(name: str) -> None:
        nonlocal inside
        if not inside:
            told.append(name)
        inside -= inside > 0

    def text(found: str) -> None:
        if not inside and found.strip():
            told.append(found.strip())

    parser.buffer_text = True
    parser.ordered_attributes = True
    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.CommentHandler = told.append
    parser.ProcessingInstructionHandler = lambda *found: told.append(found)
    parser.Parse(manifest, True)
    return told


SAFE = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="<>&'\"-?]\ufffe\uffff"), max_size=8)
UNKNOWN = st.one_of(
    SAFE.map(lambda text: f"<!-- {text} -->"),
    SAFE.map(lambda text: f"<?x {text}?>"),
    SAFE.map(lambda text: f"<x:BaseURL xmlns:x='urn:x' a = \"{text}\">/{text}</x:BaseURL>"),
    SAFE.map(lambda text: f"<New a='&gt;{text}' b=\"1 > '2'\"><![CDATA[<BaseURL>{text}]]></New>"),
    st.sampled_from(
        [
            "\n  ",
            "<New/>",
            "<SegmentTimeline><S t='0' d='1'/></SegmentTimeline>",
            "<SegmentTemplate media='$Number$.m4s'/>",
        ]
    ),
)
UNKNOWNS = st.lists(UNKNOWN, max_size=2)
URLS = st.sampled_from(["", "<BaseURL>a/</BaseURL>", "\r\n<BaseURL x='1'>/b/</BaseURL >", "<BaseURL/>"])
LOCATIONS = st.sampled_from(["", "<Location>a</Location>", "\n<Location/>\n<Location>b</Location>"])


@settings(max_examples=150)
@given(st.tuples(UNKNOWNS, UNKNOWNS, UNKNOWNS, UNKNOWNS), st.tuples(URLS, LOCATIONS, URLS, URLS), st.booleans())
def test_nothing_is_lost(unknown: tuple[list[str], ...], urls: tuple[str, ...], is_live: bool) -> None:
    """Elements, attributes, comments and instructions that are not known stay, in order; so do their very bytes."""
    first, second, third, last = ("".join(parts) for parts in unknown)
    of_mpd, locations, of_period, of_set = urls
    before = mpd(
        first, of_mpd, second, locations, "<Period>", of_period, third, "<AdaptationSet>", of_set, *_ENDS[1:], last
    )
    if is_live:
        before = before.replace("<MPD ", "<MPD type='dynamic' ", 1)
    made = steered(before, *PATHWAYS, refresh=str.upper)
    assert heard(before) == heard(made)
    assert is_live == (" <Location>" in made or "\n<Location>" in made or "><Location>" in made)
    root = ET.fromstring(made)
    names = [element.get("serviceLocation") for element in root if element.tag.endswith("2011}BaseURL")]
    assert [pathway.name for pathway in PATHWAYS] == names
    assert 1 == made.count("<ContentSteering ")
    at = 0
    for part in (part.strip() for parts in unknown for part in parts):
        at = made.index(part, at) + len(part)


@settings(max_examples=150)
@given(st.binary(max_size=100), st.sampled_from(["", "<", f"<MPD {NAMESPACE}>", f"<MPD {NAMESPACE}><BaseURL>"]))
def test_any_bytes(found: bytes, before: str) -> None:
    """Whatever is given, there is an MPD or a clear refusal."""
    for rest in (b"", PERIOD.encode() + b"</MPD>", b"</BaseURL><Period/></MPD>"):
        with suppress(NotSteerable):
            assert b"<ContentSteering" in steered_manifest(before.encode() + found + rest, BASE_URL, PATHWAYS, SERVER)
