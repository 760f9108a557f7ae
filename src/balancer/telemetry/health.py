"""How the process and its stores are: the stores are probed beside the requests, and whoever asks waits for none."""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from time import monotonic
from typing import Literal

import msgspec
import structlog

from balancer.core.clocks import Clock
from balancer.core.control.serving import Serving
from balancer.core.errors import StoreUnavailable
from balancer.core.health.ports import Dependency

PATIENCE = 2.0
"""Seconds that a store may take to answer before it counts as down."""

FIRST_WAIT = 0.04
"""Seconds that a question waits for the first probes of a process that has just started."""

logger = structlog.stdlib.get_logger(__name__)


class DependencyHealth(msgspec.Struct):
    """How a store is.

    Attributes:
        name: `database`, `redis`, `data folder` or `identity provider`.
        status: `ok`, `down`, or `unknown` while the first probe is under way.
        latency_ms: Until it answered, or until that was given up; null while it is unknown.
        age_seconds: Since then; null while it is unknown.
        fallback: What goes on without it; null while it is there.
    """

    name: str
    status: Literal["ok", "down", "unknown"]
    latency_ms: float | None
    age_seconds: float | None
    fallback: str | None


class ConfigHealth(msgspec.Struct):
    """What the process serves by.

    Attributes:
        id: Of the config in force.
        revision: Its revision.
        age_seconds: Since the database last said that it is in force, or since the start.
    """

    id: int
    revision: int
    age_seconds: float


class Readiness(msgspec.Struct):
    """Whether the process can serve.

    Attributes:
        status: `ok`, `degraded` (it serves, without something), or `unable`.
        config: Null while none is known.
        fallbacks: How it goes on without what is missing.
        dependencies: The stores.
    """

    status: Literal["ok", "degraded", "unable"]
    config: ConfigHealth | None
    fallbacks: list[str]
    dependencies: list[DependencyHealth]


class Probe:
    """What the last probe of a store found.

    Args:
        dependency: The store.

    Attributes:
        is_ok: Whether it answered; None before the first probe has ended.
        latency: Seconds until it did or that was given up.
        ended_at: By the monotonic clock.
    """

    def __init__(self, dependency: Dependency) -> None:
        self.dependency = dependency
        self.is_ok: bool | None = None
        self.latency = self.ended_at = 0.0

    async def run(self) -> None:
        """Ask the store."""
        begun = monotonic()
        try:
            await asyncio.wait_for(self.dependency.ping(), PATIENCE)
        except (StoreUnavailable, TimeoutError):
            self.is_ok = False
        except Exception:  # a driver's fault that nobody has seen yet must not look like a healthy store
            logger.exception("store failed", store=self.dependency.name)
            self.is_ok = False
        else:
            self.is_ok = True
        self.ended_at = monotonic()
        self.latency = self.ended_at - begun

    @property
    def health(self) -> DependencyHealth:
        """How the store is."""
        name, fallback = self.dependency.name, None if self.is_ok else self.dependency.fallback
        if self.is_ok is None:
            return DependencyHealth(name, "unknown", None, None, fallback)
        age = round(monotonic() - self.ended_at, 3)
        return DependencyHealth(name, "ok" if self.is_ok else "down", round(self.latency * 1000, 3), age, fallback)


class Watchman:
    """Knows whether this process can serve.

    Args:
        dependencies: Its stores.
        serving: What it serves by.
        clock: Tells the time.
        needs: Names of the stores without which it cannot serve at all.
    """

    def __init__(
        self, dependencies: Sequence[Dependency], serving: Serving, clock: Clock, needs: Collection[str]
    ) -> None:
        self._probes = [Probe(dependency) for dependency in dependencies]
        self._serving = serving
        self._clock = clock
        self._needs = needs
        self._has_looked = asyncio.Event()

    async def watch(self) -> None:
        """Probe the stores for ever, each at its own pace: one that hangs delays no other."""
        await asyncio.gather(asyncio.Event().wait(), *map(self._watch, self._probes))

    async def look(self) -> Readiness:
        """Return how things are by the last probes."""
        if self._probes and not self._has_looked.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._has_looked.wait(), FIRST_WAIT)
        stores = [probe.health for probe in self._probes]
        away = {store.name for store in stores if store.status != "ok"}
        fallbacks = [str(fallback) for fallback in self._serving.fallbacks.active]
        config = self._config()
        if config is None or away & set(self._needs):
            return Readiness("unable", config, fallbacks, stores)
        return Readiness("degraded" if away or fallbacks else "ok", config, fallbacks, stores)

    async def _watch(self, probe: Probe) -> None:
        while True:
            await probe.run()
            if all(other.is_ok is not None for other in self._probes):
                self._has_looked.set()
            await asyncio.sleep(probe.dependency.interval)

    def _config(self) -> ConfigHealth | None:
        plan = self._serving.redirects.plan
        config = plan.default.config if plan else None
        if config is None:
            return None
        age = (self._clock() - self._serving.in_force.confirmed_at).total_seconds()
        return ConfigHealth(config.id, config.revision, round(max(age, 0.0), 3))
