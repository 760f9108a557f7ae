"""The same program with a fast lane that counts nothing: what metrics cost is the difference.

The lines that count are taken out of the source of the fast lane, so that the rest is what it is. Run as `balancer` is:
`python -m tests.bench.unmetered serve`.
"""

import inspect
import textwrap
from typing import Any

from balancer.cli import main
from balancer.web import fast_lane
from balancer.web.fast_lane import FastLaneProtocol

COUNTING = ("begun = monotonic()", "process.meters.redirected(decision, begun)")
"""Lines of the hot path that there are for metrics alone, where clients are not limited."""


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


# The workers of a service import this module as well, by its name.
FastLaneProtocol.data_received = without_counting()  # type: ignore[method-assign]

if __name__ == "__main__":
    main()
