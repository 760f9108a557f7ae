"""Leasing tickets ahead."""

import asyncio
from time import monotonic

from balancer.core.routing.ports import Tickets
from balancer.core.routing.tickets import TicketBook
from balancer.telemetry.metrics.meters import Meters

PAGE_TIME = 1.0
"""Seconds of traffic that a page of tickets is made to last."""

MIN_PAGE, MAX_PAGE = 100, 1_000_000
"""Tickets in a page, which is whole cycles of the schedule and so may be longer."""

GROWTH = 8
"""How many times as large as the one before a page may be; a short burst is then not taken for the traffic."""


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
