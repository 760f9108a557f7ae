"""Policies: how requests are spread over the usable targets."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from balancer.core.configs.documents import ConfigDocument, PolicyName
from balancer.core.routing.reasons import RoutingReason
from balancer.core.routing.schedules import lay_out
from balancer.core.routing.sticky import SLOTS, ranked, slot_of, table
from balancer.core.routing.usable import Usable


class Choice(NamedTuple):
    """Where a request goes.

    Attributes:
        target_index: The place of its target in the config's list.
        reason: Why it goes there.
    """

    target_index: int
    reason: RoutingReason


class Policy(Protocol):
    """Chooses a target for each request, at the same cost however many targets there are."""

    @property
    def cycle(self) -> int:
        """Tickets in a cycle of the schedule; 1 where tickets do not matter."""
        ...

    @property
    def slots(self) -> bytes:
        """For ticket t, `slots[t % cycle]` is the index of its target; empty where the key decides."""
        ...

    @property
    def needs_key(self) -> bool:
        """Whether the key matters; where it does not, any will do."""
        ...

    @property
    def shares(self) -> Sequence[float]:
        """By target index, the part of the requests that is expected there, from 0 to 1."""
        ...

    def choose(self, key: bytes, ticket: int, /) -> Choice:
        """Return where the request with this key and this ticket goes."""
        ...

    def rank(self, key: bytes, ticket: int, /) -> Sequence[int]:
        """Return the indices of all targets that get requests, best first; the first is the one that is chosen."""
        ...

    def counts(self, requests: int, /) -> Sequence[int]:
        """Return by target index how many of the next `requests` requests go there, from the start of a cycle."""
        ...


class Exact:
    """Spreads requests by their tickets: after any number of them each target has had its share."""

    needs_key = False

    def __init__(self, usable: Usable, pause: Callable[[], None] | None = None) -> None:
        self._schedule = lay_out(usable.weights, pause)
        self.slots = self._schedule.slots
        self._choices = _choices(usable, RoutingReason.SCHEDULE)
        self._by_weight = sorted(_serving(usable), key=lambda index: -usable.weights[index])
        self.cycle = len(self.slots)
        self.shares = tuple(weight / self.cycle for weight in self._schedule.weights)

    def choose(self, _key: bytes, ticket: int, /) -> Choice:
        """Return the target of the ticket."""
        return self._choices[self.slots[ticket % self.cycle]]

    def rank(self, _key: bytes, ticket: int, /) -> list[int]:
        """Return the target of the ticket, then the others, the greatest weight first."""
        chosen = self.slots[ticket % self.cycle]
        return [chosen, *(index for index in self._by_weight if index != chosen)]

    def counts(self, requests: int, /) -> list[int]:
        """Return how many of the tickets from 1 to `requests` each target has."""
        return self._schedule.counts(requests)


class Sticky:
    """Spreads requests by their keys: a key keeps its target as long as that is usable."""

    cycle = 1

    def __init__(self, names: Sequence[str], usable: Usable, pause: Callable[[], None] | None = None) -> None:
        self._names = names
        self._weights = usable.weights
        self._table = table(names, usable.weights, pause)
        self._choices = _choices(usable, RoutingReason.STICKY)
        self._parts = [self._table.count(index) for index in range(len(names))]
        serving = _serving(usable)
        self.needs_key = len(serving) > 1
        self.slots = b"" if self.needs_key else bytes(serving)
        self.shares = tuple(part / SLOTS for part in self._parts)

    def choose(self, key: bytes, _ticket: int, /) -> Choice:
        """Return the target that has the key's slot."""
        return self._choices[self._table[slot_of(key)]]

    def rank(self, key: bytes, _ticket: int, /) -> list[int]:
        """Return the targets in the order in which they would take over the key, should those before them fail."""
        return self.rank_of(slot_of(key))

    def rank_of(self, slot: int) -> list[int]:
        """Do the same for the slot of a key, for whoever has kept no more of it."""
        return ranked(slot, self._names, self._weights)

    def counts(self, requests: int, /) -> list[int]:
        """Return how many of `requests` requests each target can expect, rounded by largest remainder."""
        quotas = [divmod(requests * part, SLOTS) for part in self._parts]
        counts = [whole for whole, _ in quotas]
        # `sorted` keeps the order of equals.
        by_remainder = sorted(range(len(quotas)), key=lambda index: -quotas[index][1])
        for index in by_remainder[: requests - sum(counts)]:
            counts[index] += 1
        return counts


class Failover:
    """Sends every request to the first usable target in order; all weights above 0 are alike."""

    cycle = 1
    needs_key = False

    def __init__(self, usable: Usable) -> None:
        self._serving = _serving(usable)
        self._first = self._serving[0]
        self.slots = bytes([self._first])
        self._choice = _choices(usable, RoutingReason.FAILOVER)[self._first]
        self.shares = tuple(float(index == self._first) for index in range(len(usable.weights)))

    def choose(self, _key: bytes, _ticket: int, /) -> Choice:
        """Return the first target."""
        return self._choice

    def rank(self, _key: bytes, _ticket: int, /) -> list[int]:
        """Return the targets in order."""
        return list(self._serving)

    def counts(self, requests: int, /) -> list[int]:
        """Return all requests for the first target."""
        return [requests if index == self._first else 0 for index in range(len(self.shares))]


def policy_of(document: ConfigDocument, usable: Usable, pause: Callable[[], None] | None = None) -> Policy:
    """Return the policy of a config, laid out for the targets that are usable.

    Args:
        document: The config.
        usable: What `usable` says about its targets.
        pause: Called at least every half millisecond or so, so that a thread that lays out can let others run.
    """
    match document.policy:
        case PolicyName.EXACT:
            return Exact(usable, pause)
        case PolicyName.STICKY:
            return Sticky([target.name for target in document.targets], usable, pause)
        case PolicyName.FAILOVER:
            return Failover(usable)


def _serving(usable: Usable) -> list[int]:
    return [index for index, weight in enumerate(usable.weights) if weight]


def _choices(usable: Usable, ordinary: RoutingReason) -> list[Choice]:
    """Return by target index the choice of that target, made once for all requests."""
    alone = len(_serving(usable)) == 1
    reason = usable.reason or (RoutingReason.ONLY_TARGET if alone else ordinary)
    return [Choice(index, reason) for index in range(len(usable.weights))]
