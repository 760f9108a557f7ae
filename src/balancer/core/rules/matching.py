"""The rules compiled: which of them does a request match first?

What a rule costs a request that it does not match is a bit in a number, whatever it asks for.
"""

from collections.abc import Callable
from typing import NamedTuple

from balancer.core.rules.documents import RuleList
from balancer.core.rules.indexes import HeaderIndex, HostIndex, NetworkIndex, Numbering, PathIndex, QueryIndex
from balancer.core.rules.ports import ClientPlaces

MAX_CLIENTS = 8192
"""Clients whose rules are remembered."""


class Reading(NamedTuple):
    """What the URL of a request and its parameters say about its rule.

    Attributes:
        settled: Whether nothing about the client can change it.
        position: Of the first rule that matches, None for none; only where it is settled.
        rules: The set of rules that may match.
    """

    settled: bool
    position: int | None
    rules: int


NOTHING = Reading(settled=True, position=None, rules=0)
"""No rule matches, whoever asks."""


class NoPlaces:
    """Knows no client's place."""

    edition = 0
    has_countries = False
    has_asns = False

    def country(self, address: str) -> str | None:  # noqa: ARG002  it knows none
        """Return None."""
        return None

    def asn(self, address: str) -> int | None:  # noqa: ARG002  it knows none
        """Return None."""
        return None


class RuleBook:
    """Rules compiled, for one plan. What they say about a request is asked in two steps, as a URL is asked for often.

    Args:
        rules: All, in order.
        places: Tells where clients are.

    Attributes:
        rules: By position.
    """

    def __init__(self, rules: RuleList, places: ClientPlaces | None = None) -> None:
        self.rules = rules.rules
        numbering = Numbering(self.rules)
        self._count = numbering.count
        self._all = numbering.set_of(position for position, _ in numbering.enabled)
        # What no rule asks for is not looked up.
        self._hosts = HostIndex(numbering) or None
        self._paths = PathIndex(numbering) or None
        self._query = QueryIndex(numbering) or None
        self._networks = NetworkIndex(numbering) or None
        self._countries, self._any_country = numbering.sets(lambda rule: rule.when.countries or None)
        self._asns, self._any_asn = numbering.sets(lambda rule: rule.when.asns or None)
        names = {test.name for _, rule in numbering.enabled for test in rule.when.headers}
        self._headers = [(name.encode(), HeaderIndex(numbering, name)) for name in sorted(names)]
        self._asks_client = [rule.when.asks_client for rule in self.rules]
        self._asks_header = [bool(rule.when.headers) for rule in self.rules]
        self._places = places or NoPlaces()
        self._edition = self._places.edition
        # Most clients match the same rules, so that each set is kept once.
        self._clients: dict[str, int] = {}
        self._sets: dict[int, int] = {}

    def read(self, host: str, path: str, carried: bytes) -> Reading:
        """Return what is known before the client is; it stays true for the URL as long as this book is in use.

        Args:
            host: Of the origin: `s1.origin-cluster`, with `:8080` where the URL has a port.
            path: Of the video: `/video/1488/xcg2djHckad.m3u8`.
            carried: The parameters beside `video`, as they were sent.
        """
        rules = self._all if self._hosts is None else self._hosts.of(host)
        if self._paths is not None:
            rules &= self._paths.of(path)
        if self._query is not None:
            rules &= self._query.of(carried)
        if not rules:
            return NOTHING
        first = self._count - rules.bit_length()
        return (
            Reading(settled=False, position=None, rules=rules) if self._asks_client[first] else Reading(True, first, 0)
        )

    def choose(self, reading: Reading, client: str, header: Callable[[bytes], bytes]) -> int | None:
        """Return the position of the first rule that a request matches, None for none.

        Args:
            reading: What `read` returned for it.
            client: The client's address; empty on a Unix socket.
            header: Gives the value of a header field by its name in lower case, empty when there is none.
        """
        if reading.settled:
            return reading.position
        if self._edition != self._places.edition:
            self._edition = self._places.edition
            self._forget()
        known = self._clients.get(client)
        rules = reading.rules & (self._find(client) if known is None else known)
        if not rules:
            return None
        first = self._count - rules.bit_length()
        if self._asks_header[first]:
            for name, index in self._headers:
                rules &= index.of(header(name))
            if not rules:
                return None
            first = self._count - rules.bit_length()
        return first

    def _find(self, client: str) -> int:
        """Return the rules that a client's address lets through."""
        found = self._networks.of(client) if self._networks is not None else self._all
        if self._countries:
            found &= self._any_country | self._countries.get(self._places.country(client) or "", 0)
        if self._asns:
            found &= self._any_asn | self._asns.get(self._places.asn(client) or 0, 0)
        if len(self._clients) >= MAX_CLIENTS:
            self._forget()
        self._clients[client] = found = self._sets.setdefault(found, found)
        return found

    def _forget(self) -> None:
        self._clients.clear()
        self._sets.clear()
