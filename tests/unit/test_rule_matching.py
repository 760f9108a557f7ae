"""Which rule a request matches: the compiled rules against rules that are tried one after the other."""

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from types import FrameType
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balancer.core.routing.decisions import Asked as Wanted
from balancer.core.routing.decisions import Plan
from balancer.core.routing.routes import Client
from balancer.core.rules.conditions import Conditions, HeaderCondition, QueryCondition
from balancer.core.rules.documents import Rule, RuleList
from balancer.core.rules.matching import MAX_CLIENTS, RuleBook
from balancer.core.urls.videos import Origin
from tests.factories import ConfigFactory, route


@dataclass
class Places:
    """Knows the places of clients that the test writes into it."""

    countries: dict[str, str] = field(default_factory=dict)
    asns: dict[str, int] = field(default_factory=dict)
    edition: int = 0
    has_countries: bool = True
    has_asns: bool = True

    def country(self, address: str) -> str | None:
        """Return what was written."""
        return self.countries.get(address)

    def asn(self, address: str) -> int | None:
        """Return what was written."""
        return self.asns.get(address)


@dataclass(frozen=True)
class Asked:
    """A request, as rules see it."""

    host: str = "s1.origin-cluster"
    path: str = "/video/1488/a.m3u8"
    carried: bytes = b""
    client: str = "192.0.2.7"
    headers: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The client's address in its usual spelling."""
        return self.client.removeprefix("::ffff:")

    def header(self, name: bytes) -> str:
        """Return the value of a field."""
        return self.headers.get(name.decode(), b"").decode("latin-1")


PLACES = Places({"192.0.2.7": "DE", "10.1.2.3": "FR", "2001:db8::1": "DE"}, {"192.0.2.7": 64496, "2001:db8::1": 64497})


def naive(rules: RuleList, asked: Asked) -> int | None:
    """Try every rule in order."""
    matching = (position for position, rule in enumerate(rules.rules) if rule.enabled and holds(rule.when, asked))
    return next(matching, None)


def holds(when: Conditions, asked: Asked) -> bool:
    """Tell whether all conditions of a rule hold, each by the plainest means."""
    parts: list[tuple[object, Callable[[], bool]]] = [
        (when.hosts, lambda: any(has_host(pattern, asked.host) for pattern in when.hosts)),
        (when.paths, lambda: any(has_path(path, asked.path) for path in when.paths)),
        (when.networks, lambda: any(has_client(network, asked.address) for network in when.networks)),
        (when.countries, lambda: PLACES.country(asked.address) in when.countries),
        (when.asns, lambda: PLACES.asn(asked.address) in when.asns),
        (when.query, lambda: all(has_parameter(test, asked.carried) for test in when.query)),
        (when.headers, lambda: all(has_field(test, asked.headers.get(test.name, b"")) for test in when.headers)),
    ]
    return all(not values or is_so() for values, is_so in parts)


def has_host(pattern: str, host: str) -> bool:
    """Tell whether a pattern stands for a host."""
    name = host if ":" in pattern else host.partition(":")[0]
    return re.fullmatch(re.escape(pattern).replace(r"\*", "[^.:]+"), name) is not None


def has_path(path: str, asked: str) -> bool:
    """Tell whether a prefix or a glob stands for a path."""
    asked = asked.replace("%7E", "~")
    if "*" not in path:
        return asked.startswith(path) if path.endswith("/") else f"{asked}/".startswith(f"{path}/")
    regex = ""
    for segment in path.split("/")[1:]:
        regex += r"(?:/[^/]*)*" if segment == "**" else "/" + re.escape(segment).replace(r"\*", "[^/]*")
    if path.endswith("/**"):
        regex = regex.removesuffix("*") + "+"
    return re.fullmatch(regex, asked) is not None


def has_client(network: str, client: str) -> bool:
    """Tell whether a client is in a network."""
    return bool(client) and ip_address(client) in ip_network(network)


def has_parameter(test: QueryCondition, carried: bytes) -> bool:
    """Tell whether a parameter is there with one of its values."""
    pairs = [part.partition(b"=") for part in carried.split(b"&")]
    values = [
        unquote_to_bytes(value).decode() for name, _, value in pairs if unquote_to_bytes(name).decode() == test.name
    ]
    return bool(values) and (not test.values or any(value in test.values for value in values))


def has_field(test: HeaderCondition, value: bytes) -> bool:
    """Tell whether a header field has one of the texts."""
    text = value.decode()
    return text in test.equals or any(part.lower() in text.lower() for part in test.contains)


def some(*values: str, most: int = 2) -> st.SearchStrategy[tuple[str, ...]]:
    """Return mostly no values of these, so that conditions of every kind meet."""
    return st.one_of(st.just(()), st.lists(st.sampled_from(values), max_size=most).map(tuple))


queries = st.builds(QueryCondition, st.sampled_from(["a", "b"]), some("1", "2", "x y", ""))
fields = st.builds(
    HeaderCondition, st.sampled_from(["user-agent", "x"]), st.just(("TV",)) | st.just(("tizen", "q")), some("TV", "Q")
)
conditions = st.builds(
    Conditions,
    hosts=some("s1.origin-cluster", "*.origin-cluster", "s2.*", "*.*", "s1.*:8080", "*.origin-cluster:81"),
    paths=some("/", "/video/", "/video/1488", "/video/*/a.m3u8", "/**/*.m3u8", "/vi*/**/b*", "/video/**/x/**", "/~/"),
    networks=some("192.0.2.0/24", "192.0.2.7/32", "0.0.0.0/0", "10.0.0.0/8", "2001:db8::/32", "::/0"),
    countries=some("DE", "FR"),
    asns=st.one_of(st.just(()), st.just((64496,)), st.just((64496, 64497))),
    query=st.lists(queries, max_size=2, unique_by=lambda test: test.name).map(tuple),
    headers=st.lists(fields, max_size=2, unique_by=lambda test: test.name).map(tuple),
).filter(lambda when: not when.is_always)
lists = st.lists(st.tuples(conditions, st.booleans() | st.just(True)), max_size=12).map(
    lambda found: RuleList(tuple(Rule(f"r{n}", when, n + 1, enabled) for n, (when, enabled) in enumerate(found)))
)
requests = st.builds(
    Asked,
    host=st.sampled_from(["s1.origin-cluster", "s2.origin-cluster", "s1.origin-cluster:8080", "s2.other:81", "a.b.c"]),
    path=st.sampled_from(
        ["/video/1488/a.m3u8", "/video/1488", "/video/14/b.m3u8", "/vod/x/bc", "/video/x/y", "/%7E/a"]
    ),
    carried=st.sampled_from([b"", b"a=1", b"b=x%20y&c", b"%61=2&b", b"a=3&a=1&b=1", b"aa=1&=1"]),
    client=st.sampled_from(["", "192.0.2.7", "192.0.2.8", "10.1.2.3", "2001:db8::1", "2001:db9::1", "::ffff:10.1.2.3"]),
    headers=st.fixed_dictionaries(
        {}, optional={"user-agent": st.sampled_from([b"Tizen TV", b"TV", b"x"]), "x": st.sampled_from([b"Q", b"tv"])}
    ),
)


@settings(max_examples=120)
@given(lists, st.lists(requests, min_size=1, max_size=8))
def test_compiled_rules_choose_what_trying_them_in_order_does(rules: RuleList, asked: list[Asked]) -> None:
    """Whatever rules ask for, the compiled ones find the first one that matches, and call settled only what is."""
    book = RuleBook(rules, PLACES)
    for request in asked * 2:
        expected = naive(rules, request)
        reading = book.read(request.host, request.path, request.carried)
        assert expected == book.choose(reading, request.client, request.header)
        if reading.settled:
            assert expected == reading.position


ROUTES = {number: route(ConfigFactory.build(id=number)) for number in range(13)}


@given(lists, st.lists(requests, min_size=1, max_size=8))
def test_what_is_remembered_by_groups_of_clients_is_what_would_be_found_anew(
    rules: RuleList, asked: list[Asked]
) -> None:
    """A URL that many clients ask for takes for each of them the route of the first rule that matches."""
    plan = Plan(ROUTES[0], ROUTES, RuleBook(rules, PLACES))
    known: dict[tuple[str, str, bytes], Wanted] = {}
    for request in asked * 2:
        position = naive(rules, request)
        url = request.host, request.path, request.carried
        server, _, domain = request.host.partition(".")
        origin = Origin("http", server, domain, "*")
        wanted = known.setdefault(url, plan.read(origin, request.path.encode(), request.carried))
        found = plan.settle(wanted, Client(request.client, request.header))
        assert (0 if position is None else position + 1) == found.route.config.id
        # What is asked for once takes the same route, unless a header field may have to be looked at.
        once = plan.route_once(origin, request.path.encode(), request.carried, request.address)
        assert once is found.route or (once is None and any(rule.when.headers for rule in rules.rules))


def rules_of(*conditions: Conditions) -> RuleList:
    """Return a rule for each."""
    return RuleList(tuple(Rule(f"r{number}", when, 1) for number, when in enumerate(conditions)))


def test_a_new_database_of_places_counts_at_once() -> None:
    """A client that was looked up before is looked up again when another database of places is in use."""
    places = Places({"192.0.2.7": "DE"})
    book = RuleBook(rules_of(Conditions(countries=("FR",))), places)
    reading = book.read("s1.origin-cluster", "/a", b"")
    assert book.choose(reading, "192.0.2.7", lambda _name: "") is None
    places.countries["192.0.2.7"] = "FR"
    places.edition += 1
    assert 0 == book.choose(reading, "192.0.2.7", lambda _name: "")


def test_what_is_remembered_is_bounded() -> None:
    """Clients, hosts and header values that never come again do not fill the memory, and are answered rightly."""
    conditions = Conditions(
        hosts=("*.origin-cluster",), networks=("10.0.0.0/8",), headers=(HeaderCondition("user-agent", ("TV",)),)
    )
    book = RuleBook(rules_of(conditions))
    for number in range(3 * MAX_CLIENTS):
        reading = book.read(f"s{number}.origin-cluster", "/a", b"")
        client = f"10.0.{number // 250}.{number % 250}"
        asked = Asked(headers={"user-agent": b"TV %d" % number})
        assert 0 == book.choose(reading, client, asked.header)
    assert len(book.groups) <= MAX_CLIENTS
    assert book._hosts is not None
    assert len(book._hosts._known) <= 4096
    assert len(book._headers[0][1]._known) <= 1024


@pytest.mark.parametrize(
    ("path", "glob"),
    [
        pytest.param("/" + "a/" * 4000 + "b", "/**/a/a/a/a/a/c/**/d", id="double wildcards"),
        pytest.param("/" + "a" * 8000 + "b", "/*a*a*a*a*a*a*a*c", id="wildcards in a segment"),
    ],
)
def test_paths_made_to_be_slow_are_not(path: str, glob: str) -> None:
    """A glob with many wildcards is compared with a long path in steps that grow with the path alone."""
    book = RuleBook(rules_of(Conditions(paths=(glob,))))
    assert book.read("s1.origin-cluster", path, b"").settled


def calls(rules: RuleList, asked: Asked) -> tuple[int | None, int]:
    """Return which rule a request matches, and how many calls of any function that takes."""
    book = RuleBook(rules)
    count = 0

    def see(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(see)
    reading = book.read(asked.host, asked.path, asked.carried)
    position = book.choose(reading, asked.client, asked.header)
    sys.setprofile(None)
    return position, count


def test_rules_that_cannot_match_are_not_tried() -> None:
    """A request takes as many calls with ten thousand rules as with one of each kind, whichever it matches."""
    kinds: list[Callable[[int], Conditions]] = [
        lambda number: Conditions(hosts=(f"s{number}.other",)),
        lambda number: Conditions(paths=(f"/not/here/{number}/",)),
        lambda number: Conditions(networks=(f"10.{number // 250}.{number % 250}.0/24",)),
        lambda number: Conditions(hosts=("*.origin-cluster",), paths=(f"/video/{number}/",)),
    ]
    for last in (Conditions(hosts=("*.origin-cluster",), paths=("/video/1488/",)), Conditions(hosts=("none.such",))):
        few = [kind(2000) for kind in kinds]
        many = [kinds[number % 4](2000 + number) for number in range(9999)]
        (found, cost), (found_late, cost_late) = (calls(rules_of(*rules, last), Asked()) for rules in (few, many))
        assert (found is None) == (found_late is None)
        assert found_late in {None, 9999}
        assert cost == cost_late
