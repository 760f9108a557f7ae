"""Sharing what clients have used up: several processes limit a client as one would."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest

from balancer.core.clients.limits import Limiter, Rate
from balancer.core.errors import RateLimited, StoreUnavailable
from balancer.jobs.sharing import Sharing
from tests.fakes import FakeSharedLimits


class Process:
    """A process that shares its limits, by the clock of the store."""

    def __init__(self, store: FakeSharedLimits, *limiters: Limiter) -> None:
        self.store = store
        self.limiters = limiters
        self.sharing = Sharing(limiters, store, lambda: store.now)

    async def tell(self) -> None:
        """Tell the store what is due, and learn from it."""
        async with asyncio.timeout(5):
            await self.sharing.step()

    def admit(self, client: str = "a", requests: int = 1, limiter: int = 0) -> int:
        """Return how many of so many requests are admitted now."""
        count = 0
        for _ in range(requests):
            with suppress(RateLimited):
                self.limiters[limiter].admit(client, self.store.now)
                count += 1
        return count


def player(count: int = 32, seconds: int = 1, burst: int = 32) -> Limiter:
    """Return the limiter of players: by default, two requests are a sixteenth of the burst."""
    return Limiter("player", Rate(count, seconds, burst))


async def test_what_was_used_up_elsewhere_counts_here() -> None:
    """What a client has used up at one process it cannot have at another one that has told and learnt."""
    store = FakeSharedLimits()
    one, other = Process(store, player()), Process(store, player())
    assert 32 == one.admit(requests=40)
    await one.tell()
    assert 2 == other.admit(requests=2)
    await other.tell()
    assert 0 == other.admit(requests=40)
    assert 32 == other.admit("b", requests=40)


async def test_a_sixteenth_of_the_burst_is_told() -> None:
    """A process tells the store of a client once it has admitted a sixteenth of the burst, and waits until then."""
    store = FakeSharedLimits()
    process = Process(store, player())
    telling = asyncio.ensure_future(process.sharing.step())
    process.admit()
    process.admit("b")
    await asyncio.sleep(0)
    assert (False, {}) == (telling.done(), store.full_at)
    process.admit()
    async with asyncio.timeout(5):
        await telling
    assert {("player", "a"): 2 / 32} == store.full_at


async def test_what_is_told_is_told_once() -> None:
    """What the store knows is not told again: only what came since then."""
    store = FakeSharedLimits()
    process = Process(store, player())
    for told in (2, 4, 6):
        process.admit(requests=2)
        await process.tell()
        assert {("player", "a"): told / 32} == store.full_at
    telling = asyncio.ensure_future(process.sharing.step())
    await asyncio.sleep(0)
    assert not telling.done()
    telling.cancel()


async def test_each_policy_is_shared_by_its_name() -> None:
    """Limiters are told of apart, whichever of them has something to tell."""
    store = FakeSharedLimits()
    process = Process(store, player(), Limiter("admin", Rate(16, 1, 16)))
    process.admit("key", limiter=1)
    await process.tell()
    assert {("admin", "key"): 1 / 16} == store.full_at
    process.admit(requests=2)
    process.admit("key", limiter=1)
    await process.tell()
    assert {("admin", "key"): 2 / 16, ("player", "a"): 2 / 32} == store.full_at


async def test_debts_are_told_up_to_their_bound() -> None:
    """All processes together hold no more against a client than two bursts take to come back."""
    store = FakeSharedLimits()
    processes = [Process(store, player()), Process(store, player())]
    for process in processes:
        for _ in range(1_000):
            process.limiters[0].spend("a", store.now)
        await process.tell()
        assert {("player", "a"): process.limiters[0].most} == store.full_at


@pytest.mark.parametrize(
    ("rate", "workers"), [(Rate(50, 1, 50), 4), (Rate(50, 1, 50), 16), (Rate(200, 1, 200), 2), (Rate(500, 1, 500), 4)]
)
def test_fleet(workers: int, rate: Rate) -> None:
    """Over ten seconds a fleet admits what one process would, within 10 %, however requests are spread over it."""
    store = FakeSharedLimits()
    processes = [Process(store, Limiter("player", rate)) for _ in range(workers)]

    async def tell() -> None:
        for process in processes:
            if process.sharing._due.is_set():
                await process.tell()

    # Twice as many requests as are allowed, and an answer of the store each ten milliseconds.
    per_step = 2 * rate.count // 100
    spreads: list[Callable[[int], int]] = [
        lambda number: number % workers,
        lambda _: 0,
        lambda number: (number // 997) % workers,
    ]
    with asyncio.Runner() as runner:
        for spread in spreads:
            store.now += 1000
            count = 0
            for number in range(1000 * per_step):
                count += processes[spread(number)].admit()
                if number % per_step == 0:
                    store.now += 0.01
                    runner.run(tell())
            assert rate.burst + 10 * rate.count == pytest.approx(count, rel=0.1)


async def test_store_away() -> None:
    """While the store is away each process limits by itself, and nothing is refused that it would admit alone."""
    store = FakeSharedLimits()
    store.down = True
    store.now = 1000.0
    process = Process(store, player(50, 1, 50))
    assert 50 == process.admit(requests=60)
    with pytest.raises(StoreUnavailable):
        await process.tell()
    store.now += 0.501
    assert 25 == process.admit(requests=60)
    store.down = False
    await process.tell()
    assert ("player", "a") in store.full_at
