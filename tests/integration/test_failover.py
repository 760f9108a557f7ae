"""Stores that fail over, and a real balancer that goes on: PostgreSQL with a standby, Sentinel, a cluster."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest
from redis.crc import key_slot
from typing_extensions import override

from balancer.adapters.redis.clients import make_redis
from balancer.adapters.redis.stores import RedisPlanCopies, RedisSharedQuotas, RedisSharedStats
from balancer.adapters.sql.engines import make_engine
from balancer.adapters.sql.migrations import AlembicSchema
from balancer.core.errors import StoreUnavailable
from balancer.core.routing.planner import Blueprint
from tests.factories import AT_CDN, BEARER, VIDEO, ConfigFactory
from tests.integration.conftest import Start
from tests.network import Wire
from tests.processes import Balancer, Valkey, wait_for
from tests.servers import Cluster, DatabaseServer, Watched

pytestmark = pytest.mark.anyio

RATE = 4
"""Every such redirect goes to the origin in these tests."""

BOUND = 30
"""Seconds within which a service works again. It is a matter of a few; but servers must come up on a busy machine."""


class Player(threading.Thread):
    """Asks for a video without a pause, and counts where it is sent."""

    def __init__(self, balancer: Balancer) -> None:
        super().__init__(daemon=True)
        self._host = urlsplit(balancer.url).netloc
        self._enough = threading.Event()
        self.seen: Counter[str] = Counter()

    @override
    def run(self) -> None:
        """Ask until it is enough."""
        with closing(HTTPConnection(self._host, timeout=30)) as client:
            while not self._enough.is_set():
                client.request("GET", f"/?video={VIDEO}")
                answer = client.getresponse()
                answer.read()
                self.seen[answer.headers.get("location", str(answer.status))] += 1

    def stop(self) -> None:
        """Let it be enough."""
        self._enough.set()
        self.join()


@contextmanager
def playing(*balancers: Balancer) -> Iterator[list[Player]]:
    """Let players ask during the block, and expect each redirect where it belongs, none missing."""
    players = [Player(balancer) for balancer in balancers]
    for player in players:
        player.start()
    try:
        yield players
    finally:
        for player in players:
            player.stop()
    for player in players:
        assert {VIDEO, AT_CDN} == set(player.seen)
        # The process has served nobody else, and only its unfinished cycle can be off.
        assert abs(player.seen[VIDEO] - player.seen.total() / RATE) < 1


def change(client: httpx.Client, name: str) -> int:
    """Change the config's name and return the status of the answer."""
    return client.patch("/config", json={"id": 1, "name": name}).status_code


def ready(client: httpx.Client) -> dict[str, Any]:
    """Return what the process says of its stores."""
    found: dict[str, Any] = client.get("/health/ready").json()
    return found


@pytest.fixture
def primary() -> Iterator[DatabaseServer]:
    """Return a database server with the tables."""
    with DatabaseServer("primary") as server:
        server.create()
        AlembicSchema(server.url, make_engine(server.url)).upgrade()
        yield server


@pytest.fixture
def standby(primary: DatabaseServer) -> Iterator[DatabaseServer]:
    """Return its standby."""
    with DatabaseServer("standby") as server:
        server.follow(primary)
        yield server


def both(first: int, second: int) -> str:
    """Return the URL of two servers on these ports."""
    hosts = f"127.0.0.1:{first},127.0.0.1:{second}"
    return f"postgresql://postgres@{hosts}/balancer_test?target_session_attrs=read-write"


def caught_up(standby: DatabaseServer, name: str) -> bool:
    """Return whether the standby has heard of a change."""
    return name == standby.say("SELECT name FROM cdn_configs")


@pytest.mark.parametrize("loss", ["killed", "cut off"])
@pytest.mark.long
def test_database_fails_over(start: Start, primary: DatabaseServer, standby: DatabaseServer, loss: str) -> None:
    """When the standby takes the primary's place, changes are made there; nothing is restarted, no redirect fails."""
    with Wire(primary.port) as wire:
        balancer = start(DATABASE_URL=both(wire.port, standby.port), DISTRIBUTION_RATE=RATE)
        with httpx.Client(headers=BEARER, base_url=balancer.url, timeout=30) as client, playing(balancer):
            assert 200 == change(client, "before")
            wait_for(lambda: caught_up(standby, "before"), BOUND)
            if loss == "killed":
                primary.kill()
            else:
                wire.cut()
            assert 503 == change(client, "too soon")
            standby.promote()
            wait_for(lambda: change(client, "after") == 200, BOUND)
            assert "after" == client.get("/config").json()["name"] == standby.say("SELECT name FROM cdn_configs")
            wait_for(lambda: ready(client)["status"] == "ok", BOUND)


def test_standby_first(start: Start, primary: DatabaseServer, standby: DatabaseServer) -> None:
    """Of several servers the one that takes writes is used, wherever it stands in the URL."""
    plain = both(standby.port, primary.port).partition("?")[0]
    with httpx.Client(headers=BEARER, base_url=start(DATABASE_URL=plain).url, timeout=30) as client:
        assert 200 == change(client, "here")
    assert "here" == primary.say("SELECT name FROM cdn_configs")


def test_database_becomes_read_only(start: Start, primary: DatabaseServer, standby: DatabaseServer) -> None:
    """Connections to a server that takes no more writes are dropped: one change fails, and the next is made."""
    balancer = start(DATABASE_URL=both(primary.port, standby.port), DISTRIBUTION_RATE=RATE)
    with httpx.Client(headers=BEARER, base_url=balancer.url, timeout=30) as client, playing(balancer):
        assert 200 == change(client, "before")
        wait_for(lambda: caught_up(standby, "before"), BOUND)
        standby.promote()
        primary.say("ALTER SYSTEM SET default_transaction_read_only = on")
        primary.say("SELECT pg_reload_conf()")
        wait_for(lambda: primary.say("SHOW default_transaction_read_only") == "on", BOUND)
        seen: list[int] = []

        def works() -> bool:
            seen.append(change(client, "after"))
            return seen[-1] == 200

        wait_for(works, BOUND)
        # The one that finds out, unless that was the writing down of when the key was used.
        assert seen in ([503, 200], [200])
        assert "after" == standby.say("SELECT name FROM cdn_configs")
        assert "before" == primary.say("SELECT name FROM cdn_configs")


class Loss(NamedTuple):
    """A Redis that fails over.

    Attributes:
        url: For the service.
        happen: Kills what serves, and returns when something else has taken its place.
    """

    url: str
    happen: Callable[[], None]


@pytest.fixture(params=["sentinel", "cluster"])
def loss(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Loss]:
    """Return a Redis of each kind that fails over."""
    if request.param == "sentinel":
        with Watched(tmp_path) as watched:
            # The first sentinel that is asked is gone as well.
            lost = [watched.sentinels[0], watched.primary]
            yield Loss(watched.url, lambda: replace(lost, watched.replica))
    else:
        with Cluster(tmp_path, key_slot(b"{balancer:}")) as cluster:
            yield Loss(cluster.url, lambda: replace([cluster.owner], cluster.replica))


def replace(lost: list[Valkey], replica: Valkey) -> None:
    """Kill servers and wait until the replica is in their place."""
    for server in lost:
        server.kill()
    wait_for(lambda: "role:master" in replica.say("INFO", "replication"), BOUND)


def is_whole(client: httpx.Client) -> bool:
    """Return whether a process goes on without nothing."""
    return not ready(client)["fallbacks"]


def leased(client: httpx.Client) -> float:
    """Return how many tickets a process has leased."""
    lines = client.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("balancer_tickets_leased_total"))


def has_leased_more(client: httpx.Client, before: float) -> bool:
    """Return whether a process has leased more tickets than that."""
    return leased(client) > before


def expect_all_shared(first: httpx.Client, second: httpx.Client, name: str) -> None:
    """Expect both processes to lease tickets, and a change to reach the other before it looks at the database."""
    for client in (first, second):
        wait_for(partial(is_whole, client), BOUND)
        wait_for(partial(has_leased_more, client, leased(client)), BOUND)
    revision = first.patch("/config", json={"id": 1, "name": name}).json()["revision"]
    wait_for(lambda: ready(second)["config"]["revision"] == revision, 5)


@pytest.mark.long
def test_redis_fails_over(start: Start, tmp_path: Path, loss: Loss) -> None:
    """When a replica takes over, tickets and notices go there; no redirect fails or is misplaced."""
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/a.db", "POLL_INTERVAL": 60, "DISTRIBUTION_RATE": RATE}
    first, second = (start(**settings, REDIS_URL=loss.url, OPEN_RATE="off") for _ in range(2))
    with (
        playing(first, second),
        httpx.Client(headers=BEARER, base_url=first.url, timeout=30) as one,
        httpx.Client(headers=BEARER, base_url=second.url, timeout=30) as other,
    ):
        expect_all_shared(one, other, "before")
        loss.happen()
        expect_all_shared(one, other, "after")


@pytest.mark.long
async def test_redis_stores_fail_over(loss: Loss) -> None:
    """Limits, statistics and copies are there again for a client that has seen the loss."""
    redis = make_redis(loss.url)
    limits, stats = RedisSharedQuotas(redis, "balancer:"), RedisSharedStats(redis, "balancer:")
    copies = RedisPlanCopies(redis, "balancer:")
    await limits.add("player", {"192.0.2.1": 1.0, "192.0.2.2": 1.0}, 99.0)
    await asyncio.to_thread(loss.happen)
    begin = monotonic()
    while True:
        try:
            assert {"a", "b"} == set(await limits.add("player", {"a": 1.0, "b": 1.0}, 999.0))
            await stats.save("a/0", {1: {"x": 1}, 2: {"x": 2}})
            assert {1: {"a/0": {"x": 1}}, 2: {"a/0": {"x": 2}}} == await stats.load(range(1, 3))
            await copies.save(Blueprint(ConfigFactory.build()))
            assert Blueprint(ConfigFactory.build()) == await copies.load()
        except StoreUnavailable:
            assert monotonic() - begin < BOUND
            await asyncio.sleep(0.1)
        else:
            break
    await redis.aclose()


@pytest.mark.long
def test_connections_are_reset(start: Start, tmp_path: Path) -> None:
    """A change that is recorded is answered with 200, however often connections to Redis are reset meanwhile."""
    with Valkey(tmp_path) as valkey, Wire(valkey.port) as wire:
        balancer = start(REDIS_URL=f"redis://127.0.0.1:{wire.port}/0", ADMIN_RATE="off")
        enough = threading.Event()

        def reset() -> None:
            while not enough.wait(0.01):
                wire.reset()

        resetting = threading.Thread(target=reset)
        resetting.start()
        try:
            with httpx.Client(headers=BEARER, base_url=balancer.url, timeout=30) as client:
                seen = Counter(change(client, f"No {number}") for number in range(300))
        finally:
            enough.set()
            resetting.join()
    assert {200: 300} == seen
    assert not [event for event in balancer.events() if "exception" in event]
