"""Probing targets: one process does it for its whole group."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress

import structlog

from balancer.core.errors import StoreUnavailable
from balancer.core.health.ports import PeerGroup
from balancer.core.health.watching import Watchlist
from balancer.jobs.rounds import Rounds
from balancer.telemetry.metrics.meters import Meters

TURN = 1.0
"""Seconds after which the lead is asked for again: to keep it, or to get it when the one who had it is gone."""

# A generator of its own, as whoever seeds that of the module must not be disturbed. No secret: it only spreads.
_chance = random.Random()  # noqa: S311

logger = structlog.stdlib.get_logger(__name__)


class Probing:
    """Takes the lead when it is free, and probes while it has it.

    Args:
        watchlist: What is watched.
        groups: To which this process belongs: the first one whose store answers counts, so that the processes of a
            host that is cut off from the others have a prober of their own.
        rounds: The probes.
        meters: Show who leads.
    """

    def __init__(self, watchlist: Watchlist, groups: Sequence[PeerGroup], rounds: Rounds, meters: Meters) -> None:
        self._watchlist = watchlist
        self._groups = groups
        self._rounds = rounds
        self._meters = meters
        self._led: PeerGroup | None = None

    @property
    def led(self) -> PeerGroup | None:
        """The group in which this process leads, None when it leads in none."""
        return self._led

    async def step(self) -> None:
        """Ask for the lead, and probe for a while if it is ours, or wait as long.

        Somebody has to lead as well where shares follow quality, and nothing is probed.

        Raises:
            StoreUnavailable: When no group's store answers.
        """
        try:
            checks = self._watchlist.checks
            is_wanted = bool(checks or self._watchlist.bounded)
            await self._follow(await self._lead() if is_wanted else None)
            if self._led:
                await self._rounds.go_on(checks, self._led, TURN)
            else:
                await asyncio.sleep(TURN * _chance.uniform(0.9, 1.1))
        except asyncio.CancelledError:
            await self._follow(None)
            raise

    async def _lead(self) -> PeerGroup | None:
        """Return the group in which this process leads, None when another one does."""
        lost = None
        for group in self._groups:
            try:
                return group if await group.leadership.lead() else None
            except StoreUnavailable as error:
                lost = error
        await self._follow(None)
        raise lost or StoreUnavailable("file")

    async def _follow(self, group: PeerGroup | None) -> None:
        """Lead in this group and in no other."""
        before, self._led = self._led, group
        self._meters.show("prober-leads", group is not None)
        if before is group:
            return
        if before:
            with suppress(StoreUnavailable):
                await before.leadership.leave()
        if group:
            logger.info("this process probes the targets")
            await self._rounds.begin(group)
        else:
            self._rounds.end()
