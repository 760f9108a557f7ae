"""Policies: where a request goes, and where it would go next."""

import dis
from collections import Counter
from types import FunctionType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.core.configs.documents import ConfigDocument, PolicyName
from balancer.core.configs.simple import simple_document
from balancer.core.routing.policies import Exact, Failover, Policy, Sticky, policy_of
from balancer.core.routing.reasons import RoutingReason
from balancer.core.routing.sticky import slot_of
from balancer.core.routing.usable import usable
from tests.factories import cdn

some_weights = st.lists(st.sampled_from([0, 1, 1, 2, 5, 30]), min_size=1, max_size=8).filter(any)
policies = st.sampled_from(PolicyName)


def made(policy: PolicyName, weights: list[int], **parts: float) -> Policy:
    """Return the policy of a config with targets `t0`, `t1`, … of these weights."""
    document = ConfigDocument(tuple(cdn(f"t{index}", weight) for index, weight in enumerate(weights)), policy)
    return policy_of(document, usable(document, parts))


@given(policies, some_weights, st.binary(max_size=20), st.integers(1, 10**9))
def test_the_chosen_target_ranks_first(name: PolicyName, weights: list[int], key: bytes, ticket: int) -> None:
    """A ranking has each target with a weight once, the chosen one first."""
    policy = made(name, weights)
    ranking = policy.rank(key, ticket)
    assert policy.choose(key, ticket).target_index == ranking[0]
    assert [index for index, weight in enumerate(weights) if weight] == sorted(ranking)


@given(policies, some_weights, st.integers(0, 10_000))
def test_counts_are_whole_shares(name: PolicyName, weights: list[int], requests: int) -> None:
    """Counts together are the requests, and each is its target's share of them, rounded up or down."""
    policy = made(name, weights)
    counts = policy.counts(requests)
    assert requests == sum(counts)
    assert 1 == pytest.approx(sum(policy.shares))
    for count, share in zip(counts, policy.shares, strict=True):
        assert abs(count - requests * share) < 1


@given(policies, some_weights, st.binary(max_size=20), st.integers(1, 10**9))
def test_what_does_not_matter(name: PolicyName, weights: list[int], key: bytes, ticket: int) -> None:
    """A ticket stands for its place in the cycle alone, and where no key is needed any will do."""
    policy = made(name, weights)
    chosen = policy.choose(key, ticket)
    assert chosen == policy.choose(key, ticket + policy.cycle)
    assert policy.needs_key or chosen == policy.choose(b"another", ticket)


def test_exact_serves_sixty_four_targets() -> None:
    """In a cycle each of 64 targets gets as many requests as its weight says, and as `counts` has said."""
    weights = [1 + number % 3 for number in range(64)]
    policy = made(PolicyName.EXACT, weights)
    assert sum(weights) == policy.cycle
    for requests in (policy.cycle, 50):
        had = Counter(policy.choose(b"", ticket).target_index for ticket in range(1, requests + 1))
        assert policy.counts(requests) == [had[index] for index in range(64)]
    assert weights == policy.counts(policy.cycle)


def test_exact_ranks_by_weight() -> None:
    """Behind the target of the ticket come the others, the greatest weight first, then in order."""
    policy = made(PolicyName.EXACT, [1, 5, 0, 2, 5])
    rankings = {tuple(policy.rank(b"", ticket)) for ticket in range(1, policy.cycle + 1)}
    assert {(0, 1, 4, 3), (1, 4, 3, 0), (3, 1, 4, 0), (4, 1, 3, 0)} == rankings


def test_one_in_a_million() -> None:
    """The rarest rate is exact, and known without counting to a million."""
    document = simple_document("cdn.example", 1_000_000)
    policy = policy_of(document, usable(document, {}))
    assert [0, 1] == [policy.choose(b"", ticket).target_index for ticket in (1_000_000, 1_000_001)]
    assert (1_000_000, [2, 1_999_998]) == (policy.cycle, policy.counts(2_000_000))
    assert (0.000001, 0.999999) == policy.shares


def test_sticky_goes_by_the_key() -> None:
    """A key stays where it is whatever its ticket; when its target fails it goes to the next of its ranking."""
    before, after = made(PolicyName.STICKY, [1, 2, 3]), made(PolicyName.STICKY, [1, 2, 3], t1=0)
    assert (1, True) == (before.cycle, before.needs_key)
    for number in range(200):
        key = b"video/%d" % number
        ranking = before.rank(key, 1)
        assert 1 == len({before.choose(key, ticket) for ticket in range(1, 10)})
        assert [index for index in ranking if index != 1] == after.rank(key, 7)


def test_failover_takes_the_first_in_order() -> None:
    """Failover goes down the order as targets fail, and counts no weights."""
    assert [0, 2, 3] == made(PolicyName.FAILOVER, [1, 0, 5, 9]).rank(b"", 1)
    assert [2, 3] == made(PolicyName.FAILOVER, [1, 0, 5, 9], t0=0).rank(b"", 1)
    policy = made(PolicyName.FAILOVER, [1, 0, 5, 9], t0=0, t2=0.01)
    assert (2, RoutingReason.FAILOVER) == policy.choose(b"", 1)
    assert ([0, 0, 7, 0], (0, 0, 1, 0), 1, False) == (policy.counts(7), policy.shares, policy.cycle, policy.needs_key)


@pytest.mark.parametrize(
    ("name", "parts", "reason"),
    [
        pytest.param(PolicyName.EXACT, {}, RoutingReason.SCHEDULE, id="exact"),
        pytest.param(PolicyName.STICKY, {}, RoutingReason.STICKY, id="sticky"),
        pytest.param(PolicyName.FAILOVER, {}, RoutingReason.FAILOVER, id="failover"),
        *(
            pytest.param(name, parts, reason, id=f"{name} {reason}")
            for name in PolicyName
            for parts, reason in (
                ({"t0": 0.0}, RoutingReason.ONLY_TARGET),
                ({"t0": 0.0, "t1": 0.0}, RoutingReason.TIER),
                ({"t0": 0.0, "t1": 0.0, "t2": 0.0}, RoutingReason.STANDBY),
                ({"t0": 0.0, "t1": 0.0, "t2": 0.0, "t3": 0.0}, RoutingReason.PANIC),
            )
        ),
    ],
)
def test_reasons(name: PolicyName, parts: dict[str, float], reason: RoutingReason) -> None:
    """What decided which targets are usable is the reason; else that only one is; else the policy itself."""
    targets = (cdn("t0"), cdn("t1"), cdn("t2", tier=1), cdn("t3", 0))
    document = ConfigDocument(targets, name)
    assert reason == policy_of(document, usable(document, parts)).choose(b"key", 1).reason


def test_sticky_with_one_target_needs_no_key() -> None:
    """Where a single target serves, a key makes no difference and is not asked for."""
    policy = made(PolicyName.STICKY, [0, 3])
    assert (False, (0, 1), [0, 9]) == (policy.needs_key, policy.shares, policy.counts(9))


@pytest.mark.parametrize("function", [Exact.choose, Sticky.choose, Failover.choose, slot_of])
def test_a_decision_has_no_loop(function: FunctionType) -> None:
    """A decision costs the same for two targets as for sixty-four: it is look-ups, without a loop."""
    steps = {step.opname for step in dis.get_instructions(function)}
    assert not [name for name in steps if "JUMP_BACKWARD" in name or "ITER" in name]
    called = {str(step.argval) for step in dis.get_instructions(function) if "GLOBAL" in step.opname}
    assert called <= {"slot_of", "crc32", "_GOLDEN", "_WORD", "_SHIFT"}


@pytest.mark.parametrize("name", [PolicyName.EXACT, PolicyName.STICKY])
def test_pauses(name: PolicyName) -> None:
    """A layout of either kind lets others work in between."""
    pauses: list[int] = []
    document = ConfigDocument((cdn("a", 500), cdn("b", 501)), name)
    policy_of(document, usable(document, {}), lambda: pauses.append(1))
    assert len(pauses) > 5
