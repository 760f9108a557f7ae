"""Who asks, and whose requests count together."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from balancer.core.clients.addresses import TrustedProxies, client_key
from balancer.core.clients.quotas import Bucket, Throttle
from balancer.core.routing.decisions import Plan
from balancer.core.routing.routes import Client, Route
from balancer.edge.answers import Answers
from balancer.edge.heads import Head


class Way(NamedTuple):
    """Which way plain requests go that begin alike, whatever is the rest of their videos' paths.

    Attributes:
        plan: For which it was found; it holds as long as that is in use.
        beginning: Of these requests: all up to a slash in the path of the video.
        slash: As it is spelled there.
        path: The beginning of the path, up to that slash.
        below: What may not stand between that slash and the next one, as rules name it.
        route: Theirs; None where no way is known.
        ends: For each target what its answer has before the path, from the location on, and behind it: where the
            connection stays, and where it closes.
    """

    plan: Plan | None = None
    beginning: bytes = b""
    slash: bytes = b"/"
    path: bytes = b"/"
    below: frozenset[bytes] = frozenset()
    route: Route | None = None
    ends: Sequence[tuple[bytes, bytes, bytes]] = ()


NO_WAY = Way()
"""Stands where none is known."""


class Asker(Protocol):
    """Who asks, as the connection knows it.

    Attributes:
        answers: Makes the answers for it.
        scheme: `http` or `https`.
        peer: The address of the other end; empty on a Unix socket.
        client: Whom its requests are counted for, once that is known: None where a proxy says it with each request.
        bucket: What that client has used, once it has asked again.
        buckets: Where the bucket was found; it is the client's as long as these are in use.
        group: Of the clients of whom rules say the same.
        groups: Where the group was found; it is the client's as long as these are in use.
        way: Of its last video that was not remembered; a client mostly asks for more from the same origin.
    """

    answers: Answers
    scheme: str
    client: str | None
    bucket: Bucket
    buckets: dict[str, Bucket] | None
    group: int
    groups: dict[str, int] | None
    way: Way

    @property
    def peer(self) -> str:
        """The address of the other end."""
        ...


def who_asks(proxies: TrustedProxies, head: Head, asker: Asker) -> Client:
    """Return who makes a request, for a decision that depends on it."""
    return Client(proxies.address_of(asker.peer, head.joined), head.joined)


def client_of(proxies: TrustedProxies, head: Head, asker: Asker) -> str:
    """Return whom a request is counted for."""
    if asker.client:
        return asker.client
    if asker.client is not None:
        asker.client = None if proxies.trusts(asker.peer) else client_key(asker.peer)
        if asker.client:
            return asker.client
    return proxies.key_of(asker.peer, head.joined)


class PlayerGate(NamedTuple):
    """How often players may ask, and whose requests count together.

    Attributes:
        throttle: None for no limit.
        proxies: Those whose word on their clients counts.
    """

    throttle: Throttle | None
    proxies: TrustedProxies
