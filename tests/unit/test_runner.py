"""What runs the jobs beside the requests, and says which stores are lost and regained."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Any

import pytest
from typing_extensions import override

from balancer.core.clients.quotas import Quota, Throttle
from balancer.core.configs.documents import CdnConfig
from balancer.core.configs.edits import ConfigChange
from balancer.core.control.ports import RulesChanged
from balancer.core.control.serving import Serving
from balancer.core.errors import StoreUnavailable
from balancer.core.health.fallbacks import Fallback, Fallbacks
from balancer.core.health.known import Heeded, KnownVerdicts
from balancer.core.health.watching import Watchlist
from balancer.core.loop.known import KnownLoops
from balancer.core.quality.known import KnownQuality
from balancer.core.rules.matching import NoPlaces
from balancer.core.rules.ports import PlaceFiles
from balancer.jobs import runner
from balancer.jobs.following import Following
from balancer.jobs.heeding import Heeding
from balancer.jobs.leasing import Leasing
from balancer.jobs.looping import Inputs, Looping
from balancer.jobs.placing import Placing
from balancer.jobs.probing import Probing
from balancer.jobs.rounds import Rounds
from balancer.jobs.runner import Background, Jobs
from balancer.jobs.sharing import Sharing
from balancer.jobs.spreading import Spreading
from balancer.telemetry.health import Watchman
from balancer.telemetry.metrics import reporting
from balancer.telemetry.metrics.board import Board
from balancer.telemetry.metrics.meters import Meters
from balancer.telemetry.metrics.reporting import Reporting
from tests.factories import CHANGED, SIGNED
from tests.fakes import FakeConfigNotices, FakeDependency, FakeProber, FakeSharedQuotas, FakeSharedStats, FakeTickets
from tests.unit.worlds import FIRST, World

pytestmark = pytest.mark.anyio


class FailingNotices(FakeConfigNotices):
    """Notices that cannot be heard while `fault` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.fault: Exception | None = None
        self.published: list[int] = []

    @override
    async def publish(self, changed: CdnConfig | RulesChanged) -> None:
        self.published.append(changed.number if isinstance(changed, RulesChanged) else changed.revision)

    @override
    async def listen(self) -> AsyncGenerator[CdnConfig | RulesChanged | None, None]:
        if self.fault:
            raise self.fault
        yield None
        while not self.fault:  # noqa: ASYNC110  # the fault comes from the test
            await asyncio.sleep(0.001)
        raise self.fault


class SilentTickets(FakeTickets):
    """A shared sequence that never answers."""

    @override
    async def lease(self, config_id: int, cycle: int, size: int) -> range:
        await asyncio.Event().wait()
        raise AssertionError


class Places(NoPlaces, PlaceFiles):
    """Places that are never known, and note whether they were looked after."""

    def __init__(self) -> None:
        self.looks = 0

    @override
    async def look(self) -> None:
        self.looks += 1


class Process:
    """A process with all of its jobs."""

    def __init__(self, tickets: FakeTickets | None = None) -> None:
        self.notices = FailingNotices()
        self.world = World(1, notices=self.notices)
        self.tickets, self.limits, self.stats = tickets or FakeTickets(), FakeSharedQuotas(), FakeSharedStats()
        self.dependency, self.places = FakeDependency(), Places()
        self.throttle = Throttle("player", Quota(1, 1, 1))
        self.board, self.fallbacks = Board(), Fallbacks()
        self.books = self.world.planner.books
        meters = Meters(self.board.claim())
        serving = Serving(self.world.planner.redirects, self.world.in_force, self.books, self.fallbacks)
        watchlist = Watchlist(list)
        verdicts = KnownVerdicts(lambda: CHANGED, lambda: 0.0)
        known = Heeded(verdicts, KnownLoops(lambda: CHANGED, lambda: 0.0, hears=True))
        inputs = Inputs(watchlist, verdicts, KnownQuality(), hears=True)
        self.background = Background(
            Jobs(
                Following(self.world.in_force, self.notices, 0.001, self._prepare),
                Spreading(self.world.changes, self.world.rule_changes, self.world.in_force),
                Watchman([self.dependency], serving, lambda: CHANGED, []),
                Reporting(meters, serving, lambda: CHANGED, dict, self.stats),
                Probing(watchlist, [], Rounds(FakeProber(), lambda: CHANGED, lambda: 0.0, meters), meters),
                Heeding(watchlist, [], known, self.world.planner.heed),
                Looping(lambda: None, inputs, lambda: CHANGED, lambda: 0.0, meters),
                Leasing(self.books, self.tickets, meters),
                Sharing([self.throttle], self.limits, lambda: 0.0),
                Placing(self.places, 0.001),
            ),
            self.fallbacks,
        )

    async def begin(self) -> None:
        """Start as the program does."""
        await self.world.in_force.begin()

    def number(self, name: str, *labels: str) -> float:
        """Return a number of the board."""
        entries = [entry for view in self.board.read() for entry in view.entries]
        return sum(entry.values[0] for entry in entries if (entry.name, entry.labels) == (name, labels))

    async def _prepare(self) -> None:
        """Do nothing: the record is ready."""


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what waits for seconds wait for milliseconds."""
    monkeypatch.setattr(runner, "RETRY", 0.002)
    monkeypatch.setattr(reporting, "INTERVAL", 0.002)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so; a busy machine has ten seconds for it."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # what is waited for has no events
            await asyncio.sleep(0.001)


def lines(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    """Return what was said of an event."""
    messages = [record.msg for record in caplog.records]
    return [message for message in messages if isinstance(message, dict) and message["event"] == event]


def _lose_record(process: Process, is_lost: bool) -> None:
    process.world.configs.down = is_lost


def _lose_notices(process: Process, is_lost: bool) -> None:
    process.notices.fault = StoreUnavailable("redis") if is_lost else None


def _lose_tickets(process: Process, is_lost: bool) -> None:
    process.tickets.down = is_lost
    for _ in range(2_000):
        process.books.of(1).take()


def _lose_limits(process: Process, is_lost: bool) -> None:
    process.limits.down = is_lost
    process.throttle.spend("a", 0.0)


def _lose_stats(process: Process, is_lost: bool) -> None:
    process.stats.down = is_lost
    process.background._reporting._meters.limited("player")


@pytest.mark.parametrize(
    ("lose", "fallback"),
    [
        pytest.param(_lose_record, Fallback.LAST_CONFIG, id="record"),
        pytest.param(_lose_notices, Fallback.POLLING, id="notices"),
        pytest.param(_lose_tickets, Fallback.OWN_TICKETS, id="tickets"),
        pytest.param(_lose_limits, Fallback.OWN_LIMITS, id="limits"),
        pytest.param(_lose_stats, Fallback.OWN_STATS, id="stats"),
    ],
)
async def test_a_loss_is_told_once(
    caplog: pytest.LogCaptureFixture, lose: Callable[[Process, bool], None], fallback: Fallback
) -> None:
    """A store that is lost makes one line however often it is asked, and one when it is back; the fallback is named."""
    process = Process()
    await process.begin()
    async with process.background.running():
        lose(process, True)
        await until(lambda: fallback in process.fallbacks.active)
        # Some more tries.
        await asyncio.sleep(0.02)
        assert [fallback] == process.fallbacks.active
        (lost,) = lines(caplog, "store lost")
        assert (fallback, None) == (lost["fallback"], lost["exc_info"])
        assert not lines(caplog, "store regained")
        lose(process, False)
        await until(lambda: not process.fallbacks.active)
        await asyncio.sleep(0.02)
    assert [fallback] == [line["fallback"] for line in lines(caplog, "store regained")]
    assert 1 == len(lines(caplog, "store lost"))


async def test_a_fault_of_ours_ends_no_job(caplog: pytest.LogCaptureFixture) -> None:
    """A job that fails as nobody has foreseen is logged with its traceback, and goes on."""
    process = Process()
    await process.begin()
    fault = process.notices.fault = RuntimeError("an unforeseen fault")
    async with process.background.running():
        await until(lambda: Fallback.POLLING in process.fallbacks.active)
        (lost,) = lines(caplog, "store lost")
        assert (fault, "an unforeseen fault") == (lost["exc_info"], lost["fault"])
        process.notices.fault = None
        await until(lambda: not process.fallbacks.active)


async def test_why_a_store_is_away_at_the_start_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Of a record that the start has found away, the first try says why; it is known to be lost before that."""
    process = Process()
    _lose_record(process, True)
    process.fallbacks.enter(Fallback.LAST_CONFIG)
    async with process.background.running():
        await until(lambda: bool(lines(caplog, "store lost")))
        await asyncio.sleep(0.02)
    assert [Fallback.LAST_CONFIG] == [line["fallback"] for line in lines(caplog, "store lost")]


async def test_all_jobs_run() -> None:
    """While a process serves, its config is followed, changes are spread, stores are looked at and numbers reported."""
    process = Process()
    await process.begin()
    async with process.background.running():
        await until(lambda: process.dependency.pings > 0 < process.places.looks)
        await process.world.configs.edit(1, lambda _: replace(FIRST.document, name="b"), SIGNED)
        await until(lambda: process.number("revision") == 2)
        await process.world.changes.apply(1, ConfigChange(distribution_rate=3), SIGNED)
        await until(lambda: process.notices.published == [3])


async def test_jobs_end_with_their_process() -> None:
    """When a process stops serving, none of its jobs goes on."""
    process = Process()
    await process.begin()
    before = asyncio.all_tasks()
    async with process.background.running():
        assert before < asyncio.all_tasks()
    assert before == asyncio.all_tasks()


async def test_metrics_are_reported_at_both_ends() -> None:
    """What is counted beside the requests is on the board before the first request, and after the last one."""
    process = Process()
    await process.begin()
    async with process.background.running():
        assert FIRST.revision == process.number("revision")
        for _ in range(7):
            process.books.of(1).take()
    assert 7 == process.number("taken", "leased") + process.number("taken", "own")


async def test_a_start_has_its_first_page() -> None:
    """The first request of a process already has a leased ticket."""
    process = Process()
    await process.begin()
    async with process.background.running():
        process.books.of(1).take()
        assert (1, 0) == process.books.taken


@pytest.mark.parametrize("tickets", [SilentTickets, FakeTickets])
async def test_a_start_does_not_wait_for_tickets(monkeypatch: pytest.MonkeyPatch, tickets: type[FakeTickets]) -> None:
    """A shared sequence that does not answer, or is away, holds up a start for a moment only."""
    monkeypatch.setattr(runner, "FIRST_LEASE", 0.01)
    process = Process(tickets())
    await process.begin()
    process.tickets.down = True
    async with asyncio.timeout(10), process.background.running():
        assert process.books.of(1).wants_page
        process.books.of(1).take()


async def test_tasks_that_swallow_a_cancellation_end_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task whose driver takes a cancellation for its own time-out is cancelled again until it ends."""
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed == 2:
                    raise

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    monkeypatch.setattr(runner, "RETRY", 0.01)
    await runner._end([task])
    assert (2, True) == (swallowed, task.cancelled())
