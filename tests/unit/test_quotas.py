"""How many requests one client may make of one process."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.core.clients.quotas import Quota, Throttle
from balancer.core.errors import RateLimited

QUOTAS = st.builds(Quota, st.integers(1, 200), st.sampled_from([1, 60, 3600]), st.integers(1, 100))


@pytest.mark.parametrize(
    ("text", "quota"),
    [
        ("50/s", Quota(50, 1, 50)), ("600/m", Quota(600, 60, 10)), ("10/m", Quota(10, 60, 1)),
        ("1/h", Quota(1, 3600, 1)),
        ("50/s;burst=200", Quota(50, 1, 200)), (" 50 / s ; burst=1 ", Quota(50, 1, 1)),
    ],
)  # fmt: skip
def test_reading(text: str, quota: Quota) -> None:
    """A quota is requests in a time, with a burst of one second's worth unless it is given."""
    assert quota == Quota.parse(text)


@pytest.mark.parametrize("text", ["", "50", "0/s", "-1/s", "50/d", "1.5/s", "50/s;burst=0", "50/s;x=1", "99999999/s"])
def test_misreading(text: str) -> None:
    """Anything else is an error that shows what is expected."""
    with pytest.raises(ValueError, match="50/s"):
        Quota.parse(text)


def admitted(throttle: Throttle, client: str, times: list[float]) -> int:
    """Return how many of a client's requests at these times are admitted."""
    count = 0
    for now in times:
        try:
            throttle.admit(client, now)
        except RateLimited:
            continue
        count += 1
    return count


@given(quota=QUOTAS, gaps=st.lists(st.floats(0, 100), min_size=1, max_size=60))
def test_never_more_than_allowed(quota: Quota, gaps: list[float]) -> None:
    """In any time no more is admitted than the burst and what the quota gives in that time."""
    throttle, now, times = Throttle("player", quota), 1000.0, []
    for gap in gaps:
        now += gap * quota.interval
        if throttle.wait("a", now) <= 0:
            throttle.spend("a", now)
            times.append(now)
    for first in range(len(times)):
        for last in range(first, len(times)):
            allowed = quota.burst + (times[last] - times[first]) / quota.interval
            assert last - first + 1 <= allowed + 2e-3


@given(quota=QUOTAS)
def test_no_less_than_allowed(quota: Quota) -> None:
    """A client that asks as often as it may is always admitted, after a burst too; one request more waits as told."""
    throttle = Throttle("player", quota)
    assert quota.burst == admitted(throttle, "a", [1000.0] * (quota.burst + 5))
    with pytest.raises(RateLimited) as caught:
        throttle.check("a", 1000.0)
    assert quota.interval == pytest.approx(caught.value.wait, rel=0.01)
    later = [1000.0 + (number + 1) * quota.interval for number in range(50)]
    assert 50 == admitted(throttle, "a", later)
    assert quota.burst == admitted(throttle, "b", [1000.0] * (quota.burst + 5))


def test_debts_are_bounded() -> None:
    """Whatever was admitted while the store was away, a client then waits no longer than a burst takes to come back."""
    throttle = Throttle("login", Quota(10, 60, 10))
    throttle.on_due = lambda: None
    for _ in range(1_000):
        throttle.spend("a", 1000.0)
    assert throttle.most == throttle.take_due()["a"]
    throttle.learn({"a": 6_000.0}, 1000.0)
    assert 59 < throttle.wait("a", 1000.0) <= 60
    assert 59 < throttle.wait_behind(50, "a", 1000.0) <= 60


def test_requests_that_are_not_yet_counted() -> None:
    """A request waits behind those whose outcome is not known as if they were counted, also after a long pause."""
    throttle = Throttle("login", Quota(10, 60, 10))
    assert [True] * 10 + [False] * 2 == [throttle.wait_behind(others, "a", 1000.0) <= 0 for others in range(12)]
    throttle.spend("a", 1000.0)
    assert [True, False] == [throttle.wait_behind(others, "a", 1000.0) <= 0 for others in (8, 9)]
    assert [True, False] == [throttle.wait_behind(others, "a", 9000.0) <= 0 for others in (9, 10)]
