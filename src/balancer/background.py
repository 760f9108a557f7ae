"""What goes on beside the requests: following the config in force, and leasing tickets ahead."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from time import monotonic

import structlog

from balancer.core.access import Stopwatch
from balancer.core.changes import ConfigInForce
from balancer.core.errors import BalancerError, StoreUnavailable
from balancer.core.fallbacks import Fallback, Fallbacks
from balancer.core.limits import Limiter
from balancer.core.ports import ConfigNotices, SharedLimits, Tickets
from balancer.core.tickets import TicketBook
from balancer.telemetry.metrics.meters import Meters
from balancer.telemetry.metrics.reporting import Reporting

RETRY = 0.5
"""Seconds to wait before a store that did not answer is asked again."""

FIRST_LEASE = 1.0
"""Seconds that a start waits for its first page of tickets before it goes on with its own."""

PAGE_TIME = 1.0
"""Seconds of traffic that a page of tickets is made to last."""

MIN_PAGE, MAX_PAGE = 100, 1_000_000
"""Tickets in a page, which is whole cycles of the schedule and so may be longer."""

GROWTH = 8
"""How many times as large as the one before a page may be; a short burst is then not taken for the traffic."""

logger = structlog.stdlib.get_logger(__name__)


class Leasing:
    """Keeps a page of shared tickets in reserve, as large as the traffic of `PAGE_TIME` needs.

    Args:
        book: Where the pages go.
        tickets: Where they come from.
        meters: Count them.
    """

    def __init__(self, book: TicketBook, tickets: Tickets, meters: Meters) -> None:
        self._meters = meters
        self._book = book
        self._tickets = tickets
        self._turned = asyncio.Event()
        self._leased_at = 0.0
        self._size = 0
        book.on_turn = self._turned.set

    async def step(self) -> None:
        """Wait until there is no page in reserve, and lease one.

        Raises:
            StoreUnavailable: When the shared sequence does not answer; the book goes on with its own tickets.
        """
        self._turned.clear()
        if not self._book.wants_page:
            await self._turned.wait()
            return
        cycle = self._book.cycle
        now = monotonic()
        rate = self._size / max(now - self._leased_at, 0.001)
        size = int(max(MIN_PAGE, min(rate * PAGE_TIME, self._size * GROWTH, MAX_PAGE)))
        size = -(-size // cycle) * cycle
        page = await self._tickets.lease(cycle, size)
        self._meters.leased(size)
        self._leased_at, self._size = now, size
        self._book.offer(page, cycle)


class Sharing:
    """Tells the other processes what clients have used up here, and learns what they have used up there.

    Args:
        limiters: What is shared.
        store: Where.
        stopwatch: The clock of the limiters.
    """

    def __init__(self, limiters: Iterable[Limiter], store: SharedLimits, stopwatch: Stopwatch) -> None:
        self._limiters = list(limiters)
        self._store = store
        self._stopwatch = stopwatch
        self._due = asyncio.Event()
        for limiter in self._limiters:
            limiter.on_due = self._due.set

    async def step(self) -> None:
        """Wait until there is something to tell, and tell it.

        Raises:
            StoreUnavailable: When the store does not answer; each process then limits by what it knows.
        """
        await self._due.wait()
        self._due.clear()
        for limiter in self._limiters:
            if told := limiter.take_due():
                limiter.learn(await self._store.add(limiter.name, told), self._stopwatch())


class Following:
    """Keeps the config in force in step with the record.

    Args:
        in_force: What is to follow.
        notices: Bring changes sooner.
        poll_interval: Seconds between two looks at the record.

    Attributes:
        on_listening: Called when notices are heard. Must not block.
    """

    def __init__(self, in_force: ConfigInForce, notices: ConfigNotices, poll_interval: float) -> None:
        self.on_listening: Callable[[], None] | None = None
        self._in_force = in_force
        self._notices = notices
        self._poll_interval = poll_interval

    async def poll(self) -> None:
        """Wait, and look at the record.

        Raises:
            StoreUnavailable: When it does not answer.
        """
        await asyncio.sleep(self._poll_interval)
        await self._in_force.refresh()

    async def listen(self) -> None:
        """Hear notices for as long as there are any.

        Raises:
            StoreUnavailable: When there are none any more.
        """
        async for config in self._notices.listen():
            if config is not None:
                await self._in_force.hear(config)
            elif self.on_listening:
                self.on_listening()


class Background:
    """The tasks that run for as long as the process serves.

    Args:
        following: The config in force.
        leasing: None when the process counts by itself.
        sharing: None when the process limits by itself.
        reporting: Of what the process counts.
        fallbacks: How the process goes on while a store is away.
    """

    def __init__(
        self,
        following: Following,
        leasing: Leasing | None,
        sharing: Sharing | None,
        reporting: Reporting,
        fallbacks: Fallbacks,
    ) -> None:
        self._leasing = leasing
        self._reporting = reporting
        self._fallbacks = fallbacks
        following.on_listening = lambda: self._regain(Fallback.POLLING)
        self._steps: dict[Fallback | None, Callable[[], Awaitable[None]]] = {
            None: reporting.step,
            Fallback.LAST_CONFIG: following.poll,
            Fallback.POLLING: following.listen,
        }
        if leasing:
            self._steps[Fallback.OWN_TICKETS] = leasing.step
        if sharing:
            self._steps[Fallback.OWN_LIMITS] = sharing.step
        if reporting.is_shared:
            self._steps[Fallback.OWN_STATS] = reporting.share

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None, None]:
        """Run the tasks for as long as the block lasts."""
        if self._leasing:
            with suppress(TimeoutError, StoreUnavailable):
                await asyncio.wait_for(self._leasing.step(), FIRST_LEASE)
        self._reporting.report()
        tasks = [asyncio.create_task(self._forever(step, fallback)) for fallback, step in self._steps.items()]
        try:
            yield
        finally:
            await _end(tasks)
            self._reporting.report()

    async def _forever(self, step: Callable[[], Awaitable[None]], fallback: Fallback | None) -> None:
        """Repeat a step whatever happens, and say once when it begins to fail and once when it works again."""
        while True:
            try:
                await step()
            except Exception as error:  # a task that ended would leave the process deaf for good
                if fallback is None or self._fallbacks.enter(fallback):
                    known = isinstance(error, BalancerError)
                    fault = getattr(error, "explained", str(error))
                    logger.warning("store lost", fallback=fallback, fault=fault, exc_info=None if known else error)
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
