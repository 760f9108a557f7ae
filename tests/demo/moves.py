"""The fourth part: a live stream in a browser, whose session moves from one CDN to the other and back as it plays."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.players.browser import what_is_missing
from tests.players.laboratory import FIRST, SECOND, Laboratory, Session, View, laboratory, redirected, video_url
from tests.players.media import LIVE_HLS

PATIENCE = 90.0
"""Seconds to wait for a move: two answers of the steering server, and what the player has in store."""

AGAIN = 4
"""Segments in a row from the other CDN that show a move."""

STALL = 1.0
"""Seconds without media that a viewer would notice."""


@dataclass(frozen=True, slots=True)
class Stay:
    """The session between two changes.

    Attributes:
        what: What was changed at its beginning, in words.
        host: Where the session is to be.
        files: How many segments each CDN gave until it was there.
        frames: How many frames were decoded in that time.
        seconds: How far it played in that time.
        longest: Seconds of the longest wait for media so far.
        failure: Why it did not get there; empty when it did.
    """

    what: str
    host: str
    files: Counter[str]
    frames: int
    seconds: float
    longest: float
    failure: str

    @property
    def is_as_promised(self) -> bool:
        """Whether the session got there, and its frames went on."""
        return not self.failure and self.frames > 12 * self.seconds > 0 and self.longest <= STALL


def run_moves() -> tuple[Stay, ...] | str:
    """Move a live session there and back; return why not where there is no browser."""
    if missing := what_is_missing():
        return missing
    with laboratory() as lab:
        return tuple(_perform(lab))


def _perform(lab: Laboratory) -> Sequence[Stay]:
    session = lab.begin("hls.js", LIVE_HLS)
    lab.spread(cdn_a=1)
    lab.open(session, redirected(video_url(session, LIVE_HLS.steered)))
    # A live player begins to count its seconds somewhere in the stream.
    lab.until([session], "plays", lambda _, view: view.state.frames > 0, PATIENCE)
    stays = [_stay(lab, session, "begins at cdn-a", FIRST)]
    lab.change("cdn-b", weight=1)
    lab.change("cdn-a", weight=0)
    stays.append(_stay(lab, session, "cdn-a is drained", SECOND))
    lab.change("cdn-a", weight=1)
    lab.change("cdn-b", weight=0)
    stays.append(_stay(lab, session, "cdn-a is back, cdn-b is drained", FIRST))
    return stays


def _stay(lab: Laboratory, session: Session, what: str, host: str) -> Stay:
    (before,) = lab.views([session])

    def is_there(_: Session, view: View) -> bool:
        fresh = view.hosts[len(before.hosts) :]
        return fresh[-AGAIN:] == [host] * AGAIN and view.state.time >= before.state.time + 4

    lab.until([session], f"plays from {host}", is_there, PATIENCE)
    (after,) = lab.views([session])
    files = Counter(after.hosts[len(before.hosts) :])
    frames, seconds = after.state.frames - before.state.frames, after.state.time - before.state.time
    return Stay(what, host, files, frames, seconds, after.state.longest_stall, session.failure)


def are_as_promised(stays: Sequence[Stay] | str) -> bool:
    """Tell whether every move was made; where none could be tried, nothing is wrong."""
    return isinstance(stays, str) or all(stay.is_as_promised for stay in stays)


def report_moves(stays: Sequence[Stay] | str) -> str:
    """Return what is printed: a line for each stay, and the verdict."""
    if isinstance(stays, str):
        return f"Not shown: {stays}.\n"
    rows: list[tuple[str | int, ...]] = [
        ("", "segments", "segments", "seconds", "frames"),
        ("", "from cdn-a", "from cdn-b", "played", "decoded"),
        *((one.what, one.files[FIRST], one.files[SECOND], f"{one.seconds:.0f}", one.frames) for one in stays),
    ]
    table = "\n".join(f"{row[0]:36}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in rows)
    failures = [stay.failure for stay in stays if stay.failure]
    if failures:
        verdict = f"NOT moved: {failures[0]}"
    elif are_as_promised(stays):
        verdict = "The session moved to the other CDN and back in mid-play; its picture never stood still."
    else:
        verdict = f"Moved, but its picture stood still for {stays[-1].longest:.1f} s."
    return f"{table}\n\n{verdict}\n"
