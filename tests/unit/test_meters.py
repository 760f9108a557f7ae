"""How redirects are counted within a turn of the event loop."""

import asyncio
from collections import Counter
from time import monotonic

import pytest
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
STEPS = st.lists(st.one_of(st.none(), st.tuples(st.sampled_from(ROUTES), st.sampled_from([0, 1]))), max_size=60)
"""Redirects by route and target index; None ends a turn of the event loop."""


def counted(board: Board) -> Counter[tuple[str, ...]]:
    """Return what the board has of redirects."""
    entries = [entry for view in board.read() for entry in view.entries if entry.name == "redirected"]
    return +Counter({entry.labels: round(entry.values[0]) for entry in entries})


@given(STEPS)
def test_each_redirect_is_counted_once(steps: list[tuple[Route, int] | None]) -> None:
    """However redirects fall into turns, and routes change within them, each is counted where it went."""
    board = Board()
    meters = Meters(board.claim())
    expected: Counter[tuple[str, ...]] = Counter()

    async def serve() -> None:
        for step in steps:
            if step is None:
                await asyncio.sleep(0)
                assert expected == counted(board)
            else:
                taken, index = step
                meters.redirected(taken, index, monotonic())
                expected[str(taken.config.id), taken.config.document.targets[index].name] += 1
        await asyncio.sleep(0)

    asyncio.run(serve())
    assert expected == counted(board)


@pytest.mark.anyio
async def test_the_first_of_each_turn_is_timed() -> None:
    """Of redirects within one turn the first one is timed, with how long ago it began."""
    board = Board()
    meters = Meters(board.claim())
    for _ in range(2):
        for _ in range(5):
            meters.redirected(ROUTES[0], 0, monotonic() - 0.5)
        await asyncio.sleep(0)
    (timed,) = [entry for view in board.read() for entry in view.entries if entry.name == "timed"]
    *classes, seconds = timed.values
    assert 2 == sum(classes)
    assert 1.0 <= seconds < 2.0
