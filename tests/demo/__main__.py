"""`make demo`: play a real HLS stream through the balancer, and show where its requests went."""

import sys

from tests.demo.moves import are_as_promised, report_moves, run_moves
from tests.demo.outage import NoVerdict, report_outage, run_outage
from tests.demo.scenario import AT_BALANCER, PLAYS, Demo, Showing, run_demo
from tests.demo.servers import CDN, ORIGIN, BalancerNotStarted
from tests.demo.sessions import are_exact, report_sessions, run_sessions
from tests.demo.stream import BALANCED, PICTURES_PER_SECOND, RELATIVE, SECONDS, FfmpegFailed

RATE = 10
"""N by default: every N-th request goes to the origin."""


def main() -> None:
    """Run all parts of the demonstration; the exit status tells whether everything was as promised."""
    try:
        demo = run_demo()
        sys.stdout.write(f"One CDN, every {RATE}th request to the origin\n\n{report(demo)}\n")
        sys.stdout.flush()
        outage = run_outage()
        sys.stdout.write(f"Two CDNs, one of which goes down\n\n{report_outage(outage)}\n")
        sys.stdout.flush()
        sessions = run_sessions()
    except (BalancerNotStarted, FfmpegFailed, NoVerdict) as error:
        sys.exit(str(error))
    sys.stdout.write(f"Sessions that ask where to be\n\n{report_sessions(sessions)}\n")
    sys.stdout.flush()
    moves = run_moves()
    sys.stdout.write(f"A live stream in a browser, whose session moves\n\n{report_moves(moves)}")
    is_right = is_as_the_rate_says(demo) and outage.is_as_promised and are_exact(sessions) and are_as_promised(moves)
    sys.exit(not is_right)


def is_as_the_rate_says(demo: Demo) -> bool:
    """Tell whether every N-th request went to the origin, all others to the CDN, and every frame was decoded."""
    chosen = demo.balanced.chosen + demo.relative.chosen
    right = [CDN if ticket % RATE else ORIGIN for ticket in range(1, len(chosen) + 1)]
    playbacks = demo.balanced.playbacks + demo.relative.playbacks
    return chosen == right and all(playback.decoded == demo.decoded for playback in playbacks)


def report(demo: Demo) -> str:
    """Return what is printed: the stream, a line for each way to play it, and the verdict."""
    segments = sum(name.endswith(".ts") for name in demo.names)
    stream = (
        f"Encoded: {SECONDS} s of H.264 and AAC in {segments} segments, {len(demo.decoded.pictures)} pictures "
        f"({PICTURES_PER_SECOND} a second) and {len(demo.decoded.sounds)} frames of sound.\n"
        f"Played: {BALANCED} and {RELATIVE}, each {PLAYS} times, from {AT_BALANCER}\n"
    )
    rows = [
        ("", "requests", "redirected", "redirected", "files from", "files from", "pictures", "frames"),
        ("", "balanced", "to origin", "to CDN", "origin", "CDN", "decoded", "of sound"),
        _row("playlist and segments balanced", demo.balanced),
        _row("playlist balanced, segments relative", demo.relative),
    ]
    table = "\n".join(f"{row[0]:36}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in rows)
    if is_as_the_rate_says(demo):
        verdict = (
            f"Every {RATE}th request went to the origin, all others to the CDN, as the rate says; nothing was lost."
        )
    else:
        verdict = f"NOT as the rate {RATE} says, or something was lost on the way."
    return f"{stream}\n{table}\n\n{verdict}\n"


def _row(what: str, showing: Showing) -> tuple[str | int, ...]:
    chosen, files = showing.chosen, showing.files_from
    pictures = sum(len(playback.decoded.pictures) for playback in showing.playbacks)
    sounds = sum(len(playback.decoded.sounds) for playback in showing.playbacks)
    to_each = (chosen.count(ORIGIN), chosen.count(CDN), files[ORIGIN], files[CDN])
    return (what, len(chosen), *to_each, pictures, sounds)


if __name__ == "__main__":
    main()
