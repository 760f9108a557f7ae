"""What the edge costs with the requests of real clients: a connection each, and kept alive; with TLS as well."""

import json
import re
import shutil
import socket
import statistics
import subprocess
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tests import last_release
from tests.bench import cmcd, load, peers
from tests.bench.load import LOAD_CORE
from tests.certificates import write_certificate

OURS, HAPROXY, BARE = "video-balancer", "HAProxy", "bare ASGI on uvicorn"
LAST = "its last release"

AT_ONCE = 64

IDLE = 10_000
"""Connections on which nothing happens."""

PACED = 5_000
"""Requests per second beside them."""

HEADS = {
    "Chrome": "chrome + hls",
    "AVPlayer": "AVPlayer (iPhone)",
    "ExoPlayer": "ExoPlayer, HttpURLConnection",
    "ffmpeg": "ffmpeg-dash",
    "behind nginx": "nginx proxy http/1.1",
}
"""By the name in the report, whose head of the corpus it is."""

TARGET = "/?video=http%3A%2F%2Fs1.origin-cluster%2Fvideo%2F1488%2Fxcg2djHckad.m3u8"
BY_PATH = "/to/http/s1.origin-cluster/video/1488/xcg2djHckad.m3u8"
REFUSED = "/?video=http%3A%2F%2Fs1.example.com%2Fvideo%2F1488%2Fxcg2djHckad.m3u8"

_START = re.compile(r"[A-Z]+ \S+")


class Cost(NamedTuple):
    """What one pattern of load cost a server.

    Attributes:
        cpu: Microseconds of its process per answer.
        rate: Answers per second.
        p99: Microseconds, of the time to an answer.
    """

    cpu: float
    rate: float
    p99: float


@dataclass
class Edges:
    """All that was measured here.

    Attributes:
        single: By head and server, a connection for each request: the rounds.
        kept: By head and server, answers per second of kept connections: the rounds.
        unique: By server, the same with Chrome's head when no query comes twice.
        answers: By what is answered, with a connection each: answers per second as parts of the redirects'.
        kept_answers: The same with kept connections.
        corpus: By client, how many times HAProxy's CPU per redirect this program takes, each at its best of four rounds.
        idle: Bytes of memory of an idle connection, and p99 in microseconds at a paced load without and with them.
        tls: By `new` and `resumed` and server, handshakes with a redirect each, per second: the rounds.
        missing: What could not be measured, and why.
    """

    single: dict[str, dict[str, list[Cost]]] = field(default_factory=dict)
    kept: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    unique: dict[str, list[float]] = field(default_factory=dict)
    answers: dict[str, float] = field(default_factory=dict)
    kept_answers: dict[str, float] = field(default_factory=dict)
    corpus: dict[str, float] = field(default_factory=dict)
    idle: tuple[float, float, float] = (0.0, 0.0, 0.0)
    tls: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def corpus() -> dict[str, str]:
    """Return all different heads of clients that ask for a video, each for the same one, by the client's name."""
    rows = json.loads((Path(__file__).parents[1] / "data" / "heads.json").read_text())
    asking = [row for row in rows if row["raw_head"].startswith(("GET /?video", "HEAD /?video"))]
    names: dict[str, str] = {}
    for row in asking:
        head = _START.sub(f"{row['raw_head'].split(' ')[0]} {TARGET}", row["raw_head"], count=1)
        names.setdefault(head, row["client"])
    counted: Counter[str] = Counter()
    heads = {}
    for head, name in names.items():
        counted[name] += 1
        heads[name if counted[name] == 1 else f"{name}, {counted[name]}"] = head
    return heads


def build(folder: Path) -> Path | None:
    """Return the client that makes a connection for each request, None where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    program = folder / "oneshot"
    source = Path(__file__).with_name("oneshot.c")
    subprocess.run([compiler, "-O2", "-o", str(program), str(source)], check=True, timeout=60)
    return program


def single(program: Path, server: peers.Server, head: str, seconds: float, status: int = 301) -> Cost:
    """Load a server with a new connection for each request.

    Raises:
        RuntimeError: When an answer is of another kind.
    """
    file = program.with_name("head")
    file.write_bytes(head.encode("latin-1"))
    process = server.worker()
    before = sum(process.cpu_times()[:2])
    command = [str(program), str(server.port), f"{seconds:g}", str(AT_ONCE), str(file), str(status)]
    done = subprocess.run(
        ["taskset", "-c", str(LOAD_CORE), *command], capture_output=True, text=True, timeout=seconds + 30, check=True
    )
    right, wrong, _, p99 = map(float, done.stdout.split())
    if wrong or not right:
        raise RuntimeError(f"port {server.port}: {wrong:.0f} answers that are not {status}")
    return Cost((sum(process.cpu_times()[:2]) - before) / right * 1e6, right / seconds, p99)


def measure(
    folder: Path, seconds: float, rounds: int, stores: dict[str, str], tell: Callable[[str], None] = print
) -> Edges:
    """Measure everything of the edge.

    Args:
        folder: For what the servers write.
        seconds: Of each round.
        rounds: How many, of all servers by turns.
        stores: The settings that name the stores.
        tell: Called with each result.
    """
    edges = Edges()
    program = build(folder)
    if program is None or not Path(peers.HAPROXY).exists():
        edges.missing.append("a C compiler and HAProxy are needed for what one connection for each request costs")
        return edges
    heads = corpus()
    with ExitStack() as running:
        servers = {
            OURS: running.enter_context(
                peers.balancer(folder, {"PLAYER_RATE": "1000000/s", "OPEN_RATE": "off", **stores})
            ),
            LAST: running.enter_context(
                peers.balancer(
                    folder,
                    # Its own database: that of this one is newer than it can read.
                    {"PLAYER_RATE": "1000000/s", "OPEN_RATE": "off", "REDIS_PREFIX": "last:", **_redis(stores)},
                    more=last_release.environment(),
                )
            ),
            HAPROXY: running.enter_context(peers.haproxy(folder)),
            BARE: running.enter_context(peers.asgi(folder, "tests.bench.bare:app")),
        }
        for _ in range(rounds):
            for name, client in HEADS.items():
                for peer, server in servers.items():
                    cost = single(program, server, heads[client], seconds)
                    edges.single.setdefault(name, {}).setdefault(peer, []).append(cost)
                    rate = load.run(server.port, seconds, folder, head=_kept(heads[client])).rate
                    edges.kept.setdefault(name, {}).setdefault(peer, []).append(rate)
                    tell(f"{name:13s} {peer:22s} {cost.cpu:6.1f} µs of CPU alone {rate:10,.0f}/s kept alive")
            for peer in (OURS, LAST, HAPROXY):
                rate = load.run(
                    servers[peer].port, seconds, folder, head=_kept(heads[HEADS["Chrome"]]), repeat=False
                ).rate
                edges.unique.setdefault(peer, []).append(rate)
        for client, head in heads.items():
            costs = [
                [single(program, servers[peer], head, min(seconds, 0.5)).cpu for peer in (OURS, HAPROXY)]
                for _ in range(4)
            ]
            # Whatever else the machine does only adds to so short a round, so the lowest of each is the truest.
            ours, theirs = map(min, zip(*costs, strict=True))
            edges.corpus[client] = ours / theirs
    edges_of = (
        peers.balancer(folder, {"OPEN_RATE": "1000000/s", "CMCD": "true", **stores}),
        peers.balancer(folder, {"PLAYER_RATE": "1/h;burst=1", "REDIS_PREFIX": "limited:", **stores}),
    )
    with edges_of[0] as server, edges_of[1] as limited:
        _answers(edges, program, {"all": server, "limited": limited}, seconds, rounds)
    with peers.balancer(folder, {"CONNECTIONS": 2 * IDLE, **stores}) as server:
        _idle(edges, folder, server, seconds, rounds)
    _tls(edges, folder, seconds, rounds, stores)
    return edges


def _redis(stores: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in stores.items() if name == "REDIS_URL"}


def _kept(head: str) -> str:
    """Return a head that keeps its connection."""
    return re.sub(r"(?i)\r\nConnection: close", "\r\nConnection: keep-alive", head).replace(" HTTP/1.0", " HTTP/1.1")


def _answers(edges: Edges, program: Path, servers: dict[str, peers.Server], seconds: float, rounds: int) -> None:
    """Compare the answers that are no redirects with redirects, by a server that lets all pass and one that limits."""
    head = corpus()[HEADS["Chrome"]]
    kinds = {
        "422": (head.replace(TARGET, REFUSED), 422),
        "404": (head.replace(TARGET, "/init-0.mp4"), 404),
        "HEAD": (head.replace("GET", "HEAD", 1), 301),
        "OPTIONS": (head.replace("GET", "OPTIONS", 1), 204),
        "429": (head, 429),
        "`/to/…`": (head.replace(TARGET, BY_PATH), 301),
        "`/steering`, a session": (head.replace(TARGET, _session(servers["all"].port)), 200),
        "`/steering`, new sessions": (head.replace(TARGET, "/steering?_HLS_pathway=cdn&_HLS_throughput=500000"), 200),
        "`/cmcd`, an event": (_report(head, 1), 204),
        "`/cmcd`, 20 events": (_report(head, 20), 204),
    }
    for kind, (asked, status) in kinds.items():
        asked_of = servers["limited" if kind == "429" else "all"]
        ratios, kept = [], []
        for _ in range(rounds):
            redirects = single(program, servers["all"], head, seconds)
            ratios.append(single(program, asked_of, asked, seconds, status).rate / redirects.rate)
            rate = load.run(servers["all"].port, seconds, program.parent, head=head).rate
            kept.append(load.run(asked_of.port, seconds, program.parent, head=asked, status=status).rate / rate)
        edges.answers[kind], edges.kept_answers[kind] = statistics.median(ratios), statistics.median(kept)


def _report(head: str, events: int) -> str:
    """Return the request that reports so many events."""
    body = cmcd.bodies(events)[0].decode()
    fields = f"Content-Type: application/cmcd\r\nContent-Length: {len(body)}\r\n"
    return head.replace(f"GET {TARGET}", "POST /cmcd").removesuffix("\r\n") + fields + "\r\n" + body


def _session(port: int) -> str:
    """Begin a session, and return what it asks next."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/steering", timeout=10) as answer:
        url = urlsplit(json.load(answer)["RELOAD-URI"])
    return f"{url.path}?{url.query}&_HLS_pathway=cdn&_HLS_throughput=500000"


def _idle(edges: Edges, folder: Path, server: peers.Server, seconds: float, rounds: int) -> None:
    """Measure what idle connections take, and what they do to the others."""

    def p99() -> float:
        return statistics.median(load.run(server.port, seconds, folder, rate=PACED).p99 for _ in range(rounds))

    load.run(server.port, 1, folder)
    alone, before = p99(), server.worker().memory_info().rss
    with ExitStack() as connections:
        for _ in range(IDLE):
            connections.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
        # One that is answered says that those before it have been taken.
        peers.first_redirect(server.port)
        each = (server.worker().memory_info().rss - before) / IDLE
        edges.idle = each, alone, p99()


def _tls(edges: Edges, folder: Path, seconds: float, rounds: int, stores: dict[str, str]) -> None:
    """Compare handshakes, each with one redirect, by openssl's own client."""
    openssl = shutil.which("openssl")
    if openssl is None:
        edges.missing.append("openssl is needed for TLS")
        return
    write_certificate(folder)
    (folder / "both.pem").write_bytes((folder / "cert.pem").read_bytes() + (folder / "key.pem").read_bytes())
    files = {"TLS_CERT": folder / "cert.pem", "TLS_KEY": folder / "key.pem"}
    for _ in range(rounds):
        # Other processes in each round, as two of one program differ by some hundredths.
        with (
            peers.balancer(folder, {**files, **stores}) as ours,
            peers.haproxy(folder, certificate=folder / "both.pem") as theirs,
        ):
            for server in (ours, theirs):
                # What a process does only after its start is over then.
                _handshakes(openssl, server, "new", seconds)
            for kind in ("new", "reuse"):
                rates = edges.tls.setdefault("new" if kind == "new" else "resumed", {})
                for peer, server in ((OURS, ours), (HAPROXY, theirs)):
                    rates.setdefault(peer, []).append(_handshakes(openssl, server, kind, seconds))


def _handshakes(openssl: str, server: peers.Server, kind: str, seconds: float) -> float:
    """Return how many connections a second openssl makes, `new` or to `reuse` a session.

    Raises:
        RuntimeError: When it does not say so.
    """
    command = [openssl, "s_time", "-connect", f"127.0.0.1:{server.tls_port}", "-www", TARGET, f"-{kind}", "-time"]
    done = subprocess.run(
        ["taskset", "-c", str(LOAD_CORE), *command, f"{max(1, round(seconds))}"],
        capture_output=True, text=True, timeout=seconds + 60, check=False,
    )  # fmt: skip
    found = re.findall(r"(\d+) connections in (\d+) real seconds", done.stdout)
    if not found:
        raise RuntimeError(done.stdout + done.stderr)
    return int(found[0][0]) / int(found[0][1])


def cpu_ratio(edges: Edges, head: str, peer: str = HAPROXY) -> float:
    """Return how many times a peer's CPU per redirect this program takes, the median over the rounds."""
    rounds = zip(edges.single[head][OURS], edges.single[head][peer], strict=True)
    return statistics.median(ours.cpu / theirs.cpu for ours, theirs in rounds)


def rate_ratio(rates: dict[str, list[float]], peer: str = HAPROXY) -> float:
    """Return how many times as fast as a peer this program is, the median over the rounds."""
    return statistics.median(ours / theirs for ours, theirs in zip(rates[OURS], rates[peer], strict=True))
