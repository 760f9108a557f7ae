"""Schedules: each target gets its share, evenly."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.core.routing.schedules import MAX_TARGETS, STRETCH, lay_out

some_weights = st.lists(st.integers(0, 40), min_size=1, max_size=12).filter(any)


@given(some_weights)
def test_even_at_every_ticket(weights: list[int]) -> None:
    """After any number of tickets each target has had its exact share, rounded up or down."""
    slots = lay_out(weights).slots
    had = [0] * len(weights)
    for ticket in range(1, len(slots) + 1):
        had[slots[ticket % len(slots)]] += 1
        for target, weight in enumerate(weights):
            assert abs(had[target] - Fraction(ticket * weight, sum(weights))) < 1
    assert weights == [count * math.gcd(*weights) for count in had]


@given(some_weights, st.integers(2, 1_000))
def test_only_the_relation_of_weights_counts(weights: list[int], factor: int) -> None:
    """Weights that are all multiplied by the same number give the same schedule, with the shortest cycle."""
    schedule = lay_out(weights)
    assert schedule == lay_out([weight * factor for weight in weights])
    assert sum(weights) // math.gcd(*weights) == sum(schedule.weights) == len(schedule.slots)


@pytest.mark.parametrize("rate", [2, 3, 10, 977])
def test_short_way_for_one_in_many(rate: int) -> None:
    """The short way for one ticket in many gives what the long one gives."""
    # A third target without a share makes it go the long way.
    assert lay_out([1, rate - 1]).slots == lay_out([1, rate - 1, 0]).slots
    assert [0, *[1] * (rate - 1)] == list(lay_out([1, rate - 1]).slots)


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [-2, -2], [1] * (MAX_TARGETS + 1)])
def test_weights_that_cannot_be(weights: list[int]) -> None:
    """Weights that say nothing, or that nobody can have, are an error."""
    with pytest.raises(ValueError, match="weights"):
        lay_out(weights)


@given(some_weights, st.integers(0, 1_000))
def test_counts_are_those_of_the_tickets(weights: list[int], requests: int) -> None:
    """The counts for some requests are what tickets from 1 on bring one by one."""
    schedule = lay_out(weights)
    had = [0] * len(weights)
    for ticket in range(1, requests + 1):
        had[schedule.slots[ticket % len(schedule.slots)]] += 1
    assert had == schedule.counts(requests)


def test_one_in_a_million() -> None:
    """A target with one ticket in a million gets the millionth, and each millionth after that."""
    schedule = lay_out([1, 999_999])
    assert [[0, 999_999], [1, 999_999], [1, 1_000_000], [3, 2_999_997]] == [
        schedule.counts(requests) for requests in (999_999, 1_000_000, 1_000_001, 3_000_000)
    ]


def test_pauses() -> None:
    """A long layout pauses again and again, and comes out as without pauses."""
    weights, pauses = [*range(100, 164)], []
    assert lay_out(weights) == lay_out(weights, lambda: pauses.append(1))
    assert sum(weights) // STRETCH == len(pauses) - 1
