"""Which workers are well: each shows a sign of life in memory that all of them share."""

import mmap
import os
import tempfile
from multiprocessing import reduction
from time import monotonic
from typing import Any

from typing_extensions import override

INTERVAL = 0.2
"""Seconds between two signs of life."""

SILENCE = 1.0
"""Seconds without one after which a worker is not well: it was killed or stopped, or has no time."""

START = 5.0
"""Seconds that the first workers have to begin, in which nobody takes their connections: they start side by side."""

_WORD = 8


class Beats:
    """The signs of life of the workers of a service. Can be pickled for a process that is being spawned.

    Args:
        workers: How many there are.
        file: The descriptor of the memory; a new one when it is not given.
    """

    def __init__(self, workers: int, file: int | None = None) -> None:
        self._workers = workers
        self._file = _unnamed_file(workers * _WORD) if file is None else file
        self._times = memoryview(mmap.mmap(self._file, workers * _WORD)).cast("d")
        if file is None:
            for worker in range(workers):
                self._times[worker] = monotonic() + START

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        """Hand the descriptor on."""
        return _attach, (self._workers, reduction.DupFd(self._file))

    def show(self, worker: int) -> None:
        """Say that a worker is well, by its number from 0."""
        self._times[worker] = monotonic()

    def stop(self, worker: int) -> None:
        """Say that a worker takes no more connections."""
        self._times[worker] = 0

    def is_well(self, worker: int) -> bool:
        """Tell whether a worker has shown a sign of life lately."""
        return monotonic() - self._times[worker] < SILENCE


def _attach(workers: int, file: Any) -> Beats:
    return Beats(workers, file.detach())


def _unnamed_file(size: int) -> int:
    with tempfile.TemporaryFile() as file:
        file.truncate(size)
        return os.dup(file.fileno())
