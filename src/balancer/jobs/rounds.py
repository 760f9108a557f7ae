"""Rounds of probes: what the process that leads does."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from balancer.core.clocks import Clock, Stopwatch
from balancer.core.configs.checks import Check
from balancer.core.errors import StoreUnavailable
from balancer.core.health.judging import Judge
from balancer.core.health.known import HEARTBEAT, MAX_AGE
from balancer.core.health.ports import PeerGroup, Prober
from balancer.core.health.verdicts import Outcome, TargetHealth, TargetKey, Verdict, Verdicts
from balancer.core.health.watching import Watched
from balancer.telemetry.metrics.meters import Meters

AT_ONCE = 32
"""Probes under way at the same time."""

JITTER = 0.1
"""By which part an interval is longer or shorter, so that probes do not fall into step."""

LOOK = 0.2
"""Seconds between two looks at what has changed; a new verdict is told at once."""

FIRST_WAIT = 0.5
"""Seconds over which the first probes are spread."""

# A generator of its own, as whoever seeds that of the module must not be disturbed. No secret: it only spreads.
_chance = random.Random()  # noqa: S311

logger = structlog.stdlib.get_logger(__name__)


class _Asking(NamedTuple):
    """One check that is asked again and again.

    Attributes:
        task: Does so.
        due: Set when it is to be asked at once.
    """

    task: asyncio.Task[None]
    due: asyncio.Event


class Rounds:
    """Probes each target at its own pace, judges what is found, and tells the others.

    Args:
        prober: Asks the targets.
        clock: Dates the verdicts.
        stopwatch: Tells when a probe is due.
        meters: Count the probes; they name this process among those of all hosts.
    """

    def __init__(self, prober: Prober, clock: Clock, stopwatch: Stopwatch, meters: Meters) -> None:
        self._name = meters.slot.source
        self._prober = prober
        self._clock = clock
        self._stopwatch = stopwatch
        self._meters = meters
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._judge = Judge()
        self._asking: dict[Check, _Asking] = {}
        self._changed = asyncio.Event()
        self._watched: Mapping[Check, Sequence[Watched]] = {}
        self._told: Verdicts | None = None
        # Whether nothing was told yet where this process leads.
        self._is_new = True
        self._warned: set[Check] = set()

    async def begin(self, group: PeerGroup) -> None:
        """Go on where the one who led before has left off."""
        found = None
        with suppress(StoreUnavailable):
            found = await group.verdicts.load()
        # What this process has told itself, in another group, is as good.
        for told in (self._told, found):
            if told and abs(self._clock() - told.at) <= timedelta(seconds=MAX_AGE):
                self._told = told
                break
        else:
            self._told = None
        self._judge, self._watched, self._is_new = Judge(), {}, True

    def end(self) -> None:
        """Stop all probes that are under way."""
        for asking in self._asking.values():
            asking.task.cancel()
        self._asking = {}

    async def go_on(self, watched: Mapping[Check, Sequence[Watched]], group: PeerGroup, seconds: float) -> None:
        """Probe for a while, and tell what changes."""
        self._watch(watched)
        end = self._stopwatch() + seconds
        while (now := self._stopwatch()) < end:
            await self._tell(group)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), min(LOOK, end - now))
            self._changed.clear()
            for check in [check for check, asking in self._asking.items() if asking.task.done()]:
                # Only a mistake in this program ends one; whoever runs this reports it, and another one is begun.
                await self._asking.pop(check).task

    def _watch(self, watched: Mapping[Check, Sequence[Watched]]) -> None:
        self._watched = watched
        self._judge.watch({check: self._known(check) for check in watched}, self._clock())
        for check in self._asking.keys() - watched.keys():
            self._asking.pop(check).task.cancel()
        for check in watched.keys() - self._asking.keys():
            due = asyncio.Event()
            self._asking[check] = _Asking(asyncio.create_task(self._keep_asking(check, due)), due)

    def _known(self, check: Check) -> TargetHealth | None:
        """Return what was last told of a check, also where another of its fields than the URL has changed since."""
        targets = self._told.targets if self._told else {}
        found = (targets.get(one.key) for one in self._watched[check])
        return next((health for health in found if health and health.url == check.url), None)

    async def _keep_asking(self, check: Check, due: asyncio.Event) -> None:
        wait = _between(0, FIRST_WAIT)
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(due.wait(), wait)
            due.clear()
            begun = self._stopwatch()
            async with self._turns:
                outcome = await self._prober.probe(check)
            self._hear(check, outcome)
            wait = begun + check.interval * _between(1 - JITTER, 1 + JITTER) - self._stopwatch()

    def _hear(self, check: Check, outcome: Outcome) -> None:
        self._meters.probed(outcome.failure or "ok", outcome.latency)
        before, doubted = self._judge.health(check), self._judge.unreliable_since
        for other in self._judge.hear(check, outcome, self._clock()):
            self._asking[other].due.set()
        after = self._judge.health(check)
        if doubted != self._judge.unreliable_since:
            self._report_doubt()
        elif after.verdict is not before.verdict:
            self._report(check, after)
        self._warn(check, after)

    def _report(self, check: Check, health: TargetHealth) -> None:
        self._changed.set()
        self._meters.judged(health.verdict)
        tell = logger.warning if health.verdict is Verdict.UNHEALTHY else logger.info
        for one in self._watched[check]:
            tell("a target has a new verdict", config=one.key[0], target=one.key[1], verdict=health.verdict,
                 url=check.url, why=health.why)  # fmt: skip

    def _report_doubt(self) -> None:
        self._changed.set()
        if self._judge.unreliable_since:
            logger.warning("every target fails: the network of this process may be down, so verdicts are unknown")
        else:
            logger.warning("a target works again: verdicts count as before")

    def _warn(self, check: Check, health: TargetHealth) -> None:
        """Say once when a certificate is about to run out, and again after it was replaced."""
        days = health.certificate_days(self._clock())
        if days is None or days >= check.expiry_warning:
            self._warned.discard(check)
        elif check not in self._warned:
            self._warned.add(check)
            logger.warning("a certificate runs out soon", url=check.url, days=round(days, 1))

    async def _tell(self, group: PeerGroup) -> None:
        """Tell the others what has changed, and that there is somebody who probes."""
        now = self._clock()
        targets = {
            one.key: self._health(one, check, now) for check, targets in self._watched.items() for one in targets
        }
        told, doubted = self._told, self._judge.unreliable_since
        is_due = self._is_new or told is None or abs(now - told.at) >= timedelta(seconds=HEARTBEAT)
        if is_due or told is None or (told.unreliable_since, _gist(told.targets)) != (doubted, _gist(targets)):
            verdicts = Verdicts(now, self._name, doubted, targets)
            with suppress(StoreUnavailable):
                await group.verdicts.save(verdicts)
                self._told, self._is_new = verdicts, False

    def _health(self, one: Watched, check: Check, now: datetime) -> TargetHealth:
        health = self._judge.health(check)
        return replace(health, part=health.part_at(now, one.config.document.slow_start))


def _gist(targets: Mapping[TargetKey, TargetHealth]) -> Mapping[TargetKey, tuple[Verdict, float]]:
    return {key: (health.verdict, health.part) for key, health in targets.items()}


def _between(least: float, most: float) -> float:
    return _chance.uniform(least, most)
