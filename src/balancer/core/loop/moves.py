"""What the loop remembers, and what it says that it has done."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Why(StrEnum):
    """Why share moves: a closed vocabulary. The first three name what differs most between two targets."""

    STARVATION = "starvation"
    ERRORS = "errors"
    START_UP = "start-up"

    NO_BETTER = "no-better"
    """Those who gained fare worse since, so the move is undone."""

    WAY_BACK = "way-back"
    """It was not worse for long enough."""

    BOUNDS = "bounds"
    """The operator's bounds demand it."""


class Idle(StrEnum):
    """Why no share moves: a closed vocabulary."""

    FROZEN = "frozen"
    ALONE = "alone"
    """Fewer than two targets serve."""

    FEW_NETWORKS = "few-networks"
    FEW_SESSIONS = "few-sessions"
    """Fewer than two targets have enough sessions to be compared."""

    ALIKE = "alike"
    """No target is worse than another one, and none has less than configured."""

    WAITING = "waiting"
    """One is worse but not for long enough, or has been good but not for long enough."""

    AT_BOUNDS = "at-bounds"
    """One is worse, and bounds, or want of a target that is known to be better, keep its share where it is."""

    PANIC = "panic"
    """Too little is healthy, so health is ignored, and so is the loop."""

    FAILOVER = "failover"
    """The policy has no shares."""

    NO_CMCD = "no-cmcd"
    """Players are not heard."""

    NO_REPORTS = "no-reports"
    """What players reported has not been shared for long, so shares are as health leaves them."""

    UNTOLD = "untold"
    """Nobody has told shares lately, so they are as health leaves them."""


class Standing(NamedTuple):
    """What is remembered of a target. Times are seconds since 1970.

    Attributes:
        scale: What its weight is multiplied by, relative to the others; 1 where nothing has moved.
        seated: The part of all sessions that is likely there: its share, followed with delay. None before the first.
        worse_since: Since when it is worse than another one; None when it is not.
        good_since: Since when it is not; None when it is.
        returned_at: When share last came back to it; None when none has.
        tries: How often in a row it was worse again soon after share came back, or a move from it was undone.
        held_until: Until when nothing moves away from it, as that did not help.
        before: Part of its sessions that were in trouble before it gained; None when it has not gained.
    """

    scale: float = 1.0
    seated: float | None = None
    worse_since: float | None = None
    good_since: float | None = None
    returned_at: float | None = None
    tries: int = 0
    held_until: float = 0.0
    before: float | None = None


class State(NamedTuple):
    """What a decision needs of the ones before it; any process can go on with it.

    Attributes:
        at: When the last decision was made, in seconds since 1970; None before the first.
        standings: By name of a target; no more than the config has.
    """

    at: float | None = None
    standings: Mapping[str, Standing] = {}


class Seen(NamedTuple):
    """How a target fared, as far as it counts for the decision: no network counts for more than its part.

    Attributes:
        sessions: How many it rests on.
        networks: From how many networks.
        troubled: Percent of the sessions that starved, failed or were late.
        starved: Percent whose buffer ran empty.
        failed: Percent that told an error.
        late: Percent that took long to start.
    """

    sessions: int
    networks: int
    troubled: float
    starved: float
    failed: float
    late: float


class Move(NamedTuple):
    """Share that moves from one target to another, with the evidence.

    Attributes:
        source: Name of the target that loses.
        to: Name of the one that gains.
        points: Percentage points of all sessions.
        why: The reason.
        source_seen: How the first one fared.
        to_seen: How the other one fared.
        worse_by: By how many points more of the first one's sessions are in trouble, compared in the same networks and
            countries; None when that cannot be told.
        at_least: The same after all doubts.
    """

    source: str
    to: str
    points: float
    why: Why
    source_seen: Seen
    to_seen: Seen
    worse_by: float | None
    at_least: float | None


class Decision(NamedTuple):
    """What is to be done now.

    Attributes:
        state: To be kept, and handed in next time.
        shares: Of the targets that serve, 1 together.
        moves: What has changed by it.
        idle: Why nothing moves; None when something does.
    """

    state: State
    shares: Mapping[str, float]
    moves: tuple[Move, ...]
    idle: Idle | None
