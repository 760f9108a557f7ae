"""Lines that strangers could write by the thousand."""

import asyncio
from typing import Any

import pytest
import structlog

from balancer.telemetry import repeats
from balancer.telemetry.repeats import MAX_LINES, OTHERS, WINDOW, Repeats

pytestmark = pytest.mark.anyio

SAME = {"path": "/config", "status": 401}


class Pen:
    """Keeps what is written, by a clock that the test turns; `now` is its time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines: list[dict[str, Any]] = []
        self.now = 1_000.0
        monkeypatch.setattr(repeats, "monotonic", lambda: self.now)

    def write(self, event: str, **fields: Any) -> None:
        """Write a line."""
        self.lines.append({"event": event, **structlog.contextvars.get_contextvars(), **fields})


@pytest.fixture
def pen(monkeypatch: pytest.MonkeyPatch) -> Pen:
    """Return what the lines of one test are written by."""
    return Pen(monkeypatch)


async def test_equal_lines_are_summed_up(pen: Pen) -> None:
    """The first of equal lines is written whole; when its time is over, one more says how many followed."""
    lines = Repeats()
    for number in range(1_000):
        lines.tell(pen.write, "request", "192.0.2.1", SAME, number=number)
    first = {"event": "request", **SAME, "number": 0, "client": "192.0.2.1"}
    assert [first] == pen.lines
    pen.now += WINDOW
    lines.tell(pen.write, "request", "192.0.2.1", SAME, number=-1)
    summary = {"event": "request", **SAME, "client": "192.0.2.1", "repeated": 999}
    assert [first, summary, {**first, "number": -1}] == pen.lines
    lines.flush()
    assert 3 == len(pen.lines)


async def test_different_lines_are_all_written(pen: Pen) -> None:
    """Lines of other events, routes, statuses and clients are written, each once."""
    lines = Repeats()
    for _ in range(2):
        lines.tell(pen.write, "request", "192.0.2.1", SAME)
        lines.tell(pen.write, "refusal", "192.0.2.1", SAME)
        lines.tell(pen.write, "request", "192.0.2.2", SAME)
        lines.tell(pen.write, "request", "192.0.2.1", {**SAME, "path": "/keys"})
        lines.tell(pen.write, "request", "192.0.2.1", {**SAME, "status": 404})
    assert 5 == len(pen.lines)
    lines.flush()
    assert [1] * 5 == [line["repeated"] for line in pen.lines[5:]]


async def test_the_sum_comes_by_itself(pen: Pen, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum is written when the time is over, also when nothing more happens, without the id of the first request."""
    monkeypatch.setattr(repeats, "WINDOW", 0.01)
    lines, written = Repeats(), asyncio.Event()

    def write(event: str, **fields: Any) -> None:
        pen.write(event, **fields)
        if "repeated" in fields:
            written.set()

    with structlog.contextvars.bound_contextvars(request_id="first"):
        lines.tell(write, "request", "192.0.2.1", SAME)
        lines.tell(write, "request", "192.0.2.1", SAME)
    pen.now += 0.01
    async with asyncio.timeout(10):
        await written.wait()
    assert ["first", None] == [line.get("request_id") for line in pen.lines]


async def test_memory_is_bounded(pen: Pen) -> None:
    """Of however many clients, only so many are told apart; the others are one."""
    lines = Repeats()
    for number in range(10 * MAX_LINES):
        lines.tell(pen.write, "request", str(number), SAME)
    assert MAX_LINES + 1 == len(lines._lines) == len(pen.lines)
    lines.flush()
    assert {"event": "request", **SAME, "client": OTHERS, "repeated": 9 * MAX_LINES - 1} == pen.lines[-1]
    assert {} == lines._lines
