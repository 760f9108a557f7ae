"""Which targets get requests, by tier and health."""

import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.core.configs.documents import MAX_CYCLE, ConfigDocument, PolicyName
from balancer.core.configs.simple import simple_document
from balancer.core.configs.targets import Target
from balancer.core.routing.reasons import RoutingReason, SkipReason
from balancer.core.routing.usable import Usable, usable
from tests.factories import cdn

some_targets = st.lists(
    st.builds(
        cdn,
        st.just("any"),
        st.sampled_from([0, 0, 1, 2, 3, 7, 100, 2_500]),
        tier=st.integers(0, 2),
        enabled=st.sampled_from([True, True, True, False]),
    ),
    min_size=1,
    max_size=7,
).map(lambda found: tuple(cdn(f"t{i}", t.weight, tier=t.tier, enabled=t.enabled) for i, t in enumerate(found)))
documents = st.builds(
    ConfigDocument,
    some_targets.filter(lambda targets: any(target.enabled and target.weight for target in targets)),
    st.sampled_from(PolicyName),
    panic_threshold=st.sampled_from([0, 1, 30, 50, 99, 100]),
) | st.builds(simple_document, st.just("cdn.example"), st.sampled_from([0, 1, 2, 20_000, 20_001, 1_000_000]))
parts = st.sampled_from([0.0, 0.0, 0.004, 0.1, 0.37, 0.5, 0.999, 1.0, 1.0])


@st.composite
def cases(draw: st.DrawFn) -> tuple[ConfigDocument, dict[str, float]]:
    """A document, and how much of its weight each target may have."""
    document = draw(documents)
    return document, {target.name: draw(parts) for target in document.targets}


def serving(document: ConfigDocument, found: Usable) -> list[Target]:
    """Return the targets that get requests, in order."""
    return [target for target, weight in zip(document.targets, found.weights, strict=True) if weight]


def able(document: ConfigDocument) -> list[Target]:
    """Return the targets that get requests when all are healthy and tiers do not matter."""
    return [target for target in document.targets if target.enabled and target.weight]


def healthy_percent(targets: list[Target], health: Mapping[str, float]) -> float:
    """Return how much of the weight of some targets is healthy."""
    return 100 * sum(target.weight for target in targets if health[target.name]) / sum(t.weight for t in targets)


@given(cases())
def test_somebody_serves_in_a_bounded_cycle(case: tuple[ConfigDocument, dict[str, float]]) -> None:
    """Enabled targets of one tier serve, with reduced weights, and only the configured ones make a long cycle."""
    document, health = case
    found = usable(document, health)
    served = serving(document, found)
    assert served
    assert all(target.enabled for target in served)
    assert 1 == len({target.tier for target in served}) == math.gcd(*found.weights)
    as_configured = len({health[target.name] for target in served}) == 1 or found.reason is RoutingReason.PANIC
    assert sum(found.weights) <= MAX_CYCLE or (as_configured and 2 == len(document.targets))


@given(cases())
def test_lowest_tier_with_a_usable_target_serves(case: tuple[ConfigDocument, dict[str, float]]) -> None:
    """Without panic and standby, all usable targets of the lowest tier that has any serve; a later tier is a reason."""
    document, health = case
    found = usable(document, health)
    can_serve = [target for target in able(document) if health[target.name]]
    if found.reason in {None, RoutingReason.TIER}:
        lowest = min(target.tier for target in can_serve)
        assert [target for target in can_serve if target.tier == lowest] == serving(document, found)
        is_first = lowest == min(target.tier for target in document.targets)
        assert is_first == (found.reason is None)


@given(cases())
def test_standby_is_the_last_resort_of_health(case: tuple[ConfigDocument, dict[str, float]]) -> None:
    """The first healthy standby target of the lowest tier serves exactly when no weighted target is healthy."""
    document, health = case
    found = usable(document, health)
    standby = [target for target in document.targets if target.enabled and not target.weight and health[target.name]]
    is_last_resort = bool(standby) and not any(health[target.name] for target in able(document))
    assert is_last_resort == (found.reason is RoutingReason.STANDBY)
    if is_last_resort:
        assert sorted(standby, key=lambda target: target.tier)[:1] == serving(document, found)
        assert 1 == sum(found.weights)


@given(cases())
def test_panic_ignores_health(case: tuple[ConfigDocument, dict[str, float]]) -> None:
    """In a panic a whole tier serves by its configured weights: the last one that can, or the first when none can."""
    document, health = case
    found = usable(document, health)
    if found.reason is not RoutingReason.PANIC:
        return
    served = serving(document, found)
    tier = served[0].tier
    assert [target for target in able(document) if target.tier == tier] == served
    assert_in_relation(served, document, found)
    tiers = {target.tier for target in able(document) if health[target.name]}
    assert {tier} == tiers or not tiers
    if tiers:
        assert healthy_percent(served, health) < document.panic_threshold
    else:
        assert tier == min(target.tier for target in able(document))


@given(cases())
def test_no_panic_above_the_threshold(case: tuple[ConfigDocument, dict[str, float]]) -> None:
    """Where health decides, enough of the tier is healthy, or a later tier could serve, or nobody counts weights."""
    document, health = case
    found = usable(document, health)
    if found.reason not in {None, RoutingReason.TIER} or document.policy is PolicyName.FAILOVER:
        return
    tier = serving(document, found)[0].tier
    if not any(target.tier > tier and health[target.name] for target in able(document)):
        percent = healthy_percent([target for target in able(document) if target.tier == tier], health)
        assert percent >= document.panic_threshold


@given(cases())
def test_slow_start_leaves_the_others_alone(case: tuple[ConfigDocument, dict[str, float]]) -> None:
    """Targets at full health keep the exact relation of their weights; one that recovers has less, but some."""
    document, health = case
    found = usable(document, health)
    if found.reason in {RoutingReason.PANIC, RoutingReason.STANDBY}:
        return
    full = [target for target in serving(document, found) if health[target.name] == 1]
    assert_in_relation(full, document, found)
    weights = dict(zip((target.name for target in document.targets), found.weights, strict=True))
    for target in serving(document, found):
        for other in full:
            # One in more than a cycle is the one share that cannot be kept.
            if sum(found.weights) < MAX_CYCLE:
                assert weights[target.name] * other.weight <= weights[other.name] * target.weight


def assert_in_relation(targets: list[Target], document: ConfigDocument, found: Usable) -> None:
    """Check that these targets have weights in the relation of the configured ones."""
    weights = dict(zip((target.name for target in document.targets), found.weights, strict=True))
    for one in targets:
        for other in targets:
            assert one.weight * weights[other.name] == other.weight * weights[one.name]


@given(cases())
def test_everyone_else_has_a_reason(case: tuple[ConfigDocument, dict[str, float]]) -> None:
    """Each target without requests has a reason that is true of it, and none has one that serves."""
    document, health = case
    found = usable(document, health)
    assert [index for index, weight in enumerate(found.weights) if not weight] == sorted(found.skipped)
    tier = serving(document, found)[0].tier
    for index, reason in found.skipped.items():
        target = document.targets[index]
        assert (reason is SkipReason.DISABLED) == (not target.enabled)
        assert (reason is SkipReason.DRAINED) == (target.enabled and not target.weight)
        if reason is SkipReason.UNHEALTHY:
            assert not health[target.name]
        if reason is SkipReason.LATER_TIER:
            assert target.tier > tier


A_AND_B = (cdn("a", 3), cdn("b", 6))


@pytest.mark.parametrize(
    ("targets", "health", "weights", "reason"),
    [
        pytest.param(A_AND_B, {}, (1, 2), None, id="all healthy"),
        pytest.param(A_AND_B, {"b": 0}, (1, 0), None, id="one unhealthy"),
        pytest.param(A_AND_B, {"a": 0.5}, (1, 4), None, id="one recovers"),
        pytest.param(A_AND_B, {"a": 0.2, "b": 0.2}, (1, 2), None, id="all recover"),
        pytest.param(A_AND_B, {"a": 0.004, "b": 0.008}, (1, 4), None, id="all recover, at different times"),
        pytest.param(A_AND_B, {"a": 0, "b": 0.01}, (0, 1), None, id="the only healthy one recovers"),
        pytest.param(A_AND_B, {"a": 0, "b": 0}, (1, 2), RoutingReason.PANIC, id="none healthy"),
        pytest.param(
            (cdn("a", tier=1), cdn("b", tier=2), cdn("c", tier=2)),
            {"a": 0},
            (0, 1, 1),
            RoutingReason.TIER,
            id="next tier",
        ),
        pytest.param(
            (cdn("a", tier=1), cdn("b", tier=0, enabled=False)),
            {},
            (1, 0),
            RoutingReason.TIER,
            id="earlier tier disabled",
        ),
        pytest.param(
            (cdn("a"), cdn("b", 0, tier=1), cdn("c", 0)), {"a": 0}, (0, 0, 1), RoutingReason.STANDBY, id="standby"
        ),
        pytest.param(
            (cdn("a"), cdn("b", tier=1)), {"a": 0, "b": 0}, (1, 0), RoutingReason.PANIC, id="none healthy in any tier"
        ),
    ],
)
def test_examples(
    targets: tuple[Target, ...], health: dict[str, float], weights: tuple[int, ...], reason: RoutingReason | None
) -> None:
    """Tiers, health, slow start and standby targets decide in this order."""
    found = usable(ConfigDocument(targets), health)
    assert (weights, reason) == (found.weights, found.reason)


@pytest.mark.parametrize(
    ("threshold", "policy", "reason"),
    [
        (0, PolicyName.EXACT, None),
        (50, PolicyName.EXACT, None),
        (51, PolicyName.EXACT, RoutingReason.PANIC),
        (51, PolicyName.STICKY, RoutingReason.PANIC),
        (100, PolicyName.FAILOVER, None),
    ],
)
def test_panic_threshold(threshold: int, policy: PolicyName, reason: RoutingReason | None) -> None:
    """Half of a tier's weight is less than 51 percent of it; failover never goes back to an unhealthy target."""
    document = ConfigDocument((cdn("a"), cdn("b"), cdn("c", 0)), policy, panic_threshold=threshold)
    found = usable(document, {"a": 0})
    assert reason == found.reason
    assert ((1, 1, 0) if reason else (0, 1, 0)) == found.weights


def test_slow_start_of_one_in_a_million() -> None:
    """While the CDN recovers, the origin gets more than one request in a million, in a cycle of ordinary length."""
    document = simple_document("cdn.example", 1_000_000)
    assert (1, 999_999) == usable(document, {}).weights
    assert (1, MAX_CYCLE - 1) == usable(document, {"cdn": 0.9}).weights
    assert (1, 4_000) == usable(document, {"cdn": 0.004}).weights


def test_why_a_later_tier_is_skipped() -> None:
    """An unhealthy target of a later tier is skipped for its health, unless health is ignored."""
    document = ConfigDocument((cdn("a"), cdn("b", tier=1), cdn("c", enabled=False)))
    assert SkipReason.UNHEALTHY is usable(document, {"b": 0}).skipped[1]
    assert SkipReason.LATER_TIER is usable(document, {}).skipped[1]
    skipped = usable(document, {"a": 0, "b": 0}).skipped
    assert {1: SkipReason.LATER_TIER, 2: SkipReason.DISABLED} == skipped
