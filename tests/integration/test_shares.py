"""The shares over a fleet that counts through Redis: exact however many processes, and whatever becomes of them."""

import asyncio
import uuid
from collections import Counter
from functools import partial
from pathlib import Path

import httpx
import pytest
import redis

from tests.factories import BEARER, VIDEO
from tests.integration.conftest import Start
from tests.processes import Valkey, wait_for
from tests.wire import ask, slowest

QUERY = f"/?video={VIDEO}"


@pytest.fixture
def fleet(redis_url: str, tmp_path: Path) -> dict[str, object]:
    """Return the settings of a fleet on one database, with a counter of its own in Redis."""
    return {
        "DATABASE_URL": f"sqlite:///{tmp_path}/shared.db",
        "REDIS_URL": redis_url,
        "REDIS_PREFIX": f"{uuid.uuid4()}:",
    }


@pytest.mark.parametrize(
    "rate", [3, pytest.param(10, marks=pytest.mark.long), pytest.param(97, marks=pytest.mark.long)]
)
def test_exact_after_any_number_of_requests(start: Start, fleet: dict[str, object], rate: int) -> None:
    """The origin's count differs from requests / N by at most one for each process."""
    urls = [start(**fleet, DISTRIBUTION_RATE=rate).url for _ in range(3)]
    seen: Counter[str] = Counter()
    for count in (1, 10, 333, 2_000, 3_001):
        seen += asyncio.run(ask(urls, count, at_once=12))
        assert abs(seen[VIDEO] - seen.total() / rate) <= len(urls)


@pytest.mark.long
def test_changes_of_the_rate(start: Start, fleet: dict[str, object]) -> None:
    """After each change the shares are those of the new rate, in every process."""
    urls = [start(**fleet).url for _ in range(2)]

    def follows(url: str, rate: int) -> bool:
        cycles = 2
        locations = [httpx.get(url + QUERY).headers["location"] for _ in range(cycles * (rate or 20))]
        return locations.count(VIDEO) == (cycles if rate else 0)

    def all_follow(rate: int) -> bool:
        return all(follows(url, rate) for url in urls)

    for rate in (4, 7, 1, 3, 0, 10):
        httpx.patch(f"{urls[0]}/config", json={"id": 1, "distribution_rate": rate}, headers=BEARER)
        wait_for(partial(all_follow, rate), seconds=5)
        seen = asyncio.run(ask(urls, 1_000, at_once=8))
        # Each process has now counted from somewhere in a cycle to somewhere in another.
        assert abs(seen[VIDEO] - (1_000 / rate if rate else 0)) <= 2 * len(urls)


@pytest.mark.long
def test_killed_workers(start: Start, fleet: dict[str, object]) -> None:
    """Workers that are killed with tickets in hand cost less than one request each, however many there ever were."""
    balancers = [start(**fleet, WORKERS=2) for _ in range(2)]
    urls = [balancer.url for balancer in balancers]
    seen: Counter[str] = Counter()

    def have_started(workers: int) -> bool:
        return sum(balancer.starts for balancer in balancers) == workers

    for number in range(4):
        # Not a multiple of ten, so that workers are killed inside of a cycle.
        seen += asyncio.run(ask(urls, 1_237, at_once=8))
        balancers[number % 2].workers()[0].kill()
        wait_for(partial(have_started, number + 5), seconds=20)
    seen += asyncio.run(ask(urls, 1_237, at_once=8))
    ever = sum(balancer.starts for balancer in balancers)
    assert (8, 5 * 1_237) == (ever, seen.total())
    assert abs(seen[VIDEO] - seen.total() / 10) <= ever


@pytest.mark.long
def test_counter_away_and_back(start: Start, tmp_path: Path) -> None:
    """Without the counter each process counts on by itself, at once and exactly, and returns when it is back."""
    with Valkey(tmp_path) as valkey:
        database = f"sqlite:///{tmp_path}/shared.db"
        balancers = [start(DATABASE_URL=database, REDIS_URL=valkey.url) for _ in range(2)]
        urls = [balancer.url for balancer in balancers]

        def all_said(event: str) -> bool:
            return all(balancer.has_said(event=event, fallback="own-tickets") for balancer in balancers)

        seen = asyncio.run(ask(urls, 5_003, at_once=8))
        valkey.kill()
        while not all_said("store lost"):
            # The pages that were leased before go first.
            seen += asyncio.run(ask(urls, 5_003, at_once=8))
            assert seen.total() < 200_000
        seen += asyncio.run(ask(urls, 5_003, at_once=8))
        assert abs(seen[VIDEO] - seen.total() / 10) <= len(urls)
        valkey.start()
        wait_for(lambda: all_said("store regained"), seconds=10)
        seen += asyncio.run(ask(urls, 20_003, at_once=8))
        assert abs(seen[VIDEO] - seen.total() / 10) <= len(urls)
        with redis.Redis.from_url(valkey.url) as counter:
            taken = counter.get("balancer:tickets:1:10")
        assert isinstance(taken, bytes)
        assert int(taken) % 10 == 0 < int(taken)


def test_hanging_counter_delays_nobody(start: Start, tmp_path: Path) -> None:
    """While the counter takes requests and answers none, players are answered all the same: nobody waits for it."""
    with Valkey(tmp_path) as valkey:
        balancer = start(REDIS_URL=valkey.url)
        asyncio.run(ask([balancer.url], 3_000, at_once=4))
        with valkey.frozen():
            # One that waited for the counter would wait for the second that is granted to it.
            assert asyncio.run(slowest(balancer.url, 5_000)) < 0.5
