"""What players say about their playback is read, and nothing else is believed."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from balancer.core.cmcd.keys import EVENTS, KEYS, OBJECT_TYPES, RULES, STATES, STREAM_TYPES
from balancer.core.cmcd.reading import MAX_BODY, MAX_EVENTS, MAX_LIST, from_event_lines, from_fields, from_query
from balancer.core.cmcd.reports import Events, Report

RECORDED: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "data" / "cmcd.json").read_text())

ALWAYS = {"session", "version"}
REQUESTED = ALWAYS | {"object_type", "stream_type"}

FOUND = {
    "dash-v1h": REQUESTED | {"throughput_kbps"},
    "dash-v1q": REQUESTED | {"throughput_kbps"},
    "dash-v2h": REQUESTED | {"throughput_kbps", "state", "start_ms", "starvation_ms"},
    "dash-v2q": REQUESTED | {"throughput_kbps", "state", "start_ms", "starvation_ms"},
    "hls-v1h": REQUESTED | {"throughput_kbps"},
    "hls-v1q": REQUESTED | {"throughput_kbps"},
    "hls-v2h": REQUESTED | {"throughput_kbps", "state"},
    "hls-v2q": REQUESTED | {"throughput_kbps", "state"},
    "shaka-v1h": REQUESTED,
    "shaka-v1q": REQUESTED,
    "shaka-v2h": REQUESTED | {"state"},
    "shaka-v2q": REQUESTED | {"state"},
}
"""What each player says in its requests, by version and by where it says it."""

HEARD = ALWAYS | {"event", "told_at_ms", "state", "stream_type", "status", "host", "last_byte_ms"}
EVENTS_FOUND = {
    # Its times to the first byte are times since 1970.
    "dash-v2q": HEARD | {"throughput_kbps", "start_ms", "object_type"},
    "hls-v2q": HEARD | {"throughput_kbps", "first_byte_ms"},
    "shaka-v2h": HEARD | {"first_byte_ms"},
    "shaka-v2q": HEARD | {"first_byte_ms"},
}


def said(report: Report) -> set[str]:
    """Return the fields of a report that say something."""
    return {field for field, value in report._asdict().items() if value is not None}


def read(head: str) -> Report | None:
    """Return what a recorded head of a request says, None where it says nothing."""
    query = re.search(r"[?&]CMCD=([^& ]*)", head)
    fields = [value.encode() for value in re.findall(r"(?im)^cmcd-[a-z]+: (.*)\r$", head)]
    return from_query(query[1].encode()) if query else from_fields(fields)


def recorded(run: str) -> list[dict[str, Any]]:
    """Return what one player has sent, whatever the browser."""
    return [entry for entry in RECORDED if entry["run"].partition("-")[2] == run]


def line(text: str) -> Report | None:
    """Return what one line of events says; None when it is malformed."""
    found = from_event_lines(text.encode("latin-1"))
    assert 1 == len(found.reports) + found.malformed
    return found.reports[0] if found.reports else None


def test_every_player_is_in_the_tables() -> None:
    """The tables above speak of all that was recorded."""
    assert set(FOUND) == {entry["run"].partition("-")[2] for entry in RECORDED}
    assert set(EVENTS_FOUND) == {entry["run"].partition("-")[2] for entry in RECORDED if entry.get("body")}


@pytest.mark.parametrize("run", sorted(FOUND))
def test_requests_of_players(run: str) -> None:
    """Each request that a real player has sent is read, and the keys that it uses are found."""
    heads = [entry["head"] for entry in recorded(run) if not entry.get("body")]
    reports = [read(head) for head in heads]
    assert None not in reports
    found = set().union(*(said(report) for report in reports if report))
    assert FOUND[run] == found
    assert {"s-1"} == {report.session for report in reports if report}
    assert {int(run[run.index("-v") + 2])} == {report.version for report in reports if report}


@pytest.mark.parametrize("run", sorted(EVENTS_FOUND))
def test_events_of_players(run: str) -> None:
    """Each event that a real player has sent is read, and the keys that it uses are found."""
    found: set[str] = set()
    for entry in recorded(run):
        if body := entry.get("body"):
            events = from_event_lines(body.encode())
            assert (len(body.split("\n")) - 1, 0, 0) == (len(events.reports), events.malformed, events.dropped)
            found.update(*map(said, events.reports))
    assert EVENTS_FOUND[run] == found


def test_an_event() -> None:
    """What an event says is there as plain values, with the host that the player asked."""
    expected = Report(
        session="s-1", version=2, event="rr", state="s", stream_type="v", throughput_kbps=500, first_byte_ms=17,
        last_byte_ms=19, status=200, told_at_ms=1795549926350, host="s1.origin-cluster:8610",
    )  # fmt: skip
    assert expected == line(
        'br=(268),cid="c-1",e=rr,mtp=(500),rc=200,sf=h,sid="s-1",sn=4,st=v,sta=s,ts=1795549926350,ttfb=17,ttlb=19,'
        'url="http://s1.origin-cluster:8610/id-cm-hls-v2q/cmaf/init-0.mp4",v=2'
    )


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        pytest.param('sid="a,b=c"', "session", "a,b=c", id="comma in a string"),
        pytest.param(r'sid="a\"b\\c"', "session", r'a"b\c', id="escapes"),
        pytest.param(f'sid="{"x" * 64}"', "session", "x" * 64, id="longest session"),
        pytest.param(f'sid="{"x" * 65}"', "session", None, id="session too long"),
        pytest.param('sid=""', "session", None, id="empty session"),
        pytest.param("sid=abc", "session", None, id="session without quotes"),
        pytest.param("bs", "starved", True, id="key alone"),
        pytest.param("bs=?1", "starved", True, id="true"),
        pytest.param("bs=?0", "starved", False, id="false"),
        pytest.param("bs=1", "starved", None, id="integer as boolean"),
        pytest.param("mtp=25400", "throughput_kbps", 25400, id="integer of version 1"),
        pytest.param("mtp=(500)", "throughput_kbps", 500, id="list of one"),
        pytest.param("mtp=(135600;v 52700;a)", "throughput_kbps", 135600, id="list by type"),
        pytest.param("mtp=(9;a 10;v)", "throughput_kbps", 10, id="list is compared as numbers"),
        pytest.param("mtp=(200.481;v)", "throughput_kbps", 200, id="decimals in a list"),
        pytest.param("mtp=( 5  7 )", "throughput_kbps", 7, id="spaces in a list"),
        pytest.param("mtp=(5);q=1", "throughput_kbps", 5, id="parameter of a list"),
        pytest.param("mtp=()", "throughput_kbps", None, id="empty list"),
        pytest.param("mtp=(v)", "throughput_kbps", None, id="token in a list"),
        pytest.param("mtp=(5 v)", "throughput_kbps", None, id="token beside a number"),
        pytest.param('mtp=("5")', "throughput_kbps", None, id="string in a list"),
        pytest.param("mtp=0", "throughput_kbps", None, id="no throughput"),
        pytest.param("mtp=1000000000000", "throughput_kbps", None, id="absurd throughput"),
        pytest.param("mtp=(1000000000000 5)", "throughput_kbps", None, id="absurd throughput in a list"),
        pytest.param("mtp=-5", "throughput_kbps", None, id="negative"),
        pytest.param("mtp=NaN", "throughput_kbps", None, id="no number"),
        pytest.param("mtp=1e3", "throughput_kbps", None, id="exponent"),
        pytest.param("mtp=²", "throughput_kbps", None, id="digit of another script"),
        pytest.param("mtp=" + "9" * 5000, "throughput_kbps", None, id="digits for ever"),
        pytest.param("ttfb=1795549969870", "first_byte_ms", None, id="time since 1970 as a duration"),
        pytest.param("ttfb=17.5", "first_byte_ms", None, id="decimal as integer"),
        pytest.param('ttfb="17"', "first_byte_ms", None, id="string as integer"),
        pytest.param("ttfb", "first_byte_ms", None, id="integer without value"),
        pytest.param("ttlb=600000", "last_byte_ms", 600000, id="longest"),
        pytest.param("ttlb=600001", "last_byte_ms", None, id="too long"),
        pytest.param("msd=0", "start_ms", 0, id="no delay"),
        pytest.param("ltc=3200", "latency_ms", 3200, id="latency"),
        pytest.param("bsd=(93;v 120;a)", "starvation_ms", 120, id="starvation"),
        pytest.param("bsa=(1;v 3)", "starvations", 3, id="starvations"),
        pytest.param("bsda=(4000)", "starvation_total_ms", 4000, id="starvation of the session"),
        pytest.param("dfa=12", "dropped_frames", 12, id="dropped frames"),
        pytest.param("df=12", "dropped_frames", 12, id="dropped frames of a draft"),
        pytest.param("rc=0", "status", 0, id="no response"),
        pytest.param("rc=404", "status", 404, id="status"),
        pytest.param("rc=99", "status", None, id="no status"),
        pytest.param("rc=600", "status", None, id="no status either"),
        pytest.param("ts=1795549926350", "told_at_ms", 1795549926350, id="time"),
        pytest.param("ts=1795549926", "told_at_ms", None, id="time in seconds"),
        pytest.param("e=rr", "event", "rr", id="event"),
        pytest.param("e=xx", "event", None, id="unknown event"),
        pytest.param('e="rr"', "event", None, id="string as token"),
        pytest.param("sta=p", "state", "p", id="state"),
        pytest.param("sta=z", "state", None, id="unknown state"),
        pytest.param("ot=av", "object_type", "av", id="type of object"),
        pytest.param("st=ll", "stream_type", "ll", id="type of stream"),
        pytest.param('ec=("E1" "E 2")', "errors", ("E1", "E 2"), id="errors"),
        pytest.param('ec=("a)b")', "errors", ("a)b",), id="bracket in an error"),
        pytest.param('ec="E1"', "errors", ("E1",), id="error without a list"),
        pytest.param('ec=("1" "2" "3" "4" "5")', "errors", ("1", "2", "3", "4"), id="many errors"),
        pytest.param(f'ec=("" "{"x" * 65}" "\xe9" "E")', "errors", ("E",), id="odd errors"),
        pytest.param("ec=(404)", "errors", None, id="error without quotes"),
        pytest.param("ec=()", "errors", None, id="no errors"),
        pytest.param('url="HTTPS://cdn.example.com/"', "host", None, id="scheme that no player writes"),
        pytest.param('url="https://CDN.example.com:443/a?b#c"', "host", "cdn.example.com", id="default port"),
        pytest.param('url="http://cdn.example.com:443"', "host", "cdn.example.com:443", id="other port"),
        pytest.param('url="http://[2001:DB8::1]:8080/"', "host", "[2001:db8::1]:8080", id="address"),
        pytest.param('url="http://a:secret@cdn.example.com/"', "host", None, id="password in a URL"),
        pytest.param('url="//cdn.example.com/a"', "host", None, id="URL without scheme"),
        pytest.param('url="http://cdn.example.com\\\\.evil/"', "host", None, id="backslash in a URL"),
        pytest.param('url="http:///a"', "host", None, id="URL without host"),
        pytest.param("v=2", "version", 2, id="version"),
        pytest.param('v="2"', "version", 1, id="string as version"),
        pytest.param("mtp=1,mtp=2", "throughput_kbps", 2, id="of two the last"),
        pytest.param("mtp=1, mtp=2,\tbs", "throughput_kbps", 2, id="spaces after commas"),
        pytest.param('com.example-x="a,b",mtp=7', "throughput_kbps", 7, id="key of somebody else"),
        pytest.param('nor=("a,b(1).mp4";r="0-9" "c"),mtp=7', "throughput_kbps", 7, id="list of strings"),
        pytest.param('x=a;b="c,d";e,mtp=7', "throughput_kbps", 7, id="string as a parameter"),
    ],
)  # fmt: skip
def test_values(text: str, field: str, value: object) -> None:
    """A key says what CTA-5004-B lets it say, within its range; else it is as if it had not been there."""
    report = line(text)
    assert report
    assert value == getattr(report, field)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{}", id="JSON"),
        pytest.param('{"sid":"a"}', id="JSON with a value"),
        pytest.param("<html>", id="HTML"),
        pytest.param('sid="a', id="string that does not end"),
        pytest.param('sid="a\\', id="escape that does not end"),
        pytest.param(r'sid="a\n"', id="escape that there is not"),
        pytest.param("mtp=(5", id="list that does not end"),
        pytest.param("mtp=((5))", id="list in a list"),
        pytest.param('mtp=1,sid="a"x', id="something after a string"),
        pytest.param("=1", id="no key"),
        pytest.param("mtp=", id="no value"),
        pytest.param("mtp =1", id="space before a value"),
        pytest.param("mtp=1 v=2", id="no comma"),
        pytest.param(",mtp=1", id="comma at the start"),
        pytest.param("mtp=1,,v=2", id="two commas"),
        pytest.param("1a=1", id="digit at the start of a key"),
        pytest.param("mtp=1\x00", id="NUL"),
        pytest.param("mtp=1,v=3", id="later version"),
        pytest.param("mtp=1,v=0", id="no version"),
        pytest.param("mtp=1," + "x" * MAX_LIST, id="too long"),
    ],
)
def test_malformed_lists(text: str) -> None:
    """Nothing is read of what is no list of keys, or of a version whose keys nobody knows yet."""
    assert Events([], 1, 0) == from_event_lines(text.encode())
    assert None is from_query(quote(text).encode())
    assert None is from_fields([text.encode()])


def test_query_is_decoded_once() -> None:
    """In the parameter a plus is a space, and a percent sign that was escaped stays one."""
    report = from_query(b"mtp%3D%28110%3Bv+52%3Ba%29%2Csid%3D%22a%252Fb%2B%22")
    assert Report(session="a%2Fb+", throughput_kbps=110) == report


def test_fields_together() -> None:
    """Fields say together what one list would say, and one that is malformed spoils no other."""
    expected = Report(session="s-1", object_type="v", starved=True, throughput_kbps=2400)
    assert expected == from_fields([b"ot=v,d=4000", b" mtp=2400", b'sid="s-1"\t', b"bs", b"{}", b"x" * (MAX_LIST + 1)])


@pytest.mark.parametrize(
    "fields", [pytest.param([], id="none"), pytest.param([b"", b"{}"], id="none that says anything")]
)
def test_no_fields(fields: list[bytes]) -> None:
    """Without a list that can be read there is no report."""
    assert None is from_fields(fields)
    assert None is from_query(b"")


def test_lines() -> None:
    """Each line is an event, however it ends; empty ones do not count, and one that is malformed does no harm."""
    found = from_event_lines(b'e=t,v=2\r\n\r\nnot a list\ne=ps,sta=p,v=2\n\nsid="a\x0bb",v=2')
    assert [("t", None), ("ps", "p"), (None, None)] == [(report.event, report.state) for report in found.reports]
    assert (1, 0) == found[1:]


def test_too_many_lines() -> None:
    """Of more events than a body may have, the first ones are read, and the others are counted."""
    found = from_event_lines(b"e=t,v=2\n" * (MAX_EVENTS + 7))
    assert (MAX_EVENTS, 0, 7) == (len(found.reports), found.malformed, found.dropped)


def test_too_long_body() -> None:
    """Of a body that is too long, the lines that are whole within the limit are read, and the others are counted."""
    event = b'cid="' + b"x" * 992 + b'"\n'
    assert 999 == len(event)
    found = from_event_lines(event * 100)
    whole = MAX_BODY // len(event)
    assert (whole, 0, 100 - whole) == (len(found.reports), found.malformed, found.dropped)
    assert Events([], 0, 1) == from_event_lines(b"x" * (MAX_BODY + 1))


@given(st.binary(max_size=400))
@example(b'sid="\xff\xfe\\"\\')
@example(b"\xd9\xa3=1,mtp=\xd9\xa3")
@example(b"%,%%,%2,%zz")
def test_nothing_raises(data: bytes) -> None:
    """Whatever bytes come, they are read or left."""
    for report in (from_query(data), from_fields([data, data]), *from_event_lines(data).reports):
        assert report is None or isinstance(report, Report)


@given(st.lists(st.sampled_from([*KEYS, *'=,"\\();? 10p', "\n", "\xe9", "(1;v", '"a"', "9" * 20]), max_size=40))
def test_nothing_raises_near_what_is_sound(pieces: list[str]) -> None:
    """Pieces of lists in any order are read or left."""
    data = "".join(pieces).encode("latin-1")
    found = from_event_lines(data)
    assert len(found.reports) + found.malformed <= data.count(b"\n") + 1
    from_query(data)
    from_fields([data])


def number(least: int, most: int) -> st.SearchStrategy[tuple[str, object]]:
    """Draw an integer, with its text."""
    return st.integers(least, most).map(lambda value: (str(value), value))


def numbers(least: int, most: int) -> st.SearchStrategy[tuple[str, object]]:
    """Draw a list of integers by type of object, with its text and the greatest."""
    types = st.sampled_from(["", ";v", ";a", ".5;av"])
    lists = st.lists(st.tuples(st.integers(least, most), types), min_size=1, max_size=4)
    return lists.map(lambda drawn: (f"({' '.join(f'{value}{kind}' for value, kind in drawn)})", max(drawn)[0]))


def token(values: str) -> st.SearchStrategy[tuple[str, object]]:
    """Draw a token."""
    return st.sampled_from(values.split()).map(lambda value: (value, value))


def quoted(text: str) -> str:
    """Return a string as structured fields have it (RFC 9651 §4.1.6)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


PRINTABLE = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
STRINGS = st.text(PRINTABLE, min_size=1, max_size=64)
VALUES: dict[str, st.SearchStrategy[tuple[str, object]]] = {
    "sid": STRINGS.map(lambda text: (quoted(text), text)),
    "v": number(1, 2),
    "e": token(EVENTS),
    "sta": token(STATES),
    "ot": token(OBJECT_TYPES),
    "st": token(STREAM_TYPES),
    "bs": st.sampled_from([("?1", True), ("?0", False)]),
    "bsa": numbers(0, 100_000),
    "bsd": numbers(0, 3_600_000),
    "bsda": numbers(0, 86_400_000),
    "mtp": st.one_of(number(1, 10_000_000), numbers(1, 10_000_000)),
    "ttfb": number(0, 600_000),
    "ttlb": number(0, 600_000),
    "msd": number(0, 600_000),
    "ltc": number(0, 86_400_000),
    "rc": st.one_of(st.just(("0", 0)), number(100, 599)),
    "ec": st.lists(STRINGS, min_size=1, max_size=4).map(lambda some: (f"({' '.join(map(quoted, some))})", tuple(some))),
    "dfa": number(0, 10_000_000),
    "ts": number(10**12, 10**13 - 1),
    "url": st.text(PRINTABLE, max_size=40).map(
        lambda path: (quoted(f"http://cdn-a.example.com:8611/{path}"), "cdn-a.example.com:8611")
    ),
}
OTHERS = st.dictionaries(
    st.sampled_from(["cid", "nor", "com.example-x", "br", "su"]),
    st.one_of(st.text(PRINTABLE, max_size=30).map(quoted), st.just('("a,b" "c)";r="0-9")'), st.just("(268;v 64;a)")),
)


@given(st.fixed_dictionaries({}, optional=VALUES), OTHERS, st.randoms(use_true_random=False))
def test_what_is_written_is_read(values: dict[str, tuple[str, object]], others: dict[str, str], random: Any) -> None:
    """Whatever a player may say is read back, from a line, a parameter and fields, among other keys."""
    pairs = [f"{key}={text}" for key, (text, _) in values.items()] + [f"{key}={text}" for key, text in others.items()]
    random.shuffle(pairs)
    if not pairs:
        return
    expected_values: dict[str, Any] = {RULES[key][0]: value for key, (_, value) in values.items()}
    expected = Report(**expected_values)
    text = ",".join(pairs)
    assert Events([expected], 0, 0) == from_event_lines(text.encode())
    assert expected == from_query(quote(text).encode()) == from_query(quote_plus(text).encode())
    cut = random.randint(0, len(pairs))
    assert expected == from_fields([",".join(some).encode() for some in (pairs[:cut], pairs[cut:])])
