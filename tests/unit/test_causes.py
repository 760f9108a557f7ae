"""Why a store does not answer, from what its driver raises."""

import errno
import socket
import sqlite3
import ssl
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr
from redis import exceptions as redis
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from balancer.adapters.causes import fault_of
from balancer.cli.faults import _ADVICE, explain
from balancer.core.errors import NoConfig, StoreFault, StoreUnavailable
from balancer.settings import Settings


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (asyncpg.InvalidPasswordError("x"), StoreFault.DENIED),
        (asyncpg.InvalidAuthorizationSpecificationError("x"), StoreFault.DENIED),
        (asyncpg.InvalidCatalogNameError("x"), StoreFault.MISSING),
        (asyncpg.DiskFullError("x"), StoreFault.FULL),
        (asyncpg.OutOfMemoryError("x"), StoreFault.FULL),
        (asyncpg.TooManyConnectionsError("x"), StoreFault.CROWDED),
        (asyncpg.ReadOnlySQLTransactionError("x"), StoreFault.READ_ONLY),
        (asyncpg.InsufficientPrivilegeError("x"), StoreFault.FORBIDDEN),
        (asyncpg.UndefinedTableError("x"), StoreFault.NO_TABLES),
        (asyncpg.LockNotAvailableError("x"), StoreFault.LOCKED),
        (asyncpg.QueryCanceledError("x"), StoreFault.TIMED_OUT),
        (asyncpg.CannotConnectNowError("x"), StoreFault.STARTING),
        (asyncpg.AdminShutdownError("x"), StoreFault.STARTING),
        (asyncpg.ConnectionDoesNotExistError("x"), StoreFault.DISCONNECTED),
        (asyncpg.DataCorruptedError("x"), StoreFault.DAMAGED),
        (asyncpg.DivisionByZeroError("x"), StoreFault.OTHER),
        (asyncpg.InterfaceError("x"), StoreFault.OTHER),
        (ConnectionError('PostgreSQL server at "db:5432" rejected SSL upgrade'), StoreFault.TLS),
        (ssl.SSLCertVerificationError(1, "self-signed certificate"), StoreFault.UNTRUSTED),
        (TimeoutError(), StoreFault.TIMED_OUT),
        (PoolTimeoutError("QueuePool limit"), StoreFault.TIMED_OUT),
        (socket.gaierror(-2, "Name or service not known"), StoreFault.UNKNOWN_HOST),
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), StoreFault.NOT_LISTENING),
        (FileNotFoundError(errno.ENOENT, "no socket"), StoreFault.NOT_LISTENING),
        (OSError("Multiple exceptions: [Errno 111] x ('::1'), [Errno 111] x ('127.0.0.1')"), StoreFault.NOT_LISTENING),
        (OSError(errno.EHOSTUNREACH, "x"), StoreFault.UNREACHABLE),
        (OSError(errno.ENOSPC, "x"), StoreFault.FULL),
        (OSError(errno.EROFS, "x"), StoreFault.READ_ONLY),
        (PermissionError(errno.EACCES, "x"), StoreFault.FORBIDDEN),
        (ConnectionResetError(errno.ECONNRESET, "x"), StoreFault.DISCONNECTED),
        (redis.AuthenticationError("WRONGPASS"), StoreFault.DENIED),
        (redis.NoPermissionError("x"), StoreFault.FORBIDDEN),
        (redis.ReadOnlyError("x"), StoreFault.READ_ONLY),
        (redis.OutOfMemoryError("x"), StoreFault.FULL),
        (redis.BusyLoadingError("x"), StoreFault.STARTING),
        (redis.TimeoutError("x"), StoreFault.TIMED_OUT),
        (redis.ResponseError("DB index is out of range"), StoreFault.MISSING),
        (redis.ConnectionError("max number of clients reached"), StoreFault.CROWDED),
        (redis.ResponseError("x"), StoreFault.OTHER),
        (RuntimeError(), StoreFault.OTHER),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_errors_of_drivers(error: Exception, fault: StoreFault) -> None:
    """Each error has its cause, also where SQLAlchemy or another error stands before it."""
    assert fault == fault_of(error)
    assert fault == fault_of(DBAPIError("SELECT 1", None, error))
    outer = RuntimeError()
    outer.__context__ = error
    assert fault == fault_of(outer)


def _full(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (a)")
    connection.execute("PRAGMA max_page_count = 2")
    connection.execute("INSERT INTO t VALUES (?)", ["x" * 100_000])


def _read_only(path: Path) -> None:
    sqlite3.connect(path).execute("CREATE TABLE t (a)")
    sqlite3.connect(f"file:{path}?mode=ro", uri=True).execute("INSERT INTO t VALUES (1)")


def _locked(path: Path) -> None:
    first, second = sqlite3.connect(path), sqlite3.connect(path, timeout=0)
    first.execute("BEGIN IMMEDIATE")
    second.execute("BEGIN IMMEDIATE")


def _no_database(path: Path) -> None:
    path.write_text("This is a letter, and no database. " * 100)
    sqlite3.connect(path).execute("SELECT * FROM sqlite_master")


def _no_table(path: Path) -> None:
    sqlite3.connect(path).execute("SELECT * FROM t")


def _no_folder(path: Path) -> None:
    sqlite3.connect(path / "a" / "b")


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize(
    ("provoke", "fault"),
    [
        (_full, StoreFault.FULL),
        (_read_only, StoreFault.READ_ONLY),
        (_locked, StoreFault.LOCKED),
        (_no_database, StoreFault.DAMAGED),
        (_no_table, StoreFault.NO_TABLES),
        (_no_folder, StoreFault.UNREADABLE),
    ],
)
def test_errors_of_sqlite(tmp_path: Path, provoke: Callable[[Path], None], fault: StoreFault) -> None:
    """What SQLite itself raises has its cause."""
    with pytest.raises(sqlite3.Error) as caught:
        provoke(tmp_path / "a.db")
    assert fault == fault_of(caught.value)


def _settings(database_url: str) -> Settings:
    return Settings(database_url=SecretStr(database_url))


def _lost(fault: StoreFault, cause: Exception | None = None, store: str = "database") -> StoreUnavailable:
    error = StoreUnavailable(store, fault)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("fault", StoreFault)
def test_every_fault_has_advice(fault: StoreFault) -> None:
    """Each cause is told in one line, with what to do; also where the driver says nothing, or many lines."""
    assert fault in _ADVICE
    settings = _settings("postgresql://u:a-long-secret-password@db:5433/d")
    for cause in (TimeoutError(), None, RuntimeError("first a-long-secret-password\nsecond")):
        line = explain(_lost(fault, cause), settings)
        assert f"The database (PostgreSQL at db:5433, database 'd') {fault}. " in line
        assert ("\n" in line, "a-long-secret" in line) == (False, False)


def test_no_config_tells_why() -> None:
    """Where no config is known as the database is away, the line says why it is."""
    error = NoConfig()
    error.__context__ = _lost(StoreFault.DENIED)
    assert "refuses the user or the password" in explain(error, _settings("postgresql://db/d"))


def test_clients_are_not_told_why() -> None:
    """The text for clients says which store is away, and no more."""
    assert "The database is not available at the moment." == str(_lost(StoreFault.DENIED))
    assert "Redis refuses the user or the password." == _lost(StoreFault.DENIED, store="redis").explained
