"""Judging targets by the evidence: which are worse than which others, and for how long."""

from collections.abc import Mapping
from typing import NamedTuple

from balancer.core.configs.bounds import PERCENT, Bounds
from balancer.core.loop.evidence import Compared, Evidence
from balancer.core.loop.moves import Idle, Standing

CALM = 0.5
"""The part of what makes a target worse, below which it is not worse any more."""

MAX_TRIES = 4
"""After so many failed tries in a row the time to wait is doubled no more."""

MINUTE = 60.0


class Judgement(NamedTuple):
    """What the evidence says.

    Attributes:
        worse: By target, how much worse it is than each other one, as a multiple of what makes it lose share to that
            one; only what is above `CALM`.
        compared: For the same pairs, by how much.
        idle: Why nothing can be said, None when something can.
    """

    worse: Mapping[str, Mapping[str, float]]
    compared: Mapping[tuple[str, str], Compared]
    idle: Idle | None

    def severity(self, name: str) -> float:
        """Return how much worse a target is than the one that it is worst compared with; 0 when it is not."""
        return max(self.worse.get(name, {}).values(), default=0.0)


def judge(evidence: Evidence, names: tuple[str, ...], bounds: Bounds) -> Judgement:
    """Compare all targets with each other."""
    heard = [name for name in names if evidence.sessions(name) >= bounds.min_sessions]
    worse: dict[str, dict[str, float]] = {}
    compared: dict[tuple[str, str], Compared] = {}
    for one in heard:
        for other in heard:
            found = evidence.compare(one, other) if one != other else None
            needed = bounds.worse_by / PERCENT * max(1.0, bounds.of(other).cost / bounds.of(one).cost)
            if found and found.at_least > CALM * needed:
                worse.setdefault(one, {})[other] = found.at_least / needed
                compared[one, other] = found
    idle = Idle.FEW_SESSIONS if len(heard) < 2 else None  # noqa: PLR2004  two can be compared
    return Judgement(worse, compared, Idle.FEW_NETWORKS if evidence.is_narrow else idle)


def patience(standing: Standing, bounds: Bounds) -> float:
    """Return for how many seconds a target must not be worse before share comes back to it."""
    return float(bounds.way_back * MINUTE * 2**standing.tries)


def after(standing: Standing, severity: float, bounds: Bounds, now: float) -> Standing:
    """Return what is to be remembered of a target that is so much worse than another one."""
    since = standing.worse_since
    # A clock that was put back begins again.
    is_worse = severity > 1 or (since is not None and severity > CALM)
    if not is_worse:
        good = standing.good_since
        return standing._replace(worse_since=None, good_since=now if good is None else min(good, now))
    if since is not None:
        return standing._replace(worse_since=min(since, now), good_since=None)
    returned = standing.returned_at
    tries = standing.tries
    if returned is not None and now - returned <= patience(standing, bounds):
        tries = min(MAX_TRIES, tries + 1)
    return standing._replace(worse_since=now, good_since=None, returned_at=None, tries=tries)


def has_lasted(standing: Standing, bounds: Bounds, now: float) -> bool:
    """Tell whether a target is worse for long enough, and may lose share."""
    since = standing.worse_since
    return since is not None and now - since >= bounds.worse_for * MINUTE and now >= standing.held_until


def may_return(standing: Standing, bounds: Bounds, now: float) -> bool:
    """Tell whether a target is not worse for long enough, and may have its share back."""
    since = standing.good_since
    return since is not None and now - since >= patience(standing, bounds)
