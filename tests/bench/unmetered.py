"""The same program, which counts redirects or does not as a signal tells it: what metrics cost is the difference.

The lines that count are taken out of the source of the edge, so that the rest is what it is. Both ways run in one
process by turns, since two processes of one program differ by more than the counting costs. Run as `balancer` is, with
one worker: `python -m tests.bench.unmetered serve`.
"""

import inspect
import signal
import textwrap
from itertools import cycle
from typing import Any

from balancer.cli import main
from balancer.edge import players
from balancer.edge.players import Players

_CELLS = (
    "cells, meters = route.cells, self._meters",
    "if cells is None or begun >= meters.due:",
    "cells = meters.find_cells(route, begun)",
    "meters.words[cells[index]] += 1",
)

COUNTING = {"answer_quickly": ("begun = monotonic()", *_CELLS)}
"""By method, lines of the hot path that there are for metrics alone, where clients are not limited."""

TURN = signal.SIGUSR1
"""Tells the process to count if it does not, and not to if it does; it counts at first."""


def without_counting() -> dict[str, Any]:
    """Return the methods of the edge without the lines that count.

    Raises:
        RuntimeError: When one of them is not there any more.
    """
    methods: dict[str, Any] = {}
    for method, counting in COUNTING.items():
        lines = inspect.getsource(getattr(Players, method)).splitlines()
        for line in counting:
            if sum(found.strip() == line for found in lines) != 1:
                raise RuntimeError(f"the edge has no such line: {line}")
        kept = "\n".join(line for line in lines if line.strip() not in counting)
        if method == "answer_quickly":
            # What is not read any more has no value.
            kept = kept.replace("begun", "0.0")
        exec(textwrap.dedent(kept), vars(players), methods)
    return methods


def turn_on_signal() -> None:
    """Change over whenever the signal comes."""
    counting = {name: getattr(Players, name) for name in COUNTING}
    ways = cycle([without_counting(), counting])

    def turn(_number: int, _frame: object) -> None:
        for name, method in next(ways).items():
            setattr(Players, name, method)

    signal.signal(TURN, turn)


if __name__ == "__main__":
    turn_on_signal()
    main()
