"""Pooling what players report: each process tells the others what it has heard, and hears what they have."""

import asyncio
from collections.abc import Mapping, Sequence

from balancer.core.clocks import Clock
from balancer.core.quality.aggregates import Qualities
from balancer.core.quality.hearing import Hearing
from balancer.core.quality.known import KnownQuality
from balancer.core.quality.ports import SharedQuality
from balancer.core.quality.recording import MAX_WAITING, Closed
from balancer.core.quality.windows import STEP, STEPS, USUAL

INTERVAL = 1.0
"""Seconds between two looks whether a step is over."""

LATE = 2
"""Steps behind the present one of the newest that is taken in, when all processes have told what they heard in it."""

AT_ONCE = 4
"""Steps that are taken in at one time: a process that starts reads the last hour, the newest first. Those of a large
fleet are some megabytes each."""


class Pooling:
    """Hands on each step once when it is over, and takes each step in once when all have told it.

    What takes long is done in threads.

    Args:
        hearing: What this process hears.
        known: What it knows of all processes.
        store: Where they tell each other.
        source: Names this process, of all hosts and for as long as it lives.
        clock: Tells the time.
    """

    def __init__(self, hearing: Hearing, known: KnownQuality, store: SharedQuality, source: str, clock: Clock) -> None:
        self._hearing = hearing
        self._known = known
        self._store = store
        self._source = source
        self._clock = clock
        self._waiting: list[Closed] = []
        # What is to be taken in, the newest last; and the newest that ever was.
        self._due: list[int] = []
        self._newest = 0

    async def step(self) -> None:
        """Wait, hand on what is over, and take in what all have told.

        Raises:
            StoreUnavailable: When the store does not answer. What waits is handed on later, but for the oldest.
        """
        await asyncio.sleep(INTERVAL)
        now = int(self._clock().timestamp())
        self._look_ahead(now // STEP - LATE)
        await self._hand_on(now)
        await self._take_in()

    async def finish(self) -> None:
        """Hand on what was heard until now, by a process that ends.

        Raises:
            StoreUnavailable: When the store does not answer.
        """
        await self._hand_on(int(self._clock().timestamp()) + STEP)

    async def _hand_on(self, now: int) -> None:
        self._waiting = [*self._waiting, *self._hearing.take(now)][-MAX_WAITING:]
        while self._waiting:
            closed = self._waiting[0]
            await self._store.save(self._source, closed.number, await asyncio.to_thread(closed.qualities))
            self._waiting.remove(closed)

    def _look_ahead(self, newest: int) -> None:
        self._known.go_on(newest)
        first = max(self._newest, newest - STEPS) + 1
        self._due = [step for step in self._due if step > newest - STEPS] + list(range(first, newest + 1))
        self._newest = max(self._newest, newest)

    async def _take_in(self) -> None:
        steps = self._due[-AT_ONCE:]
        if steps:
            told = await self._store.load(steps)
            await asyncio.to_thread(self._add, told)
            self._known.note(steps)
            del self._due[-len(steps) :]

    def _add(self, told: Mapping[int, Sequence[Qualities]]) -> None:
        for step, heard in told.items():
            self._known.add(step, heard)
        # Whoever asks for these finds them added up.
        self._known.targets(USUAL)
