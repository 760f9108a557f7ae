"""Hearing players: whose report it is, and at which target."""

from dataclasses import replace
from itertools import count

import pytest
from typing_extensions import override

from balancer.core.configs.documents import CdnConfig
from balancer.core.configs.targets import Target
from balancer.core.quality import hearing
from balancer.core.quality.aggregates import NOTHING, Group, Quality
from balancer.core.quality.figures import figures
from balancer.core.quality.hearing import Hearing
from balancer.core.quality.hosts import MAX_HOSTS, TargetHosts
from balancer.core.quality.known import KnownQuality
from balancer.core.quality.sessions import DAY, key_of
from balancer.core.rules.matching import NoPlaces
from tests.factories import ConfigFactory, cdn, origins, planner

NOW = 1_800_000_000
ADDRESS = "192.0.2.77"
SECRET = b"k" * 32


def on(name: str, host: str) -> Target:
    """Return a CDN with a host."""
    return replace(cdn(name), host=host)


class Places(NoPlaces):
    """Places by address; set `found` and count `edition` up to have others, and see in `asked` how often they were."""

    has_countries = True
    has_asns = True

    def __init__(self) -> None:
        self.found: dict[str, tuple[int, str]] = {}
        self.edition = 1
        self.asked = 0

    @override
    def country(self, address: str) -> str | None:
        self.asked += 1
        return self.found[address][1] if address in self.found else None

    @override
    def asn(self, address: str) -> int | None:
        return self.found[address][0] if address in self.found else None


class World:
    """A process that hears players of the default config, which has an origin and the CDN `cdn`."""

    def __init__(self) -> None:
        self.planner = planner("*.origin-cluster", "*.origin-cluster:8610")
        self.config: CdnConfig = ConfigFactory.build(id=1)
        self.planner.use(self.config)
        self.places = Places()
        hosts = TargetHosts(self.planner.redirects, origins("*.origin-cluster", "*.origin-cluster:8610"))
        self.hosts = hosts
        self.hearing = Hearing(hosts, self.places, SECRET)
        self.now = NOW

    def hear(self, *lines: str, address: str = ADDRESS) -> None:
        """Take in a body of these lines."""
        self.hearing.hear_events("\n".join(lines).encode(), address, self.now)

    def heard(self) -> dict[Group, Quality]:
        """Return what was heard, and let the step be over."""
        self.now += 10
        (closed,) = self.hearing.take(self.now)
        return dict(closed.qualities())

    def targets(self) -> dict[str, int]:
        """Return how many reports were heard of each target, and let the step be over."""
        found: dict[str, int] = {}
        for group, quality in self.heard().items():
            found[group.target] = found.get(group.target, 0) + quality.reports
        return found


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("cdn.example.com", "cdn"),
        ("cdn.example.com:8080", ""),
        ("s1.origin-cluster", "origin"),
        ("s1.origin-cluster:8610", "origin"),
        ("s1.origin-cluster:8611", ""),
        ("a.s1.origin-cluster", ""),
        ("balancer.example.com", ""),
        ("[2001:db8::1]:8610", ""),
        ("s1.origin-cluster:99999", ""),
        ("", ""),
    ],
)
def test_targets_by_host(host: str, target: str) -> None:
    """A host is a CDN's, or an allowed one of the origin, or nobody's; the first and the second time."""
    world = World()
    assert [target, target] == [world.hosts.name_of(host) for _ in range(2)]


def test_targets_follow_the_plan() -> None:
    """Another config has other hosts at once; a default port is as good as none."""
    world = World()
    assert "cdn" == world.hosts.name_of("cdn.example.com")
    made = replace(world.config.document, targets=(on("a", "a.example:443"), on("b", "b.example:8443")))
    world.planner.use(replace(world.config, document=made, revision=2))
    names = [
        world.hosts.name_of(host) for host in ("cdn.example.com", "a.example", "b.example:8443", "s1.origin-cluster")
    ]
    assert ["", "a", "b", ""] == names


def test_nothing_is_known_before_a_plan() -> None:
    """Before the first config every host is nobody's."""
    hosts = TargetHosts(planner().redirects, origins())
    assert "" == hosts.name_of("s1.origin-cluster")


def test_memory_of_hosts_is_bounded() -> None:
    """However many hosts are made up, only so many are remembered."""
    world = World()
    for number in range(3 * MAX_HOSTS):
        world.hosts.name_of(f"{number}.example")
    assert len(world.hosts._found) <= MAX_HOSTS


def test_reports_count_for_the_target_that_they_name() -> None:
    """Each report of a body counts for the target of its URL."""
    world = World()
    world.hear(
        'e=rr,sid="a",url="http://cdn.example.com/s1/a.ts"',
        'e=rr,sid="a",url="http://s1.origin-cluster/a.ts"',
        'e=rr,sid="a",url="http://elsewhere.example/a.ts"',
    )
    assert {"cdn": 1, "origin": 1, "": 1} == world.targets()


def test_events_without_a_url_count_where_the_session_is() -> None:
    """A change of state counts for the target that its session named last, in this body or in one before."""
    world = World()
    world.hear('e=ps,sid="a",sta=s,msd=900', 'e=rr,sid="a",url="http://cdn.example.com/a.ts"', 'e=ps,sid="b"', "e=t")
    assert {"cdn": 2, "": 2} == world.targets()
    world.hear('bsd=400,e=ps,sid="a",sta=r')
    found = {group.target: figures(quality) for group, quality in world.heard().items()}
    assert {"cdn": 0.4} == {target: row.starved_seconds for target, row in found.items()}


def test_a_redirect_says_where_a_session_is() -> None:
    """A report that comes with a request counts for the target that the player is sent to, and so do its next ones."""
    world = World()
    value = b"video=x&CMCD=bl%3D4000%2Csid%3D%22a%22&y=1"
    world.hearing.hear_request(value, [b'sid="b"'], "cdn", ADDRESS, world.now)
    world.hearing.hear_request(b"video=x", [b'sid="b",mtp=100', b"bs"], "origin", ADDRESS, world.now)
    world.hear('e=ps,sid="a"', 'e=ps,sid="b"')
    assert {"cdn": 2, "origin": 2} == world.targets()
    assert (4, 0) == (world.hearing.heard, world.hearing.malformed)


@pytest.mark.parametrize(("query", "fields"), [(b"CMCD=%22", []), (b"", [b"((("]), (b"CMCD=", [b"mtp=1"])])
def test_what_cannot_be_read_is_counted(query: bytes, fields: list[bytes]) -> None:
    """A report of a request that is no list of keys is malformed."""
    world = World()
    world.hearing.hear_request(query, fields, "cdn", ADDRESS, world.now)
    world.hear('e=ps,sid="a', "v=3")
    assert (0, 3) == (world.hearing.heard, world.hearing.malformed)
    assert [] == world.hearing.take(world.now + 10)


def test_requests_without_a_report_are_none() -> None:
    """What has neither parameter nor fields says nothing."""
    world = World()
    world.hearing.hear_request(b"video=x&xCMCD=1&cmcd=bs", [], "cdn", ADDRESS, world.now)
    assert (0, 0) == (world.hearing.heard, world.hearing.malformed)


def test_groups_are_networks_and_countries() -> None:
    """Of an address only its network and its country are kept, asked once for each edition of the database."""
    world = World()
    world.places.found["2001:db8::1"] = 64496, "DE"
    for address in (ADDRESS, "192.0.2.1", "2001:db8::1", "2001:db8::1", ""):
        world.hear("bs", address=address)
    found = {(group.network, group.country) for group in world.heard()}
    assert {("192.0.2.0/24", ""), ("AS64496", "DE"), ("unknown", "")} == found
    assert 4 == world.places.asked
    world.places.found["2001:db8::1"] = 64497, "FR"
    world.places.edition += 1
    world.hear("bs", address="2001:db8::1")
    assert [Group("", "AS64497", "FR")] == list(world.heard())


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many addresses and sessions come, only so many are remembered."""
    monkeypatch.setattr(hearing, "MAX_PLACES", 500)
    monkeypatch.setattr(hearing, "MAX_KNOWN", 500)
    world = World()
    for number in range(1_500):
        body = b'sid="%d",url="http://cdn.example.com/"' % number
        world.hearing.hear_events(body, f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", NOW)
    assert 0 < len(world.hearing._found) <= 500
    assert 0 < len(world.hearing._sessions._young) + len(world.hearing._sessions._old) <= 500


def test_keys_of_days() -> None:
    """Each day has a key of its own, the same wherever the secret is the same, and not the secret itself."""
    day = NOW // DAY * DAY
    keys = [key_of(SECRET, moment) for moment in (day, day + DAY - 1, day + DAY)]
    assert keys[0] == keys[1] != keys[2]
    assert SECRET not in keys
    assert key_of(b"x" * 32, day) != keys[0]


def test_a_session_of_two_days_is_two() -> None:
    """At midnight a session becomes another one."""
    world, known = World(), KnownQuality()
    world.now = NOW // DAY * DAY - 20
    for step in count(world.now // 10):
        world.hear('bs,sid="a",url="http://cdn.example.com/"')
        known.add(step, [world.heard()])
        if world.now % DAY == 20:
            break
    known.go_on(world.now // 10)
    assert {"cdn": 2} == {target: figures(found).sessions for target, found in known.targets(5).items()}


def test_windows_are_added_up_once() -> None:
    """What is known is added up when it has changed, by group and by target, and grows old by the clock alone."""
    known, step = KnownQuality(), NOW // 10
    a, b = Group("cdn", "AS1", "DE"), Group("cdn", "AS2", "DE")
    one = NOTHING._replace(reports=1)
    known.add(step, [{a: one}, {a: one, b: one}])
    known.go_on(step)
    assert {a: 2, b: 1} == {group: quality.reports for group, quality in known.groups(1).items()}
    assert {"cdn": 3} == {target: quality.reports for target, quality in known.targets(1).items()}
    assert known.groups(1) is known.groups(1)
    assert known.targets(1) is known.targets(1)
    known.add(step - 1, [{b: one}])
    assert {"cdn": 4} == {target: quality.reports for target, quality in known.targets(1).items()}
    assert (step + 1) * 10 == known.end
    known.go_on(step + 10)
    assert {} == known.targets(1)
    assert {"cdn": 4} == {target: quality.reports for target, quality in known.targets(60).items()}
