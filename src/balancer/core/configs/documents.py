"""A config: the targets that requests may go to, and the policy that spreads them."""

import math
import re
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from balancer.core.configs.bounds import Bounds
from balancer.core.configs.targets import MAX_WEIGHT, Kind, Target
from balancer.core.errors import InvalidInput

FORMAT = 2
"""Of a document as it is stored. Format 1 was one CDN host and one rate."""

MAX_DISTRIBUTION_RATE = 1_000_000
"""The rarest that the origin can be asked short of never: once in so many requests."""

MAX_TARGETS = 64
MAX_CYCLE = 2 * MAX_WEIGHT
"""Tickets in the schedule of a tier at most: its weights together, divided by their greatest common divisor."""

MAX_NAME = 100
"""Characters in the name of a config."""

PERCENT = 100

MAX_SLOW_START = 3600.0
"""Seconds that a recovered target may take to grow to its weight."""

_STICKY_KEY = re.compile(r"video|client|query:[A-Za-z0-9_.~-]{1,64}")


class PolicyName(StrEnum):
    """How a config's requests are spread over its targets."""

    EXACT = "exact"
    """By tickets: after any number of requests each target has had its share."""

    STICKY = "sticky"
    """By a key: the same video, client or session keeps its target."""

    FAILOVER = "failover"
    """The first usable target in order gets all."""


@dataclass(frozen=True, slots=True)
class ConfigDocument:
    """What admins decide in a config: a revision records the whole of it.

    Attributes:
        targets: In order, 1 to 64 of them, with names of their own.
        policy: How requests are spread over them.
        sticky_key: What keeps its target under the policy `sticky`: `video`, `client` (its address) or `query:NAME`,
            the value of a parameter beside `video`, such as a session id.
        panic_threshold: Percent of a tier's weight that must be healthy; where less is and no later tier can serve,
            health is ignored. 0 is off.
        slow_start: Seconds in which a recovered target grows to its weight; 0 is at once.
        name: What admins call it, None when it has no name.
        loop: How far shares may follow the quality that players report; None when they do not.

    Raises:
        InvalidInput: When a value is one that a config cannot have.
    """

    targets: tuple[Target, ...]
    policy: PolicyName = PolicyName.EXACT
    sticky_key: str = "video"
    panic_threshold: int = 0
    slow_start: float = 0.0
    name: str | None = None
    loop: Bounds | None = None

    def __post_init__(self) -> None:
        if self.name is not None:
            check_text("name", self.name, MAX_NAME)
        if not _STICKY_KEY.fullmatch(self.sticky_key):
            raise InvalidInput("sticky_key", "must be 'video', 'client' or 'query:' and the name of a parameter")
        if self.sticky_key == "query:video":
            raise InvalidInput("sticky_key", "must be 'video' for the video itself")
        if not 0 <= self.panic_threshold <= PERCENT:
            raise InvalidInput("panic_threshold", f"must be from 0 to 100 percent, not {self.panic_threshold}")
        if not 0 <= self.slow_start <= MAX_SLOW_START:
            raise InvalidInput("slow_start", f"must be from 0 to {MAX_SLOW_START:.0f} seconds")
        self._check_targets()
        for bounds in self.loop.targets if self.loop else ():
            if self.target(bounds.name) is None:
                raise InvalidInput(f"loop.targets.{bounds.name}", "must be the name of a target of this config")

    def target(self, name: str) -> Target | None:
        """Return the target of this name, None when there is none."""
        return next((target for target in self.targets if target.name == name), None)

    def _check_targets(self) -> None:
        if not 1 <= len(self.targets) <= MAX_TARGETS:
            raise InvalidInput("targets", f"must be 1 to {MAX_TARGETS}, not {len(self.targets)}")
        seen = set()
        for target in self.targets:
            if target.name in seen:
                raise InvalidInput("targets", f"has the name '{target.name}' more than once")
            seen.add(target.name)
        if not any(target.enabled and target.weight for target in self.targets):
            raise InvalidInput("targets", "needs one that is enabled and has a weight above 0, to serve the players")
        if is_one_in_many(self.targets):
            return
        for target in self.targets:
            if target.weight > MAX_WEIGHT:
                raise target.fault("weight", f"must be from 0 to {MAX_WEIGHT}, not {target.weight}")
        for tier in {target.tier for target in self.targets}:
            weights = [target.weight for target in self.targets if target.tier == tier]
            cycle = sum(weights) // (math.gcd(*weights) or 1)
            if cycle > MAX_CYCLE:
                fault = f"has weights in tier {tier} that are {cycle} together when reduced; {MAX_CYCLE} is the most"
                raise InvalidInput("targets", fault)


def is_one_in_many(targets: tuple[Target, ...]) -> bool:
    """Tell whether targets are one origin and one CDN of which the origin gets one request in up to a million."""
    if len(targets) != 2:  # noqa: PLR2004  one of each kind
        return False
    origin, cdn = sorted(targets, key=lambda target: target.kind is Kind.CDN)
    return (origin.kind, cdn.kind, origin.weight) == (Kind.ORIGIN, Kind.CDN, 1) and cdn.weight < MAX_DISTRIBUTION_RATE


@dataclass(frozen=True, slots=True)
class CdnConfig:
    """One revision of a config, sound in every field.

    Attributes:
        id: 1 or more. The config with the lowest id is the default one, which the redirect uses where no rule says
            otherwise.
        document: What admins decide in it.
        revision: 1 for a new config, one more with every change. Orders what reaches a process by different roads.
        created_at: Aware, in UTC.
        updated_at: Aware, in UTC; None until the first change.
    """

    id: int
    document: ConfigDocument
    revision: int
    created_at: datetime
    updated_at: datetime | None

    @property
    def bounds(self) -> Bounds | None:
        """What the loop may do in it; None where it does nothing: without bounds, and where a policy has no shares."""
        return None if self.document.policy is PolicyName.FAILOVER else self.document.loop

    @property
    def name(self) -> str | None:
        """What admins call it."""
        return self.document.name

    def is_newer_than(self, other: "CdnConfig | None") -> bool:
        """Tell whether this supersedes `other` where both were default configs."""
        return other is None or (self.id == other.id and self.revision > other.revision)

    def with_document(self, document: ConfigDocument) -> "CdnConfig":
        """Return this config as it would be with another document."""
        return replace(self, document=document)


def check_text(field: str, text: str, limit: int) -> str:
    """Return a name or a reason that people gave, if it is one line of 1 to `limit` printable characters.

    Raises:
        InvalidInput: When it is not.
    """
    if not text.strip() or len(text) > limit or not text.isprintable():
        raise InvalidInput(field, f"must be 1 to {limit} printable characters on one line")
    return text
