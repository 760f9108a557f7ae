"""Numbers in memory that the processes of one service share, so that whichever is asked can answer for all of them.

Each process writes to a slot of its own, without locks, and reads those of all. A slot outlives the process that wrote
to it: the one that takes its place counts on from there, also after a kill. The memory is an unnamed file, inherited by
the workers; it ends with the last of them.
"""

import fcntl
import mmap
import os
import secrets
import tempfile
import weakref
from multiprocessing import reduction
from time import monotonic
from typing import Any, NamedTuple

from typing_extensions import override

WORD = 8
"""Bytes of a number, a double: whole numbers are exact up to 2**53."""

SLOT_WORDS = 128 * 1024
"""Words of a slot; pages that are never written take no memory."""

MAX_SLOTS = 2048
"""Processes of a service, with those that are just being replaced."""

MAX_ENTRIES = 1024
"""Names in a slot: a config of 64 targets takes 200."""

MAX_KINDS = 24
"""Those of them that stand for the names that find no room, one for each kind of name."""

MAX_VALUES = 16 * 1024
"""Words for the values of all names of a slot."""

ALIVE = 5.0
"""Seconds after its last sign of life that a process counts as gone, and what it showed last is not shown any more."""

OTHER = "other"
"""Stands for the labels of all names that came when the slot was full."""

# Words at the beginning of a slot.
_STARTS, _SEEN, _ENTRIES, _USED, _DEATHS = range(5)
_DIRECTORY = 8
# Words of an entry: where its values begin, how many there are, whether they are passing, and its key.
_ENTRY_WORDS = 16
_KEY_BYTES = (_ENTRY_WORDS - 3) * WORD
_VALUES = _DIRECTORY + MAX_ENTRIES * _ENTRY_WORDS

_SPARE = 32
"""Words behind the values: there is counted what finds no room, and nobody reads it."""

FREE = _VALUES + MAX_VALUES + _SPARE
"""The word from which on a slot is free for other uses; see `balancer.telemetry.metrics.recent`."""

_SEPARATOR = "\x1f"


class Entry(NamedTuple):
    """A name with its labels and values, as one slot has them."""

    name: str
    labels: tuple[str, ...]
    values: list[float]
    passing: bool


class Slot:
    """The part of the board that one process writes to.

    Args:
        board: Whose part.
        number: Its place, from 0.

    Attributes:
        words: All numbers of the slot. What counts something adds to one by `words[index] += 1`.
    """

    def __init__(self, board: "Board", number: int) -> None:
        self.number = number
        self._board = board
        self._memory = mmap.mmap(board.file, SLOT_WORDS * WORD, offset=number * SLOT_WORDS * WORD)
        self.words = memoryview(self._memory).cast("d")
        self._bytes = memoryview(self._memory)
        self._known: dict[tuple[str, tuple[str, ...]], int] = {}
        for first, entry in _entries(self.words, self._bytes, 0):
            self._known[entry.name, entry.labels] = first
            if entry.passing:
                for index in range(first, first + len(entry.values)):
                    self.words[index] = 0.0
        self.words[_STARTS] += 1
        # Whoever gives a slot up takes its sign of life back.
        self.words[_DEATHS] += self.words[_SEEN] > 0
        self.show_life()

    def cells(self, name: str, *labels: str, size: int = 1, passing: bool = False) -> int:
        """Return the index of the first of the words that count something; new ones are 0.

        Args:
            name: Of what is counted.
            labels: Which of it. Must come from a bounded set.
            size: How many words, 32 at most.
            passing: Whether they say how things are now, and not how much there has been since the start.
        """
        key = (name, labels)
        if key not in self._known:
            self._known[key] = self._make(name, labels, size, passing)
        return self._known[key]

    @property
    def source(self) -> str:
        """The name of the slot among those of all hosts: `3f2a9c41/0`."""
        return f"{self._board.name}/{self.number}"

    def entries(self) -> list[Entry]:
        """Return everything that the slot counts."""
        return [entry for _, entry in _entries(self.words, self._bytes, 0)]

    def show_life(self) -> None:
        """Say that the process is alive."""
        self.words[_SEEN] = monotonic()

    def close(self) -> None:
        """Give the slot up; its numbers stay."""
        self.words[_SEEN] = 0
        self._board.release(self.number)

    def _make(self, name: str, labels: tuple[str, ...], size: int, passing: bool) -> int:
        words, count = self.words, int(self.words[_ENTRIES])
        text = _SEPARATOR.join((name, *labels)).encode()
        used = int(words[_USED])
        full = count >= MAX_ENTRIES - MAX_KINDS or used + 2 * size > MAX_VALUES or len(text) > _KEY_BYTES - 1
        rest = tuple(OTHER for _ in labels)
        if full and labels != rest:
            return self.cells(name, *rest, size=size, passing=passing)
        if count >= MAX_ENTRIES or used + size > MAX_VALUES:
            # Counted by nobody, rather than in the way of a request.
            return FREE - _SPARE
        index, at = _VALUES + used, _DIRECTORY + count * _ENTRY_WORDS
        words[at], words[at + 1], words[at + 2] = index, size, passing
        begin = (at + 3) * WORD
        self._bytes[begin : begin + len(text) + 1] = text + b"\0"
        words[_USED] = used + size
        # Last, so that nobody reads an entry that is not whole.
        words[_ENTRIES] = count + 1
        return index


class View(NamedTuple):
    """What a slot held at the moment of a reading.

    Attributes:
        number: Of the slot.
        starts: How many processes have had it.
        deaths: How many of them ended without giving it up, as far as another one has taken their place.
        alive: Whether the last of them has shown life lately.
        entries: Everything it counts.
        words: The slot itself.
    """

    number: int
    starts: int
    deaths: int
    alive: bool
    entries: list[Entry]
    words: "memoryview[float]"


class Board:
    """All slots of one service. It can be pickled for a process that is being spawned.

    Args:
        files: The descriptors of its memory, and of a file that has nothing but locks; new ones when not given. A
            process loses its locks on a file whenever it closes a descriptor of that, as each map does at its end.
        name: Of the service, among others on all hosts; made up when it is not given.
    """

    def __init__(self, files: tuple[int, int] | None = None, name: str = "") -> None:
        self.file, self._locks = files or (_unnamed_file(), _unnamed_file())
        self.name = name or secrets.token_hex(4)
        self._closing = weakref.finalize(self, _close, self.file, self._locks)
        # A lock does not keep a process from what it has locked itself.
        self._own: set[int] = set()

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        """Hand the descriptors on."""
        return _attach, (reduction.DupFd(self.file), reduction.DupFd(self._locks), self.name)

    def claim(self) -> Slot:
        """Return the first slot that no living process has.

        Raises:
            RuntimeError: When there are more processes than slots.
        """
        for number in sorted(set(range(MAX_SLOTS)) - self._own):
            try:
                # The lock belongs to the process and ends with it, however it ends.
                fcntl.lockf(self._locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
            except OSError:
                continue
            self._own.add(number)
            end = (number + 1) * SLOT_WORDS * WORD
            if os.fstat(self.file).st_size < end:
                os.ftruncate(self.file, end)
            return Slot(self, number)
        raise RuntimeError(f"more than {MAX_SLOTS} processes")

    def release(self, number: int) -> None:
        """Let another process have a slot."""
        fcntl.lockf(self._locks, fcntl.LOCK_UN, 1, number)
        self._own.discard(number)

    def read(self) -> list[View]:
        """Return what all slots hold now."""
        size = os.fstat(self.file).st_size
        if not size:
            return []
        memory = mmap.mmap(self.file, size, access=mmap.ACCESS_READ)
        everything = memoryview(memory)
        words: memoryview[float] = everything.cast("d")
        now = monotonic()
        views = []
        for number in range(size // (SLOT_WORDS * WORD)):
            base = number * SLOT_WORDS
            entries = [entry for _, entry in _entries(words, everything, base)]
            alive = now - words[base + _SEEN] < ALIVE
            starts, deaths = int(words[base + _STARTS]), int(words[base + _DEATHS])
            views.append(View(number, starts, deaths, alive, entries, words[base : base + SLOT_WORDS]))
        return views


def _close(*files: int) -> None:
    for file in files:
        os.close(file)


def _unnamed_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("balancer-metrics")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _attach(file: Any, locks: Any, name: str) -> Board:
    return Board((file.detach(), locks.detach()), name)


def _entries(words: "memoryview[float]", everything: "memoryview[int]", base: int) -> list[tuple[int, Entry]]:
    found = []
    for place in range(int(words[base + _ENTRIES])):
        at = base + _DIRECTORY + place * _ENTRY_WORDS
        index, size, passing = int(words[at]), int(words[at + 1]), bool(words[at + 2])
        begin = (at + 3) * WORD
        text = bytes(everything[begin : begin + _KEY_BYTES]).partition(b"\0")[0].decode()
        name, *labels = text.split(_SEPARATOR)
        values: list[float] = words[base + index : base + index + size].tolist()  # type: ignore[assignment]  # typeshed: ints
        found.append((index, Entry(name, tuple(labels), values, passing)))
    return found
