"""The targets of one route as content steering knows them: pathways, best first."""

from collections.abc import Sequence
from zlib import crc32

from balancer.core.routing.policies import Exact, Sticky
from balancer.core.routing.reasons import SkipReason
from balancer.core.routing.routes import Route
from balancer.core.routing.sticky import SLOTS
from balancer.core.steering.sessions import Seat, first_position, seat_after
from balancer.core.steering.tokens import Session, packed_shares, places_of, shares_of


class Pathways:
    """The pathways of a route. A seat names its target by the CRC-32 of the target's name.

    Args:
        route: The route.

    Attributes:
        route: As above.
        packed: The shares of the targets that serve, as tokens carry them.
        places: By target, its place among them.
        is_unwell: Whether something is unhealthy, so that sessions are to ask again soon.
    """

    def __init__(self, route: Route) -> None:
        self.route = route
        targets = route.config.document.targets
        # A target's name needs no escapes in JSON.
        self._quoted = [f'"{target.name}"'.encode() for target in targets]
        self._ids = [crc32(target.name.encode()) for target in targets]
        self._indices = {target_id: index for index, target_id in enumerate(self._ids)}
        skipped = route.usable.skipped
        self.is_unwell = SkipReason.UNHEALTHY in skipped.values()
        serving = [index for index, weight in enumerate(route.usable.weights) if weight]
        self.packed = packed_shares({self._ids[index]: route.policy.shares[index] for index in serving})
        self.places = places_of(self.packed)
        self._shares = shares_of(self.packed)
        # A player that fails over by itself may go on to a later tier.
        self._later = sorted(
            (index for index, reason in skipped.items() if reason is SkipReason.LATER_TIER),
            key=lambda index: targets[index].tier,
        )
        self._listed: dict[int, tuple[int, bytes]] = {}

    @property
    def is_exact(self) -> bool:
        """Whether sessions are spread by their tickets."""
        return isinstance(self.route.policy, Exact)

    @property
    def has_keys(self) -> bool:
        """Whether a session may have a key though it is of no video in particular."""
        return self.route.config.document.sticky_key != "video"

    def target_at(self, index: int) -> int:
        """Return what names the target of this index."""
        return self._ids[index]

    def seat_of_new(self, ticket: int, slot: int) -> Seat:
        """Return the seat of a new session, by its ticket or by the slot of its key."""
        policy = self.route.policy
        if isinstance(policy, Exact):
            index = policy.choose(b"", ticket).target_index
            return Seat(self._ids[index], first_position(ticket, policy.cycle))
        return self._seat_by_slot(slot)

    def seat_of(self, session: Session) -> Seat:
        """Return the seat of a session whose token was written for other shares."""
        if isinstance(self.route.policy, Exact):
            return seat_after(Seat(session.target, session.position), shares_of(session.shares), self._shares)
        return self._seat_by_slot(session.slot)

    def _seat_by_slot(self, slot: int) -> Seat:
        policy = self.route.policy
        first = policy.rank_of(slot)[0] if isinstance(policy, Sticky) else policy.rank(b"", 1)[0]
        # Should the policy become `exact`, its sessions are spread over their target.
        return Seat(self._ids[first], first_position(slot, SLOTS))

    def serves(self, target: int) -> bool:
        """Tell whether a target gets sessions."""
        return target in self._shares

    def usable(self, target: int) -> bool:
        """Tell whether a session may be at a target: whether that serves, or could in its turn."""
        return target in self._shares or self._indices.get(target) in self._later

    def listed(self, target: int, slot: int) -> tuple[int, bytes]:
        """Return the index of a target, and the names of it and of all other usable ones, best first, in JSON.

        Args:
            target: Comes first.
            slot: Of the session's key; under `sticky` it orders the others.
        """
        if isinstance(self.route.policy, Sticky):
            return self._list(target, self.route.policy.rank_of(slot))
        found = self._listed.get(target)
        if found is None:
            found = self._listed[target] = self._list(target, self._ranked())
        return found

    def _ranked(self) -> Sequence[int]:
        policy = self.route.policy
        ranked, shares = policy.rank(b"", 1), policy.shares
        return sorted(ranked, key=lambda index: (-shares[index], index)) if self.is_exact else ranked

    def _list(self, target: int, ranked: Sequence[int]) -> tuple[int, bytes]:
        first = self._indices[target]
        order = [first, *(index for index in (*ranked, *self._later) if index != first)]
        return first, b"[%b]" % b",".join([self._quoted[index] for index in order])
