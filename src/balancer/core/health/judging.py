"""Judging: from outcomes of probes to verdicts, and when to doubt the prober itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from balancer.core.configs.checks import Check
from balancer.core.health.verdicts import Outcome, TargetHealth, Verdict
from balancer.core.health.watching import host_of

DOUBTFUL_HOSTS = 3
"""Hosts that must fail together, with no target left that works, before the prober doubts itself."""

SLACK = 1.2
"""By how much two probes may lie further apart than their interval and the time that one takes: they are jittered."""

NOT_PROBED = "not probed yet"
DOUBT = "; every target fails, so the prober's own network may be down"


@dataclass(slots=True)
class _Standing:
    """What is known of one check.

    Attributes:
        health: What to tell of it.
        streak: Probes in a row that contradict the verdict.
        last: Whether the last probe succeeded, and when it ended; None before the first one.
        before: What was known before the prober doubted itself.
    """

    health: TargetHealth
    streak: int = 0
    last: tuple[bool, datetime] | None = None
    before: TargetHealth | None = None


class Judge:
    """Makes verdicts of what probes find, for the one process that probes.

    The first probe of a new target decides at once, as with HAProxy and Envoy: players need not find out first. From
    then on it takes `fall` failures in a row to call it unhealthy, and `rise` successes to call it healthy again.

    Attributes:
        unreliable_since: Since when everything fails, so that the prober's own network may be down; None when not so.
    """

    def __init__(self) -> None:
        self.unreliable_since: datetime | None = None
        self._standings: dict[Check, _Standing] = {}

    def watch(self, checks: Mapping[Check, TargetHealth | None], now: datetime) -> None:
        """Say what is watched from now on; what was watched before and is not among it is forgotten.

        Args:
            checks: With absolute URLs, each with what an earlier prober knew of it, None when that is nothing.
            now: The present time.
        """
        self._standings = {
            check: self._standings.get(check)
            or _Standing(known or TargetHealth(check.url, Verdict.UNKNOWN, now, NOT_PROBED))
            for check, known in checks.items()
        }

    def health(self, check: Check) -> TargetHealth:
        """Return what is known of what is watched."""
        return self._standings[check].health

    def hear(self, check: Check, outcome: Outcome, now: datetime) -> Sequence[Check]:
        """Take in what a probe found.

        Returns:
            What to ask at once, as three hosts fail and nobody knows whether the others still work: that tells a
            prober without a network from targets that are down.
        """
        standing = self._standings[check]
        standing.last = outcome.ok, now
        standing.health = replace(
            standing.health,
            probed_at=now,
            latency=outcome.latency,
            why=outcome.why,
            certificate_ends=outcome.certificate_ends or standing.health.certificate_ends,
        )
        if outcome.ok:
            self._trust()
        if self.unreliable_since is None:
            _decide(check, standing, outcome, now)
        return () if outcome.ok else self._doubt(now)

    def _doubt(self, now: datetime) -> Sequence[Check]:
        """Find out whether all that is known says that everything fails."""
        failing, working = self._by_last(ok=False), self._by_last(ok=True)
        patience: dict[str, float] = {}
        for check in failing:
            host, seconds = host_of(check), check.interval + check.timeout
            patience[host] = min(seconds, patience.get(host, seconds))
        if len(patience) < DOUBTFUL_HOSTS:
            # Some may not be watched any more.
            self._trust()
            return ()
        # The interval in which three of them have been asked.
        window = timedelta(seconds=sorted(patience.values())[DOUBTFUL_HOSTS - 1] * SLACK)
        if not working:
            self.unreliable_since = self.unreliable_since or now
            for standing in failing.values():
                _suspend(standing, now, window)
            return ()
        is_current = any(one.last and now - one.last[1] <= window for one in working.values())
        return () if is_current else list(working)

    def _trust(self) -> None:
        """End the doubt: what was known before counts again, and what failed meanwhile says nothing."""
        if self.unreliable_since is None:
            return
        self.unreliable_since = None
        for standing in self._standings.values():
            health = standing.health
            before = standing.before or health
            why = health.why.removesuffix(DOUBT)
            standing.health = replace(health, verdict=before.verdict, since=before.since, why=why)
            standing.before, standing.streak = None, 0

    def _by_last(self, *, ok: bool) -> dict[Check, _Standing]:
        return {check: one for check, one in self._standings.items() if one.last and one.last[0] == ok}


def _decide(check: Check, standing: _Standing, outcome: Outcome, now: datetime) -> None:
    health = standing.health
    verdict = Verdict.HEALTHY if outcome.ok else Verdict.UNHEALTHY
    if health.verdict is verdict:
        standing.streak = 0
        return
    standing.streak += 1
    needed = check.rise if outcome.ok else check.fall
    if health.verdict is Verdict.UNKNOWN or standing.streak >= needed:
        recovered = now if health.verdict is Verdict.UNHEALTHY else health.recovered_at
        standing.health = replace(
            health, verdict=verdict, since=now, recovered_at=recovered if outcome.ok else None, part=1.0
        )
        standing.streak = 0


def _suspend(standing: _Standing, now: datetime, window: timedelta) -> None:
    """Let a verdict count as unknown, but for what was unhealthy already before everything failed."""
    health = standing.health
    if health.verdict is Verdict.UNHEALTHY and now - health.since > window:
        return
    if health.verdict is Verdict.HEALTHY:
        standing.before = health
    if health.verdict is not Verdict.UNKNOWN:
        health = replace(health, verdict=Verdict.UNKNOWN, since=now)
    standing.health = replace(health, why=health.why.removesuffix(DOUBT) + DOUBT)
