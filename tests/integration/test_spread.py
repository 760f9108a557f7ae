"""How a change spreads: to every process, soon, and never by halves."""

import asyncio
import itertools
import threading
import time
import uuid
from functools import partial
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from tests.factories import BEARER, VIDEO
from tests.integration.conftest import Start
from tests.processes import wait_for
from tests.wire import ask

pytestmark = pytest.mark.timed

QUERY = f"/?video={VIDEO}"


def serves(client: httpx.Client, url: str, host: str) -> bool:
    """Return whether a process sends the next request to a host."""
    return httpx.URL(client.get(url + QUERY).headers["location"]).host == host


def times_to_follow(first: str, second: str, changes: int) -> list[float]:
    """Make changes at one process, and return how long the other took to follow each, in seconds."""
    times = []
    with httpx.Client(headers=BEARER) as client:
        client.patch(f"{first}/config", json={"id": 1, "distribution_rate": 0})
        for number in range(changes):
            host = f"c{number}.example"
            client.patch(f"{first}/config", json={"id": 1, "cdn_host": host})
            times.append(wait_for(partial(serves, client, second, host), seconds=2))
    return sorted(times)


def test_notices_are_quick(start: Start, shared: dict[str, object]) -> None:
    """By notice a change is followed within 250 ms at the 99th percentile."""
    first, second = (start(**shared, POLL_INTERVAL=30, ADMIN_RATE="off").url for _ in range(2))
    times = times_to_follow(first, second, changes=100)
    assert times[98] < 0.25


@pytest.mark.long
@pytest.mark.parametrize("database", ["postgres", "sqlite"])
def test_polling_is_the_net(start: Start, shared: dict[str, object], tmp_path: Path, database: str) -> None:
    """Without notices a change is found by polling within two seconds."""
    settings = {"DATABASE_URL": shared["DATABASE_URL"] if database == "postgres" else f"sqlite:///{tmp_path}/shared.db"}
    first, second = (start(**settings).url for _ in range(2))
    assert times_to_follow(first, second, changes=5)[-1] < 2


@pytest.mark.long
def test_lost_notices(start: Start, shared: dict[str, object]) -> None:
    """Rubbish and silence where notices should be do no harm: the change is found by polling."""
    first = start(DATABASE_URL=shared["DATABASE_URL"]).url
    second = start(**shared).url

    async def rubbish() -> None:
        redis = Redis.from_url(str(shared["REDIS_URL"]))
        for data in (b"", b"{", b"[]", b'{"id": "x"}', b"\xff"):
            await redis.publish(f"{shared['REDIS_PREFIX']}configs", data)
        await redis.aclose()

    asyncio.run(rubbish())
    # The first process has no Redis and sends no notice.
    assert times_to_follow(first, second, changes=3)[-1] < 2


def test_no_request_sees_half_a_change(start: Start, shared: dict[str, object]) -> None:
    """While configs change to and fro under load, no request is answered by a mixture of two of them."""
    urls = [start(**shared, DISTRIBUTION_RATE=0, CDN_HOST="a.example", ADMIN_RATE="off").url for _ in range(2)]
    stop = threading.Event()
    made = []

    def change() -> None:
        # With b.example everything goes to the origin: it is never seen unless the rate comes late or goes early.
        configs = itertools.cycle([("b.example", 1), ("a.example", 0)])
        with httpx.Client(headers=BEARER) as client:
            while not stop.is_set():
                host, rate = next(configs)
                answer = client.patch(f"{urls[0]}/config", json={"id": 1, "cdn_host": host, "distribution_rate": rate})
                made.append(answer.status_code)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        begin = time.monotonic()
        hosts: set[str] = set()
        while time.monotonic() - begin < 3:
            hosts |= {httpx.URL(location).host for location in asyncio.run(ask(urls, 4_000, at_once=8))}
    finally:
        stop.set()
        thread.join()
    assert {"a.example", "s1.origin-cluster"} == hosts
    assert {200} == set(made)
    assert len(made) > 20


@pytest.mark.long
def test_workers_on_one_port_agree(start: Start) -> None:
    """Of several workers on the embedded database each follows a change within two seconds, and none goes back."""
    url = start(WORKERS=3, POLL_INTERVAL=0.2).url

    def hosts() -> set[str]:
        # A connection for each request reaches the workers by turns.
        return {httpx.URL(httpx.get(url + QUERY).headers["location"]).host for _ in range(30)}

    def agree(host: str) -> bool:
        return hosts() == {host}

    for number in range(3):
        host = f"c{uuid.uuid4().hex[:8]}.example"
        httpx.patch(f"{url}/config", json={"id": 1, "cdn_host": host, "distribution_rate": 0}, headers=BEARER)
        wait_for(partial(agree, host), seconds=2 + number)
        assert {host} == hosts()
