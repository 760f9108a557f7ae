"""Sharing what clients have used up."""

import asyncio
from collections.abc import Iterable

from balancer.core.clients.ports import SharedQuotas
from balancer.core.clients.quotas import Throttle
from balancer.core.clocks import Stopwatch


class Sharing:
    """Tells the other processes what clients have used up here, and learns what they have used up there.

    Args:
        throttles: What is shared.
        store: Where.
        stopwatch: The clock of the throttles.
    """

    def __init__(self, throttles: Iterable[Throttle], store: SharedQuotas, stopwatch: Stopwatch) -> None:
        self._throttles = list(throttles)
        self._store = store
        self._stopwatch = stopwatch
        self._due = asyncio.Event()
        for throttle in self._throttles:
            throttle.on_due = self._due.set

    async def step(self) -> None:
        """Wait until there is something to tell, and tell it.

        Raises:
            StoreUnavailable: When the store does not answer; each process then limits by what it knows.
        """
        await self._due.wait()
        self._due.clear()
        for throttle in self._throttles:
            if told := throttle.take_due():
                throttle.learn(await self._store.add(throttle.name, told, throttle.most), self._stopwatch())
