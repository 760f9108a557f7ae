"""How long a caller waits for the database: one that hangs must not hang those who ask it."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from balancer.core.errors import OutcomeUnknown, StoreFault, StoreUnavailable

PATIENCE = 1.8
"""Seconds that a call to the database may take; closing its broken connections may take longer, and nobody waits."""

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

Call = Callable[Parameters, Coroutine[Any, Any, Result]]

_closing: set[asyncio.Task[object]] = set()


def bounded(call: Call[Parameters, Result]) -> Call[Parameters, Result]:
    """Let a call that reads raise StoreUnavailable when it takes too long."""
    return _bounded(call, StoreUnavailable)


def bounded_change(call: Call[Parameters, Result]) -> Call[Parameters, Result]:
    """Let a call that changes something raise OutcomeUnknown when it takes too long: it may be committed already."""
    return _bounded(call, OutcomeUnknown)


def _bounded(call: Call[Parameters, Result], lost: type[StoreUnavailable]) -> Call[Parameters, Result]:
    @wraps(call)
    async def within(*args: Parameters.args, **named: Parameters.kwargs) -> Result:
        async def run() -> Result:
            return await call(*args, **named)

        task = asyncio.create_task(run())
        try:
            await asyncio.wait({task}, timeout=PATIENCE)
        finally:
            if not task.done():
                task.cancel()
                # The event loop itself would let go of it.
                _closing.add(task)
                task.add_done_callback(_forget)
        if task.cancelled() or not task.done():
            raise lost("database", StoreFault.TIMED_OUT)
        return task.result()

    return within


def _forget(task: asyncio.Task[object]) -> None:
    _closing.discard(task)
    if not task.cancelled():
        # Whatever it says now, its caller has been told.
        task.exception()
