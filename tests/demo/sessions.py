"""The third part: ten thousand sessions at the steering server, while shares change under them."""

import json
from collections import Counter
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

from balancer.core.steering.steering import SETTLED
from tests.demo.outage import KEY, PATIENCE
from tests.demo.servers import running_balancer

SESSIONS = 10_000
HOSTS = {"cdn-a": "cdn-a.example", "cdn-b": "cdn-b.example"}


@dataclass(frozen=True, slots=True)
class Round:
    """All sessions have asked once.

    Attributes:
        what: What was changed before, in words.
        weights: Of the targets.
        present: How many sessions are told to be at each target.
        moved: How many of them were elsewhere before.
    """

    what: str
    weights: dict[str, int]
    present: Counter[str]
    moved: int

    @property
    def expected(self) -> dict[str, float]:
        """How many sessions each target is to have by the weights."""
        return {name: SESSIONS * weight / sum(self.weights.values()) for name, weight in self.weights.items()}

    @property
    def is_exact(self) -> bool:
        """Whether each target has its share, within one percentage point."""
        return all(abs(self.present[name] - number) <= SESSIONS / 100 for name, number in self.expected.items())


def run_sessions() -> tuple[Round, ...]:
    """Begin the sessions, change the shares, and drain a target."""
    with TemporaryDirectory() as folder, running_balancer(Path(folder), {"BALANCER_BOOTSTRAP_API_KEY": KEY}) as port:
        audience = _Audience(HTTPConnection("127.0.0.1", port, timeout=PATIENCE))
        rounds = [audience.ask("all begin, weights 50:50", {"cdn-a": 50, "cdn-b": 50})]
        # A session stays where its manifest has put it until it is settled.
        settled = monotonic() + SETTLED + 1
        while monotonic() < settled:
            sleep(0.1)
        rounds.append(audience.ask("weights 60:40", {"cdn-a": 60, "cdn-b": 40}))
        rounds.append(audience.ask("cdn-a is drained", {"cdn-a": 0, "cdn-b": 40}))
        return tuple(rounds)


class _Audience:
    def __init__(self, connection: HTTPConnection) -> None:
        self._connection = connection
        self._urls = ["/steering"] * SESSIONS
        self._at = [""] * SESSIONS

    def ask(self, what: str, weights: dict[str, int]) -> Round:
        """Change the weights, and let every session ask."""
        targets = [{"name": name, "host": HOSTS[name], "weight": weight} for name, weight in weights.items()]
        self._send("PATCH", "/config", {"id": 1, "targets": targets})
        before, self._at = self._at, []
        for number, url in enumerate(self._urls):
            answer = self._send("GET", url)
            self._at.append(answer["PATHWAY-PRIORITY"][0])
            address = urlsplit(answer["RELOAD-URI"])
            self._urls[number] = f"{address.path}?{address.query}"
        moved = sum(old not in {"", new} for old, new in zip(before, self._at, strict=True))
        return Round(what, weights, Counter(self._at), moved)

    def _send(self, method: str, path: str, body: object = None) -> Any:
        fields = {"authorization": f"Bearer {KEY}"} if body else {}
        self._connection.request(method, path, json.dumps(body) if body else None, fields)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {text.decode()}")
        return json.loads(text)


def are_exact(rounds: tuple[Round, ...]) -> bool:
    """Tell whether the shares are as the weights say, and no more sessions moved than had to."""
    moved = [one.moved for one in rounds]
    needed = [0, SESSIONS / 10, rounds[1].expected["cdn-a"]]
    few = all(abs(number - need) <= SESSIONS / 100 for number, need in zip(moved, needed, strict=True))
    return few and all(one.is_exact for one in rounds)


def report_sessions(rounds: tuple[Round, ...]) -> str:
    """Return what is printed: a line for each round, and the verdict."""
    rows: list[tuple[str | int, ...]] = [("", "at cdn-a", "at cdn-b", "moved")]
    rows += [(one.what, one.present["cdn-a"], one.present["cdn-b"], one.moved) for one in rounds]
    table = "\n".join(f"{row[0]:40}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in rows)
    verdict = (
        "Shares of sessions are as the weights say, and no more of them moved than had to."
        if are_exact(rounds)
        else "NOT as the weights say, or more sessions moved than had to."
    )
    return f"{table}\n\n{verdict}\n"
