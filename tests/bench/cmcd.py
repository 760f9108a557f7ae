"""What CMCD costs: reports and events that one core reads, and gathers as well, in a second of its time.

Run it with `python -m tests.bench.cmcd`. What is read are the lists that players have sent, with sessions and times of
their own, and some texts that are meant to take long. At last the events are sent to a server with one worker, and
its processor time is told.
"""

import itertools
import json
import re
import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil

from balancer.adapters.quality_msgpack import dump, load
from balancer.core.cmcd.reading import MAX_BODY, from_event_lines, from_fields, from_query
from balancer.core.cmcd.reports import Report
from balancer.core.quality.aggregates import Group, Qualities, merge
from balancer.core.quality.recording import Recorder
from balancer.core.quality.windows import Windows
from tests.processes import Balancer

RECORDED = Path(__file__).parents[1] / "data" / "cmcd.json"
KEY = bytes(32)
EVENTS = 40_000
SESSIONS = 10_000
BATCH = 5
"""Events in one body."""

REPEATS = 5

CONNECTIONS = 32
"""Connections to a server at one time."""

HOSTILE = {
    "quotes that are not closed": b'a="' + b"x" * MAX_BODY,
    "one list of lists": b"a=(" + b'"" ' * (MAX_BODY // 4),
    "empty strings with commas": b'a="",' * (MAX_BODY // 5),
    "keys without values": b"\n".join([b"a," * 4000] * 8),
    "lines without end": b"\n" * MAX_BODY,
}


class Row(NamedTuple):
    """What was measured.

    Attributes:
        name: Of what.
        number: Pieces of work in one run.
        seconds: Processor time of the best run.
    """

    name: str
    number: int
    seconds: float

    @property
    def line(self) -> str:
        """The row of a table."""
        each = self.seconds / self.number
        return f"| {self.name} | {each * 1e6:,.1f} | {1 / each:,.0f} |"


def measured(name: str, number: int, work: Callable[[], object]) -> Row:
    """Run some work a few times; what else runs on the machine does not count, but for the caches it takes."""
    best = float("inf")
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return Row(name, number, best)


def recorded_lines() -> list[str]:
    """Return the events that players have sent."""
    bodies = [entry.get("body") or "" for entry in json.loads(RECORDED.read_text())]
    return [line for body in bodies for line in body.splitlines() if line]


def bodies(batch: int = BATCH) -> list[bytes]:
    """Return bodies of so many events each, of many sessions, as they come from real players."""
    lines, made = itertools.cycle(recorded_lines()), []
    for number in range(EVENTS // batch):
        session = f'sid="{number % SESSIONS:08x}-5e3f-4a7b-9c1d-0123456789ab"'
        made.append("\n".join(re.sub(r'sid="[^"]*"', session, next(lines)) for _ in range(batch)).encode())
    return made


def recorded_heads() -> tuple[list[bytes], list[list[bytes]]]:
    """Return the parameters and the fields that players have sent with requests."""
    heads = [entry["head"] for entry in json.loads(RECORDED.read_text())]
    queries = [found[1].encode() for head in heads if (found := re.search(r"[?&]CMCD=([^& ]*)", head))]
    fields = [[value.encode() for value in re.findall(r"(?im)^cmcd-[a-z]+: (.*)\r$", head)] for head in heads]
    return queries, [some for some in fields if some]


def _in(group: Group, _report: Report) -> Group:
    return group


def gathered(reports: Sequence[Sequence[Report]], shift: int) -> Qualities:
    """Return a step of 500 groups, of which half are those of the step without a shift."""
    recorder = Recorder()
    for index, some in enumerate(reports):
        group = Group("cdn-a", f"AS{(index + shift) % 500 + shift}", "DE")
        recorder.hear(1, some, partial(_in, group), KEY)
    return recorder.take(2)[0].qualities()


def rows() -> list[Row]:
    """Measure everything."""
    made = bodies()
    queries, fields = recorded_heads()
    groups = [Group(f"cdn-{index % 4}", f"AS{index}", "DE") for index in range(400)]

    def hear() -> None:
        recorder = Recorder()
        for index, body in enumerate(made):
            group = groups[index % 400]
            recorder.hear(index // 20_000, from_event_lines(body).reports, partial(_in, group), KEY)
        for closed in recorder.take(10**9):
            closed.qualities()

    found = [
        measured("read an event", EVENTS, lambda: [len(from_event_lines(body).reports) for body in made]),
        measured("read and gather an event", EVENTS, hear),
        measured("read the parameter of a query", len(queries) * 20, lambda: [from_query(q) for q in queries * 20]),
        measured("read the fields of a request", len(fields) * 20, lambda: [from_fields(f) for f in fields * 20]),
    ]
    found += [measured(f"64 KiB of {name}", 1, partial(from_event_lines, text)) for name, text in HOSTILE.items()]
    reports = [from_event_lines(body).reports for body in made]
    step, other = gathered(reports, 0), gathered(reports, 250)
    data, windows = dump(step), Windows()
    for number in range(360):
        windows.add(number, (step, other)[number % 2])
    print(f"A step of {len(step)} groups and {len(made)} sessions is {len(data):,} bytes.\n")
    return [
        *found,
        measured("write a step of 500 groups", 1, lambda: dump(step)),
        measured("read one", 1, lambda: load(data)),
        measured("add up two", 1, lambda: merge([step, other])),
        measured("add one to the windows", 1, lambda: windows.add(360, other)),
        measured("look at an hour", 1, lambda: windows.quality(60, 360)),
    ]


def sent(batch: int) -> list[bytes]:
    """Return requests as a browser sends them."""
    head = next(entry["head"] for entry in json.loads(RECORDED.read_text()) if entry.get("body"))
    head = re.sub(r"^POST \S+", "POST /cmcd", head)
    return [
        re.sub(r"(?i)content-length: \d+", f"Content-Length: {len(body)}", head).encode() + body
        for body in bodies(batch)
    ]


def served(balancer: Balancer, name: str, requests: Sequence[bytes], each: int) -> Row:
    """Send requests over some connections, one at a time on each, and return what they took of the server's time.

    Args:
        balancer: The server.
        name: Of what is sent.
        requests: What is sent.
        each: Pieces of work in a request.
    """
    parts = urlsplit(balancer.url)
    connections = [socket.create_connection((parts.hostname, parts.port)) for _ in range(CONNECTIONS)]
    processes = [psutil.Process(balancer.process.pid), *psutil.Process(balancer.process.pid).children(recursive=True)]

    def spent() -> float:
        return sum(times.user + times.system for times in (process.cpu_times() for process in processes))

    start = spent()
    for first in range(0, len(requests), CONNECTIONS):
        asked = list(zip(connections, requests[first : first + CONNECTIONS], strict=False))
        for connection, request in asked:
            connection.sendall(request)
        for connection, _ in asked:
            answer = connection.recv(4096)
            if not answer.startswith((b"HTTP/1.1 204 ", b"HTTP/1.1 301 ")):
                raise ValueError(answer)
    seconds = spent() - start
    for connection in connections:
        connection.close()
    return Row(name, len(requests) * each, seconds)


def over_http() -> list[Row]:
    """Measure a server with one worker."""
    video = b"GET /?video=http://s1.origin-cluster/video/1488/xcg2djHckad.m3u8"
    rest = b" HTTP/1.1\r\nHost: a\r\n\r\n"
    queries, _ = recorded_heads()
    found = []
    for heard in ("false", "true"):
        with tempfile.TemporaryDirectory() as folder, Balancer(Path(folder), None, CMCD=heard) as balancer:
            balancer.wait()
            if heard == "true":
                found += [
                    served(balancer, f"an event in a body of {batch}", sent(batch), batch) for batch in (20, 5, 1)
                ]
            name = f"a redirect with BALANCER_CMCD={heard}"
            found.append(served(balancer, name, [video + rest] * EVENTS, 1))
            some = [video + b"&CMCD=" + query + rest for query in queries * (EVENTS // len(queries) // 4)]
            found.append(served(balancer, f"{name} and a report in it", some, 1))
    return found


def main() -> None:
    """Print a table."""
    found = [*rows(), *over_http()]
    print("| | µs each | per second |\n|---|---:|---:|")
    for row in found:
        print(row.line)


if __name__ == "__main__":
    main()
