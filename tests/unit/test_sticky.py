"""The table of the policy that keeps a key at its target."""

from collections import Counter
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balancer.core.routing.sticky import SLOTS, SPAN, ranked, slot_of, table

NAMES = [f"cdn-{number}" for number in range(10)]
WEIGHTS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
KEYS = 100_000
SLOT_OF_KEYS = [slot_of(b"http://s1.origin-cluster/video/%d/xcg2djHckad.m3u8" % number) for number in range(KEYS)]
EVEN = 5.0
"""Standard deviations by which a chi-square of random slots may be above its mean."""


def owners(names: Sequence[str], weights: Sequence[int]) -> list[str]:
    """Return for each key the name of its target."""
    slots = table(names, weights)
    return [names[slots[slot]] for slot in SLOT_OF_KEYS]


BEFORE = owners(NAMES, WEIGHTS)


def moves(after: Iterable[str]) -> set[tuple[str, str]]:
    """Return from where to where keys have moved."""
    return {(old, new) for old, new in zip(BEFORE, after, strict=True) if old != new}


@pytest.mark.parametrize("lost", range(10))
def test_losing_a_target_moves_its_keys_only(lost: int) -> None:
    """A target that is drained or removed hands on its own keys, to all others, and no other key moves."""
    drained = owners(NAMES, [0 if index == lost else weight for index, weight in enumerate(WEIGHTS)])
    removed = owners(NAMES[:lost] + NAMES[lost + 1 :], WEIGHTS[:lost] + WEIGHTS[lost + 1 :])
    assert drained == removed
    assert {(NAMES[lost], other) for other in NAMES if other != NAMES[lost]} == moves(drained)
    assert NAMES[lost] not in drained


@pytest.mark.parametrize("changed", range(10))
def test_another_weight_moves_keys_of_that_target_only(changed: int) -> None:
    """A higher weight takes keys from all others, a lower one gives keys to all others, and no other key moves."""
    for factor in (2, 0.5):
        # Twice the weights are the same weights, and leave room for a half.
        weights = [2 * weight for weight in WEIGHTS]
        weights[changed] = int(weights[changed] * factor)
        others = {name for name in NAMES if name != NAMES[changed]}
        towards = {(other, NAMES[changed]) for other in others}
        away = {(NAMES[changed], other) for other in others}
        assert (towards if factor > 1 else away) == moves(owners(NAMES, weights))


def test_a_new_target_takes_keys_from_all() -> None:
    """A target that is added takes keys from all others, and no key moves between those."""
    assert {(name, "new") for name in NAMES} == moves(owners(["new", *NAMES], [5, *WEIGHTS]))


def test_order_and_scale_mean_nothing() -> None:
    """Neither the order of the targets nor a common factor of their weights moves a key."""
    assert BEFORE == owners(NAMES[::-1], WEIGHTS[::-1])
    assert BEFORE == owners(NAMES, [100 * weight for weight in WEIGHTS])


@pytest.mark.parametrize(
    "weights",
    [
        pytest.param([1, 1], id="halves"),
        pytest.param([7, 3], id="two"),
        pytest.param([1, 99], id="one in a hundred"),
        pytest.param(WEIGHTS, id="ten"),
        pytest.param([1 + number % 5 for number in range(64)], id="sixty-four"),
        pytest.param([10_000, 5_000, 0, 5_000], id="great ones and none"),
    ],
)
def test_shares_follow_the_weights(weights: list[int]) -> None:
    """The keys of each target are within one percentage point of its weight."""
    names = [f"cdn-{number}" for number in range(len(weights))]
    had = Counter(owners(names, weights))
    for name, weight in zip(names, weights, strict=True):
        assert abs(had[name] / KEYS - weight / sum(weights)) < 0.01


@settings(max_examples=20)
@given(st.integers(0, SLOTS - 1), st.lists(st.integers(0, 50), min_size=1, max_size=8).filter(any))
def test_rank_tells_who_is_next(slot: int, weights: list[int]) -> None:
    """The best of a slot's ranking has the slot; without it the second has it, and so on to the last."""
    names = NAMES[: len(weights)]
    ranking = ranked(slot, names, weights)
    assert sorted(ranking) == [index for index, weight in enumerate(weights) if weight]
    left = list(weights)
    for index in ranking:
        assert index == table(names, left)[slot] == ranked(slot, names, left)[0]
        left[index] = 0


def test_a_single_target_has_every_slot() -> None:
    """Where one target alone has a weight, it has all slots."""
    assert {2} == set(table(NAMES[:4], [0, 0, 3, 0]))


@pytest.mark.parametrize(
    "form",
    [
        "http://s1.origin-cluster/video/{}/xcg2djHckad.m3u8",
        "http://s1.origin-cluster/video/1488/segment-{:06}.ts",
        "{:032x}",
        "session-{}",
        "10.{0[0]}.{0[1]}.{0[2]}",
    ],
)
def test_keys_that_differ_little_are_spread_evenly(form: str) -> None:
    """Keys that differ in a digit or two fill the slots like random ones."""
    keys = [
        form.format((number % 7, number // 7 % 256, number // 1_792) if "[" in form else number)
        for number in range(KEYS)
    ]
    had = Counter(slot_of(key.encode()) for key in keys)
    expected = KEYS / SLOTS
    chi_square = sum((had[slot] - expected) ** 2 / expected for slot in range(SLOTS))
    assert (chi_square - SLOTS) / (2 * SLOTS) ** 0.5 < EVEN


def test_neighbours_do_not_share_a_slot() -> None:
    """A key and the one that differs in its last digit are at the same target no more often than any two."""
    slots = table(NAMES, [1] * 10)
    pairs = [(f"video/{number}0", f"video/{number}1") for number in range(10_000)]
    together = sum(slots[slot_of(one.encode())] == slots[slot_of(other.encode())] for one, other in pairs)
    assert abs(together / len(pairs) - 0.1) < 0.01


def test_the_same_in_every_process_and_release() -> None:
    """Slots and owners are these, here and everywhere, today and tomorrow."""
    assert [0, 32046, 15357] == [
        slot_of(key) for key in (b"", b"a", b"http://s1.origin-cluster/video/1488/xcg2djHckad.m3u8")
    ]
    slots = table(NAMES, WEIGHTS)
    assert [2, 3, 6, 2, 3, 5, 6, 6, 9, 6, 8, 4, 9, 1, 5, 8] == [slots[slot] for slot in range(0, SLOTS, SLOTS // 16)]


def test_pauses() -> None:
    """The layout pauses for each target and span, and comes out as without pauses."""
    pauses: list[int] = []
    assert table(NAMES, WEIGHTS) == table(NAMES, WEIGHTS, lambda: pauses.append(1))
    assert len(NAMES) * SLOTS // SPAN == len(pauses)
