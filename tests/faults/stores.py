"""A service whose stores can be made to misbehave, and the ways in which they do."""

import asyncio
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx
from redis import Redis

from balancer.adapters.sql.engines import make_engine
from balancer.adapters.sql.migrations import AlembicSchema
from tests.factories import AT_CDN, BEARER, VIDEO
from tests.faults.players import Players, Seen
from tests.faults.proxy import Mode, Proxy
from tests.processes import Balancer, Postgres, Valkey, wait_for

RECOVERY = 15.0
"""Seconds within which everything must be as before when a fault is over."""


class Service:
    """A balancer of two workers over PostgreSQL and Valkey, each behind a proxy.

    Args:
        folder: Where it runs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = ExitStack()

    def __enter__(self) -> Self:
        enter = self._running.enter_context
        self.postgres, self.valkey = enter(Postgres("faults")), enter(Valkey(self._folder))
        AlembicSchema(self.postgres.url, make_engine(self.postgres.url)).upgrade()
        (host,) = parse_qs(urlsplit(self.postgres.url).query)["host"]
        self.database = enter(Proxy(f"{host}/.s.PGSQL.5432"))
        self.redis = enter(Proxy(self.valkey.port))
        settings: dict[str, Any] = {
            "DATABASE_URL": f"postgresql://postgres@127.0.0.1:{self.database.port}/balancer_test",
            "REDIS_URL": f"redis://127.0.0.1:{self.redis.port}/0",
            "WORKERS": 2,
            "ADMIN_RATE": "off",
            "OPEN_RATE": "off",
        }
        self.balancer = enter(Balancer(self._folder, None, **settings))
        # Connected from the beginning, so that it is there when no more connections are taken.
        self._client = enter(Redis(port=self.valkey.port, single_connection_client=True))
        self.admin = enter(httpx.Client(base_url=self.balancer.url, headers=BEARER, timeout=20))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def sql(self, *statements: str) -> None:
        """Run statements on the database, past its proxy."""

        async def run() -> None:
            connection = await asyncpg.connect(self.postgres.url)
            for statement in statements:
                await connection.execute(statement)
            await connection.close()

        asyncio.run(run())

    def command(self, *arguments: object) -> None:
        """Run a command on the Redis server, past its proxy."""
        self._client.execute_command(*arguments)

    @property
    def is_well(self) -> bool:
        """Whether everything is as it should be: stores, tickets and changes."""
        ready = self.admin.get("/health/ready").json()
        return ready["status"] == "ok" and self.admin.get("/config").status_code == 200


@contextmanager
def behaving(proxy: Callable[[Service], Proxy], mode: Mode, service: Service) -> Generator[None, None, None]:
    """Let a proxy of the service behave badly for the block."""
    proxy(service).behave(mode)
    try:
        yield
    finally:
        proxy(service).behave(Mode.PASSING)


@contextmanager
def read_only_database(service: Service) -> Generator[None, None, None]:
    """Take no writes: as a server that was demoted, with new connections and old ones."""
    service.sql("ALTER DATABASE balancer_test SET default_transaction_read_only = on")
    service.database.behave(Mode.RESETTING)
    service.database.behave(Mode.PASSING)
    try:
        yield
    finally:
        service.sql("SET default_transaction_read_only = off", "ALTER DATABASE balancer_test RESET ALL")
        service.database.behave(Mode.RESETTING)
        service.database.behave(Mode.PASSING)


@contextmanager
def full_database(service: Service) -> Generator[None, None, None]:
    """Let other clients have all the connections that there are."""

    async def take_all() -> list[asyncpg.Connection]:
        found = []
        try:
            while True:
                found.append(await asyncpg.connect(service.postgres.url))
        except asyncpg.TooManyConnectionsError:
            return found

    async def close(connections: list[asyncpg.Connection]) -> None:
        for connection in connections:
            await connection.close()

    with asyncio.Runner() as runner:
        service.database.behave(Mode.RESETTING)
        taken = runner.run(take_all())
        service.database.behave(Mode.PASSING)
        try:
            yield
        finally:
            runner.run(close(taken))


@contextmanager
def commands(
    before: list[tuple[object, ...]], after: list[tuple[object, ...]], service: Service
) -> Generator[None, None, None]:
    """Run commands on the Redis server before and after the block."""
    for command in before:
        service.command(*command)
    try:
        yield
    finally:
        for command in after:
            service.command(*command)


@contextmanager
def restarted_redis(service: Service) -> Generator[None, None, None]:
    """Let the Redis server come back with nothing in it, which takes the tickets' sequence back to its beginning."""
    service.valkey.kill()
    service.valkey.start()
    yield


@contextmanager
def both(mode: Mode, service: Service) -> Generator[None, None, None]:
    """Let both stores behave badly."""
    service.database.behave(mode)
    service.redis.behave(mode)
    try:
        yield
    finally:
        service.database.behave(Mode.PASSING)
        service.redis.behave(Mode.PASSING)


Make = Callable[[Service], Any]


def _database(mode: Mode) -> Make:
    return partial(behaving, lambda service: service.database, mode)


def _redis(mode: Mode) -> Make:
    return partial(behaving, lambda service: service.redis, mode)


WORDS = {
    Mode.REFUSING: "refuses connections",
    Mode.HANGING: "hangs",
    Mode.RESETTING: "resets connections",
    Mode.SLOW: "is slow",
    Mode.TRUNCATING: "breaks off its answers",
    Mode.DEAF: "loses its answers",
}

FAULTS: dict[str, Make] = {
    **{f"database {words}": _database(mode) for mode, words in WORDS.items()},
    "database is read-only": read_only_database,
    "database is out of connections": full_database,
    **{f"Redis {words}": _redis(mode) for mode, words in WORDS.items()},
    "Redis is read-only": partial(commands, [("REPLICAOF", "127.0.0.1", "1")], [("REPLICAOF", "NO", "ONE")]),
    "Redis is out of memory": partial(
        commands, [("CONFIG", "SET", "maxmemory", "1")], [("CONFIG", "SET", "maxmemory", "0")]
    ),
    "Redis is out of connections": partial(
        commands,
        [("CONFIG", "SET", "maxclients", "1"), ("CLIENT", "KILL", "TYPE", "normal")],
        [("CONFIG", "SET", "maxclients", "1000")],
    ),
    "Redis restarts empty": restarted_redis,
    **{f"both stores: each {words}": partial(both, mode) for mode, words in WORDS.items()},
}
"""By name, what makes each fault for a block."""


class Asked(NamedTuple):
    """What an admin got during a fault.

    Attributes:
        what: `GET /config`.
        status: Of the answer, 0 where there was none.
        seconds: Until it came.
    """

    what: str
    status: int
    seconds: float


@dataclass
class Row:
    """What a fault did.

    Attributes:
        fault: Its name.
        seen: What players got during it and while it passed.
        share: Which part of the redirects went to the origin; 0.1 is configured.
        recovery: Seconds from its end until everything was well.
        asked: What admins got during it.
    """

    fault: str
    seen: Seen
    share: float
    recovery: float
    asked: list[Asked]


def measure(service: Service, fault: str, seconds: float) -> Row:
    """Let a fault happen under load for so long, wait until it has passed, and return what it did."""
    wait_for(lambda: service.is_well, RECOVERY)
    players = Players(service.balancer.url, {VIDEO, AT_CDN})
    try:
        with FAULTS[fault](service):
            end = time.monotonic() + seconds
            asked = []
            while True:
                asked += [
                    _ask(service.admin, "GET", "/config"),
                    _ask(service.admin, "PATCH", "/config", {"id": 1, "name": f"n{time.monotonic_ns()}"}),
                    _ask(service.admin, "GET", "/health/ready"),
                ]
                if time.monotonic() > end:
                    break
        recovery = wait_for(lambda: service.is_well, RECOVERY)
    finally:
        seen = players.stop()
    share = seen.right[VIDEO] / max(1, seen.right.total())
    return Row(fault, seen, share, recovery, asked)


def _ask(admin: httpx.Client, method: str, path: str, body: object = None) -> Asked:
    begun = time.monotonic()
    try:
        status = admin.request(method, path, json=body).status_code
    except httpx.HTTPError:
        status = 0
    return Asked(f"{method} {path}", status, time.monotonic() - begun)
