"""Probing targets: one process does it for all that share a place."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress

import structlog

from balancer.core.errors import StoreUnavailable
from balancer.core.health.ports import Place
from balancer.core.health.watching import Watchlist
from balancer.jobs.rounds import Rounds
from balancer.telemetry.metrics.meters import Meters

TURN = 1.0
"""Seconds after which the lead is asked for again: to keep it, or to get it when the one who had it is gone."""

logger = structlog.stdlib.get_logger(__name__)


class Probing:
    """Takes the lead when it is free, and probes while it has it.

    Args:
        watchlist: What is watched.
        places: Where processes agree on who probes: the first one that answers counts, and the processes of a host
            that are cut off from the others agree among themselves.
        rounds: The probes.
        meters: Show who leads.
    """

    def __init__(self, watchlist: Watchlist, places: Sequence[Place], rounds: Rounds, meters: Meters) -> None:
        self._watchlist = watchlist
        self._places = places
        self._rounds = rounds
        self._meters = meters
        self._led: Place | None = None

    async def step(self) -> None:
        """Ask for the lead, and probe for a while if it is ours, or wait as long.

        Raises:
            StoreUnavailable: When processes can agree nowhere.
        """
        try:
            checks = self._watchlist.checks
            await self._follow(await self._lead() if checks else None)
            if self._led:
                await self._rounds.go_on(checks, self._led, TURN)
            else:
                await asyncio.sleep(TURN * random.uniform(0.9, 1.1))  # noqa: S311  # no secret: it only spreads
        except asyncio.CancelledError:
            await self._follow(None)
            raise

    async def _lead(self) -> Place | None:
        """Return the place in which this process leads, None when another one does."""
        lost = None
        for place in self._places:
            try:
                return place if await place.leadership.lead() else None
            except StoreUnavailable as error:
                lost = error
        await self._follow(None)
        raise lost or StoreUnavailable("file")

    async def _follow(self, place: Place | None) -> None:
        """Lead in this place and in no other."""
        before, self._led = self._led, place
        self._meters.show("prober-leads", place is not None)
        if before is place:
            return
        if before:
            with suppress(StoreUnavailable):
                await before.leadership.leave()
        if place:
            logger.info("this process probes the targets")
            await self._rounds.begin(place)
        else:
            self._rounds.end()
