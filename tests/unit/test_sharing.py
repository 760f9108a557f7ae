"""Sharing what clients have used up: several processes limit a client as one would."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest

from balancer.core.clients.quotas import Quota, Throttle
from balancer.core.errors import RateLimited, StoreUnavailable
from balancer.jobs.sharing import Sharing
from tests.fakes import FakeSharedQuotas


class Process:
    """A process that shares its limits, by the clock of the store."""

    def __init__(self, store: FakeSharedQuotas, *throttles: Throttle) -> None:
        self.store = store
        self.throttles = throttles
        self.sharing = Sharing(throttles, store, lambda: store.now)

    async def tell(self) -> None:
        """Tell the store what is due, and learn from it."""
        async with asyncio.timeout(5):
            await self.sharing.step()

    def admit(self, client: str = "a", requests: int = 1, throttle: int = 0) -> int:
        """Return how many of so many requests are admitted now."""
        count = 0
        for _ in range(requests):
            with suppress(RateLimited):
                self.throttles[throttle].admit(client, self.store.now)
                count += 1
        return count


def player(count: int = 32, seconds: int = 1, burst: int = 32) -> Throttle:
    """Return the throttle of players: by default, two requests are a sixteenth of the burst."""
    return Throttle("player", Quota(count, seconds, burst))


async def test_what_was_used_up_elsewhere_counts_here() -> None:
    """What a client has used up at one process it cannot have at another one that has told and learnt."""
    store = FakeSharedQuotas()
    one, other = Process(store, player()), Process(store, player())
    assert 32 == one.admit(requests=40)
    await one.tell()
    assert 2 == other.admit(requests=2)
    await other.tell()
    assert 0 == other.admit(requests=40)
    assert 32 == other.admit("b", requests=40)


async def test_a_sixteenth_of_the_burst_is_told() -> None:
    """A process tells the store of a client once it has admitted a sixteenth of the burst, and waits until then."""
    store = FakeSharedQuotas()
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
    store = FakeSharedQuotas()
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
    """Throttles are told of apart, whichever of them has something to tell."""
    store = FakeSharedQuotas()
    process = Process(store, player(), Throttle("admin", Quota(16, 1, 16)))
    process.admit("key", throttle=1)
    await process.tell()
    assert {("admin", "key"): 1 / 16} == store.full_at
    process.admit(requests=2)
    process.admit("key", throttle=1)
    await process.tell()
    assert {("admin", "key"): 2 / 16, ("player", "a"): 2 / 32} == store.full_at


async def test_debts_are_told_up_to_their_bound() -> None:
    """All processes together hold no more against a client than two bursts take to come back."""
    store = FakeSharedQuotas()
    processes = [Process(store, player()), Process(store, player())]
    for process in processes:
        for _ in range(1_000):
            process.throttles[0].spend("a", store.now)
        await process.tell()
        assert {("player", "a"): process.throttles[0].most} == store.full_at


@pytest.mark.parametrize(
    ("quota", "workers"),
    [(Quota(50, 1, 50), 4), (Quota(50, 1, 50), 16), (Quota(200, 1, 200), 2), (Quota(500, 1, 500), 4)],
)
def test_fleet(workers: int, quota: Quota) -> None:
    """Over ten seconds a fleet admits what one process would, within 10 %, however requests are spread over it."""
    store = FakeSharedQuotas()
    processes = [Process(store, Throttle("player", quota)) for _ in range(workers)]

    async def tell() -> None:
        for process in processes:
            if process.sharing._due.is_set():
                await process.tell()

    # Twice as many requests as are allowed, and an answer of the store each ten milliseconds.
    per_step = 2 * quota.count // 100
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
            assert quota.burst + 10 * quota.count == pytest.approx(count, rel=0.1)


async def test_store_away() -> None:
    """While the store is away each process limits by itself, and nothing is refused that it would admit alone."""
    store = FakeSharedQuotas()
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
