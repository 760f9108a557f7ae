"""The same program, which counts redirects or does not as a signal tells it: what metrics cost is the difference.

The lines that count are taken out of the source of the fast lane, so that the rest is what it is. Both ways run in one
process by turns, since two processes of one program differ by more than the counting costs. Run as `balancer` is, with
one worker: `python -m tests.bench.unmetered serve`.
"""

import inspect
import signal
import textwrap
from itertools import cycle
from typing import Any

from balancer.cli import main
from balancer.web import fast_lane
from balancer.web.fast_lane import FastLaneProtocol

COUNTING = (
    "begun = monotonic()",
    "meters = process.meters",
    "if snapshot is not meters.counted:",
    "meters.begin(snapshot, begun)",
    "meters.counts[place] += 1",
)
"""Lines of the hot path that there are for metrics alone, where clients are not limited."""

TURN = signal.SIGUSR1
"""Tells the process to count if it does not, and not to if it does; it counts at first."""


def without_counting() -> Any:
    """Return the method of the fast lane without the lines that count.

    Raises:
        RuntimeError: When one of them is not there any more.
    """
    lines = inspect.getsource(FastLaneProtocol.data_received).splitlines()
    for counting in COUNTING:
        if sum(line.strip() == counting for line in lines) != 1:
            raise RuntimeError(f"the fast lane has no such line: {counting}")
    kept = [line for line in lines if line.strip() not in COUNTING and "@override" not in line]
    kept = [line.replace("super()", "super(FastLaneProtocol, self)") for line in kept]
    # Names that those lines gave are read only where a limit or a line of the log is on.
    source = textwrap.dedent("\n".join(kept)).replace("begun", "0.0")
    names: dict[str, Any] = {}
    exec(source, vars(fast_lane), names)
    return names["data_received"]


def turn_on_signal() -> None:
    """Change over whenever the signal comes."""
    ways = cycle([without_counting(), FastLaneProtocol.data_received])

    def turn(_number: int, _frame: object) -> None:
        FastLaneProtocol.data_received = next(ways)  # type: ignore[method-assign]  # that is the point

    signal.signal(TURN, turn)


if __name__ == "__main__":
    turn_on_signal()
    main()
