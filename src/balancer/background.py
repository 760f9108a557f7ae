"""What goes on beside the requests: following the config in force, and leasing tickets ahead."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from contextvars import copy_context
from time import monotonic
from typing import NamedTuple

import structlog

from balancer.core.access import KeyRing, Stopwatch
from balancer.core.changes import FIRST_START, ConfigChanges, ConfigInForce
from balancer.core.errors import BalancerError, StoreUnavailable
from balancer.core.fallbacks import Fallback, Fallbacks
from balancer.core.limits import Limiter
from balancer.core.ports import Clock, ConfigNotices, Schema, SharedLimits, Tickets
from balancer.core.revisions import Signature
from balancer.core.tickets import TicketBook
from balancer.telemetry.health import Watchman
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
                limiter.learn(await self._store.add(limiter.name, told, limiter.most), self._stopwatch())


class Preparing:
    """Makes the record ready where it was away when the service started.

    Args:
        schema: Of the record.
        ring: Where the first admin's key goes.
        clock: Dates it.
        first_key: The secret of that key, None where the operator has chosen none.
    """

    def __init__(self, schema: Schema, ring: KeyRing, clock: Clock, first_key: str | None) -> None:
        self._schema = schema
        self._ring = ring
        self._clock = clock
        self._first_key = first_key

    async def prepare(self) -> None:
        """Check the schema, or bring an embedded database up to date, and make the key.

        Raises:
            StoreUnavailable: While the record is away.
            SchemaMismatch: When it does not fit this program.
        """
        await self._schema.make_ready()
        if self._first_key:
            await self._ring.create_first(self._first_key, Signature(FIRST_START, self._clock()))


class Following:
    """Keeps the config in force in step with the record.

    Args:
        in_force: What is to follow.
        notices: Bring changes sooner.
        poll_interval: Seconds between two looks at the record.
        prepare: Makes the record ready where the start could not.

    Attributes:
        on_listening: Called when notices are heard. Must not block.
    """

    def __init__(
        self,
        in_force: ConfigInForce,
        notices: ConfigNotices,
        poll_interval: float,
        prepare: Callable[[], Awaitable[None]],
    ) -> None:
        self.on_listening: Callable[[], None] | None = None
        self._prepare = prepare
        self._in_force = in_force
        self._notices = notices
        self._poll_interval = poll_interval

    async def poll(self) -> None:
        """Wait, and look at the record.

        Raises:
            StoreUnavailable: When it does not answer.
            SchemaMismatch: When a record that was away at the start does not fit this program.
        """
        await asyncio.sleep(self._poll_interval)
        if not self._in_force.is_confirmed:
            await self._prepare()
        await self._in_force.refresh()

    async def listen(self) -> None:
        """Hear notices for as long as there are any.

        Raises:
            StoreUnavailable: When there are none any more.
        """
        async for config in self._notices.listen():
            if config is not None:
                self._in_force.hear(config)
            elif self.on_listening:
                self.on_listening()


class Spreading:
    """Tells the other processes what was changed here, and copies what is in force; no request waits for either.

    What it does belongs to the trace of the change, and its lines have the change's request id.

    Args:
        changes: Made here.
        in_force: What is in force.
    """

    def __init__(self, changes: ConfigChanges, in_force: ConfigInForce) -> None:
        self._changes = changes
        self._in_force = in_force
        self._due = asyncio.Event()
        self._context = copy_context()
        changes.on_change = in_force.on_change = self._note

    async def step(self) -> None:
        """Wait for a change, and spread it."""
        await self._due.wait()
        self._due.clear()
        await asyncio.create_task(self._spread(), context=self._context)

    def _note(self) -> None:
        self._context = copy_context()
        self._due.set()

    async def _spread(self) -> None:
        await asyncio.gather(self._changes.tell(), self._in_force.copy())


class Jobs(NamedTuple):
    """What goes on beside the requests of a process.

    Attributes:
        following: The config in force.
        spreading: What changes.
        watchman: Looks after the stores.
        reporting: Of what the process counts.
        leasing: None when the process counts by itself.
        sharing: None when the process limits by itself.
    """

    following: Following
    spreading: Spreading
    watchman: Watchman
    reporting: Reporting
    leasing: Leasing | None = None
    sharing: Sharing | None = None


class Background:
    """The tasks that run for as long as the process serves.

    Args:
        jobs: What they do.
        fallbacks: How the process goes on while a store is away.
    """

    def __init__(self, jobs: Jobs, fallbacks: Fallbacks) -> None:
        self._leasing = jobs.leasing
        self._reporting = jobs.reporting
        self._fallbacks = fallbacks
        jobs.following.on_listening = lambda: self._regain(Fallback.POLLING)
        self._steps: list[tuple[Callable[[], Awaitable[None]], Fallback | None]] = [
            (jobs.reporting.step, None),
            (jobs.spreading.step, None),
            (jobs.watchman.watch, None),
            (jobs.following.poll, Fallback.LAST_CONFIG),
            (jobs.following.listen, Fallback.POLLING),
        ]
        if jobs.leasing:
            self._steps.append((jobs.leasing.step, Fallback.OWN_TICKETS))
        if jobs.sharing:
            self._steps.append((jobs.sharing.step, Fallback.OWN_LIMITS))
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
                is_new = False
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
