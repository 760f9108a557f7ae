"""The numbers of the live stream, as plain data."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from balancer.telemetry.metrics.board import Board
from balancer.telemetry.metrics.live import LiveNumbers, quantile, rates
from balancer.telemetry.metrics.meters import REDIRECT_BOUNDS, Meters
from balancer.telemetry.metrics.recent import STEP, Name
from balancer.telemetry.metrics.stats import Stats, Timeline
from tests.fakes import FakeSharedStats

NOW = 1_800_000_000.0
CDN: tuple[str, ...] = ("redirected", "1", "cdn")


def timeline(end: float, *counts: int) -> Timeline:
    """Return a timeline whose last step, that of `end`, has the last of these counts."""
    last = int(end) // STEP
    steps = {last - age: Counter[Name]({CDN: count}) for age, count in enumerate(reversed(counts))}
    return Timeline(end, False, steps, {})


@pytest.mark.parametrize(
    ("passed", "rate"),
    [
        pytest.param(0, 20.0, id="a step that has just begun: the one before counts whole"),
        pytest.param(5, 13.0, id="half of the one before is less than ten seconds ago"),
        pytest.param(9.999, 6.0, id="a step that is over: it alone counts"),
    ],
)
def test_rates(passed: float, rate: float) -> None:
    """A rate is that of the last ten seconds, as if each step's count was spread evenly."""
    present = 60 if passed > 9 else 30 if passed else 0
    assert rate == pytest.approx(rates(timeline(NOW + passed, 999, 200, present))[CDN], rel=0.01)


@pytest.mark.parametrize(
    ("part", "seconds"),
    [(0.5, REDIRECT_BOUNDS[1]), (0.25, (REDIRECT_BOUNDS[0] + REDIRECT_BOUNDS[1]) / 2), (1.0, REDIRECT_BOUNDS[-1])],
)
def test_quantiles(part: float, seconds: float) -> None:
    """Within a class redirects count as evenly spread; beyond the last bound, as at it."""
    times = [0.0] * (len(REDIRECT_BOUNDS) + 1)
    times[1] = times[-1] = 10
    assert seconds == pytest.approx(quantile(part, times))


def test_nothing_has_no_quantile() -> None:
    """Without any redirect there is no latency."""
    assert quantile(0.5, [0.0] * (len(REDIRECT_BOUNDS) + 1)) is None


class Reports:
    """Stands for what brings this process's part up to date: nothing here needs that."""

    def report(self) -> None:
        """Do nothing."""


@pytest.mark.anyio
async def test_looks() -> None:
    """Whoever looks within the same second sees the same; latency is that of the last minute, over all workers."""
    board, now = Board(), 0.0
    stats = Stats(board, Reports(), lambda: datetime.fromtimestamp(NOW + now, UTC), FakeSharedStats())  # type: ignore[arg-type]  # all that is called of it
    numbers = LiveNumbers(stats, board, lambda: now)
    fast, slow = (Meters(board.claim()) for _ in range(2))
    for meters in (fast, slow):
        meters.slot.show_life()
    fast.show("fallback", 1, "own-tickets")
    slow.show("fallback", 0, "own-tickets")
    times = fast.slot.cells("timed", size=len(REDIRECT_BOUNDS) + 2)
    fast.slot.words[times] = 100
    first = await numbers.look()
    assert (2, {"own-tickets": 1}) == (first.workers, first.fallbacks)
    assert first.p50 == pytest.approx(REDIRECT_BOUNDS[0] / 2)
    slow.slot.words[slow.slot.cells("timed", size=len(REDIRECT_BOUNDS) + 2) + 3] = 100
    now = 0.5
    assert first is await numbers.look()
    now = 1.0
    second = await numbers.look()
    assert second.p50 == pytest.approx((REDIRECT_BOUNDS[2] + REDIRECT_BOUNDS[3]) / 2)
    now = 100.0
    assert REDIRECT_BOUNDS[3] >= ((await numbers.look()).p99 or 0) > REDIRECT_BOUNDS[2]
