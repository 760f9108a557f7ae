"""The measurements: one run, peers by turns."""

import asyncio
import http.client
import json
import os
import sqlite3
import statistics
import threading
import time
import urllib.request
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from sqlalchemy import insert, literal, select

from balancer.adapters.sql.engines import make_engine
from balancer.adapters.sql.migrations import AlembicSchema
from balancer.adapters.sql.tables import cdn_configs
from tests.bench import edges, load, peers, rules, unmetered
from tests.bench.edges import Edges
from tests.bench.load import LOAD_CORE
from tests.bench.pieces import pieces
from tests.bench.rules import RuleCosts
from tests.factories import BEARER
from tests.processes import Postgres, Valkey

OURS = "video-balancer"
LIMITED = f"{OURS}, players limited"

CHANGES = 100
"""Config changes per second while redirects are measured."""

PAIRS = int(os.environ.get("BENCH_PAIRS", "100"))
"""Pairs of short rounds, of this program and of the one that counts nothing, for what counting costs."""


@dataclass
class Measured:
    """All that was measured.

    Attributes:
        rates: Requests per second of each peer, one for each round.
        notes: What is to be known of each peer.
        missing: Peers that are not installed.
        latencies: Of some peers at half of their maximum, with the rate that was reached.
        memory: MiB of a worker after the load.
        starts: Seconds from the start of a process to its first redirect.
        configs: By number of configs: requests per second, MiB, seconds to start.
        changes: Requests per second while another config changes, and while the one in force does.
        counting: Requests per second of pairs of rounds, with the counting for metrics and without.
        changes_made: Config changes per second that were made, the least of all rounds.
        workers: Requests per second of one and of two workers, where the machine has the cores.
        rules: What ten thousand rules cost.
        pieces: What a redirect is made of, in microseconds.
        edges: What the edge costs with the requests of real clients.
    """

    rates: dict[str, list[float]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    latencies: dict[str, load.Result] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    starts: dict[str, float] = field(default_factory=dict)
    configs: dict[int, tuple[float, float, float]] = field(default_factory=dict)
    changes: tuple[float, float] = (0.0, 0.0)
    changes_made: float = 0.0
    counting: list[tuple[float, float]] = field(default_factory=list)
    workers: tuple[float, float] | None = None
    rules: RuleCosts = field(default_factory=RuleCosts)
    pieces: dict[str, float] = field(default_factory=dict)
    edges: Edges = field(default_factory=Edges)

    def median(self, peer: str) -> float:
        """Return the median rate of a peer."""
        return statistics.median(self.rates[peer])

    def counting_ratio(self) -> tuple[float, float, float]:
        """Return the part of its throughput that the program keeps while it counts: median and quartiles of the pairs."""
        low, middle, high = statistics.quantiles([counting / silent for counting, silent in self.counting], n=4)
        return low, middle, high

    def ratio(self, peer: str) -> float:
        """Return how many times as fast as a peer this program is, the median over the rounds."""
        return statistics.median(ours / theirs for ours, theirs in zip(self.rates[OURS], self.rates[peer], strict=True))


def measure(folder: Path, seconds: float, rounds: int) -> Measured:
    """Measure everything.

    Args:
        folder: For what the servers write.
        seconds: Of each round.
        rounds: How many for each peer.
    """
    result = Measured()
    with Valkey(folder) as valkey, Postgres("bench") as postgres:
        for server in ("valkey-server", "postgres"):
            for process in psutil.process_iter(["name"]):
                if process.info["name"] == server:
                    process.cpu_affinity([LOAD_CORE])
        AlembicSchema(postgres.url, make_engine(postgres.url)).upgrade()
        stores = {"REDIS_URL": valkey.url, "DATABASE_URL": postgres.url}
        result.edges = edges.measure(folder, min(seconds, 2.0), rounds, stores)
        _compare(result, folder, seconds, rounds, stores)
        _counting(result, folder, seconds, stores)
        _changes(result, folder, seconds, stores)
        _configs(result, folder, seconds, valkey)
        result.rules = rules.measure(folder, seconds, rounds, valkey.url)
        if len(load.CORES) >= 4:
            _workers(result, folder, seconds, stores)
    result.pieces = pieces()
    return result


def _compare(result: Measured, folder: Path, seconds: float, rounds: int, stores: dict[str, str]) -> None:
    candidates: dict[str, tuple[AbstractContextManager[peers.Server], str]] = {
        OURS: (
            peers.balancer(folder, stores),
            "this program as it comes: allow-list, tickets leased from Redis, PostgreSQL",
        ),
        LIMITED: (
            peers.balancer(folder, {"PLAYER_RATE": "1000000/s", **stores}),
            "the same with a limit for each address, told to Redis; higher than what is asked",
        ),
        "HAProxy": (peers.haproxy(folder), "decodes, checks the host, splits, one in ten at random to the origin"),
        "nginx + njs": (peers.nginx_njs(folder), "the same in nginx's JavaScript"),
        "nginx split_clients": (peers.nginx_split(folder), "cannot decode: leaves %2F in the target"),
        "bare ASGI on uvicorn": (peers.asgi(folder, "tests.bench.bare:app"), "decides nothing, always the same answer"),
        f"{OURS}, fast lane off": (
            peers.balancer(folder, {"FAST_LANE": "off", **stores}),
            "the same program by Litestar alone",
        ),
        "naive design": (
            peers.asgi(
                folder,
                "tests.bench.naive:app",
                NAIVE_DATABASE_URL=stores["DATABASE_URL"],
                NAIVE_REDIS_URL=stores["REDIS_URL"],
            ),
            "Litestar, an SQLAlchemy session with one read from PostgreSQL and two Redis calls for each request",
        ),
    }
    needs = {"HAProxy": peers.HAPROXY, "nginx + njs": str(peers.NJS), "nginx split_clients": peers.NGINX}
    with ExitStack() as running:
        servers: dict[str, peers.Server] = {}
        for name, (start, note) in candidates.items():
            if name in needs and not os.path.exists(needs[name]):  # noqa: PTH110 - a plain question
                result.missing.append(name)
                continue
            servers[name] = running.enter_context(start)
            result.rates[name], result.notes[name] = [], note
            result.starts[name] = servers[name].start
            load.run(servers[name].port, 1, folder)
        for number in range(rounds):
            for name, server in servers.items():
                rate = load.run(server.port, seconds, folder).rate
                result.rates[name].append(rate)
                print(f"round {number + 1} of {rounds}  {name:32s} {rate:9,.0f} requests/s", flush=True)
        for name in (OURS, f"{OURS}, fast lane off", "naive design"):
            result.memory[name] = servers[name].memory()
        for name in (OURS, "HAProxy"):
            if name in servers:
                half = result.median(name) / 2
                result.latencies[name] = load.run(servers[name].port, seconds, folder, rate=half)


def _counting(result: Measured, folder: Path, seconds: float, stores: dict[str, str]) -> None:
    """Compare the program with itself while it does not count redirects.

    The difference is smaller than what the machine's speed moves from one second to the next: hence many pairs of short
    rounds in one process, each pair the other way round than the one before, and the median of their ratios.
    """
    with peers.balancer(folder, stores, program="tests.bench.unmetered") as server:
        load.run(server.port, 1, folder)
        for number in range(PAIRS):
            rates = []
            for turn in range(2):
                if turn:
                    server.process.send_signal(unmetered.TURN)
                before = _redirects(server.port)
                rates.append(load.run(server.port, max(1.0, seconds / 5), folder).rate)
                # Which of both it was, by what it did and not by what it was told.
                counts = _redirects(server.port) > before
                if counts != (turn == number % 2):
                    raise RuntimeError("the process did not change over")
            result.counting.append((rates[number % 2], rates[1 - number % 2]))


def _redirects(port: int) -> float:
    """Return how many redirects a balancer has counted."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("balancer_redirects_total{"))


def _changes(result: Measured, folder: Path, seconds: float, stores: dict[str, str]) -> None:
    """Compare redirects while another process changes the config in force with those while it changes another one.

    The changes are made on the core of the load generator and slow the load itself; so both times as many are made, and
    only those of the config in force reach the measured process.
    """
    stop = threading.Event()
    made = 0

    def change(port: int, config_id: int) -> None:
        nonlocal made
        made = 0
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        begin = time.monotonic()
        while not stop.is_set():
            body = json.dumps({"id": config_id, "cdn_host": f"c{made % 1000}.example.com"})
            connection.request("PATCH", "/config", body, BEARER)
            connection.getresponse().read()
            made += 1
            stop.wait(max(0.0, begin + made / CHANGES - time.monotonic()))
        connection.close()

    def rate_while_changing(config_id: int) -> float:
        nonlocal made
        stop.clear()
        begin = time.monotonic()
        thread = threading.Thread(target=change, args=(other.port, config_id))
        thread.start()
        rate = load.run(server.port, seconds, folder).rate
        stop.set()
        thread.join()
        result.changes_made = min(result.changes_made, made / (time.monotonic() - begin))
        return rate

    result.changes_made = CHANGES
    with peers.balancer(folder, stores) as server, peers.balancer(folder, stores, core=LOAD_CORE) as other:
        asyncio.run(_add_config(stores["DATABASE_URL"], 2))
        load.run(server.port, 1, folder)
        rates = [(rate_while_changing(2), rate_while_changing(1)) for _ in range(5)]
        result.changes = statistics.median(pair[0] for pair in rates), statistics.median(pair[1] for pair in rates)


async def _add_config(url: str, config_id: int) -> None:
    engine = make_engine(url)
    async with engine.begin() as connection:
        first = select(literal(config_id), *list(cdn_configs.c)[1:]).where(cdn_configs.c.id == 1)
        await connection.execute(insert(cdn_configs).from_select(list(cdn_configs.c), first))
    await engine.dispose()


def _configs(result: Measured, folder: Path, seconds: float, valkey: Valkey) -> None:
    """Measure with many configs in the database, of which the redirect uses one."""
    for number in (1, 100, 10_000):
        path = folder / f"configs-{number}.db"
        url = f"sqlite:///{path}"
        stores = {"REDIS_URL": valkey.url, "DATABASE_URL": url}
        with peers.balancer(folder, stores):
            pass
        with sqlite3.connect(path) as connection:
            connection.executemany(
                "INSERT INTO cdn_configs (id, cdn_host, distribution_rate, revision, created_at) "
                "SELECT ?, cdn_host, distribution_rate, 1, created_at FROM cdn_configs LIMIT 1",
                [(config_id,) for config_id in range(2, number + 1)],
            )
        connection.close()
        with peers.balancer(folder, stores) as server:
            load.run(server.port, 1, folder)
            rate = load.run(server.port, seconds, folder).rate
            result.configs[number] = rate, server.memory(), server.start


def _workers(result: Measured, folder: Path, seconds: float, stores: dict[str, str]) -> None:
    """Compare two workers with one, each on a core of its own."""
    rates = []
    for number in (1, 2):
        with peers.balancer(folder, {"WORKERS": number, **stores}) as server:
            children = psutil.Process(server.process.pid).children() if number > 1 else [server.worker()]
            workers = [child for child in children if "spawn_main" in " ".join(child.cmdline())] or children
            for worker, core in zip(workers, load.CORES, strict=False):
                worker.cpu_affinity([core])
            load.run(server.port, 1, folder)
            rates.append(load.run(server.port, seconds, folder).rate)
    result.workers = rates[0], rates[1]
