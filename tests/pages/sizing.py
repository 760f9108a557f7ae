"""What workers ask of their stores and take of memory, idle and under load: the table of docs/sizing.md."""

import asyncio
import re
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import psutil

from balancer.adapters.sql.engines import make_engine
from balancer.adapters.sql.migrations import AlembicSchema
from tests.processes import Balancer, Postgres, Valkey
from tests.wire import ask

PAGE = Path(__file__).parents[2] / "docs" / "sizing.md"
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"
SECONDS = 20.0
_CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'balancer_test'"
_CALLS = re.compile(
    r'^balancer_store_call_duration_seconds_count\{operation="[^"]+",store="(\w+)"\} (\S+)', re.MULTILINE
)


class Row(NamedTuple):
    """What a service took.

    Attributes:
        workers: How many it has.
        load: What it was doing.
        redirects: A second.
        calls: Of each store, a second.
        connections: To each store.
        memory: MiB of all its processes together, shared parts counted once.
    """

    workers: int
    load: str
    redirects: float
    calls: dict[str, float]
    connections: dict[str, int]
    memory: float


def measure(workers: int) -> list[Row]:
    """Run a service of so many workers, idle and then under load, on stores of its own."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        postgres = running.enter_context(Postgres("sizing"))
        AlembicSchema(postgres.url, make_engine(postgres.url)).upgrade()
        valkey = running.enter_context(Valkey(Path(name)))
        stores = {"DATABASE_URL": postgres.url, "REDIS_URL": valkey.url}
        balancer = running.enter_context(Balancer(Path(name), None, WORKERS=workers, **stores))
        rows = []
        for load, count in (("idle", 0), ("loaded", 500)):
            over = threading.Event()
            redirects, before, begun = 0, _calls(balancer.url), time.monotonic()
            while (passed := time.monotonic() - begun) < SECONDS:
                if count:
                    redirects += asyncio.run(ask([balancer.url], count, at_once=16)).total()
                else:
                    over.wait(SECONDS - passed)
            calls = {store: (number - before[store]) / passed for store, number in _calls(balancer.url).items()}
            connections = {
                "database": int(postgres.ask("SELECT count(*) FROM pg_stat_activity WHERE datname = 'balancer_test'"))
                - 1,
                "redis": int(re.findall(r"connected_clients:(\d+)", valkey.say("INFO", "clients"))[0]) - 1,
            }
            rows.append(Row(workers, load, redirects / passed, calls, connections, _memory(balancer)))
        return rows


def table(rows: list[Row]) -> str:
    """Return the rows in Markdown."""
    lines = [
        "| Workers | Load | Redirects/s | PostgreSQL, calls/s | Redis, calls/s | Connections to each | Memory |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.workers} | {row.load} | {row.redirects:,.0f} | "
        f"{row.calls['database']:.1f} | {row.calls['redis']:.1f} | "
        f"{row.connections['database']}, {row.connections['redis']} | {row.memory:.0f} MiB |"
        for row in rows
    ]
    return "\n".join(lines)


def write() -> None:
    """Measure, and put the table into the page."""
    found = table([row for workers in (1, 2) for row in measure(workers)])
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{found}\n\n{END}{rest.partition(END)[2]}")


def _calls(url: str) -> Counter[str]:
    with urlopen(f"{url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found: Counter[str] = Counter()
    for store, number in _CALLS.findall(text):
        found[store] += int(float(number))
    return found


def _memory(balancer: Balancer) -> float:
    main = psutil.Process(balancer.process.pid)
    return sum(process.memory_full_info().pss for process in [main, *main.children(recursive=True)]) / 2**20
