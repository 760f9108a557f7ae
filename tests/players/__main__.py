"""`make players`: play through the balancer with real players, and write what was seen to docs/players.md."""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence

from tests.players import programs, report
from tests.players.browser import version_of, what_is_missing
from tests.players.laboratory import Laboratory, Session, laboratory
from tests.players.media import DASH, HLS, Stream
from tests.players.report import Row
from tests.players.scenarios import KNOWN, SCENARIOS, STREAMS, SWITCH, Scenario

ENDPOINTS = frozenset({"manifest", "cmcd"})
"""What the balancer has beside redirects and steering: `manifest`, `cmcd`; `--with` adds to it."""

SETTINGS: dict[str, dict[str, object]] = {"manifest": {"MANIFESTS": "true"}, "cmcd": {"CMCD": "true"}}
"""Settings of the balancer for these."""

BATCH = 5
"""Sessions that play at the same time: what two cores can decode."""

QUICK = {"hls.js": (HLS,), "dashjs": (DASH,)}
QUICK_SCENARIOS = ("Redirect to a CDN", SWITCH)


def perform(lab: Laboratory, scenario: Scenario, players: Sequence[tuple[str, Stream]]) -> list[Session]:
    """Try one scenario with players, a few at a time; the sessions say what was seen."""
    done = []
    for first in range(0, len(players), BATCH):
        sessions = [lab.begin(player, stream) for player, stream in players[first : first + BATCH]]
        try:
            scenario.perform(lab, sessions)
        finally:
            lab.close(sessions)
        done.extend(sessions)
    return done


def quick() -> list[Row]:
    """Try hls.js and dash.js alone: through the redirect, and with a switch in mid-play."""
    with laboratory() as lab:
        scenarios = [scenario for scenario in SCENARIOS if scenario.name in QUICK_SCENARIOS]
        return list(_rows(lab, scenarios, QUICK))


def _rows(lab: Laboratory, scenarios: Iterable[Scenario], streams: Mapping[str, Sequence[Stream]]) -> Iterable[Row]:
    for scenario in scenarios:
        players = [
            (player, stream) for player, them in streams.items() for stream in them if player in scenario.players
        ]
        # Those that are known to fail make nobody else wait.
        players.sort(key=lambda one: (one[0], scenario.name, one[1].name) in KNOWN)
        for session in perform(lab, scenario, players):
            known = KNOWN.get((session.player, scenario.name, session.stream.name), "")
            row = Row(
                session.player,
                version_of(session.player),
                session.stream.name,
                scenario.name,
                not session.failure,
                (known if session.failure else "") or session.failure or "; ".join(session.seen) or "plays",
                is_known=bool(known),
            )
            print(row.line, flush=True)
            yield row


def _programs(lab: Laboratory) -> Iterable[Row]:
    lab.spread(cdn_a=1)
    for program, version in programs.installed().items():
        for form in programs.FORMS:
            for stream in programs.STREAMS:
                played = programs.play(lab, program, form, stream)
                known = programs.KNOWN.get((program.name, form, stream.name), "")
                seen = known if known and not played.plays else played.seen
                row = Row(program.name, version, stream.name, form, played.plays, seen, is_known=bool(known))
                print(row.line, flush=True)
                yield row


def main() -> None:
    """Play everything; the exit status tells whether every player did as it should."""
    parser = argparse.ArgumentParser(prog="python -m tests.players", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="hls.js and dash.js alone, in two minutes; writes nothing")
    parser.add_argument("--with", action="append", default=[], choices=sorted(SETTINGS), help="try these as well")
    parser.add_argument("--only", default="", help="scenarios whose names contain this; writes nothing")
    parser.add_argument("--player", default="", help="this player alone; writes nothing")
    parser.add_argument("--browser", default="chromium", choices=["chromium", "firefox"])
    chosen = vars(parser.parse_args())
    if missing := what_is_missing():
        sys.exit(f"Cannot play: {missing}.")
    if chosen["quick"]:
        sys.exit(not all(row.is_right for row in quick()))
    endpoints = ENDPOINTS | set(chosen["with"])
    settings = {name: value for endpoint in endpoints for name, value in SETTINGS[endpoint].items()}
    scenarios = [one for one in SCENARIOS if one.endpoint in {"", *endpoints} and chosen["only"] in one.name]
    streams = {player: them for player, them in STREAMS.items() if chosen["player"] in {"", player}}
    with laboratory(browser=chosen["browser"], settings=settings) as lab:
        assert lab.browser
        browser = lab.browser.version
        rows = list(_rows(lab, scenarios, streams))
        if not chosen["player"] and chosen["only"] in {"", "programs"}:
            rows += _programs(lab)
    if not (chosen["only"] or chosen["player"]):
        report.write(rows, browser, [one.name for one in scenarios])
    sys.exit(not all(row.is_right for row in rows))


if __name__ == "__main__":
    main()
