"""Deciding: from the evidence to shares, step by step and within bounds."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from balancer.core.configs.bounds import PERCENT, Bounds
from balancer.core.loop.evidence import Evidence
from balancer.core.loop.judging import MAX_TRIES, MINUTE, Judgement, after, has_lasted, judge, may_return, patience
from balancer.core.loop.moves import Decision, Idle, Move, Standing, State, Why
from balancer.core.loop.shares import EPSILON, normalised, poured, within
from balancer.core.quality.aggregates import Qualities

MAX_STEP = 60.0
"""Seconds since the last decision that count at most, so that a gap makes no leap."""

SEATING = 300.0
"""Seconds in which most sessions follow a change of the shares, and in which the window forgets those before."""

RETURNING = 0.25
"""The part of the slope at which share comes back: what is still bad is to be seen before much of it is back."""

LEAST = 0.01
"""The share that a target keeps, if it is configured to have as much: from nobody nothing is heard."""


def decide(state: State, bounds: Bounds, configured: Mapping[str, float], qualities: Qualities, now: float) -> Decision:
    """Return the shares that the targets of a config are to have from now on.

    Args:
        state: What the last decision returned; `State()` before the first.
        bounds: What the operator allows.
        configured: By name of each target of the config, the weight that the config and health give it at present; 0
            for one that gets nothing, such as an unhealthy one, which then gets nothing here either. What is remembered
            of a target that is not named is forgotten.
        qualities: What players have reported in the window of five minutes.
        now: Seconds since 1970.
    """
    turn = _Turn(state, bounds, configured, now)
    if bounds.is_frozen:
        return turn.frozen()
    if len(turn.shares) <= 1:
        return turn.decision(Idle.ALONE)
    turn.keep_bounds()
    turn.judge(qualities)
    turn.leave()
    turn.undo()
    turn.come_back()
    return turn.decision(turn.idle())


class _Turn:
    """One decision in the making.

    Attributes:
        shares: As they are at the moment, of the targets that serve.
    """

    def __init__(self, state: State, bounds: Bounds, configured: Mapping[str, float], now: float) -> None:
        self._bounds, self._now = bounds, now
        self._standings = {name: state.standings.get(name, Standing()) for name in configured}
        serving = {name: weight for name, weight in configured.items() if weight > 0}
        self._configured = normalised(serving) if serving else {}
        scaled = {name: share * self._standings[name].scale for name, share in self._configured.items()}
        # Kept as it is, so that what does not serve at present keeps its place among the others. Where all that serve
        # have lost everything to targets that do not, they begin anew.
        self._level = sum(scaled.values())
        self.shares = normalised(scaled) if self._level > EPSILON else dict(self._configured)
        self._least = {name: bounds.of(name).min / PERCENT for name in serving}
        self._most = {name: bounds.of(name).max / PERCENT for name in serving}
        self._goal = within(self._configured, self._least, self._most) if serving else {}
        self._seconds = 0.0 if state.at is None else min(MAX_STEP, max(0.0, now - state.at))
        self._budget = bounds.slope / PERCENT * self._seconds / MINUTE
        self._moves: list[tuple[str, str, float, Why]] = []
        self._judgement = Judgement({}, {}, None)
        self._evidence = Evidence({}, self.shares)

    def frozen(self) -> Decision:
        """Return that nothing moves; what lasts begins to last when it may move again."""
        self._forget_times(self._standings)
        return self.decision(Idle.FROZEN)

    def keep_bounds(self) -> None:
        """Bring the shares within the bounds at once."""
        kept = within(self.shares, self._least, self._most)
        lost = {name: share - kept[name] for name, share in self.shares.items() if share - kept[name] > EPSILON}
        gained = {name: kept[name] - share for name, share in self.shares.items() if kept[name] - share > EPSILON}
        for source, amount in lost.items():
            for name, part in gained.items():
                self._note(source, name, amount * part / sum(gained.values()), Why.BOUNDS)
        self.shares = kept

    def judge(self, qualities: Qualities) -> None:
        """Find out which targets are worse than others."""
        part = -math.expm1(-self._seconds / SEATING)
        likely = {}
        for name, share in self.shares.items():
            before = self._standings[name].seated
            seated = share if before is None else before + (share - before) * part
            self._remember(name, seated=seated)
            likely[name] = min(share, seated)
        self._evidence = Evidence(qualities, likely)
        self._judgement = judge(self._evidence, tuple(self.shares), self._bounds)
        for name in self.shares:
            severity = self._judgement.severity(name)
            self._standings[name] = after(self._standings[name], severity, self._bounds, self._now)

    def leave(self) -> None:
        """Move share from targets that are worse for long enough to those that are better, the worst ones first."""
        severity = self._judgement.severity
        lasting = [name for name in self.shares if has_lasted(self._standings[name], self._bounds, self._now)]
        for name in sorted(lasting, key=lambda name: (-severity(name), name)):
            # Share that is small by the config may stay so.
            floor = max(self._least[name], min(LEAST, self._configured[name]))
            better = {
                other: self._configured[other] / self._bounds.of(other).cost
                for other, factor in self._judgement.worse.get(name, {}).items()
                if factor > 1 and self._standings[other].worse_since is None
            }
            for other in better:
                if self._standings[other].before is None:
                    self._remember(other, before=self._evidence.rate(other))
            flows = self._pour(self.shares[name] - floor, better, {other: self._room(other) for other in better})
            for other, amount in flows.items():
                self._move(name, other, amount, self._evidence.cause(name, other))

    def undo(self) -> None:
        """Give share back where those who gained it fare worse since, and no worse than those who lost it."""
        for name in sorted(self.shares):
            standing = self._standings[name]
            surplus = self.shares[name] - self._goal[name]
            if standing.before is None or surplus <= EPSILON:
                self._remember(name, before=None)
                continue
            risen = self._evidence.risen(name, standing.before)
            losers = {loser: lack for loser, lack in self._lacking().items() if loser != name}
            is_better = any(name in self._judgement.worse.get(loser, {}) for loser in losers)
            if risen * PERCENT <= self._bounds.worse_by or is_better:
                continue
            for loser in losers:
                held = self._standings[loser]
                tries = held.tries if held.held_until > self._now else min(MAX_TRIES, held.tries + 1)
                until = self._now + patience(held._replace(tries=tries), self._bounds)
                self._remember(loser, tries=tries, held_until=until)
            for loser, amount in self._pour(surplus, losers, losers).items():
                self._move(name, loser, amount, Why.NO_BETTER)

    def come_back(self) -> None:
        """Give share back to targets that were not worse for long enough."""
        self._budget = min(self._budget, self._bounds.slope / PERCENT * self._seconds / MINUTE * RETURNING)
        for name, lack in sorted(self._lacking().items()):
            if not may_return(self._standings[name], self._bounds, self._now):
                continue
            surplus = {
                other: share - self._goal[other]
                for other, share in self.shares.items()
                if share - self._goal[other] > EPSILON
            }
            flows = self._pour(lack, surplus, surplus)
            for other, amount in flows.items():
                self._move(other, name, amount, Why.WAY_BACK)
            if flows:
                self._remember(name, returned_at=self._now)
        for name, share in self.shares.items():
            standing = self._standings[name]
            since = standing.good_since
            is_settled = since is not None and self._now - since >= 2 * patience(standing, self._bounds)
            if is_settled and share >= self._goal[name] - EPSILON:
                self._remember(name, tries=0, returned_at=None)

    def idle(self) -> Idle | None:
        """Return why nothing moves, None when something does."""
        if self._moves:
            return None
        if self._judgement.idle:
            return self._judgement.idle
        standings = [self._standings[name] for name in self.shares]
        if any(has_lasted(standing, self._bounds, self._now) for standing in standings):
            return Idle.AT_BOUNDS if self._budget else Idle.WAITING
        is_pending = any(standing.worse_since is not None for standing in standings)
        return Idle.WAITING if is_pending or self._lacking() else Idle.ALIKE

    def decision(self, idle: Idle | None) -> Decision:
        """Return what was decided."""
        for name, share in self.shares.items():
            self._remember(name, scale=share / self._configured[name] * (self._level if self._level > EPSILON else 1.0))
        self._forget_times(self._standings.keys() - self.shares.keys())
        moves = tuple(self._told(*move) for move in self._moves)
        return Decision(State(self._now, self._standings), self.shares, moves, idle)

    def _lacking(self) -> dict[str, float]:
        """Return how much each target has less than it is configured to have."""
        lack = {name: self._goal[name] - share for name, share in self.shares.items()}
        return {name: amount for name, amount in lack.items() if amount > EPSILON}

    def _room(self, name: str) -> float:
        return max(0.0, self._most[name] - self.shares[name])

    def _pour(self, amount: float, weights: Mapping[str, float], room: Mapping[str, float]) -> dict[str, float]:
        """Spread as much of an amount as may still move now."""
        got = poured(min(amount, self._budget), weights, room)
        self._budget -= sum(got.values())
        return {name: part for name, part in got.items() if part > EPSILON}

    def _move(self, source: str, name: str, amount: float, why: Why) -> None:
        self.shares[source] -= amount
        self.shares[name] += amount
        self._note(source, name, amount, why)

    def _note(self, source: str, name: str, amount: float, why: Why) -> None:
        self._moves.append((source, name, amount, why))

    def _told(self, source: str, name: str, amount: float, why: Why) -> Move:
        evidence = self._evidence
        found = self._judgement.compared.get((source, name)) or evidence.compare(source, name)
        worse_by, at_least = (round(PERCENT * part, 1) for part in found) if found else (None, None)
        seen = evidence.seen(source), evidence.seen(name)
        return Move(source, name, PERCENT * amount, why, *seen, worse_by, at_least)

    def _forget_times(self, names: Iterable[str]) -> None:
        """Let what lasts begin anew for targets of which nothing was learned."""
        for name in names:
            self._remember(name, worse_since=None, good_since=None, seated=None)

    def _remember(self, name: str, **changed: Any) -> None:
        self._standings[name] = self._standings[name]._replace(**changed)
