"""Brings to the board what is not counted where it happens, and tells the other hosts what was served here."""

import asyncio
import math
from collections.abc import Callable, Mapping

from balancer.core.clocks import Clock
from balancer.core.control.serving import Serving
from balancer.core.health.fallbacks import Fallback
from balancer.core.health.ports import SharedStats
from balancer.telemetry.metrics.meters import Meters
from balancer.telemetry.metrics.recent import STEP, Name, RecentSteps

INTERVAL = 1.0
"""Seconds between two reports."""

# Names have no spaces.
_SEPARATOR = " "


class Reporting:
    """Reports for one process.

    Args:
        meters: What it counts.
        serving: What it serves by.
        clock: Tells the time.
        elsewhere: By name, what is counted where the board is not known.
        shared: Where all hosts tell each other; None where there is one.

    Attributes:
        is_shared: Whether there are others to tell.
    """

    def __init__(
        self,
        meters: Meters,
        serving: Serving,
        clock: Clock,
        elsewhere: Callable[[], Mapping[str, int]],
        shared: SharedStats | None,
    ) -> None:
        self.is_shared = shared is not None
        self._meters = meters
        self._recent = RecentSteps(meters.slot)
        self._serving = serving
        self._clock = clock
        self._elsewhere = elsewhere
        self._shared = shared
        self._shown: dict[Name, float] = {}
        # The step up to which the others know everything: what an earlier process could not tell is told again.
        self._told = 1

    async def step(self) -> None:
        """Wait for the next report, and make it."""
        await asyncio.sleep(INTERVAL)
        self.report()

    async def share(self) -> None:
        """Wait, and tell the other hosts what was served here since they know it.

        Raises:
            StoreUnavailable: When they cannot be told; it is told later.
        """
        await asyncio.sleep(INTERVAL)
        if self._shared:
            now = int(self._clock().timestamp()) // STEP
            steps = self._recent.steps(self._meters.slot.entries(), self._told)
            if steps:
                known = {step: {_text(name): count for name, count in counts.items()} for step, counts in steps.items()}
                await self._shared.save(self._meters.slot.source, known)
            # This step is not over.
            self._told = now

    def report(self) -> None:
        """Bring everything up to date, at once."""
        meters = self._meters
        meters.slot.show_life()
        self._show_config()
        for source, count in zip(("leased", "own"), self._serving.books.taken, strict=True):
            meters.tell("taken", count, source)
        for name, total in self._elsewhere().items():
            meters.tell(name, total)
        for fallback in Fallback:
            meters.show("fallback", fallback in self._serving.fallbacks.active, fallback)
        self._recent.turn(meters.slot.entries(), self._clock().timestamp())

    def _show_config(self) -> None:
        self._meters.show("confirmed", self._serving.in_force.confirmed_at.timestamp())
        plan = self._serving.redirects.plan
        if plan is None:
            return
        self._meters.show("revision", plan.default.config.revision)
        found: dict[Name, float] = {}
        for config_id, route in plan.routes.items():
            config = str(config_id)
            found["edition", config] = route.edition
            found["config_policy", config, route.config.document.policy] = 1
            found["config_routing_reason", config, route.reason] = 1
            for target, share in route.shares.items():
                found["share", config, target] = share
        # What is in use no more has no share, and is no reason.
        for (name, *labels), value in {**dict.fromkeys(self._shown, math.nan), **found}.items():
            self._meters.show(name, value, *labels)
        self._shown = found


def _text(name: Name) -> str:
    return _SEPARATOR.join(name)


def name_of(text: str) -> Name:
    """Return what the other hosts were told of by this text."""
    return tuple(text.split(_SEPARATOR))
