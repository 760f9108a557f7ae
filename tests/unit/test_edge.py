"""The edge without a socket: what it answers by itself, and what it does not."""

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override
from uvicorn.server import ServerState

from balancer.core.clients.addresses import TrustedProxies
from balancer.core.clients.quotas import Quota, Throttle
from balancer.core.configs.documents import ConfigDocument
from balancer.core.quality.hearing import Hearing
from balancer.core.quality.hosts import TargetHosts
from balancer.core.routing.planner import Blueprint
from balancer.core.rules.conditions import Conditions
from balancer.core.rules.documents import Rule, RuleList
from balancer.core.rules.matching import NoPlaces
from balancer.core.rules.revisions import RuleRevision
from balancer.core.steering.documents import Addresses
from balancer.core.steering.steering import Steering
from balancer.core.steering.tokens import KEY_SIZE, Tokens
from balancer.edge import players, refusing
from balancer.edge.answers import Answers
from balancer.edge.asking import PlayerGate
from balancer.edge.connection import Connection
from balancer.edge.endpoint import Port
from balancer.edge.exchange import Application
from balancer.edge.players import Players
from balancer.edge.process import EdgeParts, Limits, Process
from balancer.edge.reports import ReportAnswers
from balancer.edge.steering import SteeringAnswers
from balancer.telemetry.metrics.board import Board
from balancer.telemetry.metrics.meters import Meters
from balancer.telemetry.players import AccessLog, PlayerWatch
from tests.factories import AT_CDN, VIDEO, ConfigFactory, origins, planner, targets

CORPUS = json.loads((Path(__file__).parents[1] / "data" / "heads.json").read_text())
STEERING = json.loads((Path(__file__).parents[1] / "data" / "steering-requests.json").read_text())


class FakeTransport(asyncio.Transport):
    """Keeps what is written, and whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.is_closed = False

    @override
    def write(self, data: Any) -> None:
        self.written += data

    @override
    def close(self) -> None:
        self.is_closed = True

    @override
    def is_closing(self) -> bool:
        return self.is_closed

    @override
    def write_eof(self) -> None:
        """Close: nobody here would read what else a client sends."""
        self.close()

    @override
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Accept any limits; nothing ever waits."""


class Edge:
    """An edge with no application behind it: a request that is passed on fails.

    Args:
        throttle: Limits how often players ask.
        hears: Whether it takes in what players report with their requests.
    """

    def __init__(self, throttle: Throttle | None = None, *, hears: bool = True) -> None:
        self.planner = planner("*.origin-cluster", "*.origin-cluster:8610")
        self.redirects = self.planner.redirects
        self.planner.use(ConfigFactory.build(distribution_rate=0))
        meters, proxies = Meters(Board().claim()), TrustedProxies(())
        watch = PlayerWatch(AccessLog(refused=False, part=0.0), None, 0.0)
        gate = PlayerGate(throttle, proxies)
        self.hearing = Hearing(
            TargetHosts(self.redirects, origins("*.origin-cluster", "*.origin-cluster:8610")),
            NoPlaces(),
            b"k" * KEY_SIZE,
        )
        self.players = Players(self.redirects, gate, meters, watch, self.hearing if hears else None)
        steering = Steering(self.redirects, Tokens(b"k" * KEY_SIZE), 30)
        self.steering = SteeringAnswers(steering, Addresses(None), proxies, meters, self.hearing)
        reports = ReportAnswers(self.hearing, gate, meters)
        state = ServerState()
        state.default_headers = [(b"date", b"Tue, 24 Nov 2026 21:59:10 GMT")]
        parts = EdgeParts(self.players, self.steering, frozenset({b"config"}), meters, proxies, watch, None, reports)
        nobody = cast(Application, None)
        self.process = Process(Limits(16384, 10, 65, 10_000), parts, nobody, state, asyncio.get_running_loop())
        self.port = Port(Answers(state), "http")

    def ask(self, *pieces: bytes, source: tuple[str, int] | None = None) -> FakeTransport:
        """Send bytes on a new connection, piece by piece."""
        transport = FakeTransport()
        connection = Connection(self.process, self.port, source)
        connection.connection_made(transport)
        for data in pieces:
            connection.data_received(data)
        connection.connection_lost(None)
        return transport


@pytest.fixture
async def edge() -> Edge:
    """Return an edge that sends everything to the CDN."""
    return Edge()


@pytest.mark.parametrize("row", CORPUS, ids=lambda row: row["client"])
@pytest.mark.parametrize("more", [b"", b"Expect: nothing\r\n"], ids=["recognised", "parsed"])
async def test_real_clients_need_no_application(edge: Edge, row: dict[str, str], more: bytes) -> None:
    """Each head of the corpus is answered by the edge alone, the first and the third time, and by both of its lanes."""
    head = row["raw_head"].encode("latin-1")
    status = b"404" if b"init-0" in head else b"204" if head.startswith(b"OPTIONS") else b"301"
    closes = b"onnection: close" in head or b" HTTP/1.0" in head or b"Upgrade: " in head
    for _ in range(3):
        answer = edge.ask(head[:-2] + more + b"\r\n")
        assert status == answer.written[9:12]
        assert answer.is_closed == closes == (b"\r\nconnection: close\r\n" in answer.written)


KNOWN = f"GET /?video={VIDEO} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
REST = b" HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize(
    "data",
    [
        KNOWN + KNOWN,
        KNOWN.replace(REST, b" HTTP/1.0\r\nHost: a\r\n\r\n") + KNOWN,
        KNOWN.replace(REST, b" HTTP/1.0\r\nX: b" + REST),
        KNOWN.replace(REST, b" HTTP/1.1\r\nX: b" + REST),
        KNOWN.replace(REST, b"\r\n" + REST),
        b"POST" + KNOWN[3:].replace(REST, b" HTTP/1.1\r\nContent-Length: 25" + REST),
        b"x" + REST,
        REST,
        REST[1:],
        KNOWN.replace(b"1488", b"1489"),
        KNOWN.replace(b"origin-cluster", b"example.com"),
    ],
)
async def test_a_known_head_is_looked_for_at_its_place(edge: Edge, data: bytes) -> None:
    """What only ends like the requests before it on its connection is answered as it is on a new one."""
    warm = [KNOWN] * 3
    before, after, alone = edge.ask(*warm), edge.ask(*warm, data), edge.ask(data)
    assert 3 == before.written.count(b"HTTP/1.1 301 ")
    written = after.written.removeprefix(before.written)
    assert without_id(alone.written) == without_id(written)
    assert after.is_closed == alone.is_closed


def without_id(answer: bytes) -> bytes:
    """Return an answer without what is another for each request."""
    return re.sub(rb'x-request-id: .*|"request_id": *"[^"]*"', b"", answer)


async def test_refusals_are_told_apart(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal refusals share what is told, different ones do not, and of those that are shared there is a bound."""
    monkeypatch.setattr(refusing, "REFUSALS", 8)
    for number in range(20):
        for video in range(2):
            url = f"http://h{number}.example/{video}"
            answer = edge.ask(f"GET /?video={url} HTTP/1.1\r\nHost: a\r\n\r\n".encode()).written
            assert answer.startswith(b"HTTP/1.1 422 ")
            assert b"'h%d.example'" % number in answer
    assert 8 >= len(edge.players._refusals._shared) > 0


async def test_missing_paths_are_told_apart(edge: Edge) -> None:
    """What is remembered of a path at which there is nothing is told to no other request."""
    for _ in range(4):
        assert b"nothing at /a.ts." in edge.ask(b"GET /a.ts" + REST).written
    assert edge.ask(b"HEAD /a.ts" + REST).written.endswith(b"\r\n\r\n")
    assert edge.ask(b"GET /a.ts?b" + REST).written.startswith(b"HTTP/1.1 404 ")
    assert b"400 Bad Request" in edge.ask(b"GET /a.ts b" + REST).written
    assert b"nothing at /b.ts." in edge.ask(b"GET /b.ts" + REST).written


async def test_application_is_asked_for_its_paths_alone(edge: Edge) -> None:
    """What is the application's is passed on to it: here there is none, and that fails."""
    with pytest.raises(AttributeError):
        edge.ask(b"GET /config HTTP/1.1\r\nHost: a\r\n\r\n")


async def test_popular_requests_follow_a_change(edge: Edge) -> None:
    """A request that is remembered follows the next config at once."""
    request = f"GET /?video={VIDEO} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    for _ in range(4):
        assert AT_CDN.encode() in edge.ask(request).written
    edge.planner.use(ConfigFactory.build(cdn_host="b.example", distribution_rate=0, revision=2))
    assert b"location: http://b.example/s1/" in edge.ask(request).written


async def test_popular_requests_go_by_rules_for_each_client(edge: Edge) -> None:
    """A request that is remembered takes the route of its client, in whatever spelling its address comes."""
    office = ConfigFactory.build(id=5, cdn_host="office.example", distribution_rate=0)
    rules = RuleRevision(1, RuleList((Rule("office", Conditions(networks=("192.0.2.0/24", "2001:db8::/32")), 5),)))
    await edge.planner.follow(Blueprint(ConfigFactory.build(distribution_rate=0, revision=2), {5: office}, rules))
    request = f"GET /?video={VIDEO} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    inside = ["192.0.2.7", "::ffff:192.0.2.8", "2001:db8::1"]
    outside = ["198.51.100.7", "::ffff:198.51.100.8", "2001:db9::1"]
    for _ in range(4):
        for address in [*inside, *outside]:
            answer = edge.ask(request, source=(address, 4711)).written
            assert (address in inside) == (b"location: http://office.example/" in answer)
    for number, address in enumerate([*inside, *outside]):
        # One that is seen for the first time does so too.
        once = request.replace(b"1488", b"%d" % number)
        answer = edge.ask(once, source=(address, 4711)).written
        assert (address in inside) == (b"location: http://office.example/" in answer)


SEGMENTS = st.lists(st.text("abzAZ019_~-.", min_size=1, max_size=6).filter(lambda text: text[0] != "."), min_size=1)
PARAMETERS = st.lists(st.tuples(st.text("ab.-_~", min_size=1), st.text("a%/?=+:~\"|'", max_size=6)), max_size=2)


@given(SEGMENTS, PARAMETERS, st.sampled_from(["query", "encoded", "path"]), st.data())
async def test_first_sight_of_a_request_is_answered_as_the_second(
    path: list[str], parameters: list[tuple[str, str]], form: str, data: st.DataObject
) -> None:
    """A plain request gets the answer by the same decision, whether it is seen for the first time or remembered."""
    origin, cdn = targets(origin=1, cdn=2)
    template = data.draw(st.sampled_from([None, "/{server}{path}", "/x/{host}{path}/end"]))
    edge = Edge()
    document = ConfigDocument((origin, replace(cdn, path=template)))
    edge.planner.use(ConfigFactory.build(document=document, revision=2))
    # What is plain is read quickly once its origin is known in this spelling.
    for known in ("http://s1.origin-cluster/a", "http%3A%2F%2Fs1.origin-cluster%2Fa", "http://s1.origin-cluster/a"):
        edge.ask(f"GET /?video={known} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    carried = "".join(f"&{name}={text}" for name, text in parameters)
    url = "/".join(["http://s1.origin-cluster", *path])
    asked = {
        "query": f"/?video={url}{carried}",
        "encoded": f"/?video={url.replace(':', '%3A').replace('/', '%2F')}{carried}",
        "path": f"/to/{url.replace('://', '/')}{carried and '?'}{carried[1:]}",
    }[form]
    request = f"GET {asked} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    # Three tickets make a cycle, so what is asked now and three requests later goes to the same target.
    answers = [edge.ask(request).written for _ in range(9)]
    assert answers[:3] == answers[3:6] == answers[6:]
    assert 2 == len(set(answers))
    assert {b"301"} == {answer[9:12] for answer in answers}


async def test_first_sight_is_limited_too() -> None:
    """A client that asks too often for ever other videos is told to wait, and takes no ticket."""
    edge = Edge(Throttle("player", Quota(3, 3600, 3)))
    answers = [
        edge.ask(b"GET /?video=http://s1.origin-cluster/%d HTTP/1.1\r\nHost: a\r\n\r\n" % number).written
        for number in range(5)
    ]
    assert [b"301", b"301", b"301", b"429", b"429"] == [answer[9:12] for answer in answers]
    plan = edge.redirects.plan
    assert plan is not None
    assert 3 == sum(plan.default.book.taken)


async def test_memory_of_requests_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many different requests come, and often each, only so many are remembered."""
    monkeypatch.setattr(players, "POPULAR", 1_000)
    edge = Edge()
    for number in range(2_500):
        request = b"GET /?video=http://s1.origin-cluster/%d HTTP/1.1\r\nHost: a\r\n\r\n" % number
        for _ in range(30):
            edge.ask(request)
    assert 500 < len(edge.players._popular) <= 1_000


@pytest.mark.parametrize("more", [b"", b"Expect: nothing\r\n"], ids=["recognised", "parsed"])
@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/to/http/s1.origin-cluster/video/1488/a.m3u8", "video=http://s1.origin-cluster/video/1488/a.m3u8"),
        ("/to/http/s1.origin-cluster:8610/a/?x=1&CMCD=br%3D1", "video=http://s1.origin-cluster:8610/a/&x=1&CMCD=br%3D1"),
        ("/to/http/s1.origin-cluster/a%20b//c", "video=http://s1.origin-cluster/a%20b//c"),
        ("/to/http/s1.origin-cluster/a&b+c?video=1", "video=http%3A%2F%2Fs1.origin-cluster%2Fa%26b%2Bc&video%20=1"),
        ("/to/http/example.com/a", "video=http://example.com/a"),
        ("/to/http/s1.origin-cluster/a/../b", "video=http://s1.origin-cluster/a/../b"),
        ("/to/ftp/s1.origin-cluster/a", "video=ftp://s1.origin-cluster/a"),
        ("/to/http", "video=http://"),
        ("/to/http/s1.origin-cluster/" + "a" * 9000, "video=http://s1.origin-cluster/" + "a" * 9000),
    ],
)  # fmt: skip
async def test_videos_in_the_path(edge: Edge, path: str, query: str, more: bytes) -> None:
    """A request with its video in the path is answered as one with it in the query, by each lane, each time."""
    rest = b" HTTP/1.1\r\nHost: a\r\nX-Request-Id: 1\r\n" + more + b"\r\n"
    for _ in range(3):
        answers = [edge.ask(b"GET " + start.encode() + rest).written for start in (path, f"/?{query}")]
        by_path, by_query = (
            answer.replace(b"The URL in the path", b"The query parameter 'video'").replace(b"video%20=1", b"video=1")
            for answer in answers
        )
        assert by_query.partition(b"content-length")[0] == by_path.partition(b"content-length")[0]
        assert by_query.rpartition(b"\r\n")[2] == by_path.rpartition(b"\r\n")[2]
        assert (b"location" in by_query) == (b"301" in by_path)
        assert by_query.partition(b"location")[2] == by_path.partition(b"location")[2]


@pytest.mark.parametrize("row", STEERING, ids=lambda row: row["raw_head"].split()[1][7:])
async def test_players_are_steered(edge: Edge, row: dict[str, str]) -> None:
    """Whatever a real player sends to a steering server is answered at once, by pathways and an absolute URL."""
    head = row["raw_head"].encode("latin-1")
    target = head.split(b" ")[1]
    head = head.replace(target, b"/steering?" + target.partition(b"?")[2], 1)
    for more in (b"", b"Expect: nothing\r\n"):
        answer = edge.ask(head[:-2] + more + b"\r\n")
        fields, _, body = answer.written.partition(b"\r\n\r\n")
        assert b"200" == fields[9:12]
        assert b"\r\naccess-control-allow-origin: *\r\ncontent-type: application/json\r\n" in fields
        told = json.loads(body)
        assert (1, ["cdn"]) == (told["VERSION"], told["PATHWAY-PRIORITY"])
        assert 27 <= told["TTL"] <= 33
        assert told["RELOAD-URI"].startswith("http://steer.example.com:8620/steering?config=1&session=")
        assert not answer.is_closed


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"HEAD /steering?session=x", b"200"),
        (b"OPTIONS /steering", b"204"),
        (b"POST /steering", b"405"),
        (b"GET /steering/", b"404"),
    ],
)
async def test_other_requests_to_the_steering_server(edge: Edge, request_line: bytes, status: bytes) -> None:
    """HEAD has no body, a preflight is allowed, and other methods and paths are problems."""
    answer = edge.ask(request_line + b" HTTP/1.1\r\nHost: a\r\n\r\n").written
    assert status == answer[9:12]
    assert (b"{" in answer) == (status in {b"404", b"405"})
