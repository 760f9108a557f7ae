"""What is tried with players: each scenario plays several sessions at once, and notes on each what was seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs, unquote, urlsplit

from tests.players.laboratory import (
    BALANCER,
    FIRST,
    HEALTH,
    SECOND,
    Laboratory,
    Session,
    View,
    in_path,
    redirected,
    video_url,
    with_manifest,
)
from tests.players.media import DASH, HLS, LIVE_DASH, LIVE_HLS, TS, Stream
from tests.players.resolving import ORIGIN

START = 60.0
"""Seconds that a player may take to play the first seconds, beside others on a busy machine."""

STEERED = 60.0
"""Seconds that a switch may take: two answers of the steering server, and what is buffered."""

FAILED_OVER = 75.0
"""Seconds that leaving a dead CDN may take."""

NO_STALL = 1.0
"""Seconds of a wait for media that nobody takes for a stall."""

SWITCH = "Steering: switch in mid-play"
MANIFEST = "Manifest by the balancer: switch in mid-play"
DIES = "A CDN dies, unnoticed"
NOTICED = "A CDN dies, and its check notices"

STREAMS: dict[str, Sequence[Stream]] = {
    "hls.js": (HLS, TS, LIVE_HLS),
    "dashjs": (DASH, LIVE_DASH),
    "shaka-player": (HLS, LIVE_HLS, DASH, LIVE_DASH),
    "video.js": (HLS, TS, LIVE_HLS, DASH, LIVE_DASH),
}
"""What each player can play."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something that is tried.

    Attributes:
        name: What it is called in the report.
        perform: Plays the sessions, and notes what was seen.
        endpoint: What the balancer must have for it; empty when every balancer has it.
        players: Which can; all without.
    """

    name: str
    perform: Callable[[Laboratory, Sequence[Session]], None]
    endpoint: str = ""
    players: tuple[str, ...] = tuple(STREAMS)


def _start(lab: Laboratory, sessions: Sequence[Session], source: Callable[[Session], str], **options: str) -> None:
    for session in sessions:
        lab.open(session, source(session), **options)


def _steered(session: Session) -> str:
    return redirected(video_url(session, session.stream.steered))


def _plays_from(host: str, seconds: float) -> Callable[[Session, View], bool]:
    return lambda _, view: view.plays(seconds) and set(view.hosts) == {host}


def _begin_at_first(lab: Laboratory, sessions: Sequence[Session]) -> None:
    """Wait until players play, all from the first CDN."""
    lab.until(sessions, "plays from cdn-a", _plays_from(FIRST, 4), START)


def _goes_on_at(lab: Laboratory, sessions: Sequence[Session], host: str, patience: float) -> None:
    """Wait until each session has its last four segments from one host, and plays eight seconds further than now."""
    running = [session for session in sessions if not session.failure]
    before = {session.name: view.state for session, view in zip(running, lab.views(running), strict=True)}

    def is_so(session: Session, view: View) -> bool:
        moved = view.hosts[-4:] == [host] * 4
        # What is buffered from the old CDN is played first.
        return moved and view.state.time >= before[session.name].time + 8 and view.state.time >= _first_at(view, host)

    lab.until(running, f"plays on from {host}", is_so, patience)
    for session, view in zip(running, lab.views(running), strict=True):
        frames, seconds = (
            view.state.frames - before[session.name].frames,
            view.state.time - before[session.name].time,
        )
        if not session.failure and frames < seconds * 12:
            session.failure = f"only {frames} frames in {seconds:.0f} s"


def _first_at(view: View, host: str) -> float:
    """Return the second of the media from which on segments come from a host, seen from the number of the first one."""
    numbers = [int(one.file.rpartition("-")[2].partition(".")[0]) for one in view.segments if one.host == host]
    # A live player counts its seconds as it likes, so only those of a film are compared.
    return 0.0 if "live/" in view.segments[0].name else min(numbers, default=0) * 2.0


def _note_stalls(lab: Laboratory, sessions: Sequence[Session], allowed: float) -> None:
    running = [session for session in sessions if not session.failure]
    for session, view in zip(running, lab.views(running), strict=True):
        state = view.state
        if state.longest_stall > allowed:
            session.failure = f"stalled for {state.longest_stall:.1f} s"
        else:
            longest = f"a wait of {state.longest_stall:.1f} s" if state.longest_stall > NO_STALL else "no stall"
            session.seen.append(longest)


def redirect_to_origin(lab: Laboratory, sessions: Sequence[Session]) -> None:
    """Play through `/?video=` with everything at the origin."""
    lab.spread(origin=1)
    _start(lab, sessions, lambda session: redirected(video_url(session)))
    lab.until(sessions, "plays from the origin", _plays_from(ORIGIN, 4), START)
    _note_asked(lab, sessions)


def redirect_to_cdn(lab: Laboratory, sessions: Sequence[Session]) -> None:
    """Play through `/?video=` with everything at one CDN."""
    lab.spread(cdn_a=1)
    _start(lab, sessions, lambda session: redirected(video_url(session)))
    lab.until(sessions, "plays from cdn-a", _plays_from(FIRST, 4), START)
    _note_asked(lab, sessions)


def path_form(lab: Laboratory, sessions: Sequence[Session]) -> None:
    """Play through `/to/` with everything at one CDN."""
    lab.spread(cdn_b=1)
    _start(lab, sessions, lambda session: in_path(video_url(session)))
    lab.until(sessions, "plays from cdn-b", _plays_from(SECOND, 4), START)
    _note_asked(lab, sessions)


def _note_asked(lab: Laboratory, sessions: Sequence[Session]) -> None:
    """Note how often each player asked the balancer."""
    assert lab.browser
    for session in sessions:
        if not session.failure:
            asked = [one for one in lab.browser.fetched(session.page) if f"//{BALANCER}/" in one.url]
            session.seen.append(f"asks the balancer {len(asked)}×")


def _switch(lab: Laboratory, sessions: Sequence[Session], source: Callable[[Session], str]) -> None:
    lab.spread(cdn_a=1)
    _start(lab, sessions, source)
    _begin_at_first(lab, sessions)
    lab.change("cdn-b", weight=1)
    lab.change("cdn-a", weight=0)
    _goes_on_at(lab, sessions, SECOND, STEERED)
    _note_stalls(lab, sessions, NO_STALL)
    running = [session for session in sessions if not session.failure]
    _note_steering(lab, running)


def _note_steering(lab: Laboratory, sessions: Sequence[Session]) -> None:
    assert lab.browser
    for session in sessions:
        asked = [one for one in lab.browser.fetched(session.page) if urlsplit(one.url).path == "/steering"]
        told = [one for one in asked if "session=" in one.url]
        session.seen.append(f"asked for steering {len(asked)}×, {len(told)}× with its state")


def steering_switch(lab: Laboratory, sessions: Sequence[Session]) -> None:
    """Drain the CDN of players in mid-play; their manifest has steering in it."""
    _switch(lab, sessions, _steered)


def manifest_switch(lab: Laboratory, sessions: Sequence[Session]) -> None:
    """The same with a manifest to which the balancer adds steering."""
    _switch(lab, sessions, lambda session: with_manifest(lab, session))


def dead_target(lab: Laboratory, sessions: Sequence[Session]) -> None:
    """Let the CDN of players answer 503 in mid-play, while steering goes on to name it first and the other one next."""
    lab.spread("failover", cdn_a=1, cdn_b=1)
    _die(lab, sessions)


def unhealthy_target(lab: Laboratory, sessions: Sequence[Session]) -> None:
    """The same where the balancer checks the health of the CDNs, and stops to name the dead one."""
    lab.spread("failover", is_watched=True, cdn_a=1, cdn_b=1)
    try:
        _die(lab, sessions, HEALTH)
    finally:
        lab.sites[FIRST].failing.discard(HEALTH)


def _die(lab: Laboratory, sessions: Sequence[Session], *others: str) -> None:
    _start(lab, sessions, _steered)
    _begin_at_first(lab, sessions)
    lab.sites[FIRST].failing.update([session.name for session in sessions], others)
    _goes_on_at(lab, sessions, SECOND, FAILED_OVER)
    running = [session for session in sessions if not session.failure]
    for session, view in zip(running, lab.views(running), strict=True):
        refused = sum(one.status == HTTPStatus.SERVICE_UNAVAILABLE for one in view.log)
        session.seen.append(f"longest wait {view.state.longest_stall:.1f} s, {refused} requests in vain")


def cmcd_query(lab: Laboratory, sessions: Sequence[Session]) -> None:
    """Play with CMCD in the query."""
    lab.spread(cdn_a=1)
    _start(lab, sessions, lambda session: redirected(video_url(session)), cmcd="query")

    def is_so(session: Session, view: View) -> bool:
        with_it = [one for one in view.segments if "CMCD=" in one.query]
        return view.plays(4) and any(session.name in unquote(one.query) for one in with_it)

    lab.until(sessions, "plays, and segments are asked for with CMCD", is_so, START)
    for session in sessions:
        if not session.failure:
            with_it = [one for one in lab.log_of(session) if "CMCD=" in one.query]
            manifest = with_it[0].name == session.stream.path
            keys = sorted({item.partition("=")[0] for one in with_it for item in _cmcd(one.query).split(",")})
            session.seen.append(f"{'from the manifest on' if manifest else 'not with the manifest'}: {', '.join(keys)}")


def _cmcd(query: str) -> str:
    return parse_qs(query).get("CMCD", [""])[0]


def cmcd_events(lab: Laboratory, sessions: Sequence[Session]) -> None:
    """Play with CMCD version 2, whose events go to the balancer."""
    assert lab.browser
    lab.spread(cdn_a=1)
    events = f"http://{BALANCER}/cmcd"
    _start(lab, sessions, lambda session: redirected(video_url(session)), cmcd="events", events=events)
    browser = lab.browser

    def is_so(session: Session, view: View) -> bool:
        posts = [one for one in browser.fetched(session.page) if one.url == events and one.method == "POST"]
        return view.plays(6) and sum(one.status in {200, 204} for one in posts) >= 3

    lab.until(sessions, "three events taken by the balancer", is_so, START)
    for session in sessions:
        posts = [one for one in browser.fetched(session.page) if one.url == events and one.method == "POST"]
        statuses = sorted({one.status for one in posts})
        if not session.failure:
            session.seen.append(f"{len(posts)} posts, answered {', '.join(map(str, statuses))}")


KNOWN = {
    ("video.js", SWITCH, "DASH live"): "asks for steering once, and forgets that at the next refresh of the MPD",
    ("video.js", MANIFEST, "DASH live"): "goes where it is told, and waits there for about two seconds",
    ("video.js", DIES, "DASH"): "stays at the dead CDN, and asks for steering no more",
    ("video.js", DIES, "DASH live"): "as with DASH",
    ("video.js", NOTICED, "DASH"): "as when nobody notices",
    ("video.js", NOTICED, "DASH live"): "as when nobody notices",
}
"""What players cannot do, and why."""

CMCD_PLAYERS = ("hls.js", "dashjs", "shaka-player")

SCENARIOS = (
    Scenario("Redirect to the origin", redirect_to_origin),
    Scenario("Redirect to a CDN", redirect_to_cdn),
    Scenario("Video in the path", path_form),
    Scenario(SWITCH, steering_switch),
    Scenario(MANIFEST, manifest_switch, "manifest"),
    Scenario(DIES, dead_target),
    Scenario(NOTICED, unhealthy_target),
    Scenario("CMCD in the query", cmcd_query, players=CMCD_PLAYERS),
    Scenario("CMCD by events", cmcd_events, "cmcd", players=CMCD_PLAYERS),
)
