"""Callers of a database that hangs."""

import asyncio
from time import monotonic

import pytest

from balancer.adapters.sql import deadlines
from balancer.adapters.sql.deadlines import bounded, bounded_change
from balancer.core.errors import OutcomeUnknown, StoreFault, StoreUnavailable

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for long."""
    monkeypatch.setattr(deadlines, "PATIENCE", 0.02)


async def stubborn() -> None:
    """Hang, also for a while when told to end, as drivers do that close a connection in order."""
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.5)


@pytest.mark.parametrize(("bound", "error"), [(bounded, StoreUnavailable), (bounded_change, OutcomeUnknown)])
async def test_nobody_waits_for_a_hanging_call(bound: object, error: type[StoreUnavailable]) -> None:
    """A call that hangs is given up in time, and not waited for; of a change it is said that it may have been made."""
    call = bounded(stubborn) if bound is bounded else bounded_change(stubborn)
    begun = monotonic()
    with pytest.raises(StoreUnavailable) as raised:
        await call()
    assert monotonic() - begun < 0.4
    assert (error, StoreFault.TIMED_OUT) == (type(raised.value), raised.value.fault)


async def test_results_and_errors_come_out() -> None:
    """What a call returns or raises in time comes out as it is."""

    async def add(one: int, other: int) -> int:
        return one + other

    async def fail() -> None:
        raise KeyError("a")

    assert 3 == await bounded(add)(1, other=2)
    with pytest.raises(KeyError):
        await bounded_change(fail)()


async def test_cancellation_reaches_the_call() -> None:
    """A caller that is cancelled takes its call with it."""
    ended = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(bounded(wait)())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait_for(ended.wait(), 1)
