"""The verdicts that one process knows, and for how long they count."""

from collections.abc import Iterable, Mapping

from balancer.core.clocks import Clock, Stopwatch
from balancer.core.configs.documents import CdnConfig
from balancer.core.health.verdicts import TargetHealth, TargetKey, Verdicts
from balancer.core.health.watching import watched_in

HEARTBEAT = 2.0
"""Seconds between two tellings of the one who probes, also when nothing has changed."""

MAX_AGE = 8 * HEARTBEAT
"""Seconds without a new telling after which verdicts count as unknown: longer than it takes to replace who probes."""


class KnownVerdicts:
    """What this process was told of the targets.

    Args:
        clock: Tells how old the first verdicts are that are heard.
        stopwatch: Tells for how long nothing new was heard: clocks of other hosts may be off.

    Attributes:
        latest: What was told last, None when that is nothing.
    """

    def __init__(self, clock: Clock, stopwatch: Stopwatch) -> None:
        self.latest: Verdicts | None = None
        self._clock = clock
        self._stopwatch = stopwatch
        self._heard_at: float | None = None

    def hear(self, verdicts: Verdicts | None) -> None:
        """Take in what is told now; None, and what was told already, is nothing new."""
        now = self._stopwatch()
        if self._heard_at is None:
            # It may be what a service has left behind that ended long ago.
            age = max(0.0, (self._clock() - verdicts.at).total_seconds()) if verdicts else 0.0
            self._heard_at = now - age
        elif verdicts and (self.latest is None or (verdicts.by, verdicts.at) != (self.latest.by, self.latest.at)):
            self._heard_at = now
        self.latest = verdicts or self.latest

    def forget(self) -> None:
        """Nothing is watched any more."""
        self.latest = self._heard_at = None

    @property
    def age(self) -> float | None:
        """Seconds since anything new was heard, or since there is anything to hear; None when nothing is watched."""
        return None if self._heard_at is None else max(0.0, self._stopwatch() - self._heard_at)

    @property
    def current(self) -> Verdicts | None:
        """The verdicts that count: None when they are too old, or when there are none."""
        age = self.age
        return self.latest if age is not None and age <= MAX_AGE else None

    def about(self, key: TargetKey, url: str) -> TargetHealth | None:
        """Return what is known of a target, None when that is nothing that counts.

        Args:
            key: Which target.
            url: What its check asks now: a verdict about what it asked before does not count.
        """
        health = self.current.targets.get(key) if self.current else None
        return health if health and health.url == url else None

    def parts(self, configs: Iterable[CdnConfig]) -> Mapping[TargetKey, float]:
        """Return which part of its weight each watched target is to have, from 0 to 1."""
        return {
            one.key: health.part if (health := self.about(one.key, check.url)) else 1.0
            for check, targets in watched_in(configs).items()
            for one in targets
        }
