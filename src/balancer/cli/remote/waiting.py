"""What is shown while something takes longer than a second, at a terminal."""

import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

PATIENCE = 1.0
"""Seconds before anything is shown."""

_one_at_a_time = threading.Lock()


@contextmanager
def waiting(
    text: str, steps: int | None = None, patience: float = PATIENCE
) -> Generator[Callable[[], None], None, None]:
    """Show how far something is, if it takes longer than a second; the block gets a function to call after each step.

    Args:
        text: What is being done.
        steps: How many steps it has; None where nobody knows.
        patience: Seconds before it is shown.
    """
    if sys.stderr is None or not sys.stderr.isatty() or not _one_at_a_time.acquire(blocking=False):
        # Nobody sees it, or something larger is shown already.
        yield lambda: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False))
    bar = (BarColumn(), MofNCompleteColumn()) if steps else ()
    progress = Progress(*columns, *bar, console=Console(stderr=True), transient=True)
    task = progress.add_task(text, total=steps)
    timer = threading.Timer(patience, progress.start)
    timer.daemon = True
    timer.start()
    try:
        yield lambda: progress.advance(task)
    finally:
        timer.cancel()
        timer.join()
        progress.stop()
        _one_at_a_time.release()
