"""The second part: an origin and two CDNs, one of which goes down while the stream is played."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote, urlsplit

from tests.demo.servers import BALANCER, ORIGIN, Network, running_balancer
from tests.demo.stream import BALANCED, RELATIVE, Decoded, encode, play

FIRST, SECOND = "cdn-a.example", "cdn-b.example"
WEIGHTS = {ORIGIN: 1, FIRST: 6, SECOND: 3}

INTERVAL = 2.0
"""Seconds between two probes of a CDN."""

PATIENCE = 30.0
"""Seconds to wait for a verdict, on the busiest machine."""

KEY = "vbk_" + "demo" * 10 + "key"
"""The first admin's key of a balancer that lives as long as the demonstration."""

AT_ORIGIN = f"http://{ORIGIN}/video/demo/"
AT_BALANCER = f"http://{BALANCER}/?video={AT_ORIGIN}"


class NoVerdict(Exception):
    """The balancer did not find out in time that a CDN is down, or up again."""


@dataclass(frozen=True, slots=True)
class Phase:
    """What was played while nothing changed, in whole cycles of the schedule.

    Attributes:
        chosen: How many redirects led to each server.
        decoded: What each playback saw and heard.
    """

    chosen: Counter[str]
    decoded: tuple[Decoded, ...]


@dataclass(frozen=True, slots=True)
class Outage:
    """Everything that was seen.

    Attributes:
        decoded: What a player gets out of the files themselves.
        before: While all servers worked.
        noticed: Seconds from the moment when the first CDN went down to the last redirect that led there.
        during: From two probe intervals after that moment on.
        again: After it had come back.
    """

    decoded: Decoded
    before: Phase
    noticed: float
    during: Phase
    again: Phase

    @property
    def is_as_promised(self) -> bool:
        """Whether the shares were exact in each phase, and nobody was sent to the dead CDN."""
        usable = {ORIGIN: 1, SECOND: 3}
        shares = [(self.before, WEIGHTS), (self.during, usable), (self.again, WEIGHTS)]
        exact = all(_is_exact(phase.chosen, weights) for phase, weights in shares)
        return exact and all(one == self.decoded for phase, _ in shares for one in phase.decoded)


def run_outage() -> Outage:
    """Play the stream over an origin and two CDNs, take one of these down, and bring it back."""
    with TemporaryDirectory() as temporary:
        stream, folder = Path(temporary, "stream"), Path(temporary, "balancer")
        stream.mkdir()
        folder.mkdir()
        encode(stream, AT_BALANCER)
        files = {path.name: path.read_bytes() for path in sorted(stream.iterdir())}
        bases = [AT_ORIGIN, *(f"http://{cdn}/s1/video/demo/" for cdn in (FIRST, SECOND))]
        urls = {base + name: content for base in bases for name, content in files.items()}
        settings = {"BALANCER_BOOTSTRAP_API_KEY": KEY}
        with running_balancer(folder, settings) as port, Network(urls, port).serving() as network:
            return _Stage(network, play(stream / RELATIVE)).perform()


class _Stage:
    def __init__(self, network: Network, decoded: Decoded) -> None:
        self._network = network
        self._decoded = decoded

    def perform(self) -> Outage:
        self._set_targets()
        self._wait("both CDNs are healthy", lambda: {"healthy"} == set(self._verdicts().values()))
        before = self._play(10)
        down_at = monotonic()
        self._network.down.add(FIRST)
        last = down_at
        while monotonic() < down_at + 2 * INTERVAL:
            if FIRST in self._ask():
                last = monotonic()
        during = self._play(4)
        self._network.down.clear()
        self._wait("the first CDN serves again", lambda: "cdn-a" not in self._skipped_for_health())
        return Outage(self._decoded, before, last - down_at, during, self._play(10))

    def _set_targets(self) -> None:
        targets: list[dict[str, Any]] = [{"name": "origin", "kind": "origin", "weight": WEIGHTS[ORIGIN]}]
        for name, host in (("cdn-a", FIRST), ("cdn-b", SECOND)):
            probe = {"url": f"{self._network.url}/health", "host": host, "interval": INTERVAL, "rise": 1, "fall": 1}
            targets.append({"name": name, "host": host, "weight": WEIGHTS[host], "check": probe})
        self._admin("PATCH", "/config", {"id": 1, "targets": targets})

    def _play(self, times: int) -> Phase:
        first = len(self._network.exchanges)
        decoded = tuple(play(AT_BALANCER + BALANCED, proxy=self._network.url) for _ in range(times))
        exchanges = self._network.exchanges[first:]
        return Phase(Counter(urlsplit(one.location).netloc for one in exchanges if one.location), decoded)

    def _ask(self) -> str:
        """Return where a player would be sent that asks now."""
        connection = HTTPConnection("127.0.0.1", self._network.balancer_port, timeout=PATIENCE)
        try:
            connection.request("GET", f"/?video={AT_ORIGIN}{BALANCED}")
            return connection.getresponse().getheader("location") or ""
        finally:
            connection.close()

    def _verdicts(self) -> dict[str, str]:
        items = self._admin("GET", "/targets")["targets"]
        return {item["name"]: item["verdict"] for item in items if item["kind"] == "cdn"}

    def _skipped_for_health(self) -> set[str]:
        explained = self._admin("GET", f"/explain?video={quote(AT_ORIGIN + BALANCED, safe='')}")
        return {name for name, why in explained["skipped"].items() if why == "unhealthy"}

    def _admin(self, method: str, path: str, body: object = None) -> Any:
        connection = HTTPConnection("127.0.0.1", self._network.balancer_port, timeout=PATIENCE)
        try:
            connection.request(method, path, json.dumps(body) if body else None, {"authorization": f"Bearer {KEY}"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{method} {path}: {answer.status} {text.decode()}")
            return json.loads(text)
        finally:
            connection.close()

    def _wait(self, what: str, is_so: Callable[[], bool]) -> None:
        deadline = monotonic() + PATIENCE
        while not is_so():
            if monotonic() > deadline:
                raise NoVerdict(f"after {PATIENCE:.0f} seconds it is not so that {what}")
            sleep(0.05)


def _is_exact(chosen: Counter[str], weights: dict[str, int]) -> bool:
    whole = sum(weights.values())
    return {server: chosen[server] * whole for server in {*chosen, *weights}} == {
        server: chosen.total() * weight for server, weight in weights.items()
    }


def report_outage(outage: Outage) -> str:
    """Return what is printed: a line for each phase, and the verdict."""
    rows = [
        ("", "requests", "to origin", "to cdn-a", "to cdn-b"),
        _row("all up, weights 1:6:3", outage.before),
        _row("cdn-a down, after two probe intervals", outage.during),
        _row("cdn-a up again", outage.again),
    ]
    table = "\n".join(f"{row[0]:40}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in rows)
    noticed = f"The last player was sent to the dead CDN {outage.noticed:.1f} s after it went down"
    verdict = (
        "Shares were exact before, during and after, and every frame was decoded."
        if outage.is_as_promised
        else "NOT as the weights say, or something was lost on the way."
    )
    return f"{table}\n\n{noticed}; a probe comes each {INTERVAL:.0f} s.\n{verdict}\n"


def _row(what: str, phase: Phase) -> tuple[str | int, ...]:
    return (what, phase.chosen.total(), *(phase.chosen[server] for server in WEIGHTS))
