"""The memory of what is popular."""

import random

from hypothesis import given
from hypothesis import strategies as st

from balancer.core.routing.popular import Popular


def remembered(keys: int, size: int) -> Popular[int]:
    """Return a memory that has been offered so many keys twice."""
    popular: Popular[int] = Popular(size)
    for number in range(keys):
        for _ in range(2):
            popular.offer(str(number).encode(), number)
    return popular


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=200), st.sampled_from([2, 4, 10]))
def test_never_wrong_and_never_too_large(steps: list[tuple[bool, int]], size: int) -> None:
    """Whatever is offered and asked for, a value is the one of its key or not there, and there are only so many."""
    popular: Popular[int] = Popular(size)
    for offers, number in steps:
        key = str(number).encode()
        if offers:
            popular.offer(key, number)
        assert popular.get(key) in {number, None}
        assert len(popular) <= size


def test_the_second_time_counts() -> None:
    """A key is remembered when it is offered for the second time."""
    popular: Popular[int] = Popular(10)
    popular.offer(b"a", 1)
    assert popular.get(b"a") is None
    popular.offer(b"a", 1)
    assert 1 == popular.get(b"a")


def test_flood_leaves_what_is_popular() -> None:
    """A hundred thousand keys that come once each push out nothing."""
    popular = remembered(5, 10)
    for number in range(100_000):
        popular.offer(b"once %d" % number, number)
    assert [0, 1, 2, 3, 4] == [popular.get(str(number).encode()) for number in range(5)]


def test_what_is_used_stays() -> None:
    """While new keys become popular, those in use stay, and those that nobody asks for go."""
    popular = remembered(10, 10)
    draw = random.Random(1)
    for number in range(100):
        assert 7 == popular.get(b"7") or number == 0
        for _ in range(2):
            popular.offer(b"new %d" % number, number)
        popular.get(b"new %d" % draw.randrange(number + 1))
        popular.offer(b"7", 7)
    assert popular.get(b"3") is None


def test_clear() -> None:
    """Nothing is remembered once it is cleared."""
    popular = remembered(5, 10)
    popular.clear()
    assert (0, None) == (len(popular), popular.get(b"1"))
