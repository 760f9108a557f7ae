"""Heeding verdicts: what the one who probes has found reaches every process."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from balancer.core.errors import StoreUnavailable
from balancer.core.health.known import KnownVerdicts
from balancer.core.health.ports import PeerGroup
from balancer.core.health.verdicts import TargetKey, Verdicts
from balancer.core.health.watching import Watchlist

INTERVAL = 0.5
"""Seconds between two looks at the verdicts: with it they reach every process within a second."""

Heed = Callable[[Mapping[TargetKey, float]], Awaitable[None]]
"""Takes the part of its weight that each watched target is to have; what is not in it has all."""


class Heeding:
    """Looks at the verdicts, and hands on which part of its weight each target is to have.

    Args:
        watchlist: What is watched.
        groups: To which this process belongs: the verdicts of the first one whose store answers count.
        known: What this process knows of them.
        heed: Is called when the parts have changed.
    """

    def __init__(self, watchlist: Watchlist, groups: Sequence[PeerGroup], known: KnownVerdicts, heed: Heed) -> None:
        self._watchlist = watchlist
        self._groups = groups
        self._known = known
        self._heed = heed
        self._parts: Mapping[TargetKey, float] = {}

    async def step(self) -> None:
        """Wait, and look at the verdicts.

        Raises:
            StoreUnavailable: When the store that all processes share does not answer; those of this host have another.
        """
        await asyncio.sleep(INTERVAL)
        lost = None
        checks = self._watchlist.checks
        if checks:
            found, lost = await self._load()
            self._known.hear(found)
        else:
            self._known.forget()
        parts = self._known.parts(checks)
        if parts != self._parts:
            await self._heed(parts)
            self._parts = parts
        if lost:
            raise lost

    async def _load(self) -> tuple[Verdicts | None, StoreUnavailable | None]:
        """Return the verdicts of the first group whose store answers, and why that of the first of all does not."""
        lost = None
        for group in self._groups:
            try:
                return await group.verdicts.load(), lost
            except StoreUnavailable as error:
                lost = lost or error
        return None, lost
