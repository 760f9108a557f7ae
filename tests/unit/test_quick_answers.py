"""What is answered without a look at its parts is answered as with care, and counted as with care."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from balancer.core.clients import quotas
from balancer.core.clients.quotas import Quota, Throttle
from balancer.core.routing.planner import Blueprint
from balancer.core.rules.conditions import Conditions, HeaderCondition, QueryCondition
from balancer.core.rules.documents import Rule, RuleList
from balancer.core.rules.revisions import RuleRevision
from balancer.edge import players
from balancer.edge.connection import Connection
from tests.factories import ConfigFactory
from tests.unit.test_edge import Edge, FakeTransport, without_id
from tests.unit.test_hearing import Places
from tests.unit.test_shortcuts import PIECES

KNOWN = [
    "/?video=http%3A%2F%2Fs1.origin-cluster%2Fvideo%2F1.m3u8",
    "/?video=https%3A%2F%2Fs2.origin-cluster%3A8610%2Fvideo%2F1.m3u8",
    "/?video=http://s1.origin-cluster/video/1.m3u8",
    "/to/http/s1.origin-cluster/video/1.m3u8",
]
REST = b" HTTP/1.1\r\nHost: a\r\n\r\n"
CAREFUL = b" HTTP/1.1\r\nHost: a\r\nExpect: nothing\r\n\r\n"
"""A head that only the parser reads, behind which nothing is answered quickly."""


def answers_of(edge: Edge, requests: list[bytes]) -> list[bytes]:
    """Return what each of these is answered on one connection."""
    transport = FakeTransport()
    connection = Connection(edge.process, edge.port, ("192.0.2.7", 4711))
    connection.connection_made(transport)
    answers = []
    for request in requests:
        before = len(transport.written)
        connection.data_received(request)
        answers.append(transport.written[before:])
    connection.connection_lost(None)
    return answers


@settings(max_examples=300)
@given(
    st.sampled_from(KNOWN),
    st.lists(st.tuples(st.integers(0, 70), PIECES, st.integers(0, 2)), max_size=3),
    st.booleans(),
    st.booleans(),
)
@example(KNOWN[0][: -len("video%2F1.m3u8")], [], False, False)
@example(KNOWN[0].replace("video%2F1", ".%2F1"), [], False, False)
@example(KNOWN[0].replace("video%2F1", "video%2F%2F.%2F1"), [], False, False)
@example(KNOWN[0].replace("video%2F1", "video/1"), [], False, False)
@example(KNOWN[0].replace("video%2F1", "video%252F1"), [], False, False)
@example(KNOWN[0].replace("video%2F1", "video" * 1700), [], False, False)
@example(KNOWN[0].replace("video%2F1", "video" * 120), [], False, False)
@example(KNOWN[2].replace("video/1", "video%2F1"), [], False, False)
@example(KNOWN[0] + "&x=a#b", [], False, False)
@example(KNOWN[0], [(0, "/?video=http%3A%2F%2Fs1.origin-cluster%2Fa HTTP/1.1\r\nHost: a\r\n\r\nGET ", 0)], False, False)
async def test_quick_answers_are_those_given_with_care(
    text: str, edits: list[tuple[int, str, int]], hears: bool, has_two_targets: bool
) -> None:
    """Whatever is asked, the first time and again, over a connection where all origins are known in all spellings."""
    for at, piece, over in edits:
        text = text[:at] + piece + text[at + over :]
    start = b"GET " + text.encode()
    quick, careful = Edge(hears=hears), Edge(hears=hears)
    for edge in (quick, careful):
        edge.planner.use(ConfigFactory.build(distribution_rate=2 if has_two_targets else 0, revision=2))
    for known in KNOWN:
        others = [f"GET {known.replace('1.m3u8', name)}".encode() for name in ("a", "b", "c")]
        answers_of(quick, [other + REST for other in others])
        answers_of(careful, [other + CAREFUL for other in others])
    assert len(KNOWN) == len(quick.players._ways)
    warm = b"GET " + KNOWN[0].encode()
    by_speed = answers_of(quick, [warm + REST, start + REST, start + REST, start + REST])
    by_care = answers_of(careful, [warm + CAREFUL, start + CAREFUL, start + CAREFUL, start + CAREFUL])
    assert [without_id(answer) for answer in by_care] == [without_id(answer) for answer in by_speed]


@settings(max_examples=200)
@given(
    st.sampled_from(["/?video=http%3A%2F%2F", "/?video=http://", "/to/http/"]),
    st.lists(st.tuples(st.sampled_from(["%2F", "/", "%2f", "%2F/"]), st.sampled_from(["video", "1", "."])), min_size=1),
)
@example("/?video=http://", [("%2F", "video"), ("%2F", "1")])
@example("/to/http/", [("%2F", "video"), ("%2F", "1")])
async def test_slashes_count_as_they_are_spelled(begin: str, path: list[tuple[str, str]]) -> None:
    """However the slashes behind a known origin are spelled, a request is answered as with care."""
    edge = Edge(hears=False)
    for known in KNOWN:
        answers_of(edge, [f"GET {known.replace('1.m3u8', name)}".encode() + REST for name in ("a", "b", "c")])
    start = f"GET {begin}s1.origin-cluster{''.join(slash + segment for slash, segment in path)}".encode()
    quick, careful = answers_of(edge, [start + REST]), answers_of(edge, [start + CAREFUL])
    assert [without_id(answer) for answer in careful] == [without_id(answer) for answer in quick]


SOME = [b"/", b"/video/", b"/video/1488", b"/video/1488/", b"/video/1488/a.m3u8", b"/vod", b"/a", b"/a/b/c/"]
"""Paths that rules may name."""

CONDITIONS = st.builds(
    Conditions,
    hosts=st.sampled_from([(), ("s1.origin-cluster",), ("*.origin-cluster",)]),
    paths=st.lists(st.sampled_from([*map(bytes.decode, SOME), "/video/*/a.m3u8", "/**/b", "/a/**/b"]), max_size=3).map(
        tuple
    ),
    networks=st.sampled_from([(), ("192.0.2.0/24",), ("192.0.2.7/32",)]),
    query=st.sampled_from([(), (QueryCondition("x", ("1",)),)]),
    headers=st.sampled_from([(), (HeaderCondition("host", ("a",)),)]),
).filter(lambda when: not when.is_always)
PATHS = st.sampled_from(
    [
        *("video/1488/a.m3u8", "video/1488/b/c", "video/1488", "video/1489/a.m3u8", "video/a.m3u8", "video/none"),
        *("vod", "vodk", "videos", "ab", "vod/x", "a", "a/b", "a/b/c", "a/b/c/d", "a/x/b", "b", "b/x/y"),
    ]
).map(lambda path: path.split("/"))


@settings(max_examples=200)
@given(
    st.lists(CONDITIONS, max_size=6),
    st.lists(
        st.tuples(
            st.sampled_from(["%2F", "%2F", "/"]),
            PATHS,
            st.sampled_from(["s1", "s2"]),
            st.sampled_from(["192.0.2.7", "::1"]),
        ),
        min_size=1,
        max_size=12,
    ),
)
@example([Conditions(paths=("/video/1488",))], [("/", ["video", "1488"], "s1", "::1")])
@example([Conditions(paths=("/video/*/a.m3u8",))], [("/", ["video", "1489", "a.m3u8"], "s1", "::1")])
@example([Conditions(paths=("/video/",))], [("/", ["videos"], "s1", "::1")])
@example(
    [Conditions(paths=("/video/1488/",))],
    [("/", ["video", "1488", "b"], "s1", "::1"), ("/", ["video", "1489", "b"], "s1", "::1")],
)
async def test_rules_hold_for_quick_answers(
    conditions: list[Conditions], asked: list[tuple[str, list[str], str, str]]
) -> None:
    """Whatever rules ask for, each request gets the config that it gets with care, the first time and again."""
    edges = Edge(hears=False), Edge(hears=False)
    configs = {
        number: ConfigFactory.build(id=number, cdn_host=f"c{number}.example", distribution_rate=0)
        for number in range(2, len(conditions) + 2)
    }
    rules = RuleList(tuple(Rule(f"r{number}", when, number) for number, when in enumerate(conditions, 2)))
    found = []
    for edge, rest in zip(edges, (REST, CAREFUL), strict=True):
        await edge.planner.follow(Blueprint(ConfigFactory.build(distribution_rate=0), configs, RuleRevision(1, rules)))
        kept = {client: Connection(edge.process, edge.port, (client, 4711)) for client in ("192.0.2.7", "::1")}
        transport = FakeTransport()
        for connection in kept.values():
            connection.connection_made(transport)
        # Which way goes what begins like this is known when what is asked comes.
        taught = [
            ("%2F", [first, f"x{number}", "y"], host, client)
            for first in ("video", "vod", "a", "b")
            for number in range(2)
            for host in ("s1", "s2")
            for client in kept
        ]
        for slash, path, host, client in [*taught, *asked]:
            first = "%2F".join([f"http%3A%2F%2F{host}.origin-cluster", *path[:2]])
            kept[client].data_received(f"GET /?video={slash.join([first, *path[2:]])}".encode() + rest)
        found.append(without_id(transport.written))
    assert found[1] == found[0]


@pytest.mark.parametrize("has_rules", [False, True])
async def test_an_origin_is_known_for_its_plan_alone(has_rules: bool) -> None:
    """A video that was never asked for follows the next config or rules at once, also where its way is at hand."""
    edge = Edge(hears=False)
    transport = FakeTransport()
    connection = Connection(edge.process, edge.port, ("192.0.2.7", 4711))
    connection.connection_made(transport)
    for revision, host in enumerate(("a.example", "b.example"), 1):
        config = ConfigFactory.build(id=2 if has_rules else 1, cdn_host=host, distribution_rate=0, revision=revision)
        if has_rules:
            rules = RuleRevision(revision, RuleList((Rule("all", Conditions(paths=("/a/",)), 2),)))
            await edge.planner.follow(Blueprint(ConfigFactory.build(distribution_rate=0), {2: config}, rules))
        else:
            edge.planner.use(config)
        for number in range(4):
            start = b"GET /?video=http%%3A%%2F%%2Fs1.origin-cluster%%2Fa%%2F%d%d" % (revision, number)
            connection.data_received(start + REST)
    hosts = re.findall(rb"location: http://([^/]+)/s1/a/\d\d\r", transport.written)
    assert [b"a.example"] * 4 + [b"b.example"] * 4 == hosts


@pytest.mark.parametrize("known", KNOWN)
@pytest.mark.parametrize("has_rules", [False, True])
async def test_ways_are_at_hand(known: str, has_rules: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the slashes are spelled, a fourth video is answered without a look at the parts of its URL."""
    edge = Edge(hears=False)
    if has_rules:
        rules = RuleList((Rule("there", Conditions(paths=("/there/",)), 1),))
        await edge.planner.follow(Blueprint(ConfigFactory.build(distribution_rate=0), {}, RuleRevision(1, rules)))
    connection = Connection(edge.process, edge.port, ("192.0.2.7", 4711))
    transport = FakeTransport()
    connection.connection_made(transport)
    slash = "%2F" if "%2F" in known else "/"
    heads = [REST, REST, REST, REST, REST.replace(b"Host", b"Connection: close\r\nHost")]
    for number, rest in enumerate(heads):
        if number == 3:
            monkeypatch.setattr(edge.players, "_meet", None)
            monkeypatch.setattr(edge.players, "_way_of", None)
        connection.data_received(f"GET {known.replace('1.m3u8', f'{number}{slash}1.m3u8')}".encode() + rest)
    assert len(heads) == transport.written.count(b"/1.m3u8\r\n")
    assert transport.is_closed
    assert transport.written.endswith(b"/4/1.m3u8\r\nconnection: close\r\n\r\n")


async def test_clients_move_to_other_countries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules hold for where a client is now, though another way is at hand on its connection."""
    edge = Edge(hears=False)
    places = Places()
    places.found["192.0.2.7"] = 64500, "DE"
    monkeypatch.setattr(edge.planner, "_places", places)
    rules = RuleList((Rule("there", Conditions(countries=("DE",)), 2),))
    there = ConfigFactory.build(id=2, cdn_host="b.example", distribution_rate=0)
    await edge.planner.follow(Blueprint(ConfigFactory.build(distribution_rate=0), {2: there}, RuleRevision(1, rules)))
    transport = FakeTransport()
    connection = Connection(edge.process, edge.port, ("192.0.2.7", 4711))
    connection.connection_made(transport)
    for number in range(6):
        if number == 3:
            places.found["192.0.2.7"] = 64500, "FR"
            places.edition += 1
        connection.data_received(b"GET /?video=http%%3A%%2F%%2Fs1.origin-cluster%%2Fa%%2F%d" % number + REST)
    hosts = re.findall(rb"location: http://([^/]+)/", transport.written)
    assert [b"b.example"] * 3 + [b"cdn.example.com"] * 3 == hosts


async def test_memory_of_origins_is_bounded() -> None:
    """However many origins are asked for, only so many are known."""
    edge = Edge(hears=False)
    for number in range(players.WAYS + 100):
        videos = [b"GET /?video=http%%3A%%2F%%2Fs%d.origin-cluster%%2F%b" % (number, name) for name in (b"a", b"b")]
        first, second = answers_of(edge, [video + REST for video in videos])
        assert b"/s%d/a" % number in first
        assert b"/s%d/b" % number in second
    assert 0 < len(edge.players._origins) == len(edge.players._ways) <= players.WAYS


async def test_reports_of_new_videos_are_heard() -> None:
    """A report that comes in a field is taken in with each request, also for a video that was never asked for."""
    edge = Edge()
    # Which way these go is known.
    answers_of(edge, [b"GET /?video=http%%3A%%2F%%2Fs1.origin-cluster%%2Fx%d" % number + REST for number in range(3)])
    rest = b' HTTP/1.1\r\nHost: a\r\nCMCD-Session: sid="a"\r\n\r\n'
    answers_of(edge, [b"GET /?video=http%%3A%%2F%%2Fs1.origin-cluster%%2F%d" % number + rest for number in range(5)])
    assert 5 == edge.hearing.heard


MOMENTS = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from([0.0, 0.4, 1.0, 5.0]), st.booleans()), min_size=1, max_size=30
)
"""Which client asks, how long after the one before, and whether for another video."""


@given(MOMENTS)
@example(
    [(client, 0.0, False) for client in [0, 0, 0, 1, 2, 3, 4]] + [(0, 5.0, False), (0, 0.0, False), (0, 0.0, False)]
)
async def test_kept_connections_are_limited_as_each_request_would_be(moments: list[tuple[int, float, bool]]) -> None:
    """Buckets at hand are those of the clients, also when more clients come than are remembered."""
    quota, now, told = Quota(1, 1, 2), 1000.0, 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quotas, "MAX_CLIENTS", 2)
        patch.setattr(players, "monotonic", lambda: now)
        throttle, naive = Throttle("player", quota), Throttle("player", quota)
        throttle.on_due = naive.on_due = lambda: None
        edge = Edge(throttle, hears=False)
        kept = [FakeTransport() for _ in range(5)]
        connections = [Connection(edge.process, edge.port, (f"192.0.2.{client}", 4711)) for client in range(5)]
        for connection, transport in zip(connections, kept, strict=True):
            connection.connection_made(transport)
        for client, pause, is_new in moments:
            now += pause
            told += is_new
            before = len(kept[client].written)
            video = b"GET /?video=http%%3A%%2F%%2Fs1.origin-cluster%%2F%d" % (told if is_new else 0)
            connections[client].data_received(video + REST)
            status = 429 if naive.charge(f"192.0.2.{client}", now) > 0 else 301
            assert b"HTTP/1.1 %d " % status == kept[client].written[before:][:13]
            assert naive.take_due() == throttle.take_due()
