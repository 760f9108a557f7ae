"""What the process that moves shares tells all others."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from balancer.core.loop.moves import Idle, Move, State

TURN = 10.0
"""Seconds between two decisions about a config, and between two tellings at most."""

MAX_AGE = 4 * TURN
"""Seconds without a new telling after which it does not count any more: longer than it takes to replace who tells."""

MAX_EVENTS = 100
"""Events that are kept, over all configs."""


class ConfigLoop(NamedTuple):
    """The loop of one config.

    Attributes:
        state: What the next decision needs.
        configured: Of the targets that serve, the part of all sessions that the config and health give each.
        shares: The part that the loop gives each; both are 1 together.
        parts: Which part of its weight each is to have for that, from 0.001 to 1.
        idle: Why nothing moves; None when something does.
    """

    state: State
    configured: Mapping[str, float]
    shares: Mapping[str, float]
    parts: Mapping[str, float]
    idle: Idle | None


class Event(NamedTuple):
    """What has moved from one target to another within a minute, for one reason.

    Attributes:
        config: The id of the config.
        at: The beginning of the minute; aware, in UTC.
        move: The last one, with the points of all.
    """

    config: int
    at: datetime
    move: Move


class Loops(NamedTuple):
    """All that the one who moves shares knows.

    Attributes:
        at: When it was told; aware, in UTC.
        by: The name of that process.
        configs: By id, those that have a loop.
        events: What has moved, the latest last.
    """

    at: datetime
    by: str
    configs: Mapping[int, ConfigLoop]
    events: tuple[Event, ...]


def noted(events: tuple[Event, ...], config: int, moves: Iterable[Move], now: datetime) -> tuple[Event, ...]:
    """Return the events with some more moves of a config, added to those of the same kind in this minute."""
    minute = now.replace(second=0, microsecond=0)
    kept = list(events)
    for move in moves:
        for place, event in enumerate(kept):
            known = event.move
            if (event.config, event.at, *known[:2], known.why) == (config, minute, *move[:2], move.why):
                kept[place] = event._replace(move=move._replace(points=known.points + move.points))
                break
        else:
            kept.append(Event(config, minute, move))
    return tuple(kept[-MAX_EVENTS:])
