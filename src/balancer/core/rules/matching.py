"""Placeholder."""

from collections.abc import Callable
from typing import NamedTuple, Protocol


class Reading(Protocol):
    @property
    def settled(self) -> bool: ...
    @property
    def position(self) -> int | None: ...


class _Rule(NamedTuple):
    name: str
    config_id: int


class RuleBook(Protocol):
    rules: tuple[_Rule, ...]

    def read(self, host: str, path: str, carried: bytes) -> Reading: ...
    def choose(self, reading: Reading, client: str, header: Callable[[bytes], bytes]) -> int | None: ...
