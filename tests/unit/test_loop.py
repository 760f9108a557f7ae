"""Shares follow the quality that players report, within the operator's bounds, and a few liars steer nothing."""

import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.core.configs.bounds import Bounds, TargetBounds
from balancer.core.configs.documents import ConfigDocument
from balancer.core.configs.targets import Kind, Target
from balancer.core.errors import InvalidInput
from balancer.core.loop.deciding import LEAST, MAX_STEP, decide
from balancer.core.loop.evidence import Evidence
from balancer.core.loop.moves import Decision, Idle, Move, State, Why
from balancer.core.loop.shares import LEAST_PART, normalised, parts, poured, within
from balancer.core.quality import distinct
from balancer.core.quality.aggregates import NOTHING, Group, Qualities, Quality
from balancer.core.routing.usable import usable
from tests.simulation.strategies import WEIGHTS, Fixed, Loop
from tests.simulation.traces import TRACES, VICTIM
from tests.simulation.world import World

NAMES = ("cdn-a", "cdn-b", "cdn-c")
EQUAL = {"cdn-a": 50.0, "cdn-b": 50.0}
NETWORKS = 10
STEP = 10.0
BEGIN = 1_000_000_000.0
LIARS = 0.05
QUICK = Bounds(min_sessions=20, slope=10)


def registers(hashes: Sequence[int]) -> bytes:
    """Return the registers of sessions, nothing for none."""
    found = bytearray(distinct.REGISTERS)
    for session in hashes:
        distinct.note(found, session)
    return bytes(found) if hashes else b""


@cache
def quality(key: object, sessions: int, troubled: int, trouble: str = "starved") -> Quality:
    """Return what so many sessions have reported, of which some were in trouble; the same for the same key."""
    draw = random.Random(repr(key))
    hashes = [draw.getrandbits(64) for _ in range(sessions)]
    troubles: dict[str, Any] = {trouble: registers(hashes[:troubled])}
    return NOTHING._replace(sessions=registers(hashes), **troubles)


def heard(
    rates: Mapping[str, float], sessions: Mapping[str, int] | int = 40, networks: int = NETWORKS, **of: Any
) -> Qualities:
    """Return what players report from some networks, at each target with its part of sessions in trouble."""
    found = {}
    for name, rate in rates.items():
        number = sessions if isinstance(sessions, int) else sessions[name]
        for network in range(networks):
            # What is left over of whole sessions goes to the first networks.
            total = round(number * rate * networks)
            troubled = total // networks + (network < total % networks)
            country = ("DE", "PL")[network % 2]
            found[Group(name, f"AS{network}", country)] = quality((name, network), number, troubled, **of)
    return found


class Course:
    """Decisions one after the other, ten seconds apart."""

    def __init__(self, bounds: Bounds = QUICK, configured: Mapping[str, float] = EQUAL) -> None:
        self.bounds, self.configured = bounds, configured
        self.state, self.now, self.step = State(), BEGIN, STEP
        self.moves: list[Move] = []
        self.decisions: list[Decision] = []

    def go(self, minutes: float, qualities: Qualities | Callable[[Mapping[str, float]], Qualities]) -> Decision:
        """Decide for some minutes by what is heard, which may depend on the shares."""
        for _ in range(max(1, round(minutes * 60 / self.step))):
            shares = self.decisions[-1].shares if self.decisions else normalised(self.configured)
            said = qualities(shares) if callable(qualities) else qualities
            self.decisions.append(decide(self.state, self.bounds, self.configured, said, self.now))
            self.state, self.now = self.decisions[-1].state, self.now + self.step
            self.moves += self.decisions[-1].moves
        return self.decisions[-1]

    @property
    def shares(self) -> dict[str, float]:
        """The shares in percent, whole."""
        return {name: round(100 * share) for name, share in self.decisions[-1].shares.items()}

    def whys(self) -> list[Why]:
        """Return the reasons of the moves, each once where they repeat."""
        found = [move.why for move in self.moves]
        return [why for why, before in zip(found, [None, *found], strict=False) if why is not before]


def following(
    rates: Mapping[str, float], players: int = 800, of: Callable[[str, float], float] | None = None
) -> Callable[[Mapping[str, float]], Qualities]:
    """Return what players report who are where the shares send them; `of` changes a rate by the share."""

    def say(shares: Mapping[str, float]) -> Qualities:
        told = {name: of(name, shares[name]) if of else rates[name] for name in shares}
        return heard(told, {name: round(players * share / NETWORKS) for name, share in shares.items()})

    return say


WORSE = {"cdn-a": 0.4, "cdn-b": 0.02}
FINE = {"cdn-a": 0.02, "cdn-b": 0.02}


def test_share_leaves_a_target_that_is_worse() -> None:
    """After it is worse for long enough, a target loses share at the slope, down to its minimum."""
    course = Course(Bounds(min_sessions=20, slope=10, targets=(TargetBounds("cdn-a", min=20),)))
    course.go(2, following(WORSE))
    assert {"cdn-a": 50, "cdn-b": 50} == course.shares
    course.go(1, following(WORSE))
    assert {"cdn-a": 40, "cdn-b": 60} == course.shares
    last = course.go(5, following(WORSE))
    assert {"cdn-a": 20, "cdn-b": 80} == course.shares
    assert Idle.AT_BOUNDS is last.idle
    assert [Why.STARVATION] == course.whys()


def test_a_move_has_its_evidence() -> None:
    """A move tells from where, to where, how much and why, and the figures that it rests on."""
    course = Course()
    course.go(2.2, heard(WORSE))
    (move,) = course.decisions[-1].moves
    assert ("cdn-a", "cdn-b", Why.STARVATION) == (move.source, move.to, move.why)
    assert pytest.approx(10 / 6) == move.points
    assert (10, 10) == (move.source_seen.networks, move.to_seen.networks)
    assert pytest.approx(400, rel=0.05) == move.source_seen.sessions
    assert pytest.approx(40, abs=3) == move.source_seen.troubled == move.source_seen.starved
    assert pytest.approx(38, abs=3) == move.worse_by
    assert move.at_least is not None
    assert move.worse_by is not None
    assert 20 < move.at_least < move.worse_by


@pytest.mark.parametrize(
    ("trouble", "why"),
    [("starved", Why.STARVATION), ("failed", Why.ERRORS), ("late", Why.START_UP)],
)
def test_each_trouble_counts(trouble: str, why: Why) -> None:
    """Starvation, errors and slow starts move share alike, and the move tells which it was."""
    course = Course()
    course.go(3, heard(WORSE, trouble=trouble))
    assert [why] == course.whys()


def test_a_session_counts_once() -> None:
    """A session that starves and fails and is late is in trouble once."""
    draw = [random.Random(number).getrandbits(64) for number in range(100)]
    some = registers(draw[:10])
    said = NOTHING._replace(sessions=registers(draw), starved=some, failed=some, late=some)
    found = Evidence({Group("cdn-a", f"AS{n}", ""): said for n in range(5)}, {"cdn-a": 1.0})
    assert pytest.approx(0.1, abs=0.02) == found.rate("cdn-a")


@pytest.mark.parametrize(
    ("qualities", "idle"),
    [
        pytest.param(heard(FINE), Idle.ALIKE, id="no difference"),
        pytest.param(heard({"cdn-a": 0.1, "cdn-b": 0.06}), Idle.ALIKE, id="a small difference"),
        pytest.param(heard(WORSE, networks=4, sessions=100), Idle.FEW_NETWORKS, id="few networks"),
        pytest.param(heard(WORSE, sessions=1), Idle.FEW_SESSIONS, id="few sessions"),
        pytest.param(heard(WORSE, {"cdn-a": 40, "cdn-b": 1}), Idle.FEW_SESSIONS, id="few to compare with"),
        pytest.param({}, Idle.FEW_NETWORKS, id="nothing heard"),
        pytest.param(heard({"cdn-a": 0.5, "cdn-b": 0.5}), Idle.ALIKE, id="all are bad"),
        pytest.param(heard({"cdn-a": 0.4, "elsewhere": 0.0}), Idle.FEW_SESSIONS, id="another config's target"),
    ],
)
def test_what_moves_nothing(qualities: Qualities, idle: Idle) -> None:
    """Without a clear difference, enough sessions and enough networks nothing moves, and the decision tells why."""
    course = Course()
    last = course.go(30, qualities)
    assert [] == course.moves
    assert idle is last.idle


def test_a_country_in_trouble_everywhere_is_not_the_targets_fault() -> None:
    """Where a country starves at all targets, the one that has most of its players there is not worse."""
    said = {}
    for network in range(20):
        country = "DE" if network % 2 else "PL"
        for name in EQUAL:
            sessions = 60 if (name == "cdn-a") == (country == "DE") else 20
            troubled = round(sessions * (0.5 if country == "DE" else 0.02))
            said[Group(name, f"AS{network}", country)] = quality((name, network), sessions, troubled)
    found = Evidence(said, normalised(EQUAL))
    assert found.rate("cdn-a") - found.rate("cdn-b") > 0.15
    compared = found.compare("cdn-a", "cdn-b")
    assert compared is not None
    assert pytest.approx(0, abs=0.03) == compared.worse_by
    course = Course()
    course.go(30, said)
    assert [] == course.moves


def test_frozen_moves_nothing() -> None:
    """A frozen loop keeps the shares as they are, and what lasts begins anew afterwards."""
    course = Course()
    course.go(4, following(WORSE))
    before = course.shares
    course.bounds = Bounds(min_sessions=20, slope=10, is_frozen=True, targets=(TargetBounds("cdn-a", min=60),))
    assert Idle.FROZEN is course.go(60, following(WORSE)).idle
    assert before == course.shares
    course.bounds = QUICK
    course.moves = []
    course.go(2, following(WORSE))
    assert [] == course.moves
    assert Idle.WAITING is course.decisions[-1].idle


def test_share_comes_back() -> None:
    """A target that was not worse for long enough has its share again, at a quarter of the slope."""
    course = Course()
    course.go(5, following(WORSE))
    left = course.shares
    assert {"cdn-a": 20, "cdn-b": 80} == left
    course.moves = []
    course.go(10, following(FINE))
    assert left == course.shares
    course.go(4, following(FINE))
    assert {"cdn-a": 30, "cdn-b": 70} == course.shares
    course.go(8.2, following(FINE))
    assert {"cdn-a": 50, "cdn-b": 50} == course.shares
    assert [Why.WAY_BACK] == course.whys()
    assert Idle.ALIKE is course.go(0.1, following(FINE)).idle


def waited(course: Course) -> float:
    """Let a target be fine until its share is back, and return after how many minutes it began to come back."""
    begun = course.now
    while not course.go(0.1, following(FINE)).moves:
        pass
    found = (course.now - begun) / 60
    while course.go(0.1, following(FINE)).moves:
        pass
    assert 50 == course.shares["cdn-a"]
    return found


def test_the_way_back_gets_longer() -> None:
    """A target that is worse again as soon as its share is back waits twice as long the next time, and so on."""
    course = Course(Bounds(min_sessions=20, slope=50, way_back=5, targets=(TargetBounds("cdn-a", min=10),)))
    waits = []
    for _ in range(4):
        course.go(4, following(WORSE))
        assert course.shares["cdn-a"] < 15
        waits.append(waited(course))
    assert [5, 10, 20, 40] == [int(wait) for wait in waits]
    course.go(160, following(FINE))
    course.go(4, following(WORSE))
    assert 5 == int(waited(course))


def test_a_move_that_does_not_help_is_undone() -> None:
    """Where those who gained get into trouble by it and are no better any more, share goes back, and that is held."""

    def rate(name: str, share: float) -> float:
        return 0.4 if name == "cdn-a" or share > 0.7 else 0.02

    course = Course()
    say = following({}, of=rate)
    course.go(5, say)
    assert Why.NO_BETTER in course.whys()
    course.go(1, say)
    highest = max(decision.shares["cdn-b"] for decision in course.decisions)
    assert highest < 0.75
    course.moves = []
    course.go(9, say)
    assert [] == [move for move in course.moves if move.source == "cdn-a"]


@pytest.mark.parametrize(("cost", "moves"), [(1.0, True), (2.0, True), (20.0, False)])
def test_what_costs_more_must_be_better_by_more(cost: float, moves: bool) -> None:
    """A target that costs more gains only by a difference that is as many times larger."""
    course = Course(Bounds(min_sessions=20, targets=(TargetBounds("cdn-b", cost=cost),)))
    course.go(5, heard(WORSE))
    assert moves == bool(course.moves)


def test_bounds_hold_at_once() -> None:
    """Shares outside of the bounds are brought there without a wait, and the move tells why."""
    bounds = Bounds(targets=(TargetBounds("cdn-a", max=30), TargetBounds("cdn-b", min=20)))
    course = Course(bounds, dict.fromkeys(NAMES, 1.0))
    course.go(0.1, {})
    assert {"cdn-a": 30, "cdn-b": 35, "cdn-c": 35} == course.shares
    assert [Why.BOUNDS] == course.whys()
    course.moves = []
    assert Idle.FEW_NETWORKS is course.go(1, {}).idle
    assert [] == course.moves


def test_a_target_that_gets_nothing_gets_nothing() -> None:
    """What health or the config gives nothing gets no share and no part; the others share by what they had."""
    course = Course(configured={"cdn-a": 40.0, "cdn-b": 40.0, "cdn-c": 20.0, "standby": 0.0})
    course.go(4, heard({"cdn-a": 0.4, "cdn-b": 0.02, "cdn-c": 0.02}))
    lowered = course.shares["cdn-a"]
    assert lowered < 30
    course.configured = {"cdn-a": 40.0, "cdn-b": 0.0, "cdn-c": 20.0, "standby": 0.0}
    last = course.go(0.1, {})
    assert {"cdn-a", "cdn-c"} == last.shares.keys()
    assert {"cdn-a", "cdn-c"} == parts(last.shares, course.configured).keys()
    course.configured = {"cdn-a": 40.0, "cdn-b": 40.0, "cdn-c": 20.0}
    course.go(0.1, {})
    assert lowered == course.shares["cdn-a"]
    assert set(course.configured) == set(course.state.standings)


def test_alone() -> None:
    """A target that serves alone has all, whatever its bounds; so has none at all."""
    bounds = Bounds(targets=(TargetBounds("cdn-a", max=30),))
    assert {"cdn-a": 1.0} == decide(State(), bounds, {"cdn-a": 5, "cdn-b": 0}, {}, BEGIN).shares
    found = decide(State(), bounds, {"cdn-a": 0}, {}, BEGIN)
    assert ({}, Idle.ALONE) == (found.shares, found.idle)


def test_a_gap_makes_no_leap() -> None:
    """After an hour without a decision, or with a clock that was put back, no more moves than in a minute."""
    course = Course()
    course.go(2.1, heard(WORSE))
    course.now += 3600
    before = course.decisions[-1].shares["cdn-a"]
    after = course.go(0.1, heard(WORSE)).shares["cdn-a"]
    assert pytest.approx(0.1 * MAX_STEP / 60) == before - after
    course.now -= 7200
    assert after == course.go(0.1, heard(WORSE)).shares["cdn-a"]


def test_another_process_goes_on() -> None:
    """The state can be written and read, and a process that reads it decides as the first one would have."""
    course = Course()
    for _ in range(30):
        course.go(0.1, following(WORSE))
        course.state = msgspec.json.decode(msgspec.json.encode(course.state), type=State)
    other = Course()
    other.go(5, following(WORSE))
    assert other.decisions[-1] == course.decisions[-1]
    assert len(msgspec.json.encode(course.state)) < 1000


def test_parts_become_weights() -> None:
    """The parts give each target its share by the rules of health, and never past them."""
    document = ConfigDocument(
        tuple(Target(name, Kind.CDN, host="h.example.com", weight=weight) for name, weight in WEIGHTS.items())
    )
    shares = {"cdn-a": 0.1, "cdn-b": 0.75, "origin": 0.15}
    found = parts(shares, normalised(WEIGHTS))
    weights = dict(zip(WEIGHTS, map(float, usable(document, found).weights), strict=True))
    assert shares == pytest.approx(normalised(weights), abs=0.01)
    unhealthy = {name: part * (name != "cdn-b") for name, part in found.items()}
    assert 0 == usable(document, unhealthy).weights[1]


def test_no_part_is_nothing() -> None:
    """A share that is hardly any has a part still, as 0 would say that the target is unhealthy."""
    assert {"cdn-a": LEAST_PART, "cdn-b": 1.0} == parts({"cdn-a": 0.0, "cdn-b": 1.0}, {"cdn-a": 1, "cdn-b": 1})


# What liars do: for each session of the lying ones, where they say that they are, and whether they starve.
LIES: dict[str, Callable[[str, str], tuple[str, bool]]] = {
    "blame one": lambda target, one: (target, target == one),
    "praise one": lambda target, one: (target, target != one),
    "all claim to starve at one": lambda _, one: (one, True),
    "all claim to be fine at one": lambda _, one: (one, False),
}


def with_liars(
    rates: Mapping[str, float],
    lie: Callable[[str], tuple[str, bool]] | None,
    spread: bool,
    shares: Mapping[str, float],
) -> Qualities:
    """Return what 2000 players say of which 5 % lie: one of twenty in each network, or all of one network, or none."""
    networks, size = 20, 100
    counts: dict[Group, list[int]] = {}
    for network in range(networks):
        lying = (size * LIARS if spread else size * (network == networks - 1)) if lie else 0
        for name, share in shares.items():
            honest, false = round((size - lying) * share), round(lying * share)
            place = f"AS{network}", ("DE", "PL")[network % 2]
            told = counts.setdefault(Group(name, *place), [0, 0])
            told[0] += honest
            told[1] += round(honest * rates[name] + (network % 2) / 2)
            claimed, is_starved = lie(name) if lie else (name, False)
            told = counts.setdefault(Group(claimed, *place), [0, 0])
            told[0] += false
            told[1] += false * is_starved
    return {group: quality(group, sessions, min(sessions, bad)) for group, (sessions, bad) in counts.items()}


@pytest.mark.parametrize("spread", [True, False], ids=["everywhere", "in one network"])
@pytest.mark.parametrize("one", ["cdn-a", "cdn-b"])
@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("configured", [EQUAL, {"cdn-a": 20.0, "cdn-b": 80.0}], ids=["equal", "unequal"])
@pytest.mark.parametrize("rates", [FINE, WORSE], ids=["fine", "worse"])
def test_liars_steer_nothing(
    rates: Mapping[str, float], configured: Mapping[str, float], lie: str, one: str, spread: bool
) -> None:
    """One liar of twenty sessions moves no share by more than a point, whatever they say and wherever they are."""
    bounds = Bounds(slope=10, targets=(TargetBounds("cdn-a", min=15),))

    def lied(target: str) -> tuple[str, bool]:
        return LIES[lie](target, one)

    found = []
    for said in (None, lied):
        course = Course(bounds, configured)
        course.step = 30.0
        course.go(15, partial(with_liars, rates, said, spread))
        assert (rates is WORSE) == bool(course.moves)
        found.append(course.decisions[-1].shares)
    without, with_them = found
    assert without == pytest.approx(with_them, abs=0.01)
    assert (0.16 if rates is WORSE else 1) >= without["cdn-a"]


def test_a_network_that_makes_up_sessions_steers_nothing() -> None:
    """A client that claims a hundred times the sessions of all others counts for its network, and that is left out."""
    said = {**heard(FINE, networks=20), Group("cdn-a", "AS666", "DE"): quality("rogue", 20_000, 20_000)}
    course = Course()
    course.go(30, said)
    assert [] == course.moves


CONFIGURED = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 100), min_size=2)
RATES = st.fixed_dictionaries(dict.fromkeys(NAMES, st.sampled_from([0.0, 0.02, 0.1, 0.3, 0.6])))
SIZES = st.fixed_dictionaries(dict.fromkeys(NAMES, st.sampled_from([0, 2, 6, 20])))
PLANS = st.lists(st.tuples(st.integers(1, 20), RATES, SIZES), min_size=1, max_size=3)
TARGET_BOUNDS = st.builds(
    lambda name, least, more, cost: TargetBounds(name, least, min(100, least + more), cost),
    st.sampled_from(NAMES),
    st.sampled_from([0, 5, 20, 33]),
    st.sampled_from([5, 30, 100]),
    st.sampled_from([0.5, 1, 3]),
)
BOUNDS = st.builds(
    Bounds,
    slope=st.sampled_from([1, 10, 50]),
    min_sessions=st.sampled_from([20, 60]),
    worse_for=st.sampled_from([0, 1, 2]),
    way_back=st.sampled_from([1, 3]),
    targets=st.lists(TARGET_BOUNDS, max_size=3, unique_by=lambda target: target.name).map(tuple),
)

Plan = list[tuple[int, dict[str, float], dict[str, int]]]


def steps(bounds: Bounds, configured: Mapping[str, float], plan: Plan) -> list[tuple[Decision, Qualities]]:
    """Return all decisions of a plan, each with what was heard."""
    course = Course(bounds, configured)
    found = []
    for number, rates, sizes in plan:
        said = heard(rates, sizes, networks=6)
        found += [(course.go(0.1, said), said) for _ in range(number)]
    return found


@given(BOUNDS, CONFIGURED, PLANS)
def test_shares_are_whole_and_within_bounds(bounds: Bounds, configured: dict[str, int], plan: Plan) -> None:
    """Whatever is heard, shares are 1 together and within the bounds, and whoever serves keeps some."""
    room = sum(bounds.of(name).max for name in configured)
    for decision, _ in steps(bounds, configured, plan):
        assert pytest.approx(1) == sum(decision.shares.values())
        assert set(configured) == set(decision.shares)
        for name, share in decision.shares.items():
            most = bounds.of(name).max / min(100, room)
            least = min(LEAST, configured[name] / sum(configured.values()), most)
            assert max(least, bounds.of(name).min / 100) - 1e-6 <= share <= most + 1e-6
        assert (decision.idle is None) == bool(decision.moves)


@given(BOUNDS, CONFIGURED, PLANS)
def test_the_slope_and_the_sessions_hold(bounds: Bounds, configured: dict[str, int], plan: Plan) -> None:
    """No more moves in a step than the slope allows, and away from a target only where both have enough sessions."""
    for decision, said in steps(bounds, configured, plan):
        told = [move for move in decision.moves if move.why is not Why.BOUNDS]
        assert sum(move.points for move in told) <= bounds.slope * STEP / 60 + 1e-6
        for move in told:
            assert move.points > 0
            if move.why in {Why.STARVATION, Why.ERRORS, Why.START_UP}:
                for name in (move.source, move.to):
                    sessions = sum(distinct.count(q.sessions) for group, q in said.items() if group.target == name)
                    assert sessions >= bounds.min_sessions - 1e-6


@given(BOUNDS, CONFIGURED, PLANS)
def test_the_same_makes_the_same(bounds: Bounds, configured: dict[str, int], plan: Plan) -> None:
    """Decisions depend on nothing but what they are given, and not on its order."""
    once = steps(bounds, configured, plan)
    turned = dict(reversed(configured.items()))
    again = steps(bounds, turned, plan)
    for (one, _), (other, _) in zip(once, again, strict=True):
        assert one.shares == pytest.approx(other.shares)


@given(BOUNDS, CONFIGURED, PLANS, st.data())
def test_worse_quality_never_gains(bounds: Bounds, configured: dict[str, int], plan: Plan, data: st.DataObject) -> None:
    """Where more of a target's sessions are in trouble, and all else is the same, it has no more share by that."""
    course = Course(bounds, configured)
    for number, rates, sizes in plan:
        course.go(number / 6, heard(rates, sizes, networks=6))
    name = data.draw(st.sampled_from(sorted(configured)))
    rates, sizes = plan[-1][1:]
    worse = {**rates, name: data.draw(st.floats(rates[name], 1))}
    after = [
        decide(course.state, bounds, configured, heard(said, sizes, networks=6), course.now).shares[name]
        for said in (rates, worse)
    ]
    assert after[1] <= after[0] + 1e-9


@given(
    st.dictionaries(
        st.sampled_from("abcdef"), st.tuples(st.floats(0, 1), st.floats(0, 0.16), st.floats(0, 1)), min_size=1
    )
)
def test_within(given_: dict[str, tuple[float, float, float]]) -> None:
    """Shares are brought within any bounds that can be kept, and are 1 together."""
    total = sum(share for share, _, _ in given_.values())
    shares = {name: share / total if total else 1 / len(given_) for name, (share, _, _) in given_.items()}
    least = {name: low for name, (_, low, _) in given_.items()}
    most = {name: min(1.0, low + more) + 1e-6 for name, (_, low, more) in given_.items()}
    found = within(shares, least, most)
    assert pytest.approx(1) == sum(found.values())
    raised = min(1.0, sum(most.values()))
    assert all(least[name] - 1e-9 <= share <= most[name] / raised + 1e-9 for name, share in found.items())
    assert found == pytest.approx(within(found, least, most))


def test_pouring() -> None:
    """An amount is spread by weights, as far as there is room."""
    assert {"a": 1.0, "b": 2.0} == pytest.approx(poured(3, {"a": 1, "b": 2}, {"a": 9, "b": 9}))
    assert {"a": 2.5, "b": 0.5} == pytest.approx(poured(3, {"a": 1, "b": 2}, {"a": 9, "b": 0.5}))
    assert {"a": 1.0, "b": 0.5} == pytest.approx(poured(3, {"a": 1, "b": 2}, {"a": 1, "b": 0.5}))


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Bounds(slope=0), "loop.slope"),
        (lambda: Bounds(slope=float("nan")), "loop.slope"),
        (lambda: Bounds(min_sessions=1), "loop.min_sessions"),
        (lambda: Bounds(worse_by=51), "loop.worse_by"),
        (lambda: Bounds(worse_for=-1), "loop.worse_for"),
        (lambda: Bounds(way_back=0), "loop.way_back"),
        (lambda: Bounds(targets=(TargetBounds("a"), TargetBounds("a"))), "loop.targets"),
        (lambda: Bounds(targets=(TargetBounds("a", min=60), TargetBounds("b", min=41))), "loop.targets"),
        (lambda: Bounds(targets=tuple(TargetBounds(f"t{n}") for n in range(65))), "loop.targets"),
        (lambda: TargetBounds("a", min=101), "loop.targets.a.min"),
        (lambda: TargetBounds("a", min=20, max=10), "loop.targets.a.min"),
        (lambda: TargetBounds("a", max=0), "loop.targets.a.max"),
        (lambda: TargetBounds("a", cost=0), "loop.targets.a.cost"),
    ],
)
def test_bounds_that_cannot_be(make: Callable[[], object], field: str) -> None:
    """A bound out of range is refused, and the error names it."""
    with pytest.raises(InvalidInput) as error:
        make()
    assert field == error.value.field


def test_a_simulated_failure() -> None:
    """In a small world a CDN that turns bad loses most of its sessions to the other, and fewer starve by that."""
    trace = TRACES[1]._replace(starving=lambda minute, name, _: 0.1 if name == VICTIM and minute >= 3 else 0.002)
    loop, fixed = (World(trace, strategy, 1, players=300, minutes=12).run() for strategy in (Loop(), Fixed()))
    assert pytest.approx(0.45, abs=0.05) == loop.victims()[20]
    assert loop.victims()[-1] < 0.3
    assert loop.starving < fixed.starving
