"""A world of players: they come, play, report, are steered and go, by a seed."""

import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial

from balancer.core.cmcd.reports import Report
from balancer.core.quality.aggregates import Group
from balancer.core.quality.recording import Recorder
from balancer.core.quality.windows import Windows
from balancer.core.steering.sessions import GOLDEN, Seat, seat_after
from tests.simulation.strategies import WEIGHTS, Strategy
from tests.simulation.traces import VICTIM, Trace

STEP = 10
"""Seconds of a step."""

MINUTES = 120
TARGETS = tuple(WEIGHTS)
COUNTRIES = {"DE": 5, "PL": 3, "FR": 2}
NETWORKS = 24
LENGTHS = (2, 60)
"""Minutes that a session plays: anything between, its logarithm evenly spread."""

STEERED = 0.7
"""The part of the players that ask the steering server, every three steps."""

CAPACITY = 0.25
"""The part of all sessions that the origin bears; above it they starve."""

KEY = bytes(32)


@dataclass(slots=True)
class Session:
    """A player that plays.

    Attributes:
        name: Its id.
        country: Where it is.
        network: Its network.
        seat: Its target and position there.
        shares: By which it got there.
        end: The step in which it stops.
        report: The step in which it reports next.
        ask: The step in which it asks the steering server next, None where it does not.
        is_liar: Whether it lies.
        has_started: Whether it has told how long its start took.
    """

    name: str
    country: str
    network: str
    seat: Seat
    shares: Mapping[str, float]
    end: int
    report: int
    ask: int | None
    is_liar: bool
    has_started: bool = False

    def group(self, report: Report) -> Group:
        """Return the group that a report of this player belongs to."""
        return Group((report.host or "").partition(".")[0], self.network, self.country)


Lie = Callable[[Session], tuple[str, bool]]
"""What a liar tells: the target that it pretends to play from, and whether it starves there."""


@dataclass(slots=True)
class Outcome:
    """What came of it.

    Attributes:
        reports: Intervals that sessions have played.
        starved: Those in which they starved.
        moved: How often a session changed its target.
        present: For each step, the part of the sessions at each target.
        shares: For each step, the shares of new sessions.
    """

    reports: int = 0
    starved: int = 0
    moved: int = 0
    present: list[dict[str, float]] = field(default_factory=list)
    shares: list[dict[str, float]] = field(default_factory=list)

    @property
    def starving(self) -> float:
        """The part of session-minutes in which sessions starved."""
        return self.starved / self.reports

    def victims(self) -> list[float]:
        """Return for each step the part of the sessions that are at the CDN in trouble."""
        return [present[VICTIM] for present in self.present]


class World:
    """Players, and what they hear and tell.

    Args:
        trace: What goes wrong.
        strategy: Who decides.
        seed: The same seed gives the same course of events.
        players: How many play at a time.
        minutes: How long it takes.
        is_liar: Tells by a random number from 0 to 1 and a network whether a new session lies.
        lie: What those tell.
    """

    def __init__(
        self,
        trace: Trace,
        strategy: Strategy,
        seed: int,
        *,
        players: int = 500,
        minutes: int = MINUTES,
        is_liar: Callable[[float, str], bool] = lambda _chance, _network: False,
        lie: Lie = lambda session: (TARGETS[session.seat.target], True),
    ) -> None:
        self._trace, self._strategy, self._players, self._minutes = trace, strategy, players, minutes
        self._is_liar, self._lie = is_liar, lie
        # What happens is drawn apart from what strategies cause, so that all of them meet the same players.
        self._coming, self._luck = random.Random(seed), random.Random(seed + 1)
        self._sessions: list[Session] = []
        self._number = 0
        self._debts = [0.0] * len(TARGETS)
        self._recorder, self._windows = Recorder(), Windows()
        self.outcome = Outcome()

    @cached_property
    def _networks(self) -> tuple[list[tuple[str, str]], list[float]]:
        """Networks with their countries, and how many players each has: a few large ones, and many small ones."""
        countries = [country for country, part in COUNTRIES.items() for _ in range(part)]
        names = [(f"AS{64496 + number}", countries[number * 7 % 10]) for number in range(NETWORKS)]
        return names, [1 / (number + 2) for number in range(NETWORKS)]

    def run(self) -> Outcome:
        """Let it all happen."""
        steps = self._minutes * 60 // STEP
        for step in range(steps):
            shares = self._strategy.shares(step, partial(self._windows.quality, 5, step - 1))
            # At first all are there already who would be.
            self._come(step, shares, self._players if step == 0 else self._arrivals())
            self._play(step, shares)
            self._sessions = [session for session in self._sessions if session.end > step]
            for closed in self._recorder.take(step + 1):
                self._windows.add(closed.number, closed.qualities())
            self._note(shares)
        return self.outcome

    def _arrivals(self) -> int:
        """Return how many come in a step: as many as a Poisson process brings."""
        least, most = LENGTHS
        mean = self._players * STEP / 60 / ((most - least) / math.log(most / least))
        number, left = 0, math.exp(-mean)
        product = self._coming.random()
        while product > left:
            number += 1
            product *= self._coming.random()
        return number

    def _come(self, step: int, shares: Mapping[str, float], number: int) -> None:
        names, weights = self._networks
        for network, country in self._coming.choices(names, weights, k=number):
            self._number += 1
            least, most = LENGTHS
            minutes = least * (most / least) ** self._coming.random()
            if step == 0:
                minutes *= self._coming.random()
            ask = step + self._coming.randrange(3) if self._coming.random() < STEERED else None
            seat = Seat(self._next_target(shares), self._number * GOLDEN % 1.0)
            end, report = step + 1 + int(minutes * 60 / STEP), step + self._coming.randrange(1, 4)
            is_liar = self._is_liar(self._coming.random(), network)
            name = f"session-{self._number}"
            self._sessions.append(Session(name, country, network, seat, shares, end, report, ask, is_liar))

    def _next_target(self, shares: Mapping[str, float]) -> int:
        """Return the target that is furthest behind its share, as exact tickets would."""
        for target, name in enumerate(TARGETS):
            self._debts[target] += shares[name]
        chosen = max(range(len(TARGETS)), key=lambda target: self._debts[target])
        self._debts[chosen] -= 1
        return chosen

    def _play(self, step: int, shares: Mapping[str, float]) -> None:
        minute = step * STEP / 60
        here = sum(TARGETS[session.seat.target] == "origin" for session in self._sessions) / len(self._sessions)
        overload = max(0.0, here / CAPACITY - 1) / 10
        starving = {
            (target, country): self._trace.starving(minute, name, country) + overload * (name == "origin")
            for target, name in enumerate(TARGETS)
            for country in COUNTRIES
        }
        for session in self._sessions:
            if session.ask == step:
                self._steer(session, shares)
            if session.report == step:
                session.report += self._luck.randrange(1, 4)
                is_starved = self._luck.random() < starving[session.seat.target, session.country]
                self._report(step, session, is_starved=is_starved)

    def _steer(self, session: Session, shares: Mapping[str, float]) -> None:
        assert session.ask is not None
        session.ask += 3
        if session.shares is not shares:
            seat = seat_after(session.seat, _by_index(session.shares), _by_index(shares))
            self.outcome.moved += seat.target != session.seat.target
            session.seat, session.shares = seat, shares

    def _report(self, step: int, session: Session, *, is_starved: bool) -> None:
        self.outcome.reports += 1
        self.outcome.starved += is_starved
        target = TARGETS[session.seat.target]
        if session.is_liar:
            target, is_starved = self._lie(session)
        start = None if session.has_started else int(self._luck.lognormvariate(6.5, 0.5))
        session.has_started = True
        if self._strategy.listens:
            report = Report(
                session=session.name, host=f"{target}.example.com", starved=is_starved, start_ms=start,
                starvation_ms=2000 if is_starved else None, throughput_kbps=6000,
            )  # fmt: skip
            self._recorder.hear(step, [report], session.group, KEY)

    def _note(self, shares: Mapping[str, float]) -> None:
        counts = [0] * len(TARGETS)
        for session in self._sessions:
            counts[session.seat.target] += 1
        self.outcome.present.append({name: counts[n] / len(self._sessions) for n, name in enumerate(TARGETS)})
        self.outcome.shares.append(dict(shares))


def _by_index(shares: Mapping[str, float]) -> dict[int, float]:
    return {target: shares[name] for target, name in enumerate(TARGETS)}


def smallest_networks(part: float) -> Iterator[str]:
    """Yield the smallest networks that have this part of the players together."""
    weights = {f"AS{64496 + number}": 1 / (number + 2) for number in range(NETWORKS)}
    left = part * sum(weights.values())
    for network, weight in sorted(weights.items(), key=lambda item: item[1]):
        left -= weight
        if left < 0:
            return
        yield network
