"""Schedules: each target gets its share, evenly."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.core.routing.schedules import lay_out


@given(st.lists(st.integers(0, 40), min_size=1, max_size=12).filter(any))
def test_even_at_every_ticket(weights: list[int]) -> None:
    """After any number of tickets each target has had its exact share, rounded up or down."""
    schedule = lay_out(weights)
    assert sum(weights) == len(schedule)
    had = [0] * len(weights)
    for ticket in range(1, len(schedule) + 1):
        had[schedule[ticket % len(schedule)]] += 1
        for target, weight in enumerate(weights):
            assert abs(had[target] - Fraction(ticket * weight, len(schedule))) < 1
    assert weights == had


@pytest.mark.parametrize("rate", [2, 3, 10, 977])
def test_short_way_for_one_in_many(rate: int) -> None:
    """The short way for one ticket in many gives what the long one gives."""
    # A third target without a share makes it go the long way.
    assert list(lay_out([1, rate - 1])) == list(lay_out([1, rate - 1, 0]))
    assert [0, *[1] * (rate - 1)] == list(lay_out([1, rate - 1]))


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [1] * 70_000])
def test_weights_that_cannot_be(weights: list[int]) -> None:
    """Weights that say nothing, or that nobody can have, are an error."""
    with pytest.raises(ValueError, match=r"weights|empty"):
        lay_out(weights)
