"""Leasing tickets ahead."""

import asyncio
from time import monotonic
from typing import NamedTuple

from balancer.core.routing.ports import Tickets
from balancer.core.routing.tickets import TicketBook, TicketBooks
from balancer.telemetry.metrics.meters import Meters

PAGE_TIME = 1.0
"""Seconds of traffic that a page of tickets is made to last."""

MIN_PAGE, MAX_PAGE = 100, 1_000_000
"""Tickets in a page, which is whole cycles of the schedule and so may be longer."""

GROWTH = 8
"""How many times as large as the one before a page may be; a short burst is then not taken for the traffic."""


class Lease(NamedTuple):
    """The last page that was leased for a config.

    Attributes:
        at: When, in seconds of the monotonic clock.
        size: How many tickets it has.
        taken: How many tickets of the config had been taken by then.
    """

    at: float
    size: int
    taken: int


NEVER = Lease(0.0, 0, 0)
"""Stands for the last page of a config that has had none."""


class Leasing:
    """Keeps a page of shared tickets in reserve for each config, as large as the traffic of `PAGE_TIME` needs.

    Args:
        books: Where the pages go.
        tickets: Where they come from.
        meters: Count them.
    """

    def __init__(self, books: TicketBooks, tickets: Tickets, meters: Meters) -> None:
        self._meters = meters
        self._books = books
        self._tickets = tickets
        self._turned = asyncio.Event()
        # By config.
        self._last: dict[int, Lease] = {}
        books.on_turn = self._turned.set

    async def step(self) -> None:
        """Wait until a config has no page in reserve, and lease one for each that has none.

        Raises:
            StoreUnavailable: When the shared sequence does not answer; the books go on with their own tickets.
        """
        self._turned.clear()
        wanting = self._books.wanting
        if not wanting:
            await self._turned.wait()
        for config_id, book in wanting:
            await self._lease(config_id, book)

    async def _lease(self, config_id: int, book: TicketBook) -> None:
        cycle, now, taken = book.cycle, monotonic(), sum(book.taken)
        last = self._last.get(config_id, NEVER)
        rate = (taken - last.taken) / max(now - last.at, 0.001)
        size = int(max(MIN_PAGE, min(rate * PAGE_TIME, last.size * GROWTH, MAX_PAGE)))
        size = -(-size // cycle) * cycle
        page = await self._tickets.lease(config_id, cycle, size)
        self._meters.leased(size)
        self._last[config_id] = Lease(now, size, taken)
        book.offer(page, cycle)
