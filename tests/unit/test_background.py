"""What goes on beside the requests."""

import asyncio

import pytest

from balancer.jobs import runner

pytestmark = pytest.mark.anyio


async def test_tasks_that_swallow_a_cancellation_end_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task whose driver takes a cancellation for its own time-out is cancelled again until it ends."""
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed == 2:
                    raise

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    monkeypatch.setattr(runner, "RETRY", 0.01)
    await runner._end([task])
    assert (2, True) == (swallowed, task.cancelled())
