"""Lines that a stranger could have written by the thousand: the first of equal ones, and one for all that follow."""

import asyncio
from collections.abc import Callable, Mapping
from contextvars import Context
from dataclasses import dataclass
from time import monotonic
from typing import Any

WINDOW = 10.0
"""Seconds after a line within which equal ones are only counted."""

MAX_LINES = 1000
"""Lines that are remembered; above it clients are not told apart, so that their number takes no memory."""

OTHERS = "others"
"""Stands for the clients that are not told apart."""

Key = tuple[object, ...]


@dataclass(slots=True)
class _Line:
    """What was written, and how often it would have been written again."""

    write: Callable[..., Any]
    event: str
    fields: dict[str, object]
    begun: float
    repeated: int = 0


class Repeats:
    """Writes lines, and sums up those that are equal. Must be used in an event loop."""

    def __init__(self) -> None:
        # In the order in which they were written.
        self._lines: dict[Key, _Line] = {}
        self._timer: asyncio.TimerHandle | None = None

    def tell(
        self, write: Callable[..., Any], event: str, client: str, same: Mapping[str, object], **more: object
    ) -> None:
        """Write a line, or count it.

        Args:
            write: Writes it: a method of a logger.
            event: What happened.
            client: Whose doing it was, as limits count it.
            same: Fields that make it equal to others; their values must come from bounded sets.
            more: Other fields; of a line that is only counted they are lost.
        """
        key: Key = (event, client, *same.values())
        if key not in self._lines and len(self._lines) >= MAX_LINES:
            key = (event, OTHERS, *same.values())
        now, known = monotonic(), self._lines.get(key)
        if known is not None and now - known.begun < WINDOW:
            known.repeated += 1
            return
        if known is not None:
            self._close(key)
        write(event, **same, **more, client=client)
        self._lines[key] = _Line(write, event, {**same, "client": key[1]}, now)
        if self._timer is None:
            self._wait(WINDOW)

    def flush(self) -> None:
        """Write what was only counted."""
        for key in list(self._lines):
            self._close(key)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self, key: Key) -> None:
        line = self._lines.pop(key)
        if line.repeated:
            line.write(line.event, **line.fields, repeated=line.repeated)

    def _wait(self, seconds: float) -> None:
        # Nothing of the request at hand, as its id, belongs to what is told then.
        self._timer = asyncio.get_running_loop().call_later(seconds, self._sweep, context=Context())

    def _sweep(self) -> None:
        self._timer = None
        now = monotonic()
        while self._lines:
            key, oldest = next(iter(self._lines.items()))
            if (rest := oldest.begun + WINDOW - now) > 0:
                self._wait(rest)
                return
            self._close(key)
