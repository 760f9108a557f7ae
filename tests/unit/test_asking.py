"""Whatever a driver raises becomes the domain's own error, and nothing else does."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy.exc
from redis import exceptions as redis
from redis.asyncio import Connection, ConnectionPool, Redis
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from balancer.adapters.asking import asking
from balancer.adapters.files.local import FilePlanCopies
from balancer.adapters.redis.quality import RedisSharedQuality
from balancer.adapters.redis.stores import (
    RedisConfigNotices,
    RedisDependency,
    RedisPlanCopies,
    RedisSharedQuotas,
    RedisSharedStats,
    RedisTickets,
)
from balancer.adapters.sql.configs import SqlCdnConfigs
from balancer.adapters.sql.engines import SqlDependency, make_engine
from balancer.adapters.sql.keys import SqlApiKeys
from balancer.core.errors import BalancerError, ConfigNotFound, StoreUnavailable
from balancer.core.routing.planner import Blueprint
from balancer.core.routing.tickets import TicketBook
from tests.factories import SIGNED, ConfigFactory

pytestmark = pytest.mark.anyio

ANY_STORE = [
    # As uvloop says it.
    RuntimeError("unable to perform operation on <TCPTransport closed=True reading=False>; the handler is closed"),
    TimeoutError(),
    ConnectionResetError(104, "Connection reset by peer"),
    BrokenPipeError(),
    OSError(28, "No space left on device"),
    asyncio.IncompleteReadError(b"+O", 4),
    asyncio.InvalidStateError(),
    EOFError(),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    ValueError("invalid literal for int()"),
    AttributeError("'NoneType' object has no attribute 'write'"),
    IndexError("list index out of range"),
    ssl.SSLError(1, "wrong version number"),
    ssl.SSLCertVerificationError(1, "certificate verify failed"),
]

REDIS_ONLY = [
    redis.RedisError(),
    redis.ConnectionError(),
    redis.TimeoutError(),
    redis.ResponseError("ERR unknown command"),
    redis.ReadOnlyError(),
    redis.BusyLoadingError(),
    redis.OutOfMemoryError(),
    redis.AuthenticationError(),
    redis.NoPermissionError(),
    redis.InvalidResponse(),
    redis.RedisClusterException("Redis Cluster cannot be connected"),
    redis.ClusterDownError("CLUSTERDOWN"),
    redis.SlotNotCoveredError(),
    redis.MaxConnectionsError(),
]

DATABASE_ONLY = [
    asyncpg.InternalClientError("got result for unknown protocol state"),
    asyncpg.InterfaceError("cannot perform operation: another operation is in progress"),
    asyncpg.ReadOnlySQLTransactionError("cannot execute UPDATE in a read-only transaction"),
    asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
    asyncpg.TargetServerAttributeNotMatched("None of the hosts match"),
    asyncpg.TooManyConnectionsError(),
    sqlalchemy.exc.OperationalError("SELECT 1", {}, Exception()),
    sqlalchemy.exc.InterfaceError("SELECT 1", {}, Exception()),
    sqlalchemy.exc.InternalError("SELECT 1", {}, Exception()),
    sqlalchemy.exc.TimeoutError(),
    sqlalchemy.exc.InvalidRequestError("This connection is closed"),
    sqlalchemy.exc.PendingRollbackError(),
    sqlalchemy.exc.ResourceClosedError(),
]


def name(error: object) -> str:
    """Return how a test is called after an error."""
    return type(error).__name__


class FailingConnection(Connection):
    """A connection on which every attempt to talk raises `error`."""

    error: Exception

    def __init__(self, *, error: Exception) -> None:
        super().__init__()
        self.error = error

    @override
    async def connect(self) -> None:
        raise self.error


@pytest.mark.parametrize("error", [*ANY_STORE, *REDIS_ONLY], ids=name)
async def test_redis(error: Exception) -> None:
    """Whatever comes of the talk with Redis says that it is not available, whichever port is asked."""
    client = Redis(connection_pool=ConnectionPool(connection_class=FailingConnection, error=error))
    config = ConfigFactory.build()
    for call in [
        RedisTickets(client, "a:").lease(1, 10, 10),
        RedisPlanCopies(client, "a:").load(),
        RedisPlanCopies(client, "a:").save(Blueprint(config)),
        RedisConfigNotices(client, "a:").publish(config),
        anext(RedisConfigNotices(client, "a:").listen()),
        RedisSharedQuotas(client, "a:").add("player", {"a": 1.0}, 9.0),
        RedisSharedStats(client, "a:").save("a/0", {1: {"a": 1}}),
        RedisSharedStats(client, "a:").load(range(1, 2)),
        RedisSharedQuality(client, "a:").save("a/0/x", 1, {}),
        RedisSharedQuality(client, "a:").load([1]),
        RedisDependency(client, "a:").ping(),
    ]:
        with pytest.raises(StoreUnavailable) as caught:
            await call
        assert "redis" == caught.value.store


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """Return an engine of a database without tables."""
    engine = make_engine(f"sqlite:///{tmp_path}/a.db")
    yield engine
    await engine.dispose()


@pytest.mark.parametrize("error", [*ANY_STORE, *DATABASE_ONLY], ids=name)
@pytest.mark.parametrize("when", ["before_cursor_execute", "begin"])
async def test_database(engine: AsyncEngine, error: Exception, when: str) -> None:
    """Whatever comes of the talk with the database says that it is not available."""

    def fail(*_: object, **__: object) -> None:
        raise error

    event.listen(engine.sync_engine, when, fail)
    for call in [
        SqlCdnConfigs(engine).default(),
        SqlCdnConfigs(engine).edit(1, lambda standing: standing.document, SIGNED),
        SqlApiKeys(engine).find(b"?"),
        SqlDependency(engine).ping(),
    ]:
        with pytest.raises(StoreUnavailable) as caught:
            await call
        assert "database" == caught.value.store


@pytest.mark.parametrize("error", ANY_STORE, ids=name)
async def test_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Whatever comes of writing a copy says that the file is not available."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("tempfile.mkstemp", fail)
    with pytest.raises(StoreUnavailable) as caught:
        await FilePlanCopies(tmp_path).save(Blueprint(ConfigFactory.build()))
    assert "file" == caught.value.store


@pytest.mark.parametrize(
    "error",
    [BalancerError(), ConfigNotFound(7), StoreUnavailable("other"), AssertionError(), asyncio.CancelledError()],
    ids=name,
)
def test_what_passes(error: BaseException) -> None:
    """Errors of the domain, failed assertions and cancellations come out unchanged."""
    with pytest.raises(type(error)) as caught, asking("redis"):
        raise error
    assert error is caught.value


def test_own_mistakes_pass() -> None:
    """A mistake in this program is not taken for a store that is away."""
    with pytest.raises(AttributeError), asking("redis"):
        TicketBook().offer("ten", 1)  # type: ignore[arg-type]  # the mistake
