"""Leasing tickets ahead: how many, when, and what happens when the shared sequence does not answer."""

import asyncio

import pytest
from typing_extensions import override

from balancer.core.errors import StoreUnavailable
from balancer.core.routing.tickets import OWN_PAGE, TicketBooks
from balancer.jobs import leasing
from balancer.jobs.leasing import Leasing
from balancer.telemetry.metrics.board import Board
from balancer.telemetry.metrics.meters import Meters
from tests.fakes import FakeTickets

pytestmark = pytest.mark.anyio


class SlowTickets(FakeTickets):
    """Shared sequences that note the size of each lease. Hold `gate` to keep them from answering."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()

    @override
    async def lease(self, config_id: int, cycle: int, size: int) -> range:
        page = await super().lease(config_id, cycle, size)
        self.sizes.append(size)
        await self.gate.wait()
        return page


class Process:
    """A process that leases tickets, by a clock that the test turns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cycle: int = 1) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(leasing, "monotonic", lambda: self.now)
        self.board = Board()
        self.books, self.tickets = TicketBooks(), SlowTickets()
        self.book = self.books.of(1)
        self.book.follow(cycle)
        self.leasing = Leasing(self.books, self.tickets, Meters(self.board.claim()))

    async def serve(self, requests: int, rate: float) -> None:
        """Answer requests at a rate in requests per second, leasing whenever a page has been opened."""
        for _ in range(requests):
            self.book.take()
            self.now += 1 / rate
            if self.book.wants_page:
                await self.leasing.step()

    @property
    def counted(self) -> float:
        """How many leased tickets are counted."""
        entries = [entry for view in self.board.read() for entry in view.entries if entry.name == "leased"]
        return sum(sum(entry.values) for entry in entries)


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Process:
    """Return a process with a schedule of one slot."""
    return Process(monkeypatch)


async def test_the_first_page_is_a_small_one(process: Process) -> None:
    """A process that knows nothing of its traffic leases a hundred tickets."""
    await process.leasing.step()
    assert [100] == process.tickets.sizes


async def test_a_page_lasts_a_second(process: Process) -> None:
    """Under steady traffic pages grow eightfold at most, and then hold what comes in a second."""
    await process.serve(50_000, rate=10_000)
    sizes = process.tickets.sizes
    assert [100, 800, 6_400] == sizes[:3]
    assert len(sizes) > 6
    assert all(10_000 == pytest.approx(size, rel=0.01) for size in sizes[3:])


async def test_pages_shrink_with_the_traffic(process: Process) -> None:
    """When the traffic falls the next page is as small as the traffic, and never below a hundred tickets."""
    await process.serve(30_000, rate=10_000)
    await process.serve(25_000, rate=1_000)
    assert 1_000 == pytest.approx(process.tickets.sizes[-1], rel=0.01)
    await process.serve(3_000, rate=5)
    assert 100 == process.tickets.sizes[-1]


async def test_no_page_is_longer_than_the_longest(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much comes, a page has no more tickets than the longest may have: a million."""
    assert 1_000_000 == leasing.MAX_PAGE
    monkeypatch.setattr(leasing, "MAX_PAGE", 20_000)
    await process.serve(60_000, rate=5_000_000)
    assert [100, 800, 6_400, 20_000] == process.tickets.sizes[:4]


@pytest.mark.parametrize(("cycle", "size"), [(1, 100), (7, 105), (100, 100), (1_001, 1_001), (1_500_000, 1_500_000)])
async def test_pages_are_whole_cycles(monkeypatch: pytest.MonkeyPatch, cycle: int, size: int) -> None:
    """A page is rounded up to whole cycles of the schedule, even where one cycle is longer than any page."""
    process = Process(monkeypatch, cycle)
    await process.leasing.step()
    assert [size] == process.tickets.sizes


async def test_leased_tickets_are_used_and_counted(process: Process) -> None:
    """The next page that is opened is the leased one, and its tickets are counted as leased."""
    process.tickets.taken[1, 1] = 5_000
    await process.leasing.step()
    assert 5_001 == process.book.take()
    assert 100 == process.counted


async def test_one_page_is_in_reserve(process: Process) -> None:
    """While a page is in reserve nothing is leased; opening it leases the next one."""
    await process.leasing.step()
    for leases in (1, 2, 3):
        waiting = asyncio.ensure_future(process.leasing.step())
        await asyncio.sleep(0)
        assert (False, leases) == (waiting.done(), process.tickets.leases)
        while not process.book.wants_page:
            process.book.take()
        async with asyncio.timeout(5):
            await waiting
        await process.leasing.step()
    assert 4 == process.tickets.leases


async def test_each_config_has_pages_of_its_own(process: Process) -> None:
    """Every config in use gets a page, as large as its own traffic."""
    other = process.books.of(2)
    await process.leasing.step()
    assert [(1, 1), (2, 1)] == list(process.tickets.taken)
    await process.serve(30_000, rate=10_000)
    process.tickets.sizes.clear()
    other.take()
    await process.leasing.step()
    assert [100] == process.tickets.sizes


async def test_a_page_for_another_schedule_is_dropped(process: Process) -> None:
    """A page that comes after its schedule was replaced is not handed out, and one for the new schedule is leased."""
    process.tickets.gate.clear()
    under_way = asyncio.ensure_future(process.leasing.step())
    await asyncio.sleep(0)
    process.book.follow(7)
    process.tickets.gate.set()
    await under_way
    assert process.book.wants_page
    await process.leasing.step()
    assert (False, 105) == (process.book.wants_page, process.tickets.taken[1, 7])


async def test_own_tickets_while_the_sequence_is_away(process: Process) -> None:
    """While the shared sequence is away that is said, the process counts by itself, and leases again afterwards."""
    process.tickets.down = True
    with pytest.raises(StoreUnavailable):
        await process.leasing.step()
    assert 0 == process.counted
    assert list(range(1, OWN_PAGE + 1)) == [process.book.take() for _ in range(OWN_PAGE)]
    process.tickets.down = False
    await process.leasing.step()
    assert not process.book.wants_page


async def test_traffic_is_measured_over_an_outage(process: Process) -> None:
    """What was served by own tickets counts as traffic: the first page afterwards is of the right size at once."""
    await process.serve(30_000, rate=10_000)
    process.tickets.down = True
    with pytest.raises(StoreUnavailable):
        await process.serve(20_000, rate=10_000)
    for _ in range(20_000):
        process.book.take()
        process.now += 1 / 10_000
    process.tickets.down = False
    await process.leasing.step()
    assert 10_000 == pytest.approx(process.tickets.sizes[-1], rel=0.01)
