"""The figures of docs/sizing.md: what `make bench` has found, and what workers ask of stores and take of memory."""

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
BENCHMARKS = PAGE.with_name("benchmarks.md")
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
    PAGE.write_text(_put(PAGE.read_text(), "measured", found))


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


def figures(benchmarks: str) -> str:
    """Return the table of what `make bench` has found that sizes depend on.

    Args:
        benchmarks: The text of docs/benchmarks.md.
    """
    each = _rows(benchmarks, "One connection for each request, as players ask")
    kept = _rows(benchmarks, "Kept connections")
    tls, memory = _rows(benchmarks, "TLS"), _rows(benchmarks, "Memory and start")
    bytes_ = re.findall(r"Each takes ([\d,]+) bytes", benchmarks)[0]
    rows = {
        "Processor time of a redirect, with a connection for each": f"{_span(each, 'video-balancer, µs')} µs",
        "Redirects a second on one core, with a connection for each": _span(each, "connections/s"),
        "Redirects a second on one core, over kept connections": _span(kept, "video-balancer, requests/s"),
        "TLS handshakes a second on one core, new and resumed": " and ".join(
            row["video-balancer, connections/s"] for row in tls
        ),
        "Memory of an idle connection": f"{bytes_} bytes",
        "Memory of a worker after the load": memory[0]["memory of a worker after the load"],
        "From the start to the first redirect": memory[0]["from start to first redirect"],
    }
    return "\n".join(["| What | Measured |", "|---|---|", *(f"| {what} | {found} |" for what, found in rows.items())])


def with_figures(page: str, benchmarks: str) -> str:
    """Return the page with the table of what `make bench` has found."""
    return _put(page, "benchmarks", figures(benchmarks))


def _put(page: str, name: str, text: str) -> str:
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, _, rest = page.partition(begin)
    return f"{before}{begin}\n\n{text}\n\n{end}{rest.partition(end)[2]}"


def _rows(text: str, heading: str) -> list[dict[str, str]]:
    section = re.split(r"^## ", text.partition(f"\n## {heading}\n")[2], flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    names, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(names, row, strict=True)) for row in rows]


def _span(rows: list[dict[str, str]], column: str) -> str:
    values = [row[column].split(" ")[0] for row in rows]
    found = sorted(values, key=lambda value: float(value.replace(",", "")))
    return f"{found[0]} to {found[-1]}"
