"""Runs the jobs, and says which of them fail."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

import structlog

from balancer.core.errors import BalancerError, StoreUnavailable
from balancer.core.health.fallbacks import Fallback, Fallbacks
from balancer.jobs.following import Following
from balancer.jobs.heeding import Heeding
from balancer.jobs.leasing import Leasing
from balancer.jobs.looping import Looping
from balancer.jobs.placing import Placing
from balancer.jobs.pooling import Pooling
from balancer.jobs.probing import Probing
from balancer.jobs.sharing import Sharing
from balancer.jobs.spreading import Spreading
from balancer.telemetry.health import Watchman
from balancer.telemetry.metrics.reporting import Reporting

RETRY = 0.5
"""Seconds to wait before a store that did not answer is asked again."""

FIRST_LEASE = 1.0
"""Seconds that a start waits for its first page of tickets before it goes on with its own."""

LAST_WORD = 1.0
"""Seconds that a process which ends has to hand on what it was told last."""

logger = structlog.stdlib.get_logger(__name__)


class Jobs(NamedTuple):
    """What goes on beside the requests of a process.

    Attributes:
        following: The config in force.
        spreading: What changes.
        watchman: Looks after the stores.
        reporting: Of what the process counts.
        probing: Of the targets.
        heeding: What that finds.
        looping: Shares that follow quality.
        leasing: None when the process counts by itself.
        sharing: None when the process limits by itself.
        placing: None when there is no database of clients' places.
        pooling: None when players are not heard.
    """

    following: Following
    spreading: Spreading
    watchman: Watchman
    reporting: Reporting
    probing: Probing
    heeding: Heeding
    looping: Looping
    leasing: Leasing | None = None
    sharing: Sharing | None = None
    placing: Placing | None = None
    pooling: Pooling | None = None


class Background:
    """The tasks that run for as long as the process serves.

    Args:
        jobs: What they do.
        fallbacks: How the process goes on while a store is away.
    """

    def __init__(self, jobs: Jobs, fallbacks: Fallbacks) -> None:
        self._leasing = jobs.leasing
        self._reporting = jobs.reporting
        self._pooling = jobs.pooling
        self._fallbacks = fallbacks
        jobs.following.on_listening = lambda: self._regain(Fallback.POLLING)
        self._steps: list[tuple[Callable[[], Awaitable[None]], Fallback | None]] = [
            (jobs.reporting.step, None),
            (jobs.spreading.step, None),
            (jobs.watchman.watch, None),
            (jobs.following.poll, Fallback.LAST_CONFIG),
            (jobs.following.listen, Fallback.POLLING),
            (jobs.probing.step, Fallback.NO_VERDICTS),
            (jobs.heeding.step, Fallback.OWN_VERDICTS),
            (jobs.looping.step, None),
        ]
        if jobs.leasing:
            self._steps.append((jobs.leasing.step, Fallback.OWN_TICKETS))
        if jobs.sharing:
            self._steps.append((jobs.sharing.step, Fallback.OWN_LIMITS))
        if jobs.placing:
            self._steps.append((jobs.placing.step, None))
        if jobs.pooling:
            self._steps.append((jobs.pooling.step, Fallback.NO_QUALITY))
        if jobs.reporting.is_shared:
            self._steps.append((jobs.reporting.share, Fallback.OWN_STATS))

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None, None]:
        """Run the tasks for as long as the block lasts."""
        if self._leasing:
            with suppress(TimeoutError, StoreUnavailable):
                await asyncio.wait_for(self._leasing.step(), FIRST_LEASE)
        self._reporting.report()
        tasks = [asyncio.create_task(self._forever(step, fallback)) for step, fallback in self._steps]
        try:
            yield
        finally:
            await _end(tasks)
            if self._pooling:
                with suppress(TimeoutError, StoreUnavailable):
                    await asyncio.wait_for(self._pooling.finish(), LAST_WORD)
            self._reporting.report()

    async def _forever(self, step: Callable[[], Awaitable[None]], fallback: Fallback | None) -> None:
        """Repeat a step whatever happens, and say once when it begins to fail and once when it works again."""
        # A store that was away at the start is known to be, but not yet why.
        is_new = True
        while True:
            try:
                await step()
            except Exception as error:  # a task that ended would leave the process deaf for good
                if fallback is None or self._fallbacks.enter(fallback) or is_new:
                    known = isinstance(error, BalancerError)
                    fault = error.explained if isinstance(error, StoreUnavailable) else str(error)
                    logger.warning("store lost", fallback=fallback, fault=fault, exc_info=None if known else error)
                is_new = False
                await asyncio.sleep(RETRY)
            else:
                self._regain(fallback)

    def _regain(self, fallback: Fallback | None) -> None:
        if fallback and self._fallbacks.leave(fallback):
            logger.warning("store regained", fallback=fallback)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended: a driver may take a cancellation for its own time-out, and swallow it."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=RETRY)
