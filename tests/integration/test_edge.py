"""The HTTP edge over real sockets, with the fast lane and without."""

import http.client
import itertools
import json
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import quote, urlsplit

import psutil
import pytest

from tests.factories import AT_CDN, KEY, VIDEO
from tests.processes import Balancer

LANES = [pytest.param("on", id="fast lane"), pytest.param("off", id="no fast lane")]
NEVER = {"DISTRIBUTION_RATE": 0}
HEAD_SIZE = 4096
AUTHORIZED = f"Authorization: Bearer {KEY}\r\n".encode()


class Answer(NamedTuple):
    """One answer, as it came."""

    status: int
    fields: dict[str, str]
    body: bytes


class Wire:
    """One connection to a server, by its bytes.

    Args:
        url: `http://127.0.0.1:8000`.
        window: Bytes that the client's side may hold unread; None leaves it to the system.
    """

    def __init__(self, url: str, window: int | None = None) -> None:
        parts = urlsplit(url)
        self.socket = socket.socket()
        if window:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.socket.settimeout(10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.connect((parts.hostname, parts.port))
        self._file = self.socket.makefile("rb")

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.socket.sendall(data)

    def read(self, *, head_only: bool = False) -> Answer:
        """Read one answer; a HEAD request's has no body whatever it says."""
        line = self._file.readline()
        assert line, "the server closed the connection"
        status = int(line.split()[1])
        fields: dict[str, str] = {}
        while (field := self._file.readline()) != b"\r\n":
            name, _, value = field.decode("latin-1").partition(":")
            assert name.lower() not in fields
            fields[name.lower()] = value.strip()
        body = b"" if head_only else self._file.read(int(fields.get("content-length", 0)))
        return Answer(status, fields, body)

    def at_end(self) -> bool:
        """Return whether the server has closed, and has sent nothing more before."""
        return self._file.read(1) == b""

    def close(self) -> None:
        """Close the connection."""
        self._file.close()
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def get(video: str = VIDEO, *fields: str, method: str = "GET", version: str = "1.1") -> bytes:
    """Return a request for a video."""
    lines = [f"{method} /?video={video} HTTP/{version}", "Host: balancer.example", *fields]
    return "\r\n".join([*lines, "", ""]).encode()


def where(number: int) -> tuple[str, str]:
    """Return a video and where it is at the CDN."""
    return f"http://s1.origin-cluster/{number}.ts", f"http://cdn.example.com/s1/{number}.ts"


@pytest.fixture(scope="module", params=LANES)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balancer]:
    """Return a balancer that sends everything to the CDN, with each kind of edge."""
    folder = tmp_path_factory.mktemp("edge")
    with Balancer(folder, None, FAST_LANE=request.param, HEAD_SIZE=HEAD_SIZE, **NEVER) as balancer:
        yield balancer


@pytest.fixture
def wire(server: Balancer) -> Iterator[Wire]:
    """Return a connection to it."""
    with Wire(server.url) as wire:
        yield wire


def test_lanes_answer_alike(tmp_path: Path) -> None:
    """The same requests through both lanes get the same answers, on both branches, refusals included."""
    paths = [tmp_path / name for name in ("fast", "plain")]
    for path in paths:
        path.mkdir()
    encoded = quote(VIDEO, safe="")
    videos = [
        *(VIDEO, encoded, encoded.replace("%2F", "%2f"), VIDEO + "?x=1&y=2", encoded + "%3Fx%3D1%26y%3D2&z=3", "", "x"),
        *(VIDEO + "&CMCD=br%3D3200%2Cbs&a", "https://s2.origin-cluster/a%20b~.m3u8", "http://S1.ORIGIN-CLUSTER/A"),
        *("http://s1.origin-cluster/../a", "http://example.com/a", VIDEO + "&video=" + VIDEO, VIDEO + "#b"),
        *("http://s1.origin-cluster", "http://s1.origin-cluster:80/a", "http://s1.origin-cluster/" + "a" * 8200),
        *(VIDEO + "+b", "http://xn--a.origin-cluster/a"),
    ]  # fmt: skip
    requests = [get(video) for video in videos]
    requests += [get(method=method) for method in ("HEAD", "OPTIONS", "POST", "TRACE")]
    requests += [get(VIDEO, "Host: b"), get(VIDEO, "Accept: */*"), get(VIDEO, "Transfer-Encoding: identity")]
    requests += [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /?x=1 HTTP/1.1\r\nHost: a\r\n\r\n"]
    requests += [get().replace(b"GET /", b"GET /config"), get().replace(b"Host: balancer.example\r\n", b"")]
    answers: list[list[Answer]] = []
    with (
        Balancer(paths[0], None, DISTRIBUTION_RATE=3) as fast,
        Balancer(paths[1], None, DISTRIBUTION_RATE=3, FAST_LANE="off") as plain,
    ):
        for balancer in (fast, plain):
            answers.append([])
            for request in requests * 3:
                with Wire(balancer.url) as wire:
                    wire.send(request)
                    answer = wire.read(head_only=request.startswith(b"HEAD"))
                    answer.fields.pop("date")
                    # Only the application gives ids, and to no redirect.
                    assert ("x-request-id" in answer.fields) <= (answer.status != 301)
                    answer.fields.pop("x-request-id", None)
                    answers[-1].append(answer)
    stable = [
        [answer for request, answer in zip(requests * 3, found, strict=True) if b"/config" not in request]
        for found in answers
    ]
    assert stable[1] == stable[0]
    assert {204, 301, 400, 401, 405, 414, 422} == {answer.status for answer in answers[0]}


@pytest.mark.parametrize(
    "path", ["/metrics/", "//metrics", "/%6detrics", "/health/ready/", "/health%2fready", "/docs/"]
)
def test_paths_are_exact(wire: Wire, path: str) -> None:
    """A path is the one that is written: no other spelling gets past a proxy's rule for it."""
    wire.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert 404 == wire.read().status


def test_order_of_pipelined_requests(wire: Wire) -> None:
    """Sixteen requests at once, hot and cold ones mixed, are answered in their order."""
    numbers = range(16)
    sent = [
        get(where(number)[0], *["X: \t y"] * (number % 3 == 2), method="HEAD" if number % 3 == 1 else "GET")
        for number in numbers
    ]
    wire.send(b"".join(sent))
    answers = [wire.read(head_only=number % 3 == 1) for number in numbers]
    assert [where(number)[1] for number in numbers] == [answer.fields["location"] for answer in answers]


def test_order_of_requests_in_a_hurry(wire: Wire) -> None:
    """Requests that are sent before the earlier ones are answered are answered in their order."""
    for number in range(200):
        wire.send(get(where(number)[0]) if number % 5 else get(where(number)[0], "X: \t y"))
    found = [wire.read().fields["location"] for _ in range(200)]
    assert [where(number)[1] for number in range(200)] == found


def test_requests_cut_everywhere(server: Balancer, wire: Wire) -> None:
    """A request that arrives in two pieces, cut at any byte, is answered as a whole one."""
    request = get(VIDEO, "Accept: */*")
    with Wire(server.url) as other:
        for cut in range(1, len(request)):
            wire.send(request[:cut])
            # When the other connection is answered, the server has had the first piece.
            other.send(get())
            other.read()
            wire.send(request[cut:])
            answer = wire.read()
            assert (301, AT_CDN) == (answer.status, answer.fields["location"])


def test_bytes_one_by_one(wire: Wire) -> None:
    """A request that arrives byte by byte is answered, and so is a whole one after it."""
    for byte in get():
        wire.send(bytes([byte]))
    assert AT_CDN == wire.read().fields["location"]
    wire.send(get())
    assert AT_CDN == wire.read().fields["location"]


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(get(VIDEO, "Connection: close"), id="close"),
        pytest.param(get(VIDEO, "connection: Keep-Alive, CLOSE"), id="close in a list"),
        pytest.param(get(version="1.0"), id="HTTP/1.0"),
    ],
)
def test_close(wire: Wire, request_bytes: bytes) -> None:
    """A client that does not want to keep the connection is answered, told so, and the connection is closed."""
    wire.send(request_bytes)
    answer = wire.read()
    assert (301, AT_CDN, "close") == (answer.status, answer.fields["location"], answer.fields["connection"])
    assert wire.at_end()


@pytest.mark.parametrize(
    ("requests", "statuses"),
    [
        pytest.param([get()], [301], id="hot"),
        pytest.param([b"GET /docs HTTP/1.1\r\nHost: a\r\n\r\n", get()], [200, 301], id="cold and hot"),
    ],
)
def test_client_that_has_said_all(wire: Wire, requests: list[bytes], statuses: list[int]) -> None:
    """A client that closes its side behind its requests gets all answers, and then the end."""
    wire.send(b"".join(requests))
    wire.socket.shutdown(socket.SHUT_WR)
    assert statuses == [wire.read().status for _ in requests]
    assert wire.at_end()


def test_client_that_leaves_in_a_head(wire: Wire) -> None:
    """A client that closes its side within a head gets the end."""
    wire.send(get()[:-2])
    wire.socket.shutdown(socket.SHUT_WR)
    assert wire.at_end()


def test_date(wire: Wire) -> None:
    """Each answer has the date of its second in the form that RFC 9110 prefers."""
    form = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d GMT")
    dates: set[str] = set()
    while len(dates) < 2:
        wire.send(get())
        date = wire.read().fields["date"]
        assert form.fullmatch(date)
        assert abs(parsedate_to_datetime(date).timestamp() - time.time()) <= 2
        dates.add(date)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"NONSENSE\r\n\r\n", 400, id="no HTTP"),
        pytest.param(b"FOO /?video=a HTTP/1.1\r\nHost: a\r\n\r\n", 400, id="unknown method"),
        pytest.param(get("http://s1.origin-cluster/\xe9"), 400, id="bytes that are not ASCII"),
        pytest.param(get(VIDEO, "Content-Length: x"), 400, id="length that is no number"),
        pytest.param(get(VIDEO, "X: " + "a" * HEAD_SIZE), 431, id="one long field"),
        pytest.param(get(VIDEO, *(f"X{number}: {number}" for number in range(500))), 431, id="many fields"),
        pytest.param(get(VIDEO + "a" * HEAD_SIZE), 431, id="long target"),
    ],
)
def test_broken_requests(wire: Wire, data: bytes, status: int) -> None:
    """A request that breaks HTTP or the limits is answered by problem details, and the connection is closed."""
    wire.send(data)
    answer = wire.read()
    assert (status, "application/problem+json") == (answer.status, answer.fields["content-type"])
    assert ("close", "*") == (answer.fields["connection"], answer.fields["access-control-allow-origin"])
    assert status == json.loads(answer.body)["status"]
    assert wire.at_end()


def test_endless_field(server: Balancer) -> None:
    """A field that never ends is cut off soon after the limit."""
    with Wire(server.url) as wire:
        wire.send(b"GET /?video=a HTTP/1.1\r\nHost: a\r\nX: ")
        sent = 0
        answer = None
        while answer is None and sent < 4_000_000:
            try:
                wire.send(b"a" * 1000)
                sent += 1000
            except OSError:
                break
            wire.socket.setblocking(False)
            try:
                wire.socket.recv(1, socket.MSG_PEEK)
                wire.socket.settimeout(10)
                answer = wire.read()
            except BlockingIOError:
                wire.socket.settimeout(10)
        assert answer is not None
        assert 431 == answer.status


def test_upgrade_is_not_spoken(wire: Wire) -> None:
    """A request to speak another protocol is answered as it is, and the connection is closed."""
    wire.send(get(VIDEO, "Connection: Upgrade", "Upgrade: websocket"))
    answer = wire.read()
    assert (301, "close") == (answer.status, answer.fields["connection"])
    assert wire.at_end()


def test_body_before_a_hot_request(wire: Wire) -> None:
    """A hot request in the body of another one is body."""
    body = get()
    wire.send(
        b"PATCH /config HTTP/1.1\r\nHost: a\r\n" + AUTHORIZED + b"Content-Length: %d\r\n\r\n" % len(body),
    )
    wire.send(body)
    assert 400 == wire.read().status
    wire.send(get())
    assert AT_CDN == wire.read().fields["location"]


def test_body_of_a_refused_request(wire: Wire) -> None:
    """Where a request is refused before its body has come, the body is still a body, and the connection goes on."""
    body = get()
    wire.send(b"PATCH /config HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body))
    assert 401 == wire.read().status
    wire.send(body)
    wire.send(get())
    assert AT_CDN == wire.read().fields["location"]


@pytest.mark.parametrize("at_once", [1, 50])
def test_client_that_never_reads(server: Balancer, at_once: int) -> None:
    """A client that asks and never reads is stopped before it fills the memory, and others are served."""
    process = psutil.Process(server.process.pid)
    with Wire(server.url, window=4096) as wire, Wire(server.url) as other:
        before = process.memory_info().rss
        wire.socket.settimeout(1)
        chunk = get(VIDEO) * at_once
        sent = 0
        try:
            while sent < 200_000_000:
                wire.socket.sendall(chunk)
                sent += len(chunk)
        except TimeoutError:
            pass
        assert sent < 200_000_000
        assert process.memory_info().rss - before < 30_000_000
        other.send(get())
        assert AT_CDN == other.read().fields["location"]


@pytest.fixture(params=LANES)
def strict(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Balancer]:
    """Return a balancer with narrow limits, with each kind of edge."""
    limits = {"HEAD_TIME": 1, "KEEP_ALIVE": 2, "CONNECTIONS": 3, "FAST_LANE": request.param, **NEVER}
    with Balancer(tmp_path, None, **limits) as balancer:
        yield balancer


def seconds_until_closed(wire: Wire) -> float:
    """Return how long the server keeps a connection open on which nothing happens."""
    begin = time.monotonic()
    assert wire.at_end()
    return time.monotonic() - begin


def test_time_limits(strict: Balancer) -> None:
    """Idle connections are closed after their time, and those whose head does not come; half a head is told 408."""
    with Wire(strict.url) as idle, Wire(strict.url) as silent, Wire(strict.url) as slow:
        idle.send(get())
        assert 301 == idle.read().status
        slow.send(b"GET /?video=")
        answer = slow.read()
        assert (408, "close") == (answer.status, answer.fields["connection"])
        assert slow.at_end()
        assert silent.at_end()
        assert 0.4 <= seconds_until_closed(idle) <= 3


def test_idle_time_begins_anew(strict: Balancer) -> None:
    """A connection that is used again and again is not idle."""
    with Wire(strict.url) as wire:
        begin = time.monotonic()
        while time.monotonic() - begin < 3:
            wire.send(get())
            assert 301 == wire.read().status
            threading.Event().wait(0.1)


def test_trickling_head(strict: Balancer) -> None:
    """A head that comes byte by byte does not buy time with each of them."""
    with Wire(strict.url) as wire:
        wire.socket.settimeout(0.1)
        wire.send(b"GET /?video=")
        begin = time.monotonic()
        first = b""
        while not first and time.monotonic() - begin < 5:
            wire.send(b"a")
            try:
                first = wire.socket.recv(12)
            except TimeoutError:
                continue
        assert b"HTTP/1.1 408" == first


def test_slow_body(strict: Balancer) -> None:
    """A body that does not come ends the connection."""
    with Wire(strict.url) as wire:
        wire.send(b"PATCH /config HTTP/1.1\r\nHost: a\r\n" + AUTHORIZED + b"Content-Length: 10\r\n\r\n{")
        assert seconds_until_closed(wire) <= 4


def test_bound_on_connections(strict: Balancer) -> None:
    """One connection too many is answered 503 and closed; when one has gone, a new one is served."""
    with Wire(strict.url) as first, Wire(strict.url) as second, Wire(strict.url) as third:
        for wire in (first, second, third):
            wire.send(get())
            assert 301 == wire.read().status
        with Wire(strict.url) as refused:
            answer = refused.read()
            assert (503, "1") == (answer.status, answer.fields["retry-after"])
            assert refused.at_end()
        third.close()
        for attempt in itertools.count():
            with Wire(strict.url) as wire:
                wire.send(get())
                if wire.read().status == 301:
                    break
            assert attempt < 100


@pytest.mark.parametrize("lane", LANES)
def test_shutdown_loses_no_request(tmp_path: Path, lane: str) -> None:
    """A server that is asked to end answers every request that it was sent, and tells clients to go elsewhere."""
    asked = threading.Barrier(9)
    results: list[str] = []

    def client(url: str, request: bytes) -> None:
        with Wire(url) as wire:
            for number in itertools.count():
                wire.send(request)
                answer = wire.read()
                if answer.status != 301:
                    results.append(f"status {answer.status}")
                    return
                if number == 50:
                    asked.wait(10)
                if answer.fields.get("connection") == "close":
                    results.append("told" if wire.at_end() else "more")
                    return

    kinds = [get(), get(VIDEO, "X: \t y")]
    with Balancer(tmp_path, None, FAST_LANE=lane, **NEVER) as balancer:
        clients = [threading.Thread(target=client, args=(balancer.url, kinds[number % 2])) for number in range(8)]
        for thread in clients:
            thread.start()
        asked.wait(10)
        balancer.process.send_signal(signal.SIGTERM)
        for thread in clients:
            thread.join(20)
        assert ["told"] * 8 == results
        assert 0 == balancer.stop()


def test_shutdown_answers_what_is_pipelined(tmp_path: Path) -> None:
    """Requests that were sent together before the end are all answered."""
    with Balancer(tmp_path, None, **NEVER) as balancer, Wire(balancer.url) as wire:
        wire.send(b"".join(get(where(number)[0]) for number in range(16)))
        first = wire.read()
        balancer.process.send_signal(signal.SIGTERM)
        found = [first.fields["location"], *(wire.read().fields["location"] for _ in range(15))]
        assert [where(number)[1] for number in range(16)] == found


def test_standard_client(server: Balancer) -> None:
    """A common HTTP client keeps its connection through redirects, refusals and changes."""
    parts = urlsplit(server.url)
    client = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    with closing(client):
        for method, path, status in [
            ("GET", f"/?video={VIDEO}", 301),
            ("GET", "/?video=x", 422),
            ("HEAD", f"/?video={VIDEO}", 301),
            ("GET", "/config", 401),
            ("GET", "/docs", 200),
            ("GET", f"/?video={VIDEO}", 301),
            ("OPTIONS", "/", 204),
            ("DELETE", "/", 405),
        ]:
            client.request(method, path)
            sock = client.sock
            answer = client.getresponse()
            answer.read()
            assert (status, sock) == (answer.status, client.sock)
