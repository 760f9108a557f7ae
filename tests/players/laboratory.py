"""The laboratory: all servers, the balancer as a process, and sessions of players, watched until something is so."""

import json
import sys
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from tests.factories import KEY
from tests.players.browser import HERE, PACKAGES, Browser, State
from tests.players.manifests import live_mpd, live_playlist, steered_mpd, steered_playlist
from tests.players.media import Stream, is_segment, make_media
from tests.players.resolving import ORIGIN
from tests.players.servers import Exchange, Proxy, Site, now
from tests.processes import Balancer

BALANCER = "balancer.example"
CDNS = {"cdn-a": "cdn-a.example.com", "cdn-b": "cdn-b.example.com"}
PAGES = "page.example"

FIRST, SECOND = CDNS.values()

STEERING = f"http://{BALANCER}/steering?config=1"

HEALTH = "health"
"""The session of what checks the health of a CDN."""

TTL = 10
"""Seconds until a steered session asks again: the least that there is."""

LOOK = 0.25
"""Seconds between two looks at the players."""


@dataclass(slots=True)
class Session:
    """A player that plays a stream.

    Attributes:
        name: Unique in a laboratory; the first segment of the path of what it asks for.
        player: `hls.js`, …
        stream: What it plays.
        page: Its page in the browser.
        seen: What was found out so far, in words.
        failure: What was not as it should be; empty while all is well.
    """

    name: str
    player: str
    stream: Stream
    page: str = ""
    seen: list[str] = field(default_factory=list)
    failure: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """A session at one moment.

    Attributes:
        state: What its page tells.
        log: Its requests to origin and CDNs, in order.
    """

    state: State
    log: Sequence[Exchange]

    @property
    def segments(self) -> list[Exchange]:
        """Its requests for segments that were answered with one."""
        return [one for one in self.log if one.status in {200, 206} and one.method == "GET" and is_segment(one.file)]

    @property
    def hosts(self) -> list[str]:
        """Where its segments came from, in order."""
        return [one.host for one in self.segments]

    def plays(self, seconds: float) -> bool:
        """Tell whether it has played for so long, and decoded at least half of the frames of that time."""
        return self.state.time >= seconds and self.state.frames >= seconds * 12


class Laboratory:
    """Servers, a balancer and a browser.

    Args:
        browser: The browser.
        balancer: The balancer.
        sites: Origin and CDNs by their hosts.
        log: What they were asked, in order.
        proxy: The port of a proxy that knows all hosts.
        begun: By session, when it began in Unix seconds.
    """

    def __init__(
        self,
        *,
        browser: Browser | None,
        balancer: Balancer,
        sites: dict[str, Site],
        log: list[Exchange],
        proxy: int,
        begun: dict[str, float],
    ) -> None:
        self.browser = browser
        self.balancer = balancer
        self.sites = sites
        self.proxy = proxy
        self._log = log
        self._begun = begun
        self._numbers = count(1)

    def admin(self, method: str, path: str, body: object = None) -> Any:
        """Return what the balancer's API answers."""
        headers = {"authorization": f"Bearer {KEY}"}
        status, text = self._ask(method, path, json.dumps(body) if body is not None else None, headers)
        assert status == 200, f"{method} {path}: {status} {text}"
        return json.loads(text)

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", urlsplit(self.balancer.url).port or 80, timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def spread(self, policy: str = "exact", *, is_watched: bool = False, **weights: int) -> None:
        """Set the targets `cdn-a`, `cdn-b` and `origin`, in this order.

        Args:
            policy: Which of them players get.
            is_watched: Whether the CDNs' health is checked, each second.
            weights: By name with an underscore; 0 for those that are not given.
        """
        targets: list[dict[str, Any]] = []
        for name, host in CDNS.items():
            url = f"http://127.0.0.1:{self.sites[host].server_port}/s1/{HEALTH}/"
            check = {"url": url, "interval": 1, "timeout": 1, "rise": 1, "fall": 1} if is_watched else None
            weight = weights.get(name.replace("-", "_"), 0)
            targets.append({"name": name, "host": host, "weight": weight, "check": check})
        targets.append({"name": "origin", "kind": "origin", "weight": weights.get("origin", 0)})
        self.admin("PATCH", "/config", {"id": 1, "targets": targets, "policy": policy})

    def change(self, name: str, **fields: object) -> None:
        """Change one target."""
        self.admin("PATCH", "/config/target", {"id": 1, "name": name, **fields})

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples that have these labels."""
        _, text = self._ask("GET", "/metrics", None, {})
        found = [line for line in text.splitlines() if line.startswith((name + "{", name + " "))]
        return sum(
            float(line.rpartition(" ")[2])
            for line in found
            if all(f'{label}="{value}"' in line for label, value in labels.items())
        )

    def begin(self, player: str, stream: Stream) -> Session:
        """Return a new session, which plays nothing yet."""
        session = Session(f"session{next(self._numbers)}", player, stream)
        self._begun[session.name] = now()
        return session

    def open(self, session: Session, source: str, **options: str) -> None:
        """Let a player play a URL on a page of its own."""
        assert self.browser
        query = {
            "player": session.player,
            "src": source,
            "format": "dash" if session.stream.is_dash else "hls",
            "session": session.name,
            **options,
        }
        session.page = self.browser.open(f"http://{PAGES}/page/player.html?{urlencode(query)}")

    def log_of(self, session: Session) -> list[Exchange]:
        """Return the requests of a session to origin and CDNs, in order."""
        return [one for one in list(self._log) if one.session == session.name]

    def views(self, sessions: Sequence[Session]) -> list[View]:
        """Return sessions as they are now."""
        assert self.browser
        states = self.browser.states([session.page for session in sessions])
        return [View(state, self.log_of(session)) for session, state in zip(sessions, states, strict=True)]

    def until(
        self, sessions: Iterable[Session], what: str, is_so: Callable[[Session, View], bool], patience: float
    ) -> None:
        """Watch sessions until something is so of each; those of which it is not in time have failed.

        Args:
            sessions: Those that have not failed before are watched.
            what: Is so, in words.
            is_so: Tells it.
            patience: Seconds, more than any player on a busy machine needs.
        """
        waiting = [session for session in sessions if not session.failure]
        deadline = time.monotonic() + patience
        while waiting:
            views = self.views(waiting)
            late = time.monotonic() > deadline
            left = []
            for session, view in zip(waiting, views, strict=True):
                if is_so(session, view):
                    continue
                if late:
                    session.failure = f"not seen in {patience:.0f} s: {what}; {_in_words(view)}"
                else:
                    left.append(session)
            waiting = left
            if waiting:
                time.sleep(LOOK)

    def close(self, sessions: Iterable[Session]) -> None:
        """Close the pages of sessions."""
        assert self.browser
        for session in sessions:
            if session.page:
                self.browser.close(session.page)


def _in_words(view: View) -> str:
    state = view.state
    last = [f"{one.method} {one.host} {one.file} {one.status}" for one in view.log[-3:]]
    return (
        f"at {state.time:.1f} s, {state.frames} frames, {state.stalls} stalls, longest {state.longest_stall:.1f} s; "
        f"{'; '.join(last) or 'no request'}; {', '.join(state.errors) or 'no error'}"
    )


def video_url(session: Session, path: str = "") -> str:
    """Return the URL of a session's stream at the origin, or of another path of the session."""
    return f"http://{ORIGIN}/{session.name}/{path or session.stream.path}"


def redirected(url: str) -> str:
    """Return the URL of the balancer that redirects to a video."""
    return f"http://{BALANCER}/?video={url}"


def in_path(url: str) -> str:
    """Return the same with the video in the path."""
    return f"http://{BALANCER}/to/{url.replace('://', '/', 1)}"


def with_manifest(lab: Laboratory, session: Session) -> str:
    """Return the URL of the balancer that answers a session's manifest with steering, which it gets from the origin."""
    # The balancer finds the origin by its port.
    url = video_url(session).replace(ORIGIN, f"{ORIGIN}:{lab.sites[ORIGIN].server_port}")
    return f"http://{BALANCER}/manifest?video={quote(url, safe='')}"


@contextmanager
def laboratory(
    *, browser: str = "chromium", settings: dict[str, object] | None = None
) -> Generator[Laboratory, None, None]:
    """Run everything for as long as the block lasts.

    Args:
        browser: `chromium`, `firefox`, or empty for none.
        settings: Of the balancer, beside the laboratory's, by name without the prefix.
    """
    media = make_media()
    log: list[Exchange] = []
    begun: dict[str, float] = {}
    files = _Files(media, begun)
    with ExitStack() as stack:
        sites = {host: Site(host, "" if host == ORIGIN else "/s1", files.get, log) for host in (ORIGIN, *CDNS.values())}
        ports = {host: stack.enter_context(site.serving()) for host, site in sites.items()}
        ports[PAGES] = stack.enter_context(Site(PAGES, "", _page, []).serving())
        folder = Path(stack.enter_context(TemporaryDirectory()))
        hosts = f"*.origin-cluster,*.origin-cluster:{ports[ORIGIN]}"
        ours = {"ORIGIN_HOSTS": hosts, "STEERING_TTL": TTL, "OPEN_RATE": "1000/s"}
        balancer = stack.enter_context(_Balancer(folder, None, **{**ours, **(settings or {})}))
        ports[BALANCER] = urlsplit(balancer.url).port or 80
        proxy = stack.enter_context(Proxy(ports).serving())
        driven = stack.enter_context(Browser(ports, proxy, is_firefox=browser == "firefox")) if browser else None
        yield Laboratory(browser=driven, balancer=balancer, sites=sites, log=log, proxy=proxy, begun=begun)


class _Balancer(Balancer):
    through = (sys.executable, str(HERE / "resolving.py"))


class _Files:
    """What origin and CDNs have for each session: `vod/…` and `live/…`, also manifests with steering."""

    def __init__(self, folder: Path, begun: dict[str, float]) -> None:
        self._folder = folder
        self._begun = begun
        self._kept = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}

    def get(self, session: str, name: str) -> bytes | None:
        """Return a file of a session, None where there is none."""
        if session == HEALTH:
            return b"well"
        kind, _, path = name.partition("/")
        is_steered = "/steered-" in path
        kept = self._kept.get(path.replace("/steered-", "/"))
        if kept is None or session not in self._begun:
            return None
        if not path.endswith((".m3u8", ".mpd")):
            return kept
        text = kept.decode()
        if kind == "live":
            begun = self._begun[session]
            if path.endswith(".mpd"):
                text = live_mpd(text, begun, now())
            elif "#EXTINF" in text:
                text = live_playlist(text, begun, now())
        if is_steered:
            folder = name.rpartition("/")[0]
            bases = {pathway: f"http://{host}/s1/{session}/{folder}/" for pathway, host in CDNS.items()}
            text = (steered_mpd if path.endswith(".mpd") else steered_playlist)(text, STEERING, bases)
        return text.encode()


def _page(folder: str, name: str) -> bytes | None:
    root = {"page": HERE / "page", "npm": PACKAGES}.get(folder)
    path = root / name if root else None
    return path.read_bytes() if path and path.is_file() else None
