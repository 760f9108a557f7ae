"""The stores: whether they answer and how quickly, the schema, and their clocks."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from time import monotonic

from dishka import AsyncContainer

from balancer.cli.doctor.findings import Finding, Level
from balancer.cli.faults import explain, place_of_database
from balancer.core.errors import BalancerError, StoreUnavailable
from balancer.core.health.ports import Dependency
from balancer.core.storage.ports import Schema, StoreClock
from balancer.settings import Settings

PATIENCE = 5.0
"""Seconds that a store may take before it counts as down."""

SLOW = 0.25
"""Seconds for the least that a store can answer, from which on it is slow."""

OFF, FAR_OFF = 1.0, 30.0
"""Seconds between two clocks, from which on there is a warning or a failure."""


async def stores(parts: AsyncContainer, settings: Settings) -> list[Finding]:
    """Return what was found of all stores."""
    found = [await _store(store, settings) for store in await parts.get(Sequence[Dependency])]
    down = {finding.subject for finding in found if finding.level is Level.FAIL}
    if "database" not in down:
        found.append(await _schema(await parts.get(Schema), settings))
    clocks = [clock for clock in await parts.get(Sequence[StoreClock]) if clock.name not in down]
    return found + [await _clock(clock, settings) for clock in clocks]


async def _store(store: Dependency, settings: Settings) -> Finding:
    begun = monotonic()
    try:
        async with asyncio.timeout(PATIENCE):
            # The first question also connects.
            await store.ping()
            connected = monotonic()
            await store.ping()
    except TimeoutError:
        return _silent(store.name)
    except StoreUnavailable as error:
        return Finding(Level.FAIL, store.name, explain(error, settings))
    took = monotonic() - connected
    place = place_of_database(settings).strip(" ()") if store.name == "database" else ""
    text = f"{place + ': ' if place else ''}answered in {_ms(took)}, connected in {_ms(connected - begun)}"
    if took >= SLOW:
        return Finding(Level.WARN, store.name, text, "That is slow: look at its load, and at the network.")
    return Finding(Level.OK, store.name, text)


async def _schema(schema: Schema, settings: Settings) -> Finding:
    try:
        await schema.check()
    except BalancerError as error:
        return Finding(Level.FAIL, "schema", explain(error, settings))
    return Finding(Level.OK, "schema", "is the one that this program needs")


async def _clock(clock: StoreClock, settings: Settings) -> Finding:
    subject = f"clock of {clock.name}"
    try:
        async with asyncio.timeout(PATIENCE):
            before = datetime.now(UTC)
            there = await clock.now()
            after = datetime.now(UTC)
    except TimeoutError:
        return _silent(subject)
    except StoreUnavailable as error:
        return Finding(Level.FAIL, subject, explain(error, settings))
    return clock_found(subject, before, there, after)


def clock_found(subject: str, before: datetime, there: datetime, after: datetime) -> Finding:
    """Return how far a clock is off, which was asked between two moments of this machine's."""
    # It was read at some time in between: only what lies outside is certain.
    off = max(0.0, (before - there).total_seconds(), (there - after).total_seconds())
    level = Level.FAIL if off >= FAR_OFF else Level.WARN if off >= OFF else Level.OK
    ahead = "ahead of" if there > after else "behind"
    text = f"is {off:.1f} s {ahead} this machine's" if level else "agrees with this machine's"
    return Finding(level, subject, text, "Synchronise both by NTP." if level else "")


def _silent(subject: str) -> Finding:
    return Finding(Level.FAIL, subject, f"did not answer within {PATIENCE:.0f} s", "See whether it is overloaded.")


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
