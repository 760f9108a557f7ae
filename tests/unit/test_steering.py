"""Content steering: where sessions are, and how few of them move."""

import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balancer.core.configs.documents import CdnConfig, PolicyName
from balancer.core.routing.planner import Blueprint, Planner
from balancer.core.routing.routes import NOBODY
from balancer.core.steering.beginnings import read_plain
from balancer.core.steering.reports import Report, read_report
from balancer.core.steering.steering import LEAST_TTL, MOST_TTL, SETTLED, Steered, Steering
from balancer.core.steering.tokens import MAX_TOKEN, Tokens
from tests.factories import MANY_TARGETS, ConfigFactory, cdn, planner, targets

pytestmark = pytest.mark.anyio

NOW = 1_800_000_000
TTL = 30


class World:
    """A process that steers by a config of these targets, and the sessions that play.

    Args:
        weights: By name of a target.
    """

    def __init__(self, **weights: int) -> None:
        self.planner: Planner = planner()
        self.steering = Steering(self.planner.redirects, Tokens(b"k" * 32), TTL)
        self.config: CdnConfig = ConfigFactory.build(id=1)
        self.now = NOW
        self.tokens: list[bytes] = []
        self.change(**weights)

    def change(self, **weights: int) -> None:
        """Put other weights in force."""
        document = replace(self.config.document, targets=targets(**weights))
        self.use(replace(self.config, document=document, revision=self.config.revision + 1))

    def use(self, config: CdnConfig) -> None:
        """Put a config in force."""
        self.config = config
        self.planner.use(config)

    def ask(self, query: bytes = b"") -> Steered:
        """Return what whoever asks so is told."""
        found = self.steering.steer(query, lambda: NOBODY, self.now)
        assert found
        return found

    def name(self, steered: Steered) -> str:
        """Return the name of a target in an answer."""
        return self.config.document.targets[steered.first].name

    def names(self, steered: Steered) -> list[str]:
        """Return the names of all targets in an answer."""
        found: list[str] = json.loads(steered.pathways)
        assert self.name(steered) == found[0]
        return found

    def begin(self, count: int) -> None:
        """Begin so many sessions."""
        self.tokens = [self.ask().token for _ in range(count)]
        self.now += TTL

    def everybody(self) -> list[str]:
        """Let all sessions ask again, and return where each is."""
        answers = [self.ask(b"session=" + token) for token in self.tokens]
        self.tokens = [answer.token for answer in answers]
        return [self.name(answer) for answer in answers]


def moved(before: list[str], after: list[str]) -> float:
    """Return which part of the sessions is elsewhere."""
    return sum(one != other for one, other in zip(before, after, strict=True)) / len(before)


PLAIN_QUERIES = st.builds(
    lambda config, pathway: b"&".join(part for part in (config, pathway) if part),
    st.sampled_from([b"", b"config=1", b"config=2", b"config=77", b"config=0"]),
    st.one_of(
        st.just(b""),
        st.builds(
            b"_%b_pathway=%b&_%b_throughput=%b".__mod__,
            st.tuples(
                st.sampled_from([b"HLS", b"DASH"]),
                st.sampled_from([b"", b"a", b"b", b"later", b"drained", b"off", b"nobody", b"A-1"]),
                st.sampled_from([b"HLS", b"DASH"]),
                st.sampled_from([b"", b"0", b"500000"]),
            ),
        ),
        st.sampled_from([b"_DASH_pathway=%22b%22&_DASH_throughput=", b"_DASH_pathway=%22a%22", b"_HLS_pathway=b"]),
    ),
)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(PLAIN_QUERIES, st.integers(0, 3)), min_size=1, max_size=12),
    st.lists(st.integers(1, 50), min_size=2, max_size=2),
    st.sampled_from(list(PolicyName)),
    st.sampled_from(["video", "client", "query:config"]),
)
def test_sessions_begin_alike(
    asked: list[tuple[bytes, int]], weights: list[int], policy: PolicyName, sticky_key: str
) -> None:
    """A session that begins by the quick way is told what it would be told by the other one, state and all."""
    first, second = (cdn(name, weight) for name, weight in zip("ab", weights, strict=True))
    made = (first, second, cdn("later", tier=2), cdn("drained", 0), cdn("off", enabled=False))
    worlds = World(a=1), World(a=1)
    for world in worlds:
        document = replace(world.config.document, targets=made, policy=policy, sticky_key=sticky_key)
        world.use(replace(world.config, document=document, revision=2))
    quick, other = worlds
    is_quick = policy is PolicyName.EXACT and sticky_key == "video"
    for query, later in asked:
        quick.now = other.now = quick.now + later
        found = quick.steering.begin_quickly(query, quick.now)
        assert is_quick == (found is not None)
        told = other.ask(query)
        if found is not None:
            # The plans of two worlds are alike, and not the same.
            assert told._replace(route=found.route) == found
            assert told.route.config.id == found.route.config.id


@given(st.one_of(st.binary(max_size=60), st.text("_HLSDApathwyconfigruut=&%12a-", max_size=60).map(str.encode)))
def test_plain_queries_are_read_alike(query: bytes) -> None:
    """What is read by the quick way says the same as a report does that is read with care, or is left to that."""
    found = read_plain(query)
    if found is not None:
        report = read_report(query)
        assert (report.config_id or 0, Report(b"", report.config_id, found[1].decode())) == (found[0], report)


def test_few_sessions_move() -> None:
    """From 50:50 to 60:40 a tenth of ten thousand sessions moves, and the shares are the new ones."""
    world = World(a=50, b=50)
    world.begin(10_000)
    before = world.everybody()
    assert {"a": 5_000, "b": 5_000} == Counter(before)
    world.change(a=60, b=40)
    after = world.everybody()
    assert 0.1 == pytest.approx(moved(before, after), abs=0.001)
    assert 0.6 == pytest.approx(after.count("a") / 10_000, abs=0.001)
    assert after == world.everybody()


@settings(max_examples=25)
@given(st.lists(st.lists(st.integers(1, 20), min_size=4, max_size=4), min_size=2, max_size=4))
def test_no_more_move_than_must(history: list[list[int]]) -> None:
    """Whatever the weights were and become, no more sessions move than the shares differ."""
    world = World(**dict(zip("abcd", history[0], strict=True)))
    world.begin(1_000)
    before = world.everybody()
    for old, new in pairwise(history):
        world.change(**dict(zip("abcd", new, strict=True)))
        after = world.everybody()
        shares = [[weight / sum(weights) for weight in weights] for weights in (old, new)]
        must = sum(max(0.0, one - other) for one, other in zip(*shares, strict=True))
        assert must == pytest.approx(moved(before, after), abs=0.03)
        counts = Counter(after)
        assert shares[1] == pytest.approx([counts[name] / 1_000 for name in "abcd"], abs=0.03)
        before = after


def test_a_session_stays_where_its_share_is_not_cut() -> None:
    """Nobody leaves a target that keeps or gains its share, whatever becomes of the others."""
    world = World(a=5, b=3, c=2)
    world.begin(1_000)
    before = world.everybody()
    world.change(a=5, b=2, c=3)
    assert {("b", "c")} == {(one, other) for one, other in zip(before, world.everybody(), strict=True) if one != other}


def test_targets_that_leave_and_come_back() -> None:
    """A drained target is left by all, a new one is filled, and a session keeps its place through other processes."""
    world = World(a=1, b=1, c=1)
    world.begin(900)
    before = world.everybody()
    world.change(a=1, b=0, c=1)
    drained = world.everybody()
    assert {"a": 450, "c": 450} == pytest.approx(Counter(drained), abs=3)
    assert 1 / 3 == pytest.approx(moved(before, drained), abs=0.001)
    other = World(a=1, b=1, c=1)
    other.tokens, other.now = world.tokens, world.now
    assert {"a": 300, "b": 300, "c": 300} == pytest.approx(Counter(other.everybody()), abs=6)


def test_every_usable_target_is_a_pathway() -> None:
    """An answer names all targets that could serve: those of the tier by weight, then those of later tiers."""
    world = World(a=1)
    made = (
        cdn("b", 2, tier=1),
        cdn("a"),
        cdn("big", 9),
        cdn("off", enabled=False),
        cdn("drained", 0),
        cdn("c", tier=2),
    )
    world.use(replace(world.config, document=replace(world.config.document, targets=made)))
    answers = [world.names(world.ask()) for _ in range(10)]
    assert {("a", "big", "b", "c"): 1, ("big", "a", "b", "c"): 9} == Counter(map(tuple, answers))


async def test_health() -> None:
    """An unhealthy target is left by its sessions, which are told to ask again soon meanwhile."""
    world = World(a=1, b=1)
    world.begin(100)
    assert 100 == len(world.everybody())
    await world.planner.heed({(1, "b"): 0.0})
    answers = [world.ask(b"session=" + token) for token in world.tokens]
    assert {("a",)} == {tuple(world.names(answer)) for answer in answers}
    assert {LEAST_TTL, LEAST_TTL + 1} == {answer.ttl for answer in answers}
    assert 50 == sum(answer.has_moved for answer in answers)


def test_a_session_that_has_just_begun() -> None:
    """The first answer of a session agrees with its manifest though shares have changed, and the next one need not."""
    world = World(a=1, b=1)
    tokens = [world.ask().token for _ in range(100)]
    world.change(a=1, b=9)
    first = [world.ask(b"session=" + token) for token in tokens]
    assert {"a": 50, "b": 50} == Counter(map(world.name, first))
    assert LEAST_TTL in {answer.ttl for answer in first if world.name(answer) == "a"}
    assert {"a": 10, "b": 90} == Counter(world.name(world.ask(b"session=" + answer.token)) for answer in first)
    world.now += SETTLED
    assert {"a": 10, "b": 90} == Counter(world.name(world.ask(b"session=" + token)) for token in tokens)


async def test_a_session_that_has_just_begun_at_an_unusable_target() -> None:
    """However young a session is, it leaves at once what is drained, disabled or unhealthy."""
    world = World(a=1, b=1, c=1, d=1)
    tokens = [world.ask().token for _ in range(40)]
    drained, disabled = cdn("b", 0), cdn("c", enabled=False)
    document = replace(world.config.document, targets=(cdn("a"), drained, disabled, cdn("d")))
    world.use(replace(world.config, document=document, revision=9))
    await world.planner.heed({(1, "d"): 0.0})
    answers = [world.ask(b"session=" + token) for token in tokens]
    assert {("a",)} == {tuple(world.names(answer)) for answer in answers}
    assert 30 == sum(answer.has_moved for answer in answers)
    assert not any(world.ask(b"session=" + answer.token).has_moved for answer in answers)


def test_each_move_is_counted_once() -> None:
    """Whether a session is told to move at once or is left in peace at first, exactly one answer says that it moves."""
    for age in (0, SETTLED):
        world = World(a=1, b=1)
        tokens = [world.ask().token for _ in range(100)]
        world.now += age
        world.change(a=1, b=9)
        moves: Counter[bytes] = Counter()
        for _ in range(4):
            answers = [world.ask(b"session=" + token) for token in tokens]
            for number, answer in enumerate(answers):
                moves[b"%d" % number] += answer.has_moved
            tokens = [answer.token for answer in answers]
            world.now += LEAST_TTL
        assert {0: 60, 1: 40} == Counter(moves.values())


def test_a_move_to_its_share_is_counted() -> None:
    """A session that is told to leave the pathway that it reported has moved, and one that need not has not."""
    world = World(a=1, b=1)
    first = [world.ask(b"_HLS_pathway=b") for _ in range(10)]
    second = [world.ask(b"session=" + answer.token) for answer in first]
    assert {("a", True): 5, ("b", False): 5} == Counter((world.name(one), one.has_moved) for one in second)
    assert not any(world.ask(b"session=" + answer.token).has_moved for answer in second)


def test_moves_of_dash_js() -> None:
    """A player that comes back by the URL in its manifest has moved once, since it says that it is there already."""
    world = World(a=1, b=1)
    tokens = [world.ask().token for _ in range(10)]
    world.now += SETTLED
    world.change(a=0, b=1)
    found = []
    for pathway in (b"a", b"b", b"a%2Cb"):
        query = b"&_DASH_pathway=%22" + pathway + b"%22&_DASH_throughput=91083750"
        answers = [world.ask(b"session=" + token + query) for token in tokens]
        assert {"b"} == set(map(world.name, answers))
        found.append(sum(answer.has_moved for answer in answers))
    assert [5, 0, 0] == found


@pytest.mark.parametrize(
    "query", [b"_HLS_pathway=b&_HLS_throughput=500000", b"config=1&_DASH_pathway=%22a%2Cb%22&_DASH_throughput="]
)
def test_manifests_of_operators(query: bytes) -> None:
    """Where a manifest names no session, the first answer agrees with the player's report, the next with its share."""
    world = World(a=1, b=1)
    first = [world.ask(query) for _ in range(10)]
    assert {"b"} == set(map(world.name, first))
    assert {LEAST_TTL} == {answer.ttl // 2 * 2 for answer in first if world.name(answer) != "a"} - {
        TTL,
        TTL - 2,
        TTL + 2,
        TTL - 4,
    }
    world.now += LEAST_TTL
    assert {"a": 5, "b": 5} == Counter(world.name(world.ask(b"session=" + answer.token)) for answer in first)


def test_dash_js_comes_back_by_its_first_url() -> None:
    """A player that reports where it is, and how fast that is, but no session, is kept there."""
    world = World(a=1, b=1)
    found = [world.ask(b"_DASH_pathway=%22b%22&_DASH_throughput=91083750") for _ in range(10)]
    assert {"b"} == set(map(world.name, found))
    world.now += SETTLED
    assert {"b"} == {world.name(world.ask(b"session=" + answer.token)) for answer in found}


@pytest.mark.parametrize(
    ("query", "report"),
    [
        (b"", Report()),
        (b"&&=&a", Report()),
        (b"session=t&config=7&_HLS_pathway=cdn-a&_HLS_throughput=500000", Report(b"t", 7, "cdn-a")),
        (b"_DASH_pathway=%22cdn-a%22&_DASH_throughput=", Report(pathway="cdn-a")),
        (
            b"_DASH_pathway=%22cdn-a%2Ccdn-b%22&_DASH_throughput=%2C58478000",
            Report(pathway="cdn-b", is_back=True),
        ),
        (b"_DASH_pathway=cdn-a&_DASH_throughput=8823049", Report(pathway="cdn-a")),
        (b"_DASH_pathway=%22%2Ccdn-b%22&_DASH_throughput=0", Report(pathway="cdn-b")),
        (b"session=a&session=b&config=1x", Report(b"a")),
        (b"config=99999999999", Report()),
        (b"_HLS_pathway=%FF%zz+", Report(pathway="�%zz")),
    ],
)
def test_reports(query: bytes, report: Report) -> None:
    """What players really send is read, and what cannot be read counts as missing."""
    assert report == read_report(query)


@given(st.binary(max_size=200))
def test_garbage_is_a_new_session(garbage: bytes) -> None:
    """Whatever is sent, in place of a token too, gets an answer."""
    world = World(a=1, b=1)
    assert world.ask(b"session=" + garbage).is_new
    assert world.ask(garbage).is_new


@given(st.integers(0, 54), st.integers(1, 255))
def test_tokens_cannot_be_changed(place: int, change: int) -> None:
    """A token with one byte changed, or of another key, is a new session."""
    world = World(a=1, b=1)
    token = bytearray(world.ask().token)
    assert not world.ask(b"session=" + token).is_new
    token[place % len(token)] ^= change
    assert world.ask(b"session=" + token).is_new
    stranger = World(a=1, b=1)
    stranger.steering = Steering(stranger.planner.redirects, Tokens(b"o" * 32), TTL)
    assert world.ask(b"session=" + stranger.ask().token).is_new


def test_as_many_targets_as_there_can_be() -> None:
    """A token has room for all targets that serve at once, and is read again."""
    world = World(a=1)
    made = tuple(cdn(f"cdn-{number:026}", number + 1) for number in range(64))
    world.use(replace(world.config, document=replace(MANY_TARGETS, targets=made, policy=PolicyName.EXACT, loop=None)))
    answer = world.ask()
    assert len(answer.token) <= MAX_TOKEN
    assert 64 == len(world.names(answer))
    again = world.ask(b"session=" + answer.token)
    assert (answer.token, False) == (again.token, again.is_new)


def test_sticky() -> None:
    """Under `sticky` a session goes by its key, and when a target leaves only that one's sessions move."""
    world = World(a=1, b=1, c=1)
    document = replace(world.config.document, policy=PolicyName.STICKY, sticky_key="query:user")
    world.use(replace(world.config, document=document))
    assert 1 == len({world.names(world.ask(b"user=7"))[0] for _ in range(9)})
    world.tokens = [world.ask(b"user=%d" % number).token for number in range(600)]
    world.now += TTL
    before = world.everybody()
    assert {"a": 200, "b": 200, "c": 200} == pytest.approx(Counter(before), abs=50)
    world.change(a=1, b=0, c=1)
    after = world.everybody()
    assert {"b"} == {one for one, other in zip(before, after, strict=True) if one != other}


def test_failover() -> None:
    """Under `failover` all sessions are at the first target, with the others behind it in order."""
    world = World(b=1, a=5, c=1)
    world.use(replace(world.config, document=replace(world.config.document, policy=PolicyName.FAILOVER)))
    assert {("b", "a", "c")} == {tuple(world.names(world.ask())) for _ in range(9)}


@pytest.mark.parametrize("policy", list(PolicyName))
def test_another_policy(policy: PolicyName) -> None:
    """A session goes on when the policy changes, and back, and nobody moves for that alone where nobody must."""
    world = World(a=1, b=1)
    world.begin(1_000)
    before = world.everybody()
    world.use(replace(world.config, document=replace(world.config.document, policy=policy)))
    world.everybody()
    world.use(replace(world.config, document=replace(world.config.document, policy=PolicyName.EXACT)))
    after = world.everybody()
    assert {"a": 500, "b": 500} == pytest.approx(Counter(after), abs=30)
    if policy is PolicyName.EXACT:
        assert before == after


async def test_configs() -> None:
    """A session is steered by the config that its URL names, and by the default one where that is not in use."""
    world = World(a=1)
    other = ConfigFactory.build(id=2, document=replace(world.config.document, targets=targets(z=1)))
    await world.planner.follow(Blueprint(world.config, {2: other}))
    answer = world.ask(b"config=2")
    assert 2 == answer.route.config.id
    assert 2 == world.ask(b"session=" + answer.token).route.config.id
    assert [1, 1] == [world.ask(query).route.config.id for query in (b"config=3", b"")]
    await world.planner.follow(Blueprint(world.config))
    gone = world.ask(b"session=" + answer.token)
    assert (1, True) == (gone.route.config.id, gone.is_new)


def test_answers_are_spread_and_bounded_in_time() -> None:
    """Answers hold for thirty seconds and a tenth more or less, and the longer the more a process is asked."""
    world = World(a=1, b=1)
    world.steering = Steering(world.planner.redirects, Tokens(b"k" * 32), TTL, busy=100)
    assert set(range(27, 34)) == {world.ask().ttl for _ in range(300)}
    world.now += 1
    busy = [world.ask().ttl for _ in range(2_000)]
    assert 3 * TTL == pytest.approx(sum(busy) / len(busy), rel=0.05)
    world.now += 1
    busiest = {world.ask().ttl for _ in range(50)}
    assert MOST_TTL - 60 < min(busiest)
    assert MOST_TTL >= max(busiest)
    world.now += 2
    assert TTL + 3 >= world.ask().ttl


def test_before_the_first_config() -> None:
    """Before a config is known there is nothing to tell."""
    assert Steering(planner().redirects, Tokens(b"k" * 32), TTL).steer(b"", lambda: NOBODY, NOW) is None
