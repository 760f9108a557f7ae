"""Asking a store: whatever its driver raises comes out as the domain's own error."""

from collections.abc import Generator
from contextlib import contextmanager

from balancer.adapters.causes import fault_of
from balancer.core.errors import BalancerError, StoreUnavailable

_OURS = __name__.partition(".")[0]


@contextmanager
def asking(store: str) -> Generator[None, None, None]:
    """Ask a store in the block; whatever keeps it from answering becomes StoreUnavailable.

    A broken connection shows in more ways than drivers document: uvloop raises RuntimeError, asyncio's streams raise
    EOFError, and a parser raises ValueError at a reply that is cut short. So what counts is who has raised it. Errors
    of the domain, and mistakes in this program, come out as they are.

    Args:
        store: Which one, in an operator's words: `database`, `redis`, `file`.
    """
    try:
        yield
    except (BalancerError, AssertionError):
        raise
    except Exception as error:  # no list of what drivers raise has ever been complete
        # The system's errors have no place of their own: they are raised where the system was called.
        if not isinstance(error, OSError) and _is_ours(error):
            raise
        raise StoreUnavailable(store, fault_of(error)) from error


def _is_ours(error: Exception) -> bool:
    """Return whether an error was raised by a line of this program."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__")).partition(".")[0] == _OURS
