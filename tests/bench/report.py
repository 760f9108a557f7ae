"""The report: a table for the terminal, a page and a plot for the documents."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.bench import edge_report, load, peers, rules
from tests.bench.measure import CHANGES, OURS, Measured

LIBRARIES = ["uvicorn", "uvloop", "httptools", "litestar", "redis", "sqlalchemy", "asyncpg"]


def table(measured: Measured) -> list[list[str]]:
    """Return the comparison: a row for each peer, the first one the heading."""
    rows = [["Server on one core", "requests/s (median)", "min to max", "ours / theirs"]]
    for name, rates in measured.rates.items():
        ratio = "" if name == OURS else f"{measured.ratio(name):.2f}"
        rows.append([name, f"{measured.median(name):,.0f}", f"{min(rates):,.0f} to {max(rates):,.0f}", ratio])
    return rows


def as_text(rows: list[list[str]]) -> str:
    """Return rows for a terminal."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def as_markdown(rows: list[list[str]]) -> str:
    """Return rows for a page."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def page(measured: Measured, seconds: float, rounds: int, heads: str) -> str:
    """Return the page for the documents."""
    ours, off = measured.median(OURS), f"{OURS}, fast lane off"
    whole = 1e6 / ours
    recognise, decide, answer = (
        measured.pieces[name]
        for name in (
            "look up one that is",
            "decide: take a ticket, look up its target",
            "make the bytes of the answer",
        )
    )
    rest = whole - recognise - decide - answer
    without, with_changes = measured.changes
    low, counting, high = measured.counting_ratio()
    missing = f"Not installed in this run: {', '.join(measured.missing)}.\n\n" if measured.missing else ""
    sections = [
        "# Benchmarks",
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}. Absolute figures move from machine to machine and from hour to\n"
        "hour; what counts are the ratios, taken within one run in which the servers were loaded by turns.",
        "![CPU time per redirect, a connection for each request](edge.svg)" if measured.edges.single else "",
        *edge_report.sections(measured.edges),
        "## Kept connections, more servers",
        "![Requests per second on one core](benchmarks.svg)",
        as_markdown(table(measured)),
        missing
        + "The ratio is the median over the rounds of the ratio within each round.\n\n"
        + as_markdown([["Server", "What it does"], *([name, note] for name, note in measured.notes.items())]),
        "## How it was measured",
        f"Each server ran on one core, `wrk` with {load.CONNECTIONS} kept-alive connections on another, {rounds} rounds of "
        f"{seconds:g} s for each, by turns.\nThe requests have the ten fields of a browser and ask, percent-encoded, for "
        f"{load.VIDEOS:,} different videos of which few make most of the\nrequests. PostgreSQL and Valkey ran on the core of "
        "the load generator. All answers were redirects; a run with any other\nanswer fails. `wrk` was at times the slower "
        "one beside the fastest servers: what is above it would show only with more cores.",
        as_markdown([["", ""], *machine()]),
        "## Latency at half of the maximum",
        "Connections wait between requests, so that about half of the maximum rate is asked for.\n\n"
        + as_markdown(
            [
                ["Server", "requests/s", "p50", "p99", "p99.9"],
                *(
                    [name, f"{found.rate:,.0f}", *(f"{value / 1000:.2f} ms" for value in found[1:])]
                    for name, found in measured.latencies.items()
                ),
            ]
        ),
        "## Memory and start",
        as_markdown(
            [
                ["Server", "memory of a worker after the load", "from start to first redirect"],
                *(
                    [name, f"{memory:.0f} MiB", f"{measured.starts[name]:.2f} s"]
                    for name, memory in measured.memory.items()
                ),
            ]
        ),
        "## Many configs",
        "The redirect uses one config, whatever else is in the database.\n\n"
        + as_markdown(
            [
                ["Configs", "requests/s", "memory", "start"],
                *(
                    [f"{number:,}", f"{rate:,.0f}", f"{memory:.0f} MiB", f"{start:.2f} s"]
                    for number, (rate, memory, start) in measured.configs.items()
                ),
            ]
        ),
        rules.section(measured.rules),
        "## While configs change",
        f"Another process changed the config {measured.changes_made:.0f} times a second (aimed at: {CHANGES}), and each change reached "
        f"the measured one by notice:\n{with_changes:,.0f} requests a second, against {without:,.0f} while that process changed a "
        f"config that is not in force, which reaches nobody:\n{with_changes / without:.2f} times as many. The changes are made "
        "on the core of the load generator and slow the load as such; hence the comparison.",
        "## What counting costs",
        f"The program against itself without the lines that count redirects for `/metrics`, changed over in one process between\n"
        f"rounds of a second: {counting:.3f} times the throughput, the median of {len(measured.counting)} pairs (their quartiles: "
        f"{low:.3f} and {high:.3f}).",
        "## Two workers",
        f"{measured.workers[1] / measured.workers[0]:.2f} times one worker."
        if measured.workers
        else "Not measured: two workers and the load generator need more cores than this machine has.",
        "## The fast lane's proof",
        f"The property tests of the recogniser with 20,000 examples each: {heads}.",
        "## What a redirect costs, and what remains",
        f"At {ours:,.0f} requests a second a redirect takes {whole:.1f} µs:\n\n"
        + as_markdown(
            [
                ["Piece", "µs", "share"],
                ["look up the request", f"{recognise:.2f}", f"{recognise / whole:.0%}"],
                ["decide", f"{decide:.2f}", f"{decide / whole:.0%}"],
                *(
                    [f"… {name}", f"{cost:.2f}", f"{cost / whole:.0%}"]
                    for name, cost in measured.pieces.items()
                    if name.startswith("of that")
                ),
                ["make the bytes of the answer", f"{answer:.2f}", f"{answer / whole:.0%}"],
                *(
                    [f"with rules: {name}", f"{cost:.2f}", f"{cost / whole:.0%}"]
                    for name, cost in measured.pieces.items()
                    if name.startswith("find ")
                ),
                ["the rest: system calls, event loop, call of the protocol", f"{rest:.2f}", f"{rest / whole:.0%}"],
            ]
        )
        + f"\n\nA head that is not known costs {measured.pieces['recognise a head that is not known']:.2f} µs to recognise "
        f"(to parse: {measured.pieces['parse it instead']:.2f}), a query\nthat is not known {measured.pieces['read a query that is not known']:.2f} µs to read. The rest is one `recv`, one `send` and the "
        "event loop's bookkeeping for each request, in the kernel and in libuv:\nHAProxy pays the same system calls and less "
        "around them. Without the fast lane the same decision takes\n"
        f"{1e6 / measured.median(off):.0f} µs, nearly all of it on the road through parser, ASGI and framework.",
    ]
    return "\n\n".join(sections) + "\n"


def machine() -> list[list[str]]:
    """Return what the benchmark ran on."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    tools = [("wrk", ["wrk", "-v"]), ("HAProxy", [peers.HAPROXY, "-v"]), ("nginx", [peers.NGINX, "-v"])]
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return [
        ["Processor", f"{cpu}, {len(load.CORES)} cores"],
        ["Memory", f"{memory:.0f} GiB"],
        ["System", f"Linux {platform.release().partition('-')[0]}"],
        ["Python", sys.version.split()[0]],
        ["Libraries", versions],
        ["Peers", ", ".join(filter(None, (_first_line(name, command) for name, command in tools)))],
    ]


def _first_line(name: str, command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except OSError:
        return ""
    words = (done.stdout + done.stderr).split()
    numbers = [word.rpartition("/")[2] for word in words if any(character.isdigit() for character in word)]
    return f"{name} {numbers[0]}" if numbers else name


def plot(measured: Measured) -> str:
    """Return the plot, an SVG: a bar for the median of each server, a line from its slowest to its fastest round."""
    left, width, step, top = 210, 460, 34, 48
    most = max(max(rates) for rates in measured.rates.values())
    height = top + step * len(measured.rates) + 20

    def x(rate: float) -> float:
        return left + rate / most * width

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 90} {height}" font-family="sans-serif" '
        'font-size="13" role="img" aria-label="Requests per second on one core">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        '<text x="16" y="26" font-size="15" font-weight="bold" fill="#1a1a1a">Redirects per second on one core</text>',
    ]
    for number, (name, rates) in enumerate(measured.rates.items()):
        y = top + step * number
        colour = "#1f6feb" if name == OURS else "#9aa4b2"
        median = measured.median(name)
        parts += [
            f'<text x="{left - 10}" y="{y + 16}" text-anchor="end" fill="#1a1a1a">{name}</text>',
            f'<rect x="{left}" y="{y}" width="{x(median) - left:.1f}" height="22" rx="3" fill="{colour}"/>',
            f'<path d="M{x(min(rates)):.1f} {y + 11}H{x(max(rates)):.1f}" stroke="#1a1a1a" stroke-width="1.5"/>',
            f'<text x="{x(max(rates)) + 8:.1f}" y="{y + 16}" fill="#1a1a1a">{median:,.0f}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])
