"""Times what is asked of the stores, from the outside of the ports."""

import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from time import monotonic
from typing import Any, TypeVar, cast

import structlog

from balancer.core.errors import BalancerError, StoreUnavailable
from balancer.telemetry.metrics.meters import Meters

logger = structlog.stdlib.get_logger(__name__)

Port = TypeVar("Port")


def timed(port: Port, name: str, store: str, meters: Meters) -> Port:
    """Return a port that does the same, and counts its calls.

    Args:
        port: Its asynchronous methods are timed; what it yields by and by, such as notices, is not.
        name: Begins the names of the operations: `configs` for `configs.default`.
        store: What it talks to, as `StoreUnavailable` names it.
        meters: Where it is counted.
    """
    return cast(Port, _Timed(port, name, store, meters))


class _Timed:
    def __init__(self, port: object, name: str, store: str, meters: Meters) -> None:
        self._port = port
        for method in dir(type(port)):
            found = getattr(port, method)
            if not method.startswith("_") and inspect.iscoroutinefunction(found):
                setattr(self, method, _timed(found, f"{name}.{method}", store, meters))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


def _timed(method: Callable[..., Awaitable[Any]], operation: str, store: str, meters: Meters) -> Callable[..., Any]:
    @wraps(method)
    async def call(*args: Any, **kwargs: Any) -> Any:
        begun, failed = monotonic(), False
        try:
            return await method(*args, **kwargs)
        except BalancerError as error:
            failed = isinstance(error, StoreUnavailable)
            raise
        except Exception:
            failed = True
            # A mistake in this program. Whoever has asked may go on without the answer, and say nothing of it.
            logger.exception("store call failed", store=store, operation=operation)
            raise
        finally:
            meters.called(store, operation, monotonic() - begun, failed=failed)

    return call
