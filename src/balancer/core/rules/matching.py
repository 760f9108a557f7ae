"""The rules compiled: which of them does a request match first?

What a rule costs a request that it does not match is a bit in a number, whatever it asks for.
"""

from collections.abc import Callable
from typing import NamedTuple

from balancer.core.clients.addresses import unmapped
from balancer.core.rules.documents import RuleList
from balancer.core.rules.indexes import (
    NO_SEGMENTS,
    HeaderIndex,
    HostIndex,
    NetworkIndex,
    Numbering,
    PathIndex,
    QueryIndex,
)
from balancer.core.rules.ports import ClientPlaces

MAX_CLIENTS = 8192
"""Clients whose rules are remembered."""


class Reading(NamedTuple):
    """What is known of a request's rule so far: by its URL and parameters, or by its client's address as well.

    Attributes:
        settled: Whether nothing else can change it.
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
    """Rules compiled, for one plan. What they say about a request is asked step by step, as a URL is asked for often.

    Clients of whom the rules say the same are a group, known by a number.

    Args:
        rules: All, in order.
        places: Tells where clients are.

    Attributes:
        rules: By position.
        groups: The groups of clients that are known. A group that was found here stays its client's as long as this is
            the same dict, where groups are fixed.
        has_fixed_groups: Whether they are: where the rules ask for addresses alone, and not for countries and the like.
        segments: Tell which paths have the same rules.
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
        self.segments = self._paths.segments if self._paths is not None else NO_SEGMENTS
        self.has_fixed_groups = not (self._countries or self._asns)
        self._places = places or NoPlaces()
        self._edition = self._places.edition
        self.groups: dict[str, int] = {}
        # By group, the rules that its clients' addresses let through; and the other way round.
        self._sets: dict[int, int] = {}
        self._numbers: dict[int, int] = {}
        # Numbers are not given twice, as they are remembered elsewhere.
        self._next_group = 0

    def read(self, host: str, path: str, carried: bytes) -> Reading:
        """Return what is known before the client is; it stays true for the URL as long as this book is in use.

        Args:
            host: Of the origin: `s1.origin-cluster`, with `:8080` where the URL has a port.
            path: Of the video: `/video/1488/xcg2djHckad.m3u8`.
            carried: The parameters beside `video`, as they were sent.
        """
        rules = self._read(host, path, carried)
        if not rules:
            return NOTHING
        first = self._count - rules.bit_length()
        if self._asks_client[first]:
            return Reading(settled=False, position=None, rules=rules)
        return Reading(settled=True, position=first, rules=0)

    def read_once(self, host: str, path: str, carried: bytes, client: str) -> int | None:
        """Return the position of the first rule that a request matches, with nothing to be kept of it.

        The arguments are those of `read` and `group_of`.

        Returns:
            The number of all rules where none matches; None where the first one that may match asks for a header field.
        """
        rules = self._read(host, path, carried) & self._sets[self.group_of(client)]
        first = self._count - rules.bit_length()
        return None if rules and self._asks_header[first] else first

    def _read(self, host: str, path: str, carried: bytes) -> int:
        rules = self._all if self._hosts is None else self._hosts.of(host)
        if self._paths is not None:
            rules &= self._paths.of(path)
        if self._query is not None:
            rules &= self._query.of(carried)
        return rules

    def group_of(self, client: str) -> int:
        """Return the group of a client by its address in any spelling, which is empty on a Unix socket."""
        if self._edition != self._places.edition:
            self._edition = self._places.edition
            self._forget()
        found = self.groups.get(client)
        return self._admit(client) if found is None else found

    def narrow(self, reading: Reading, group: int) -> Reading:
        """Return what is known once the client's group is; it stays true as long as the group has a client.

        Args:
            reading: What `read` returned, not settled.
            group: What `group_of` has just returned.
        """
        rules = reading.rules & self._sets[group]
        if not rules:
            return NOTHING
        first = self._count - rules.bit_length()
        if self._asks_header[first]:
            return Reading(settled=False, position=None, rules=rules)
        return Reading(settled=True, position=first, rules=0)

    def finish(self, reading: Reading, header: Callable[[bytes], str]) -> int | None:
        """Return the position of the first rule that a request matches, None for none.

        Args:
            reading: What `narrow` returned for it.
            header: Gives the value of a header field by its name in lower case, empty when there is none.
        """
        if reading.settled:
            return reading.position
        rules = reading.rules
        for name, index in self._headers:
            rules &= index.of(header(name).encode("latin-1"))
        return self._count - rules.bit_length() if rules else None

    def choose(self, reading: Reading, client: str, header: Callable[[bytes], str]) -> int | None:
        """Return the position of the first rule that a request matches, None for none: all steps behind `read`."""
        if not reading.settled:
            reading = self.narrow(reading, self.group_of(client))
        return self.finish(reading, header)

    def _admit(self, client: str) -> int:
        """Return the group of a client that is not known yet."""
        address = unmapped(client)
        found = self._networks.of(address) if self._networks is not None else self._all
        if self._countries:
            found &= self._any_country | self._countries.get(self._places.country(address) or "", 0)
        if self._asns:
            found &= self._any_asn | self._asns.get(self._places.asn(address) or 0, 0)
        if len(self.groups) >= MAX_CLIENTS:
            self._forget()
        group = self._numbers.get(found)
        if group is None:
            group = self._numbers[found] = self._next_group
            self._sets[group] = found
            self._next_group += 1
        self.groups[client] = group
        return group

    def _forget(self) -> None:
        self.groups, self._sets, self._numbers = {}, {}, {}
