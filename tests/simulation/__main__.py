"""`make simulate`: let the loop and others meet the same troubles, and write what came of it to docs/loop.md."""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.simulation.report import Row, plot, table
from tests.simulation.strategies import Bandit, Fixed, Loop, RoundRobin, Strategy
from tests.simulation.traces import TRACES, VICTIM
from tests.simulation.world import TARGETS, Outcome, Session, World

DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- simulation -->", "<!-- /simulation -->"
SEEDS = (1,)
LYING = ", 5 % lie"
"""What is added to the name of a strategy where so many sessions lie."""


def lie(session: Session) -> tuple[str, bool]:
    """Say that the CDN in trouble is fine, and that all others starve."""
    target = TARGETS[session.seat.target]
    return target, target != VICTIM


def run(job: tuple[int, str, int]) -> Outcome:
    """Run one trace with one strategy and one seed."""
    number, name, seed = job
    strategies: dict[str, Strategy] = {
        "fixed weights": Fixed(),
        "round robin": RoundRobin(),
        "ε-greedy bandit": Bandit(seed),
    }
    strategy = strategies.get(name.removesuffix(LYING)) or Loop()
    if name.endswith(LYING):
        return World(TRACES[number], strategy, seed, is_liar=lambda chance, _: chance < 0.05, lie=lie).run()
    return World(TRACES[number], strategy, seed).run()


def main() -> None:
    """Run everything, and write the page's table and the plot."""
    begun = time.monotonic()
    names = [
        "fixed weights",
        "round robin",
        "ε-greedy bandit",
        f"ε-greedy bandit{LYING}",
        "the loop",
        f"the loop{LYING}",
    ]
    jobs = [(number, name, seed) for number in range(len(TRACES)) for name in names for seed in SEEDS]
    with ProcessPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:
        outcomes = dict(zip(jobs, pool.map(run, jobs), strict=True))
    rows = [
        Row(trace, name, [outcomes[number, name, seed] for seed in SEEDS])
        for number, trace in enumerate(TRACES)
        for name in names
    ]
    found = table(rows)
    page = DOCS / "loop.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{found}\n\n{END}{after}")
    (DOCS / "loop.svg").write_text(plot(rows))
    print(found)
    print(f"in {time.monotonic() - begun:.0f} s, {os.times().children_user:.0f} s of processors")


if __name__ == "__main__":
    main()
