"""A route: one config compiled, by what is known of its targets' health."""

from collections.abc import Callable
from typing import NamedTuple
from zlib import crc32

from balancer.core.clients.addresses import client_key
from balancer.core.configs.documents import CdnConfig, PolicyName
from balancer.core.routing.locations import Ends, ends_of
from balancer.core.routing.policies import Choice, Policy, policy_of
from balancer.core.routing.reasons import RoutingReason, SkipReason
from balancer.core.routing.tickets import TicketBook
from balancer.core.routing.usable import Usable
from balancer.core.urls.videos import Origin, OriginUrl

MAX_ORIGINS = 4096
"""Origins whose locations a route remembers; hostile ones could otherwise fill the memory."""


class Client(NamedTuple):
    """Who makes a request, as far as a decision may depend on it.

    Attributes:
        address: `192.0.2.7`; empty on a Unix socket.
        header: Gives the value of a header field by its name in lower case, empty when there is none. In characters of
            one byte each (Latin-1).
    """

    address: str
    header: Callable[[bytes], str]


NOBODY = Client("", lambda _name: "")
"""Stands where a decision does not depend on the client."""


class Route:
    """One config compiled.

    Args:
        config: The config.
        usable: Which of its targets may serve, and with which weights.
        book: The tickets of this config.
        pause: Called again and again while something long is laid out.

    Attributes:
        config: What it was compiled from.
        usable: As above.
        policy: Chooses among them.
        book: The tickets of this config.
        needs_key: Whether the policy looks at the key.
        slots: For ticket t, `slots[t % cycle]` is the index of its target; empty where the policy looks at the key.
        cycle: Tickets in a cycle of the schedule.
        asks_client: Whether a choice depends on the client's address.
        edition: Another number for another revision, or for other weights by the targets' health; the same in all
            processes.
        size: How many targets it has.
        cells: For whoever counts its redirects: by target index, where that is done; None until it is known.
    """

    __slots__ = (
        *("_ends", "asks_client", "book", "cells", "config", "cycle", "edition", "needs_key"),
        *("policy", "size", "slots", "usable"),
    )

    def __init__(
        self,
        config: CdnConfig,
        usable: Usable,
        book: TicketBook,
        pause: Callable[[], None] | None = None,
    ) -> None:
        document = config.document
        self.config = config
        self.usable = usable
        self.policy: Policy = policy_of(document, usable, pause)
        self.book = book
        self.needs_key = self.policy.needs_key
        self.slots, self.cycle = self.policy.slots, self.policy.cycle
        self.asks_client = document.policy is PolicyName.STICKY and document.sticky_key == "client"
        self.edition = config.revision + crc32(repr(usable.weights).encode()) / 2**33
        self.size = len(document.targets)
        self.cells: list[int] | None = None
        self._ends: dict[Origin, list[Ends]] = {}

    def ends(self, origin: Origin) -> list[Ends]:
        """Return for each target what it puts around the path of an origin's videos."""
        found = self._ends.get(origin)
        if found is None:
            if len(self._ends) >= MAX_ORIGINS:
                self._ends.clear()
            found = self._ends[origin] = [ends_of(target, origin) for target in self.config.document.targets]
        return found

    def key_of(self, video: OriginUrl, carried: bytes, client: Client) -> bytes:
        """Return what keeps its target under the policy `sticky`."""
        own = self.own_key(carried, client) or self.own_key(video.query[1:], client)
        return own or video.origin.host.encode() + video.path

    def own_key(self, query: bytes, client: Client) -> bytes:
        """Return the same as far as it does not depend on the video; empty where it does."""
        kind, _, name = self.config.document.sticky_key.partition(":")
        if kind == "client":
            return client_key(client.address).encode()
        return _value_of(name.encode(), query) if kind == "query" else b""

    @property
    def reason(self) -> RoutingReason:
        """Why requests that take this route go where they go, whichever they are."""
        return self.policy.choose(b"", 1).reason

    @property
    def shares(self) -> dict[str, float]:
        """Of each target, by name, which part of the requests it is to have, from 0 to 1."""
        return dict(zip((target.name for target in self.config.document.targets), self.policy.shares, strict=True))

    def skipped(self, choice: Choice) -> dict[str, SkipReason]:
        """Return why each of the other targets was not chosen, by name."""
        targets = enumerate(self.config.document.targets)
        return {
            target.name: self.usable.skipped.get(index, SkipReason.NOT_CHOSEN)
            for index, target in targets
            if index != choice.target_index
        }


def _value_of(name: bytes, query: bytes) -> bytes:
    """Return the value of a parameter as it was sent, empty when it is not there."""
    for parameter in query.split(b"&"):
        given, _, value = parameter.partition(b"=")
        if given == name:
            return value
    return b""
