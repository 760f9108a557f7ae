"""The verdicts that one process knows, and for how long they count."""

from collections.abc import Mapping, Sequence

from balancer.core.clocks import Clock, Stopwatch
from balancer.core.configs.checks import Check
from balancer.core.health.verdicts import TargetHealth, TargetKey, Verdicts
from balancer.core.health.watching import Watched

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
        # What was told last, also where it did not count.
        self._told: Verdicts | None = None

    def hear(self, verdicts: Verdicts | None) -> None:
        """Take in what is told now; None, and what was told already, is nothing new.

        What somebody else tells than before may have been left behind long ago, and counts only when its time says
        that it was not, or when it changes.
        """
        now = self._stopwatch()
        if self._heard_at is None:
            self._heard_at = now
        if verdicts is None or verdicts == self._told:
            return
        is_going_on = self._told is not None and self._told.by == verdicts.by
        self._told = verdicts
        if is_going_on or (self._clock() - verdicts.at).total_seconds() <= MAX_AGE:
            self.latest, self._heard_at = verdicts, now

    def forget(self) -> None:
        """Nothing is watched any more."""
        self.latest = self._heard_at = self._told = None

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

    def parts(self, checks: Mapping[Check, Sequence[Watched]]) -> Mapping[TargetKey, float]:
        """Return which part of its weight each watched target is to have, from 0 to 1.

        Args:
            checks: What is watched.
        """
        told = self.current.targets if self.current else {}
        return {
            one.key: health.part if (health := told.get(one.key)) and health.url == check.url else 1.0
            for check, watched in checks.items()
            for one in watched
        }
