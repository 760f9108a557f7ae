"""The report of a simulation: figures, a table and a plot."""

from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

from tests.simulation.strategies import WEIGHTS
from tests.simulation.traces import TRACES, VICTIM, Trace
from tests.simulation.world import MINUTES, STEP, Outcome

CONFIGURED = WEIGHTS[VICTIM] / sum(WEIGHTS.values())
LEFT, BACK = 0.5, 0.8
"""Parts of its configured share: a CDN counts as left at the one, and as come back to at the other."""

COLOURS = {"the loop": "#1f6feb", "fixed weights": "#9aa4b2", "round robin": "#2e9e5b", "ε-greedy bandit": "#d9730d"}
LOOP = "the loop"


class Row(NamedTuple):
    """What one strategy made of one trace, over all seeds.

    Attributes:
        trace: The trace.
        strategy: Its name.
        outcomes: One for each seed.
    """

    trace: Trace
    strategy: str
    outcomes: Sequence[Outcome]

    @property
    def cells(self) -> list[str]:
        """The cells of the table."""
        starved = sum(outcome.starved for outcome in self.outcomes) / sum(out.reports for out in self.outcomes)
        moved = sum(outcome.moved for outcome in self.outcomes) / len(self.outcomes)
        left = [minutes_to_leave(outcome, self.trace) for outcome in self.outcomes]
        back = [minutes_to_return(outcome, self.trace) for outcome in self.outcomes]
        return [self.trace.name, self.strategy, f"{starved:.2%}", f"{moved:,.0f}", _span(left), _span(back)]


def minutes_to_leave(outcome: Outcome, trace: Trace) -> float | None:
    """Return how long half of its sessions stayed at the CDN in trouble, None where they always did."""
    if trace.begin is None or trace.end is None:
        return None
    return _first(outcome, trace.begin, trace.end, lambda part: part <= LEFT * CONFIGURED)


def minutes_to_return(outcome: Outcome, trace: Trace) -> float | None:
    """Return how long it took after the trouble until the CDN had nine tenths of its sessions again."""
    if trace.end is None or minutes_to_leave(outcome, trace) is None:
        return None
    return _first(outcome, trace.end, MINUTES, lambda part: part >= BACK * CONFIGURED)


def _first(outcome: Outcome, begin: float, end: float, holds: Callable[[float], bool]) -> float | None:
    victims = outcome.victims()
    for step in range(int(begin * 60 / STEP), min(len(victims), int(end * 60 / STEP))):
        if holds(victims[step]):
            return step * STEP / 60 - begin
    return None


def _span(times: Sequence[float | None]) -> str:
    known = [time for time in times if time is not None]
    if not known:
        return "–"
    mean = f"{sum(known) / len(known):.0f} min"
    return mean if len(known) == len(times) else f"{mean}, in {len(known)} of {len(times)}"


def table(rows: Sequence[Row]) -> str:
    """Return the table, in Markdown."""
    head = ["Trace", "Who decides", "session-minutes starved", "moves of sessions", "time to leave", "time to return"]
    lines = [head, *(row.cells for row in rows)]
    texts = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([texts[0], "|" + "---|" * len(head), *texts[1:]])


def plot(rows: Sequence[Row]) -> str:
    """Return the plot, an SVG: for each trace, the part of the sessions that is at the CDN in trouble over time."""
    columns, width, height, top = 2, 460, 190, 74
    panels: dict[str, list[Row]] = {trace.name: [] for trace in TRACES}
    for row in rows:
        if row.strategy in COLOURS and row.trace.name in panels:
            panels[row.trace.name].append(row)
    lines = -(-len(panels) // columns)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {columns * width + 20} {top + lines * height}" '
        'font-family="sans-serif" font-size="12" fill="#1a1a1a" role="img" '
        f'aria-label="Sessions at {VICTIM} over time">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        f'<text x="16" y="26" font-size="15" font-weight="bold">Sessions at {VICTIM}, percent of all</text>',
    ]
    for number, (name, colour) in enumerate(COLOURS.items()):
        x = 16 + 150 * number
        parts += [
            f'<rect x="{x}" y="42" width="14" height="4" fill="{colour}"/>',
            f'<text x="{x + 20}" y="48">{escape(name)}</text>',
        ]
    for number, (name, found) in enumerate(panels.items()):
        x, y = 16 + number % columns * width, top + number // columns * height
        parts += [f'<g transform="translate({x} {y})">', f'<text x="30" y="0">{escape(name)}</text>']
        parts += [*_panel(found, width - 30, height - 40), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _panel(rows: Sequence[Row], width: int, height: int) -> list[str]:
    left, top = 30, 8

    def x(minute: float) -> float:
        return left + minute / MINUTES * (width - left)

    def y(part: float) -> float:
        return top + (1 - part) * (height - top)

    parts: list[str] = []
    trace = rows[0].trace
    if trace.begin is not None and trace.end is not None:
        across = x(trace.end) - x(trace.begin)
        place = f'x="{x(trace.begin):.0f}" y="{top}" width="{across:.0f}" height="{height - top}"'
        parts.append(f'<rect {place} fill="#fbe9e7"/>')
    for percent in (0, 50, 100):
        parts += [
            f'<path d="M{left} {y(percent / 100):.1f}H{width}" stroke="#e6e9ee"/>',
            f'<text x="{left - 6}" y="{y(percent / 100) + 4:.1f}" text-anchor="end" font-size="10">{percent}</text>',
        ]
    for minute in range(0, MINUTES + 1, 30):
        place = f'x="{x(minute):.0f}" y="{height + 14}"'
        parts.append(f'<text {place} text-anchor="middle" font-size="10">{minute} min</text>')
    for row in reversed(rows):
        points = [
            (x(step * STEP / 60), y(part)) for step, part in enumerate(row.outcomes[0].victims()) if step % 3 == 0
        ]
        path = "M" + "L".join(f"{across:.0f} {down:.1f}" for across, down in points)
        thick = 2.5 if row.strategy == LOOP else 1.2
        parts.append(f'<path d="{path}" fill="none" stroke="{COLOURS[row.strategy]}" stroke-width="{thick}"/>')
    return parts
