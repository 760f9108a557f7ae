"""The verdicts that one process knows, and for how long they count."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from balancer.core.clocks import Clock, Stopwatch
from balancer.core.configs.checks import Check
from balancer.core.health.verdicts import TargetHealth, TargetKey, Verdicts
from balancer.core.health.watching import Watched
from balancer.core.hearsay import Heard
from balancer.core.loop.known import KnownLoops

HEARTBEAT = 2.0
"""Seconds between two tellings of the one who probes, also when nothing has changed."""

MAX_AGE = 8 * HEARTBEAT
"""Seconds without a new telling after which verdicts count as unknown: longer than it takes to replace who probes."""


class KnownVerdicts(Heard[Verdicts]):
    """What this process was told of the targets.

    Args:
        clock: Tells how old the first verdicts are that are heard.
        stopwatch: Tells for how long nothing new was heard.
    """

    def __init__(self, clock: Clock, stopwatch: Stopwatch) -> None:
        super().__init__(clock, stopwatch, MAX_AGE)

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


class Heeded(NamedTuple):
    """What a process was told that shares are given by beside the configs: of the targets, and of the loops."""

    verdicts: KnownVerdicts
    loops: KnownLoops
