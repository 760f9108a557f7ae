"""A bounded memory of what is asked for again and again; a flood of what never repeats can neither fill nor slow it."""

from array import array
from typing import Generic, TypeVar

Value = TypeVar("Value")

MARKS = 2**16
"""Keys seen lately of which a mark is kept: a key that comes twice within so many others is remembered."""


class Popular(Generic[Value]):
    """Remembers values by key, the ones in use longest.

    A key is remembered when it is seen for the second time within about `MARKS` others, so a key that never comes
    again costs one mark. What is remembered stands in two halves: a key that is asked for moves into the young one, and
    when that is full, it becomes the old one, and what was in the old one and was not asked for since is forgotten.

    Args:
        size: Values at most.

    Attributes:
        young: The young half: what is in it needs no more than a look.
        old: The other half.
    """

    def __init__(self, size: int) -> None:
        self._half = size // 2
        self.young: dict[bytes, Value] = {}
        self.old: dict[bytes, Value] = {}
        self._marks = array("q", bytes(8 * MARKS))

    def __len__(self) -> int:
        return len(self.young) + len(self.old)

    def get(self, key: bytes) -> Value | None:
        """Return the value of a key, None when it is not remembered."""
        found = self.young.get(key)
        if found is None and self.old and (found := self.old.pop(key, None)) is not None:
            self.put(key, found)
        return found

    def is_new(self, key: bytes) -> bool:
        """Tell whether a key has not been seen lately, and leave a mark that it has been."""
        mark = hash(key)
        index = mark % MARKS
        if self._marks[index] == mark:
            return False
        self._marks[index] = mark
        return True

    def offer(self, key: bytes, value: Value) -> None:
        """Remember a value if its key has been seen lately."""
        if not self.is_new(key):
            self.put(key, value)

    def clear(self) -> None:
        """Forget all values; which keys were offered lately is still known."""
        self.young, self.old = {}, {}

    def put(self, key: bytes, value: Value) -> None:
        """Remember a value."""
        if len(self.young) >= self._half:
            self.old, self.young = self.young, {}
        self.young[key] = value
