"""What is told of the loops as JSON, between processes of this program, which may be of different releases."""

import math
from datetime import datetime

import msgspec
import structlog

from balancer.core.loop.judging import MAX_TRIES
from balancer.core.loop.moves import Idle, Move, Standing, State
from balancer.core.loop.telling import MAX_EVENTS, ConfigLoop, Event, Loops

FORMAT = 1
"""Of what is written here. A reader that meets another one knows nothing, and every loop begins anew."""

logger = structlog.stdlib.get_logger(__name__)


class _Config(msgspec.Struct, forbid_unknown_fields=True):
    id: int
    at: float | None
    standings: dict[str, Standing]
    configured: dict[str, float]
    shares: dict[str, float]
    parts: dict[str, float]
    idle: Idle | None


class _Told(msgspec.Struct, forbid_unknown_fields=True):
    format: int
    at: datetime
    by: str
    configs: list[_Config]
    events: list[Event]


class _Format(msgspec.Struct):
    format: int


_decoder = msgspec.json.Decoder(_Told)
_format_decoder = msgspec.json.Decoder(_Format)


def dump(loops: Loops) -> bytes:
    """Return what is told as one line of JSON."""
    configs = [_told(number, loop) for number, loop in loops.configs.items()]
    return msgspec.json.encode(_Told(FORMAT, loops.at, loops.by, configs, list(loops.events)))


def _told(number: int, loop: ConfigLoop) -> _Config:
    configured, shares, parts = dict(loop.configured), dict(loop.shares), dict(loop.parts)
    return _Config(number, loop.state.at, dict(loop.state.standings), configured, shares, parts, loop.idle)


class Reader:
    """Reads what `dump` wrote, and remembers what it has read last: it is mostly asked for the same again.

    Args:
        source: Where it comes from, for the report: `file`, `redis`, `database`.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._data: bytes | str | None = None
        self._loops: Loops | None = None

    def read(self, data: bytes | str | None) -> Loops | None:
        """Return what is told in `data`; None when there is nothing, or it cannot be trusted, which is reported once.

        Args:
            data: As `dump` wrote it, in this release or another one.
        """
        if data != self._data:
            self._data = data
            self._loops = self._load(data)
        return self._loops

    def _load(self, data: bytes | str | None) -> Loops | None:
        if data is None:
            return None
        try:
            found = _format_decoder.decode(data).format
            if found != FORMAT:
                raise ValueError(f"its format is {found}, this program reads {FORMAT}")
            return _loops(_decoder.decode(data))
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            logger.warning("what is told of the loops is refused", source=self._source, fault=str(error))
            return None


def _loops(told: _Told) -> Loops:
    """Check what was told, and return it.

    Raises:
        ValueError: When a value is out of range.
    """
    if any(time.tzinfo is None for time in (told.at, *(event.at for event in told.events))):
        raise ValueError("a time has no zone")
    if len(told.events) > MAX_EVENTS:
        raise ValueError(f"it has more than {MAX_EVENTS} events")
    for event in told.events:
        _check_move(event.move)
    return Loops(told.at, told.by, {found.id: _config(found) for found in told.configs}, tuple(told.events))


def _config(found: _Config) -> ConfigLoop:
    for standing in found.standings.values():
        _check_standing(standing)
    numbers = [*found.configured.values(), *found.shares.values(), *found.parts.values()]
    # Sums of floating-point numbers may be a little more than 1.
    if not all(0 <= number <= 1 + 1e-6 for number in numbers) or not all(found.parts.values()):
        raise ValueError("a share or a part is not from 0 to 1")
    if not _is_finite(found.at):
        raise ValueError("a time is not finite")
    return ConfigLoop(
        State(found.at, found.standings),
        found.configured,
        found.shares,
        {name: min(1.0, part) for name, part in found.parts.items()},
        found.idle,
    )


def _check_standing(standing: Standing) -> None:
    if not all(map(_is_finite, standing)) or not 0 <= standing.tries <= MAX_TRIES or standing.scale < 0:
        raise ValueError("what is remembered of a target is out of range")


def _check_move(move: Move) -> None:
    if not all(map(_is_finite, (move.points, move.worse_by, move.at_least, *move.source_seen, *move.to_seen))):
        raise ValueError("a figure of a move is not finite")


def _is_finite(number: float | None) -> bool:
    return number is None or math.isfinite(number)
