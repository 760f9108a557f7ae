"""Pooling: each process tells each step once, and takes in each step of all processes once."""

import asyncio
from datetime import UTC, datetime

import pytest

from balancer.core.errors import StoreUnavailable
from balancer.core.quality.figures import figures
from balancer.core.quality.hearing import Hearing
from balancer.core.quality.hosts import TargetHosts
from balancer.core.quality.known import KnownQuality
from balancer.core.quality.windows import STEPS
from balancer.core.rules.matching import NoPlaces
from balancer.jobs import pooling
from balancer.jobs.pooling import AT_ONCE, LATE, Pooling
from tests.factories import ConfigFactory, origins, planner
from tests.fakes import FakeSharedQuality

pytestmark = pytest.mark.anyio

NOW = 1_800_000_000
STEP = NOW // 10


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing wait."""
    monkeypatch.setattr(pooling, "INTERVAL", 0.0)


class Process:
    """A process that hears players and shares what it hears, by a clock that the test turns."""

    def __init__(self, store: FakeSharedQuality, source: str = "a/0/x") -> None:
        plans = planner()
        plans.use(ConfigFactory.build())
        self.hearing = Hearing(TargetHosts(plans.redirects, origins()), NoPlaces(), b"k" * 32)
        self.known = KnownQuality()
        self.now = NOW
        self.pooling = Pooling(self.hearing, self.known, store, source, lambda: datetime.fromtimestamp(self.now, UTC))

    def hear(self, *sessions: str) -> None:
        """Take in a report of each session."""
        for session in sessions:
            self.hearing.hear_events(f'sid="{session}",url="http://cdn.example.com/a.ts"'.encode(), "", self.now)

    async def work(self, steps: int = 0) -> None:
        """Let so many steps pass, and look."""
        self.now += 10 * steps
        await self.pooling.step()

    def reports(self, minutes: int = 5) -> int:
        """Return how many reports are known."""
        return sum(quality.reports for quality in self.known.targets(minutes).values())


async def test_processes_know_what_all_have_heard() -> None:
    """What two processes have heard is known to both some twenty seconds later, with each session counted once."""
    store = FakeSharedQuality()
    one, other = Process(store), Process(store, "b/0/x")
    one.hear("a", "b")
    other.hear("b", "c")
    for process in (one, other):
        await process.work(1)
        assert 0 == process.reports()
    for process in (one, other):
        await process.work(LATE - 1)
        assert 4 == process.reports()
        assert 3 == figures(process.known.targets(5)["cdn"]).sessions
        assert (STEP + 1) * 10 == process.known.end


async def test_steps_are_told_and_read_once() -> None:
    """However often a process looks, each step is told once and read once, but for those of the last hour at first."""
    store = FakeSharedQuality()
    process = Process(store)
    for _ in range(3 + STEPS // AT_ONCE):
        await process.work()
    assert STEPS == len(store.loaded) == len(set(store.loaded))
    assert list(range(STEP - LATE - AT_ONCE + 1, STEP - LATE + 1)) == store.loaded[:AT_ONCE]
    store.loaded.clear()
    for _ in range(5):
        process.hear("a")
        await process.work(1)
        await process.work()
    assert list(range(STEP - LATE + 1, STEP - LATE + 6)) == store.loaded
    assert 4 == process.reports()


async def test_a_new_process_knows_the_last_hour() -> None:
    """A process that begins reads what others have told, the newest first."""
    store = FakeSharedQuality()
    old = Process(store)
    old.hear("a")
    await old.work(300)
    old.hear("b")
    await old.work(LATE)
    young = Process(store, "b/0/x")
    young.now = old.now
    await young.work()
    assert 1 == young.reports(60)
    for _ in range(STEPS // AT_ONCE):
        await young.work()
    assert 2 == young.reports(60)


async def test_a_store_that_is_away() -> None:
    """What was heard meanwhile is told when the store is back, up to a minute of it, and figures run dry till then."""
    store = FakeSharedQuality()
    process = Process(store)
    process.hear("a")
    await process.work(LATE)
    assert 1 == process.reports(1)
    store.down = True
    for _ in range(20):
        process.hear("b")
        with pytest.raises(StoreUnavailable):
            await process.work(1)
    assert 0 == process.reports(1)
    store.down = False
    await process.work()
    assert 1 + 6 == len(store.told)
    await process.work(LATE)
    assert 1 + 6 == process.reports()


async def test_a_process_that_ends_tells_what_it_heard_last() -> None:
    """The step that is open is told at the end."""
    store = FakeSharedQuality()
    process = Process(store)
    process.hear("a")
    await process.pooling.finish()
    assert [STEP] == list(store.told)


async def test_a_clock_that_is_put_back() -> None:
    """Steps that come again are not read again, and nothing fails."""
    store = FakeSharedQuality()
    process = Process(store)
    await process.work(10)
    process.now -= 1000
    await process.work()
    process.hear("a")
    await asyncio.sleep(0)
    await process.work(200)
    assert len(store.loaded) == len(set(store.loaded))
