"""What CMCD costs: reports and events that one core reads, and gathers as well, in a second of its time.

Run it with `python -m tests.bench.cmcd`. What is read are the lists that players have sent, with sessions and times of
their own, and some texts that are meant to take long.
"""

import itertools
import json
import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from balancer.adapters.quality_msgpack import dump, load
from balancer.core.cmcd.reading import MAX_BODY, from_event_lines, from_fields, from_query
from balancer.core.cmcd.reports import Report
from balancer.core.quality.aggregates import Group, Qualities, merge
from balancer.core.quality.recording import Recorder
from balancer.core.quality.windows import Windows

RECORDED = Path(__file__).parents[1] / "data" / "cmcd.json"
KEY = bytes(32)
EVENTS = 40_000
SESSIONS = 10_000
BATCH = 5
"""Events in one body."""

REPEATS = 5

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


def bodies() -> list[bytes]:
    """Return bodies of events of many sessions, as they come from real players."""
    lines, made = itertools.cycle(recorded_lines()), []
    for number in range(EVENTS // BATCH):
        session = f'sid="{number % SESSIONS:08x}-5e3f-4a7b-9c1d-0123456789ab"'
        made.append("\n".join(re.sub(r'sid="[^"]*"', session, next(lines)) for _ in range(BATCH)).encode())
    return made


def recorded_heads() -> tuple[list[bytes], list[list[bytes]]]:
    """Return the parameters and the fields that players have sent with requests."""
    heads = [entry["head"] for entry in json.loads(RECORDED.read_text())]
    queries = [found[1].encode() for head in heads if (found := re.search(r"[?&]CMCD=([^& ]*)", head))]
    fields = [[value.encode() for value in re.findall(r"(?im)^cmcd-[a-z]+: (.*)\r$", head)] for head in heads]
    return queries, [some for some in fields if some]


def _in(group: Group, _host: str | None) -> Group:
    return group


def gathered(reports: Sequence[Sequence[Report]], shift: int) -> Qualities:
    """Return a step of 500 groups, of which half are those of the step without a shift."""
    recorder = Recorder()
    for index, some in enumerate(reports):
        group = Group("cdn-a", f"AS{(index + shift) % 500 + shift}", "DE")
        recorder.hear(1, some, partial(_in, group), KEY)
    return recorder.take(2)[0][1]


def rows() -> list[Row]:
    """Measure everything."""
    sent = bodies()
    queries, fields = recorded_heads()
    groups = [Group(f"cdn-{index % 4}", f"AS{index}", "DE") for index in range(400)]

    def hear() -> None:
        recorder = Recorder()
        for index, body in enumerate(sent):
            group = groups[index % 400]
            recorder.hear(index // 20_000, from_event_lines(body).reports, partial(_in, group), KEY)
        recorder.take(10**9)

    found = [
        measured("read an event", EVENTS, lambda: [len(from_event_lines(body).reports) for body in sent]),
        measured("read and gather an event", EVENTS, hear),
        measured("read the parameter of a query", len(queries) * 20, lambda: [from_query(q) for q in queries * 20]),
        measured("read the fields of a request", len(fields) * 20, lambda: [from_fields(f) for f in fields * 20]),
    ]
    found += [measured(f"64 KiB of {name}", 1, partial(from_event_lines, text)) for name, text in HOSTILE.items()]
    reports = [from_event_lines(body).reports for body in sent]
    step, other = gathered(reports, 0), gathered(reports, 250)
    data, windows = dump(step), Windows()
    for number in range(360):
        windows.add(number, (step, other)[number % 2])
    print(f"A step of {len(step)} groups and {len(sent)} sessions is {len(data):,} bytes.\n")
    return [
        *found,
        measured("write a step of 500 groups", 1, lambda: dump(step)),
        measured("read one", 1, lambda: load(data)),
        measured("add up two", 1, lambda: merge([step, other])),
        measured("add one to the windows", 1, lambda: windows.add(360, other)),
        measured("look at an hour", 1, lambda: windows.quality(60, 360)),
    ]


def main() -> None:
    """Print a table."""
    found = rows()
    print("| | µs each | per second |\n|---|---:|---:|")
    for row in found:
        print(row.line)


if __name__ == "__main__":
    main()
