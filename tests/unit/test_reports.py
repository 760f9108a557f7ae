"""`POST /cmcd`: what players report is taken by the edge and by the application alike."""

import json
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from balancer.core.cmcd.reading import MAX_BODY
from balancer.core.quality.aggregates import Quality, merge
from balancer.core.quality.figures import figures
from balancer.edge.bodies import CONTINUE
from balancer.telemetry.metrics import exposition
from tests.unit.apps import make_test_app, test_client
from tests.unit.test_edge import Edge

pytestmark = pytest.mark.anyio

CORPUS = [
    entry
    for entry in json.loads((Path(__file__).parents[1] / "data" / "cmcd.json").read_text())
    if entry.get("body") and entry["head"].startswith("POST ")
]

LATER = count(10**12, 10)
"""Moments at which whatever was heard is of a step that is over."""

EVENT = b'e=rr,mtp=(5000),sid="s-1",sta=p,ts=1795549970597,url="http://cdn.example.com/s1/a.m4s",v=2'
HEAD = b"POST /cmcd HTTP/1.1\r\nHost: a\r\nX-Request-Id: 1\r\n"
ANSWER = (
    b"HTTP/1.1 204 No Content\r\ndate: Tue, 24 Nov 2026 21:59:10 GMT\r\ncache-control: no-store\r\n"
    b"access-control-allow-origin: *\r\nx-request-id: 1\r\n\r\n"
)


def sized(body: bytes, more: bytes = b"") -> bytes:
    """Return a request with a body of an announced length."""
    return HEAD + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(*chunks: bytes) -> bytes:
    """Return a request with a body in chunks."""
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(map(chunk, chunks)) + b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """Return one chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def heard(edge: Edge) -> dict[str, Quality]:
    """Return what was heard of each target, and let the step be over."""
    told = merge(closed.qualities() for closed in edge.hearing.take(next(LATER)))
    return {group.target: quality for group, quality in told.items()}


@pytest.fixture
async def edge() -> Edge:
    """Return an edge that sends everything to the CDN."""
    return Edge()


@pytest.fixture(autouse=True)
def _always_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each reading of the metrics be of this moment."""
    monkeypatch.setattr(exposition, "LIFETIME", 0.0)


@pytest.fixture
def client() -> Iterator[TestClient[Litestar]]:
    """Return a client of the application without an edge."""
    with test_client(make_test_app(fast_lane=False)) as client:
        yield client


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([sized(EVENT)], id="at once"),
        pytest.param([sized(EVENT)[:-20], EVENT[-20:]], id="in pieces"),
        pytest.param([sized(EVENT)[index : index + 1] for index in range(len(sized(EVENT)))], id="byte by byte"),
        pytest.param([chunked(EVENT[:7], EVENT[7:])], id="in chunks"),
        pytest.param([chunked(EVENT)[:-9], chunked(EVENT)[-9:]], id="in pieces of chunks"),
        pytest.param([sized(EVENT, b"Content-Type: text/plain\r\n")], id="of another type"),
        pytest.param([sized(EVENT, b"Content-Type: application/json; charset=\r\n")], id="of a broken type"),
    ],
)
async def test_a_report_is_taken(edge: Edge, pieces: list[bytes]) -> None:
    """However its bytes come, and whatever its type is called, a report is taken once and answered in a few bytes."""
    answer = edge.ask(*pieces)
    closes = b"chunked" in b"".join(pieces)
    assert ANSWER.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n" if closes else b"\r\n\r\n") == answer.written
    assert closes == answer.is_closed
    assert 1 == heard(edge)["cdn"].reports


async def test_a_client_that_waits_is_told_to_go_on(edge: Edge) -> None:
    """A client that waits for a word before it sends its body gets it, and one that does not wait gets none."""
    head, body = sized(EVENT, b"Expect: 100-continue\r\n")[: -len(EVENT)], EVENT
    assert b"HTTP/1.1 100 Continue\r\n\r\n" == edge.ask(head).written
    assert b"HTTP/1.1 100 Continue\r\n\r\n" + ANSWER == edge.ask(head, body).written
    assert ANSWER == edge.ask(head + body).written


@pytest.mark.parametrize(
    "more", [b"", b"Connection: close\r\n", b"Expect: 100-continue\r\n", b"Transfer-Encoding: chunked\r\n"]
)
async def test_a_head_that_is_known(edge: Edge, more: bytes) -> None:
    """With a head that came before, a report is answered as by an edge that cuts and parses each one."""
    known = sized(EVENT, more)
    for _ in range(3):
        # What is offered twice is remembered.
        edge.ask(known)
    heard(edge)
    other = EVENT.replace(b"s-1", b"s-2")
    half = len(known) // 2
    redirect = b"GET /?video=http://s1.origin-cluster/a.ts HTTP/1.1\r\nHost: a\r\n\r\n"
    for pieces in (
        [known],
        [sized(other, more)],
        [known, known, redirect],
        [known + known],
        [known + b"\r\n", known],
        [known + redirect, known],
        [known[:half], known[half:], known],
        [known[:-1], known[-1:]],
        [known[:-1] + b"\n", known[:-3]],
    ):
        whole, cut = edge.ask(*pieces), Edge()
        split = cut.ask(*(bytes([byte]) for byte in b"".join(pieces)))
        # Whoever sends a body before it is asked for needs no word to go on.
        written = [answer.written.replace(CONTINUE, b"") for answer in (split, whole)]
        assert (written[0], split.is_closed) == (written[1], whole.is_closed)
        assert [quality.reports for quality in heard(cut).values()] == [
            quality.reports for quality in heard(edge).values()
        ]


async def test_requests_stay_in_order(edge: Edge) -> None:
    """Reports and redirects on one connection are answered in their order, wherever its bytes are cut."""
    redirect = b"GET /?video=http://s1.origin-cluster/a.ts HTTP/1.1\r\nHost: a\r\n\r\n"
    sent = sized(EVENT) + redirect + sized(b"") + redirect + sized(EVENT) + sized(EVENT) + redirect
    for cut in range(0, len(sent), 7):
        answer = edge.ask(sent[:cut], sent[cut:])
        assert [b"204", b"301", b"204", b"301", b"204", b"204", b"301"] == re.findall(
            rb"HTTP/1.1 (\d+)", answer.written
        )
        assert not answer.is_closed
        assert 3 == heard(edge)["cdn"].reports


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(sized(b"x" * (MAX_BODY + 1)), id="announced"),
        pytest.param(sized(b"x" * (MAX_BODY + 1))[:300], id="announced and not sent"),
        pytest.param(chunked(b"x" * MAX_BODY, b"x"), id="in chunks"),
        pytest.param(chunked(*[b"x" * 1000] * 70)[:-3000], id="without an end"),
    ],
)
async def test_a_body_that_is_too_long(edge: Edge, request_bytes: bytes) -> None:
    """What is longer than 64 KiB is a problem that pages of all sites can read, and the connection ends with it."""
    answer = edge.ask(request_bytes).written
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"access-control-allow-origin: *" in head
    assert b"connection: close" in head
    assert "The body is longer than 65536 bytes." == json.loads(body)["detail"]
    assert {} == heard(edge)


async def test_a_body_of_the_greatest_length(edge: Edge) -> None:
    """What has 64 KiB is taken, up to its two hundredth line."""
    lines = (EVENT + b"\n") * 200
    assert ANSWER == edge.ask(sized(lines + b"x" * (MAX_BODY - len(lines)))).written
    assert 200 == heard(edge)["cdn"].reports
    assert (200, 1) == (edge.hearing.heard, edge.hearing.malformed)


@pytest.mark.parametrize(
    "bad",
    [
        HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"Content-Length: x\r\n\r\n",
        HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    ],
)
async def test_broken_bodies(edge: Edge, bad: bytes) -> None:
    """A body that breaks the rules of HTTP is a problem, and nothing of it is taken."""
    answer = edge.ask(bad)
    assert answer.written.startswith(b"HTTP/1.1 400 ")
    assert {} == heard(edge)


@pytest.mark.parametrize("body", [b"", b"\n\n", b"\xff\xfe\x00", b"{}", b'[{"sid": 1}]', b'sid="', b"," * 60_000])
async def test_bad_reports_are_counted(edge: Edge, body: bytes) -> None:
    """Whatever is reported, the answer is the same; what cannot be read is only counted."""
    assert ANSWER == edge.ask(sized(body)).written
    assert {} == heard(edge)
    assert (0, 1 if body.strip() else 0) == (edge.hearing.heard, edge.hearing.malformed)


@pytest.mark.parametrize("entry", CORPUS, ids=lambda entry: entry["run"])
async def test_real_players_are_heard(edge: Edge, entry: dict[str, str]) -> None:
    """Each body that a real player has sent is taken line by line, with the head that it was sent with."""
    head = re.sub(r"^POST \S+", "POST /cmcd", entry["head"])
    body = entry["body"].encode()
    head = re.sub(r"(?i)content-length: \d+", f"Content-Length: {len(body)}", head)
    answer = edge.ask(head.encode() + body)
    assert answer.written.startswith(b"HTTP/1.1 204 ")
    assert not answer.is_closed
    assert (len(body.splitlines()), 0) == (edge.hearing.heard, edge.hearing.malformed)


@pytest.mark.parametrize(
    "asked",
    [
        "GET /?video=http://s1.origin-cluster/a.ts&CMCD=mtp%3D5000%2Csid%3D%22a%22",
        "GET /to/http/s1.origin-cluster/a.ts?CMCD=mtp%3D5000%2Csid%3D%22a%22",
        "GET /steering?CMCD=mtp%3D5000%2Csid%3D%22a%22",
        'GET /?video=http://s1.origin-cluster/a.ts|CMCD-Request: mtp=5000|CMCD-Session: sid="a"',
        'GET /to/http/s1.origin-cluster/a.ts|cmcd-request: mtp=5000|cmcd-session: sid="a"',
        'GET /steering|CMCD-Request: mtp=5000|CMCD-Session: sid="a"',
    ],
)
async def test_reports_with_requests(edge: Edge, client: TestClient[Litestar], asked: str) -> None:
    """A report that comes with a request counts for the target of the decision, by each lane, each time."""
    start, *fields = asked.split("|")
    lines = "".join(f"{field}\r\n" for field in fields)
    for more in ("", "Expect: nothing\r\n"):
        for _ in range(3):
            answer = edge.ask(f"{start} HTTP/1.1\r\nHost: a\r\n{lines}{more}\r\n".encode())
            assert answer.written[9:12] in {b"200", b"301"}
    quality = heard(edge)["cdn"]
    assert (6, 1) == (quality.reports, figures(quality).sessions)
    assert 5000 == pytest.approx(figures(quality).throughput_kbps_median, rel=0.05)
    before = reports_of(client)
    client.get(start[4:], headers=dict(field.split(": ", 1) for field in fields), follow_redirects=False)
    assert 1 == reports_of(client) - before


def reports_of(client: TestClient[Litestar]) -> int:
    """Return how many reports the application has heard."""
    found = re.search(r"\nbalancer_quality_reports_total ([0-9.]+)", client.get("/metrics").text)
    assert found
    return int(float(found[1]))


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "GET", "HEAD", "PUT", "DELETE"])
async def test_both_answer_alike(edge: Edge, client: TestClient[Litestar], method: str) -> None:
    """The edge and the application have the same answers, field by field in the same order."""
    sent = f"{method} /cmcd HTTP/1.1\r\nHost: a\r\nX-Request-Id: 1\r\n"
    body = EVENT if method in {"POST", "PUT"} else b""
    for more in ("", "Expect: nothing\r\n"):
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        head, _, told = edge.ask(f"{sent}{more}{length}\r\n".encode() + body).written.partition(b"\r\n\r\n")
        status, _, *fields = head.decode().split("\r\n")
        answer = client.request(method, "/cmcd", content=body or None, headers={"x-request-id": "1"})
        assert status.split(" ")[1] == str(answer.status_code)
        assert sorted(fields) == sorted(f"{name}: {value}" for name, value in answer.headers.items())
        assert told == answer.content


async def test_too_long_for_both(edge: Edge, client: TestClient[Litestar]) -> None:
    """What is too long is told by both in the same words."""
    _, _, told = edge.ask(sized(b"x" * (MAX_BODY + 1))).written.partition(b"\r\n\r\n")
    answer = client.post("/cmcd", content=b"x" * (MAX_BODY + 1))
    assert (413, told) == (answer.status_code, answer.content)
    assert "*" == answer.headers["access-control-allow-origin"]


def test_nobody_is_heard_unless_wanted() -> None:
    """Without the setting there is nothing at `/cmcd` and at `/quality`, and nothing is read."""
    with test_client(make_test_app(cmcd=False)) as client:
        assert 404 == client.post("/cmcd", content=EVENT).status_code
        assert 404 == client.get("/quality").status_code
        client.get("/?video=http://s1.origin-cluster/a.ts&CMCD=bs", follow_redirects=False)
        assert 0 == reports_of(client)


def test_reports_are_limited_like_players() -> None:
    """A client that reports too often is told so, and is not counted among strangers."""
    with test_client(make_test_app(player_rate="2/m;burst=2", open_rate="1/m;burst=1")) as client:
        statuses = [client.post("/cmcd", content=EVENT).status_code for _ in range(4)]
    assert [204, 204, 429, 429] == statuses


@pytest.mark.parametrize(("role", "found"), [("all", (204, 200)), ("edge", (204, 404)), ("admin", (404, 200))])
def test_roles(role: str, found: tuple[int, int]) -> None:
    """Players report to those that serve players, and admins read at those that serve admins."""
    with test_client(make_test_app(role=role)) as client:
        assert found == (client.post("/cmcd", content=EVENT).status_code, client.get("/quality").status_code)
