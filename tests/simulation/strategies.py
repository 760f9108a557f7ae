"""Strategies: who decides which shares the targets get."""

import random
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Protocol

from typing_extensions import override

from balancer.core.configs.bounds import Bounds, TargetBounds
from balancer.core.configs.documents import ConfigDocument
from balancer.core.configs.targets import Kind, Target
from balancer.core.loop.deciding import decide
from balancer.core.loop.moves import Move, State
from balancer.core.loop.shares import normalised, parts
from balancer.core.quality import distinct
from balancer.core.quality.aggregates import Qualities
from balancer.core.routing.usable import usable

WEIGHTS = {"cdn-a": 45, "cdn-b": 45, "origin": 10}
"""What the operator has configured."""

BOUNDS = Bounds(
    slope=10, min_sessions=40, targets=(TargetBounds("cdn-a", min=5), TargetBounds("origin", max=15, cost=3))
)

Shares = Mapping[str, float]

Listen = Callable[[], Qualities]
"""Returns what was reported in the last five minutes."""


class Strategy(Protocol):
    """Decides the shares of the targets.

    Attributes:
        name: For tables.
        listens: Whether it needs to know the quality.
    """

    name: str
    listens: bool

    def shares(self, step: int, listen: Listen) -> Shares:
        """Return the shares from this step on; the same object as before where they are the same."""
        ...


class Fixed(Strategy):
    """The configured shares, whatever happens."""

    name, listens = "fixed weights", False

    def __init__(self) -> None:
        self._shares = normalised(WEIGHTS)

    @override
    def shares(self, step: int, listen: Listen) -> Shares:
        return self._shares


class RoundRobin(Fixed):
    """The same share for each target."""

    name = "round robin"

    def __init__(self) -> None:
        self._shares = normalised(dict.fromkeys(WEIGHTS, 1))


class Bandit(Strategy):
    """Epsilon-greedy: each minute all CDNs' sessions go to the one where fewest starve, or by chance to any.

    The origin keeps its share, as it would not bear more: the bandit is spared to find that out.
    """

    name, listens = "ε-greedy bandit", True
    epsilon = 0.1
    cdns = ("cdn-a", "cdn-b")

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._shares: Shares = normalised(WEIGHTS)

    @override
    def shares(self, step: int, listen: Listen) -> Shares:
        if step % 6:
            return self._shares
        qualities = listen()
        best = min(self.cdns, key=lambda name: (_starving(qualities, name), name))
        if self._random.random() < self.epsilon:
            best = self._random.choice(self.cdns)
        whole = normalised(WEIGHTS)
        free = sum(whole[name] for name in self.cdns)
        part = self.epsilon / len(self.cdns)
        chosen = {**whole, **{name: free * (part + (1 - self.epsilon) * (name == best)) for name in self.cdns}}
        if chosen != self._shares:
            self._shares = chosen
        return self._shares


def _starving(qualities: Qualities, target: str) -> float:
    """Return which part of a target's sessions starve, as they say."""
    found = [quality for group, quality in qualities.items() if group.target == target]
    sessions, starved = (
        distinct.count(reduce(distinct.united, sets, b""))
        for sets in ([quality.sessions for quality in found], [quality.starved for quality in found])
    )
    return starved / max(1.0, sessions)


class Loop(Strategy):
    """The loop, and what the planner makes of the parts of weights that come of it.

    Attributes:
        moves: All that it has moved, each with its step.
    """

    name, listens = "the loop", True

    def __init__(self, bounds: Bounds = BOUNDS) -> None:
        self.moves: list[tuple[int, Move]] = []
        self._bounds = bounds
        self._state = State()
        self._document = ConfigDocument(
            tuple(
                Target(name, Kind.ORIGIN, weight=weight)
                if name == "origin"
                else Target(name, Kind.CDN, host=f"{name}.example.com", weight=weight)
                for name, weight in WEIGHTS.items()
            )
        )
        self._shares: Shares = normalised(WEIGHTS)

    @override
    def shares(self, step: int, listen: Listen) -> Shares:
        decision = decide(self._state, self._bounds, WEIGHTS, listen(), step * 10.0)
        self._state = decision.state
        self.moves += [(step, move) for move in decision.moves]
        weights = usable(self._document, parts(decision.shares, normalised(WEIGHTS))).weights
        shares = normalised(dict(zip(WEIGHTS, weights, strict=True)))
        if shares != self._shares:
            self._shares = shares
        return self._shares
