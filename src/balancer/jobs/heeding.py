"""Heeding what the one who leads has found: verdicts, and shares that follow quality, reach every process."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from balancer.core.errors import StoreUnavailable
from balancer.core.health.known import Heeded
from balancer.core.health.ports import PeerGroup
from balancer.core.health.verdicts import TargetKey, Verdicts
from balancer.core.health.watching import Watchlist
from balancer.core.loop.telling import Loops

INTERVAL = 0.5
"""Seconds between two looks at what was told: with it that reaches every process within a second."""

Heed = Callable[[Mapping[TargetKey, float]], Awaitable[None]]
"""Takes the part of its weight that each watched target is to have; what is not in it has all."""


class Heeding:
    """Looks at what was told, and hands on which part of its weight each target is to have.

    Args:
        watchlist: What is watched.
        groups: To which this process belongs: what was told in the first one whose store answers counts.
        known: What this process knows.
        heed: Is called when the parts have changed.
    """

    def __init__(self, watchlist: Watchlist, groups: Sequence[PeerGroup], known: Heeded, heed: Heed) -> None:
        self._watchlist = watchlist
        self._groups = groups
        self._verdicts, self._loops = known
        self._heed = heed
        self._parts: Mapping[TargetKey, float] = {}

    async def step(self) -> None:
        """Wait, and look at what was told.

        Raises:
            StoreUnavailable: When the store that all processes share does not answer; those of this host have another.
        """
        await asyncio.sleep(INTERVAL)
        checks, bounded = self._watchlist.checks, self._watchlist.bounded
        verdicts, loops, lost = await self._load(is_watched=bool(checks), is_bounded=bool(bounded))
        if checks:
            self._verdicts.hear(verdicts)
        else:
            self._verdicts.forget()
        if bounded:
            self._loops.hear(loops)
        else:
            self._loops.forget()
        parts = _product(self._verdicts.parts(checks), self._loops.parts(bounded))
        if parts != self._parts:
            await self._heed(parts)
            self._parts = parts
        if lost:
            raise lost

    async def _load(
        self, *, is_watched: bool, is_bounded: bool
    ) -> tuple[Verdicts | None, Loops | None, StoreUnavailable | None]:
        """Return what was told in the first group whose store answers, and why that of the first of all does not."""
        lost = None
        for group in self._groups if is_watched or is_bounded else ():
            try:
                verdicts = await group.verdicts.load() if is_watched else None
                return verdicts, await group.loops.load() if is_bounded else None, lost
            except StoreUnavailable as error:
                lost = lost or error
        return None, None, lost


def _product(health: Mapping[TargetKey, float], loops: Mapping[TargetKey, float]) -> Mapping[TargetKey, float]:
    """Return the parts that are left by both; where the loop says nothing, what health leaves."""
    return {key: health.get(key, 1.0) * loops.get(key, 1.0) for key in (*health, *(loops.keys() - health.keys()))}
