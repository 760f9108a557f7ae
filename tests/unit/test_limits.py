"""How many requests one client may make of one process."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.core.clients.limits import Limiter, Rate
from balancer.core.errors import RateLimited

RATES = st.builds(Rate, st.integers(1, 200), st.sampled_from([1, 60, 3600]), st.integers(1, 100))


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("50/s", Rate(50, 1, 50)), ("600/m", Rate(600, 60, 10)), ("10/m", Rate(10, 60, 1)), ("1/h", Rate(1, 3600, 1)),
        ("50/s;burst=200", Rate(50, 1, 200)), (" 50 / s ; burst=1 ", Rate(50, 1, 1)),
    ],
)  # fmt: skip
def test_reading(text: str, rate: Rate) -> None:
    """A rate is requests in a time, with a burst of one second's worth unless it is given."""
    assert rate == Rate.parse(text)


@pytest.mark.parametrize("text", ["", "50", "0/s", "-1/s", "50/d", "1.5/s", "50/s;burst=0", "50/s;x=1", "99999999/s"])
def test_misreading(text: str) -> None:
    """Anything else is an error that shows what is expected."""
    with pytest.raises(ValueError, match="50/s"):
        Rate.parse(text)


def admitted(limiter: Limiter, client: str, times: list[float]) -> int:
    """Return how many of a client's requests at these times are admitted."""
    count = 0
    for now in times:
        try:
            limiter.admit(client, now)
        except RateLimited:
            continue
        count += 1
    return count


@given(rate=RATES, gaps=st.lists(st.floats(0, 100), min_size=1, max_size=60))
def test_never_more_than_allowed(rate: Rate, gaps: list[float]) -> None:
    """In any time no more is admitted than the burst and what the rate gives in that time."""
    limiter, now, times = Limiter("player", rate), 1000.0, []
    for gap in gaps:
        now += gap * rate.interval
        if limiter.wait("a", now) <= 0:
            limiter.spend("a", now)
            times.append(now)
    for first in range(len(times)):
        for last in range(first, len(times)):
            allowed = rate.burst + (times[last] - times[first]) / rate.interval
            assert last - first + 1 <= allowed + 2e-3


@given(rate=RATES)
def test_no_less_than_allowed(rate: Rate) -> None:
    """A client that asks as often as it may is always admitted, after a burst too; one request more waits as told."""
    limiter = Limiter("player", rate)
    assert rate.burst == admitted(limiter, "a", [1000.0] * (rate.burst + 5))
    with pytest.raises(RateLimited) as caught:
        limiter.check("a", 1000.0)
    assert rate.interval == pytest.approx(caught.value.wait, rel=0.01)
    later = [1000.0 + (number + 1) * rate.interval for number in range(50)]
    assert 50 == admitted(limiter, "a", later)
    assert rate.burst == admitted(limiter, "b", [1000.0] * (rate.burst + 5))


def test_debts_are_bounded() -> None:
    """Whatever was admitted while the store was away, a client then waits no longer than a burst takes to come back."""
    limiter = Limiter("login", Rate(10, 60, 10))
    limiter.on_due = lambda: None
    for _ in range(1_000):
        limiter.spend("a", 1000.0)
    assert limiter.most == limiter.take_due()["a"]
    limiter.learn({"a": 6_000.0}, 1000.0)
    assert 59 < limiter.wait("a", 1000.0) <= 60
    assert 59 < limiter.wait_behind(50, "a", 1000.0) <= 60


def test_requests_that_are_not_yet_counted() -> None:
    """A request waits behind those whose outcome is not known as if they were counted, also after a long pause."""
    limiter = Limiter("login", Rate(10, 60, 10))
    assert [True] * 10 + [False] * 2 == [limiter.wait_behind(others, "a", 1000.0) <= 0 for others in range(12)]
    limiter.spend("a", 1000.0)
    assert [True, False] == [limiter.wait_behind(others, "a", 1000.0) <= 0 for others in (8, 9)]
    assert [True, False] == [limiter.wait_behind(others, "a", 9000.0) <= 0 for others in (9, 10)]
