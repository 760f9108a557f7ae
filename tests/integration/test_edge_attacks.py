"""What one client does to the edge, others must not feel; with each lane."""

import http.client
import itertools
import json
import random
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote, urlsplit

import psutil
import pytest

from tests.factories import AT_CDN, VIDEO
from tests.integration.conftest import Start
from tests.integration.test_edge import LANES, NEVER, Answer, Wire, get
from tests.processes import Balancer, wait_for

FLOODERS = 50
FLOOD = 14_563
"""Requests in one write of an attacker."""


@pytest.fixture(scope="module", params=LANES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balancer]:
    """Return a balancer with each kind of edge."""
    with Balancer(tmp_path_factory.mktemp("attacked"), None, FAST_LANE=request.param, **NEVER) as balancer:
        yield balancer


@pytest.mark.timed
@pytest.mark.parametrize(
    "flood",
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n" * FLOOD, id="without a host", marks=pytest.mark.long),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * FLOOD, id="refused", marks=pytest.mark.long),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\nProxy-Connection: a\r\n\r\n" * FLOOD,
            id="refused, not recognised",
            marks=pytest.mark.long,
        ),
        pytest.param(get() * (FLOOD // 2), id="redirected"),
        pytest.param(
            b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n" * FLOOD, id="the application's", marks=pytest.mark.long
        ),
    ],
)
def test_floods_of_pipelined_requests(start: Start, flood: bytes) -> None:
    """While fifty clients send thousands of requests at once, a player waits a moment, and memory stays bounded."""
    balancer = start(**NEVER).wait()
    process = psutil.Process(balancer.process.pid)
    with ExitStack() as wires:
        victim = wires.enter_context(Wire(balancer.url))
        victim.send(get())
        victim.read()
        before, stop = process.memory_info().rss, threading.Event()
        for wire in [wires.enter_context(Wire(balancer.url)) for _ in range(FLOODERS)]:
            threading.Thread(target=_flood, args=(wire, flood, stop), daemon=True).start()
        waits = []
        end = time.monotonic() + 3
        while time.monotonic() < end:
            begun = time.monotonic()
            victim.send(get())
            assert AT_CDN == victim.read().fields["location"]
            waits.append(time.monotonic() - begun)
        grown = process.memory_info().rss - before
        stop.set()
    assert max(waits) < 0.5
    assert sorted(waits)[len(waits) // 2] < 0.1
    assert grown < 80_000_000


def _flood(wire: Wire, data: bytes, stop: threading.Event) -> None:
    """Send, and read what comes, until told to stop."""
    reader = threading.Thread(target=_drain, args=(wire,), daemon=True)
    reader.start()
    try:
        while not stop.is_set():
            wire.send(data)
    except (OSError, ValueError):
        return


def _drain(wire: Wire) -> None:
    try:
        while wire.socket.recv(1_000_000):
            pass
    except (OSError, ValueError):
        return


HOSTS = [
    pytest.param([], id="missing"),
    pytest.param(["Host:"], id="empty"),
    pytest.param(["Host: a", "Host: a"], id="repeated"),
    pytest.param(["Host: a b"], id="with a space"),
    pytest.param(["Host: a:b"], id="port that is no number"),
]


@pytest.mark.parametrize("hosts", HOSTS)
@pytest.mark.parametrize("path", [f"/?video={VIDEO}", "/nothing", "/health/live"], ids=["player", "unknown", "health"])
@pytest.mark.parametrize("more", [[], ["Proxy-Connection: a"]], ids=["", "parsed"])
def test_host(server: Balancer, hosts: list[str], path: str, more: list[str]) -> None:
    """A request that does not name one host is answered 400 in every lane (RFC 9112 §3.2), and counted."""
    with Wire(server.url) as wire:
        wire.send("\r\n".join([f"GET {path} HTTP/1.1", *hosts, *more, "", ""]).encode())
        answer = wire.read()
        assert (400, "close", "application/problem+json") == (
            answer.status, answer.fields["connection"], answer.fields["content-type"],
        )  # fmt: skip
        assert wire.at_end()


@pytest.mark.parametrize("path", [f"/?video={VIDEO}", "/health/live"])
def test_no_host_before_http_1_1(server: Balancer, path: str) -> None:
    """A client that speaks HTTP/1.0 need not name a host."""
    with Wire(server.url) as wire:
        wire.send(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        assert wire.read().status in {200, 301}
        assert wire.at_end()


def test_connections_of_one_client(start: Start) -> None:
    """One connection of a client too many is answered 429 and closed; when one has gone, a new one is served."""
    balancer = start(CLIENT_CONNECTIONS=2, **NEVER).wait()
    with Wire(balancer.url) as first, Wire(balancer.url) as second:
        for wire in (first, second):
            wire.send(get())
            assert 301 == wire.read().status
        with Wire(balancer.url) as refused:
            answer = refused.read()
            assert (429, "1") == (answer.status, answer.fields["retry-after"])
            assert refused.at_end()
    wait_for(lambda: _is_served(balancer), 10)


def _is_served(balancer: Balancer) -> bool:
    with Wire(balancer.url) as wire:
        wire.send(get())
        return wire.read().status == 301


def test_proxies_have_many_connections(start: Start) -> None:
    """Connections of a trusted proxy do not count against the limit of one client."""
    balancer = start(CLIENT_CONNECTIONS=1, TRUSTED_PROXIES="127.0.0.1", **NEVER).wait()
    with ExitStack() as wires:
        for _ in range(5):
            wire = wires.enter_context(Wire(balancer.url))
            wire.send(get())
            assert 301 == wire.read().status


@pytest.mark.timed
@pytest.mark.parametrize("lane", LANES)
def test_time_of_a_silent_connection(start: Start, lane: str) -> None:
    """A silent connection is kept for as long as a head may take; the time of a head begins with its first byte."""
    balancer = start(HEAD_TIME=2, KEEP_ALIVE=60, FAST_LANE=lane, **NEVER).wait()
    begun = time.monotonic()
    with Wire(balancer.url) as silent, Wire(balancer.url) as late:
        threading.Event().wait(1.2)
        late.send(b"GET /?vid")
        first_byte = time.monotonic()
        assert silent.at_end()
        assert 1.4 <= time.monotonic() - begun <= 3.5
        assert 408 == late.read().status
        assert 1.4 <= time.monotonic() - first_byte <= 3.5


@pytest.mark.parametrize("value", ["a1", "a1 ", "\ta1\t", "a 1", ""])
def test_lanes_agree_on_the_request_id(server: Balancer, value: str) -> None:
    """In every lane a request's id is taken without white space around it, and replaced where it has some within."""
    for more in ([], ["Proxy-Connection: a"]):
        with Wire(server.url) as wire:
            wire.send(get("x", f"X-Request-Id: {value}", *more))
            answer = wire.read()
        assert (value.strip() == "a1") == (answer.fields["x-request-id"] == "a1")
        assert re.fullmatch(r"[0-9a-f]{32}|a1", answer.fields["x-request-id"])


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("more", [[], ["Proxy-Connection: a"]], ids=["", "parsed"])
def test_lanes_agree_on_the_client(start: Start, lane: str, more: list[str]) -> None:
    """Behind a trusted proxy every lane logs the client that the proxy names, redirected or refused."""
    balancer = start(TRUSTED_PROXIES="127.0.0.1", ACCESS_LOG="all", FAST_LANE=lane, **NEVER).wait()
    with Wire(balancer.url) as wire:
        for video in (VIDEO, "x"):
            wire.send(get(video, "X-Forwarded-For: 198.51.100.4, 203.0.113.9 ", *more))
            wire.read()
    wait_for(lambda: balancer.has_said(event="refusal"), 10)
    found = [event["client"] for event in balancer.events() if event["event"] in {"redirect", "refusal"}]
    assert ["203.0.113.9"] * 2 == found


METHODS = ["GET", "GET", "GET", "HEAD", "OPTIONS", "POST", "DELETE", "TRACE", "PURGE"]
TARGETS = [
    *(f"/?video={VIDEO}", f"/?video={quote(VIDEO, safe='')}", "/?video=x", "/", "/?", "/?a=b", "//", "/x", "/x?y#z"),
    *("/%41", "/a%20b", "/?video=http://example.com/a", f"/?video={VIDEO}&video=a", f"/?video={VIDEO}#x", "/config/x"),
    *(
        f"http://balancer.example/?video={VIDEO}",
        "http://balancer.example",
        "*",
        f"/?CMCD=br%3D1&video={VIDEO}",
        "/%zz",
    ),
    *(f"/?video={VIDEO}" + "a" * 9000, "/init-0.mp4", "/favicon.ico", "/.%2e/x", "/a;b"),
]
FIELDS = [
    *("Accept: */*", "Connection: close", "Connection: keep-alive", "connection: Close, TE", "X-Request-Id: abc"),
    *("Range: bytes=0-", "TE: trailers", "Upgrade: h2c", "Content-Length: 0", "Content-Length: 3", "Expect: nothing"),
    *("Cookie: a=\xe9", "X:\ty", "Keep-Alive: 1", "Proxy-Connection: close", "Origin: null", "X-Empty:"),
    *("Transfer-Encoding: chunked", "Forwarded: for=1.2.3.4"),
]


def ask_alone(url: str, request: bytes) -> Answer:
    """Return the answer to a request on a connection of its own, without what differs from one time to the next."""
    with Wire(url) as wire:
        wire.send(request)
        answer = wire.read(head_only=request.startswith(b"HEAD"))
    for name in ("date", "x-request-id"):
        answer.fields.pop(name, None)
    return answer


def test_lanes_answer_alike_whatever_is_asked(start: Start) -> None:
    """Generated requests get the same answer, field by field in their order, from all three lanes."""
    edge, application = (start(FAST_LANE=lane, OPEN_RATE="off", **NEVER) for lane in ("on", "off"))
    edge.wait()
    application.wait()
    draw = random.Random(7)
    statuses = set()
    for _ in range(400):
        method, target = draw.choice(METHODS), draw.choice(TARGETS)
        fields = draw.sample(FIELDS, draw.randrange(4))
        fields.insert(draw.randrange(len(fields) + 1), "Host: balancer.example")
        version = draw.choice(["1.1", "1.1", "1.0"])
        body = (
            b"abc" if "Content-Length: 3" in fields else b"0\r\n\r\n" if "Transfer-Encoding: chunked" in fields else b""
        )
        head = "\r\n".join([f"{method} {target} HTTP/{version}", *fields, "", ""]).encode("latin-1")
        recognised = ask_alone(edge.url, head + body)
        # A field that the recogniser does not take, and that means nothing.
        parsed = ask_alone(edge.url, head[:-2] + b"Expect: nothing\r\n\r\n" + body)
        by_application = ask_alone(application.url, head + body)
        seen = [
            (answer.status, list(answer.fields.items()), answer.body) for answer in (recognised, parsed, by_application)
        ]
        assert seen[0] == seen[1], head
        assert seen[0] == seen[2], head
        statuses.add(recognised.status)
    assert {204, 301, 400, 404, 405, 414, 422} <= statuses


def test_refused_clients_in_every_lane(start: Start) -> None:
    """Who asks too often is told the same by every lane."""
    more = {"PLAYER_RATE": "1/h;burst=1", **NEVER}
    answers = []
    for lane, field in (("on", "A: b"), ("on", "Expect: nothing"), ("off", "A: b")):
        balancer = start(FAST_LANE=lane, **more).wait()
        assert 301 == ask_alone(balancer.url, get(VIDEO, field)).status
        answers += [ask_alone(balancer.url, get(VIDEO, field, method=method)) for method in ("GET", "HEAD", "OPTIONS")]
        balancer.stop()
    assert {429} == {answer.status for answer in answers}
    for answer in answers:
        for name in ("retry-after", "ratelimit"):
            answer.fields[name] = "…"
    assert answers[:3] == answers[3:6] == answers[6:]


def test_connection_goes_from_lane_to_lane(start: Start) -> None:
    """On one connection requests of all lanes are answered in their order, and no player's request reaches Litestar."""
    balancer = start(**NEVER).wait()
    requests = [
        get(),
        b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n",
        get(VIDEO, "Expect: nothing"),
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        b"PATCH /config HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        get("x"),
        b"\r\n\r\n" + get(method="HEAD"),
    ]
    expected = [301, 200, 301, 405, 401, 422, 301]
    for together in (True, False):
        with Wire(balancer.url) as wire:
            if together:
                wire.send(b"".join(requests))
            statuses = []
            for request in requests:
                if not together:
                    wire.send(request)
                statuses.append(wire.read(head_only=b"HEAD" in request).status)
            assert expected == statuses


@pytest.mark.parametrize("size", [SKIPPED := 60_000, 10_000_000], ids=["skipped", "closed"])
def test_body_that_nobody_wants(start: Start, size: int) -> None:
    """A body at the player's path is skipped where it is small; behind a large one the connection is closed."""
    balancer = start(**NEVER).wait()
    with Wire(balancer.url) as wire:
        wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        answer = wire.read()
        assert (405, size > 60_000) == (answer.status, answer.fields.get("connection") == "close")
        if size > 60_000:
            assert wire.at_end()
            return
        wire.send(b"a" * size + get())
        assert AT_CDN == wire.read().fields["location"]


def test_chunked_body(start: Start) -> None:
    """A body in chunks reaches the application whole, and the connection is closed behind the answer."""
    balancer = start(**NEVER).wait()
    with Wire(balancer.url) as wire:
        wire.send(b"POST /config/preview HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{")
        wire.send(b"}\r\n0\r\n\r\n" + get())
        answer = wire.read()
        assert (401, "close") == (answer.status, answer.fields["connection"])
        assert wire.at_end()


@pytest.mark.timed
def test_idle_connections(start: Start) -> None:
    """Thousands of idle connections take little memory each, and hardly slow the others down."""
    count = 4000
    balancer = start(CONNECTIONS=20_000, OPEN_RATE="off", **NEVER).wait()
    process = psutil.Process(balancer.process.pid)
    with ExitStack() as wires:
        victim = wires.enter_context(Wire(balancer.url))
        alone = _p99(victim)
        before = process.memory_info().rss
        parts = urlsplit(balancer.url)
        for _ in range(count):
            wire = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
            wire.connect()
            wires.callback(wire.close)
        wait_for(lambda: _connections(balancer) > count, 20)
        each = (process.memory_info().rss - before) / count
        beside = min(_p99(victim) for _ in range(3))
    assert each < 4096
    assert beside < 2 * alone + 0.001


def _p99(wire: Wire) -> float:
    waits = []
    for _ in range(2000):
        begun = time.perf_counter()
        wire.send(get())
        wire.read()
        waits.append(time.perf_counter() - begun)
    return sorted(waits)[len(waits) * 99 // 100]


def _connections(balancer: Balancer) -> float:
    with Wire(balancer.url) as wire:
        wire.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        text = wire.read().body.decode()
    return float(re.findall(r"^balancer_connections (\S+)$", text, re.MULTILINE)[0])


def test_every_real_client_is_served_by_the_edge(start: Start) -> None:
    """Each head of the corpus, alone on a new connection, gets the answer that it is to have."""
    hosts = "*.origin-cluster,*.origin-cluster:8610"
    balancer = start(ORIGIN_HOSTS=hosts, **NEVER).wait()
    corpus = json.loads((Path(__file__).parents[1] / "data" / "heads.json").read_text())
    for row in corpus:
        head = row["raw_head"].encode("latin-1")
        with Wire(balancer.url) as wire:
            wire.send(head)
            answer = wire.read(head_only=head.startswith(b"HEAD"))
        expected = 404 if b"init-0" in head else 204 if head.startswith(b"OPTIONS") else 301
        assert expected == answer.status, row


@pytest.mark.long
@pytest.mark.timed
def test_workers_share_connections(tmp_path: Path) -> None:
    """Four workers hold nearly the same number of connections each."""
    with Balancer(tmp_path, None, WORKERS=4, **NEVER) as balancer, ExitStack() as wires:
        for _ in range(2000):
            wires.enter_context(Wire(balancer.url))
        workers = balancer.workers()
        assert 4 == len(workers)

        def held() -> list[int]:
            return [sum(c.status == "ESTABLISHED" for c in worker.net_connections("tcp")) for worker in workers]

        wait_for(lambda: sum(held()) == 2000, 20)
        assert max(held()) / min(held()) <= 1.3


@pytest.mark.long
def test_a_stopped_worker_holds_nobody_for_long(tmp_path: Path) -> None:
    """While a worker is stopped, every new connection is served within a moment; afterwards it serves again."""
    with Balancer(tmp_path, None, WORKERS=2, **NEVER) as balancer:
        stopped = balancer.workers()[0]
        stopped.suspend()
        try:
            begun = time.monotonic()
            for _ in range(200):
                with Wire(balancer.url) as wire:
                    wire.send(get())
                    assert 301 == wire.read().status
            assert time.monotonic() - begun < 5
        finally:
            stopped.resume()
        for attempt in itertools.count():
            with Wire(balancer.url) as wire:
                wire.send(get())
                assert 301 == wire.read().status
                if any(c.status == "ESTABLISHED" for c in stopped.net_connections("tcp")):
                    break
            assert attempt < 1000
