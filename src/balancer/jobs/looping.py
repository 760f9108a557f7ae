"""Moving shares by what players report: the process that leads its group does it for all."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import NamedTuple

import structlog

from balancer.core.clocks import Clock, Stopwatch
from balancer.core.configs.documents import CdnConfig
from balancer.core.errors import StoreUnavailable
from balancer.core.health.known import KnownVerdicts
from balancer.core.health.ports import PeerGroup
from balancer.core.health.watching import Watchlist
from balancer.core.loop.moves import Move, State
from balancer.core.loop.telling import TURN, ConfigLoop, Event, Loops, noted
from balancer.core.loop.turns import turned
from balancer.core.quality.aggregates import Qualities
from balancer.core.quality.known import KnownQuality
from balancer.core.quality.windows import USUAL
from balancer.core.routing.usable import usable
from balancer.telemetry.metrics.meters import Meters

INTERVAL = 1.0
"""Seconds between two looks at what is due: a change of a config or of health is followed that soon."""

AT_ONCE = 5
"""Configs whose turn it is in one look: each may take some twenty milliseconds."""

FILLING = 30.0
"""Seconds for which a process that begins to lead waits until it knows what was reported in the last minutes."""

STALE = 120.0
"""Seconds since the last step that was shared from which on nothing is known of players."""

FORGOTTEN = timedelta(minutes=10)
"""After so long nothing is gone on with: whatever it rested on is not known any more."""

logger = structlog.stdlib.get_logger(__name__)


class Inputs(NamedTuple):
    """What decisions are made by.

    Attributes:
        watchlist: The configs in use.
        verdicts: The health of their targets.
        quality: How players fare there.
        hears: Whether players are heard at all.
    """

    watchlist: Watchlist
    verdicts: KnownVerdicts
    quality: KnownQuality
    hears: bool


class _Turn(NamedTuple):
    """When a config had its turn, and by what.

    Attributes:
        at: By the stopwatch.
        config: The config.
        health: By name of a target, the part of its weight that its health leaves it.
    """

    at: float
    config: CdnConfig
    health: Mapping[str, float]


class Looping:
    """Decides about the shares of each config that has bounds, and tells the others.

    Args:
        lead: Gives the group in which this process leads, None while it does not.
        inputs: What decisions are made by.
        clock: Dates them.
        stopwatch: Tells when a turn is due.
        meters: Count the moves; they name this process among those of all hosts.
    """

    def __init__(
        self,
        lead: Callable[[], PeerGroup | None],
        inputs: Inputs,
        clock: Clock,
        stopwatch: Stopwatch,
        meters: Meters,
    ) -> None:
        self._name = meters.slot.source
        self._lead = lead
        self._inputs = inputs
        self._clock = clock
        self._stopwatch = stopwatch
        self._meters = meters
        self._group: PeerGroup | None = None
        self._led_since = 0.0
        self._loops: dict[int, ConfigLoop] = {}
        self._events: tuple[Event, ...] = ()
        self._turns: dict[int, _Turn] = {}
        self._told: Loops | None = None
        self._told_at: float | None = None
        self._has_warned = False

    async def step(self) -> None:
        """Wait, and move shares where that is due and this process leads.

        Where the store does not answer, it is told at the next look; what was told before counts for a while.
        """
        await asyncio.sleep(INTERVAL)
        configs = self._inputs.watchlist.bounded
        group = self._lead()
        if not self._inputs.hears:
            if group:
                self._warn(configs)
            return
        if group is not self._group:
            self._group = group
            if group:
                await self._begin(group)
        if group and (self._forget_others(configs) or configs):
            has_turned = not self._is_filling() and await self._turn(configs)
            await self._tell(group, is_due=has_turned)

    def _warn(self, configs: Sequence[CdnConfig]) -> None:
        """Say once that bounds do nothing, and again when others were set after there were none."""
        if configs and not self._has_warned:
            logger.warning("bounds of the loop do nothing: players are not heard", setting="BALANCER_CMCD",
                           configs=[config.id for config in configs[:10]])  # fmt: skip
        self._has_warned = bool(configs)

    async def _begin(self, group: PeerGroup) -> None:
        """Go on where the one who led before has left off, or this process in another group, whichever is later."""
        found = None
        with suppress(StoreUnavailable):
            found = await group.loops.load()
        known = [told for told in (found, self._told) if told and abs(self._clock() - told.at) <= FORGOTTEN]
        latest = max(known, key=lambda told: told.at, default=None)
        self._loops = dict(latest.configs) if latest else {}
        self._events = latest.events if latest else ()
        self._turns, self._told_at, self._led_since = {}, None, self._stopwatch()

    def _forget_others(self, configs: Sequence[CdnConfig]) -> bool:
        """Forget the loops of configs that have no bounds any more, or are not in use; return whether there are any."""
        gone = self._loops.keys() - {config.id for config in configs}
        for config_id in gone:
            del self._loops[config_id]
            self._turns.pop(config_id, None)
        if gone:
            self._told_at = None
        return bool(gone)

    def _is_filling(self) -> bool:
        return self._inputs.quality.lacks(USUAL) and self._stopwatch() - self._led_since < FILLING

    async def _turn(self, configs: Sequence[CdnConfig]) -> bool:
        """Decide where that is due; return whether there was any."""
        now = self._stopwatch()
        health: dict[int, dict[str, float]] = {config.id: {} for config in configs}
        for (config_id, name), part in self._inputs.verdicts.parts(self._inputs.watchlist.checks).items():
            if config_id in health:
                health[config_id][name] = part
        due: list[tuple[float, _Turn]] = []
        for config in configs:
            turn, last = _Turn(now, config, health[config.id]), self._turns.get(config.id)
            # What an admin or a verdict has changed is followed at once, and before the others.
            since = now - last.at if last and last[1:] == turn[1:] else math.inf
            if since >= TURN:
                due.append((since, turn))
        due.sort(key=lambda one: -one[0])
        for _, turn in due[:AT_ONCE]:
            await self._decide(turn)
        return bool(due)

    async def _decide(self, turn: _Turn) -> None:
        config, now = turn.config, self._clock()
        # Whatever fails here leaves the config's shares to health, until its next turn.
        self._turns[config.id], before = turn, self._loops.pop(config.id, None)
        state = before.state if before else State()

        def turned_now() -> tuple[ConfigLoop, tuple[Move, ...]]:
            moment = now.timestamp()
            return turned(config, usable(config.document, turn.health), state, self._qualities(moment), moment)

        # To add up and to compare what many networks say takes some ten milliseconds.
        loop, moves = await asyncio.to_thread(turned_now)
        self._loops[config.id] = loop
        self._events = noted(self._events, config.id, moves, now)
        for move in moves:
            self._report(config.id, move)

    def _qualities(self, now: float) -> Qualities | None:
        quality = self._inputs.quality
        return quality.groups(USUAL) if now - quality.told_until <= STALE else None

    def _report(self, config: int, move: Move) -> None:
        self._meters.moved(config, move.why)
        figures = {
            f"{end}_{name}": getattr(seen, name)
            for end, seen in (("source", move.source_seen), ("to", move.to_seen))
            for name in ("sessions", "networks", "troubled")
        }
        logger.info("share moves", config=config, source=move.source, to=move.to, points=round(move.points, 2),
                    why=move.why, worse_by=move.worse_by, at_least=move.at_least, **figures)  # fmt: skip

    async def _tell(self, group: PeerGroup, *, is_due: bool) -> None:
        """Tell the others what has changed, and that there is somebody who moves shares."""
        now = self._stopwatch()
        if is_due or self._told_at is None or now - self._told_at >= TURN:
            self._told = Loops(self._clock(), self._name, dict(self._loops), self._events)
            with suppress(StoreUnavailable):
                await group.loops.save(self._told)
                self._told_at = now
