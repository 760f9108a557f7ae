"""What the run saw, as docs/players.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "players.md"


@dataclass(frozen=True, slots=True)
class Row:
    """What one player did in one scenario.

    Attributes:
        player: Its name.
        version: Its version.
        stream: What it played.
        scenario: What was tried.
        plays: Whether it did as it should.
        seen: In words.
        is_known: Whether it is known that it cannot; it may all the same.
    """

    player: str
    version: str
    stream: str
    scenario: str
    plays: bool
    seen: str
    is_known: bool = False

    @property
    def is_right(self) -> bool:
        """Whether it did as expected."""
        return self.plays or self.is_known

    @property
    def line(self) -> str:
        """What is printed of it."""
        verdict = "ok  " if self.is_right else "FAIL"
        return f"{verdict} {self.scenario} | {self.player} {self.stream} | {self.seen}"


_HEAD = """# Players

Written by `make players` on {date}, with {browser}. Every player plays through a balancer that runs as a process, on a
page of its own, from an origin and two CDNs of other hosts. Whether it plays is judged by their logs, by where the
player is in the media, and by the frames that it has decoded.

## What works

{overview}
*yes*: as it should be. *–*: this player has nothing of the kind, or it was not tried. ffmpeg, mpv and VLC
are tried where they are installed.

"""


def write(rows: Sequence[Row], browser: str, scenarios: Sequence[str]) -> None:
    """Write the page."""
    PAGE.write_text(render(rows, browser, scenarios, datetime.now(UTC).date().isoformat()))


def render(rows: Sequence[Row], browser: str, scenarios: Sequence[str], date: str) -> str:
    """Return the page.

    Args:
        rows: What was seen.
        browser: Its name and version.
        scenarios: The columns of the overview, in order.
        date: When, `2026-11-26`.
    """
    found = {(row.player, row.version, row.stream, row.scenario): row for row in rows}
    lines = list(dict.fromkeys((row.player, row.version, row.stream) for row in rows))
    overview = [["Player", "Plays", *scenarios]]
    for player, version, stream in lines:
        cells = [found.get((player, version, stream, scenario)) for scenario in scenarios]
        overview.append([f"{player} {version}", stream, *(_word(cell) for cell in cells)])
    head = _HEAD.format(date=date, browser=browser.replace("/", " "), overview=_table(overview))
    parts = [head, "## What was seen\n"]
    for scenario in scenarios:
        seen = [row for row in rows if row.scenario == scenario]
        if seen:
            details = [["Player", "Plays", "Seen"], *([row.player, row.stream, row.seen] for row in seen)]
            parts.append(f"\n### {scenario}\n\n{_table(details)}")
    notes = (Path(__file__).parent / "notes.md").read_text()
    return "".join(parts) + "\n" + notes


def _word(row: Row | None) -> str:
    if row is None:
        return "–"
    return "yes" if row.plays else "**no**"


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cell.replace('|', ' ') for cell in row)} |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines) + "\n"
