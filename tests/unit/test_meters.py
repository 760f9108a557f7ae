"""How redirects are counted."""

from collections import Counter
from time import monotonic

from hypothesis import given
from hypothesis import strategies as st

from balancer.core.routing.routes import Route
from balancer.telemetry.metrics.board import Board
from balancer.telemetry.metrics.meters import Meters
from tests.factories import ConfigFactory, route

ROUTES = [
    route(ConfigFactory.build(id=config, distribution_rate=10, revision=revision))
    for config, revision in ((1, 1), (1, 2), (2, 1))
]
STEPS = st.lists(st.tuples(st.sampled_from(ROUTES), st.sampled_from([0, 1])), max_size=60)
"""Redirects by route and target index."""


def counted(board: Board) -> Counter[tuple[str, ...]]:
    """Return what the board has of redirects."""
    entries = [entry for view in board.read() for entry in view.entries if entry.name == "redirected"]
    return +Counter({entry.labels: round(entry.values[0]) for entry in entries})


@given(STEPS)
def test_each_redirect_is_counted_at_once(steps: list[tuple[Route, int]]) -> None:
    """However routes change between redirects, each is counted where it went, before the next one comes."""
    board = Board()
    meters = Meters(board.claim())
    expected: Counter[tuple[str, ...]] = Counter()
    for known in ROUTES:
        known.cells = None
    for taken, index in steps:
        meters.redirected(taken, index, monotonic())
        expected[str(taken.config.id), taken.config.document.targets[index].name] += 1
        assert expected == counted(board)


def test_a_route_that_comes_back_is_a_new_edition() -> None:
    """What counts as served since a change begins anew when an earlier route comes in force again."""
    board = Board()
    slot = board.claim()
    meters = Meters(slot)
    first, second = ROUTES[:2]
    first.cells = second.cells = None
    for taken in (first, second, first):
        meters.redirected(taken, 1, monotonic())
        mark = slot.cells("before-edition", "1", "cdn", size=2)
        assert taken.edition == slot.words[mark]
    assert 2 == slot.words[mark + 1]


def test_one_redirect_in_each_millisecond_is_timed() -> None:
    """Of many redirects some are timed, with how long ago they began."""
    board = Board()
    meters = Meters(board.claim())
    ROUTES[0].cells = None
    begun = monotonic() - 0.5
    for number in range(30):
        meters.redirected(ROUTES[0], 0, begun + number * 1e-4)
    (timed,) = [entry for view in board.read() for entry in view.entries if entry.name == "timed"]
    *classes, seconds = timed.values
    assert 3 == sum(classes)
    assert 1.4 <= seconds < 3.0
