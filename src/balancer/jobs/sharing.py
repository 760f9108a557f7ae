"""Sharing what clients have used up."""

import asyncio
from collections.abc import Iterable

from balancer.core.clients.limits import Limiter
from balancer.core.clients.ports import SharedLimits
from balancer.core.clocks import Stopwatch


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
