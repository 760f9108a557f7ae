"""What a rule asks of a request: conditions that must all hold."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from ipaddress import IPv6Network, ip_network
from typing import TypeVar

from balancer.core.errors import InvalidInput
from balancer.core.rules.paths import normal_path
from balancer.core.urls.hosts import read_pattern

MAX_VALUES = 100
"""Values within one condition."""

MAX_TESTS = 8
"""Parameters, or header fields, that one rule asks for."""

MAX_NAME = 64
"""Characters in the name of a parameter or of a header field."""

MAX_VALUE = 200
"""Characters in the value of a parameter or of a header field."""

MAX_ASN = 2**32 - 1
"""The greatest number of an autonomous system (RFC 6793)."""

_COUNTRY = re.compile(r"[A-Z]{2}")
# RFC 3986 §2.3, as the sticky key has it.
_PARAMETER = re.compile(r"[A-Za-z0-9_.~-]{1,64}")
# RFC 9110 §5.6.2: a token.
_FIELD = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,64}")
_MAPPED = IPv6Network("::ffff:0:0/96")

Given = TypeVar("Given", str, int)


@dataclass(frozen=True, slots=True)
class QueryCondition:
    """A parameter that must stand beside `video`.

    Attributes:
        name: Its name.
        values: Those that it may have, decoded; none for any.
    """

    name: str
    values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _PARAMETER.fullmatch(self.name) or self.name == "video":
            raise InvalidInput("name", f"must be 1 to {MAX_NAME} letters, digits or any of _.~-, and not 'video'")
        _keep(self, "values", lambda text: _value(text, least=0))


@dataclass(frozen=True, slots=True)
class HeaderCondition:
    """A header field that a request must have.

    Attributes:
        name: Its name in lower case.
        contains: Texts of which its value must contain one, whatever their case.
        equals: Texts of which its value must be one. One of both kinds is enough.
    """

    name: str
    contains: tuple[str, ...] = ()
    equals: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name.lower())
        if not _FIELD.fullmatch(self.name):
            raise InvalidInput("name", f"must be the name of a header field, of at most {MAX_NAME} characters")
        if not self.contains and not self.equals:
            raise InvalidInput("contains", "or 'equals' must have a text")
        _keep(self, "contains", _value)
        _keep(self, "equals", _value)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a rule asks of a request. A condition without values asks nothing; of several values any one is enough.

    Values are kept in one spelling, whatever they were given in.

    Attributes:
        hosts: Patterns of origins: `*.origin-cluster`, with `*` for exactly one label. One without a port stands for
            every port. ASCII.
        paths: Prefixes by whole segments, `/live/`, and globs, `/live/**/*.m3u8`.
        networks: Of clients: `192.0.2.0/24`, `2001:db8::/32`.
        countries: Of clients: `DE` (ISO 3166-1).
        asns: Numbers of the clients' autonomous systems.
        query: Parameters beside the video; each must be there.
        headers: Header fields; each must be there.

    Raises:
        InvalidInput: When a value is one that a condition cannot have; names the field.
    """

    hosts: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    asns: tuple[int, ...] = ()
    query: tuple[QueryCondition, ...] = ()
    headers: tuple[HeaderCondition, ...] = ()

    def __post_init__(self) -> None:
        _keep(self, "hosts", _host)
        _keep(self, "paths", normal_path)
        _keep(self, "networks", _network)
        _keep(self, "countries", _country)
        _keep(self, "asns", _asn)
        for field, tests in (("query", self.query), ("headers", self.headers)):
            if len(tests) > MAX_TESTS:
                raise InvalidInput(field, f"must be at most {MAX_TESTS}, not {len(tests)}")
            if len({test.name for test in tests}) < len(tests):
                raise InvalidInput(field, "has a name more than once; give all its values together")

    @property
    def is_always(self) -> bool:
        """Whether they hold for every request."""
        return not any(getattr(self, field.name) for field in fields(self))

    @property
    def asks_client(self) -> bool:
        """Whether they ask for more than the URL and its parameters."""
        return bool(self.networks or self.countries or self.asns or self.headers)

    @property
    def values(self) -> int:
        """How many values they have together."""
        plain = (self.hosts, self.paths, self.networks, self.countries, self.asns)
        tests = [1 + len(test.values) for test in self.query]
        tests += [len(test.contains) + len(test.equals) for test in self.headers]
        return sum(map(len, plain)) + sum(tests)


def _keep(condition: object, field: str, normal: Callable[[Given], Given]) -> None:
    """Replace the values of a field by their one spelling, each once.

    Raises:
        InvalidInput: When there are too many, or one is wrong.
    """
    values: Iterable[Given] = getattr(condition, field)
    if not values:
        return
    found: dict[Given, None] = {}
    for value in values:
        try:
            found[normal(value)] = None
        except ValueError as error:
            raise InvalidInput(field, f"{error}; {value!r} does not fit") from None
    if len(found) > MAX_VALUES:
        raise InvalidInput(field, f"must be at most {MAX_VALUES}, not {len(found)}")
    # The one way to keep something else in a frozen object than it was given.
    object.__setattr__(condition, field, tuple(found))


def _host(text: str) -> str:
    if not text.isascii():
        raise ValueError("must be in ASCII, internationalised names in their punycode form")
    try:
        labels, port = read_pattern(text, str)
    except ValueError as error:
        raise ValueError(f"has a {error}") from None
    return ".".join(labels) + port


def _network(text: str) -> str:
    try:
        network = ip_network(text.strip())
    except ValueError as error:
        raise ValueError(f"must be networks such as 192.0.2.0/24 or 2001:db8::/32: {error}") from None
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        raise ValueError("must have IPv4 networks as such, not within IPv6 addresses")
    return str(network)


def _country(text: str) -> str:
    if not _COUNTRY.fullmatch(text.upper()):
        raise ValueError("must be country codes of two letters, such as DE (ISO 3166-1)")
    return text.upper()


def _asn(number: int) -> int:
    if not 1 <= number <= MAX_ASN:
        raise ValueError(f"must be from 1 to {MAX_ASN}")
    return number


def _value(text: str, least: int = 1) -> str:
    if not least <= len(text) <= MAX_VALUE or not text.isprintable():
        raise ValueError(f"must be texts of {least} to {MAX_VALUE} printable characters on one line")
    return text
