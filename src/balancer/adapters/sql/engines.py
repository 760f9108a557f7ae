"""Talking to a SQL database, PostgreSQL or SQLite: the same statements for both."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from typing_extensions import override

from balancer.adapters.asking import asking
from balancer.adapters.causes import fault_of
from balancer.adapters.sql.postgres import COMMAND_TIMEOUT, make_postgres_engine
from balancer.core.errors import OutcomeUnknown, StoreFault, StoreUnavailable
from balancer.core.health.ports import Dependency
from balancer.store_urls import read_database_url

LOCK_TIMEOUT = 1.5
"""Seconds to wait for the lock of an SQLite file."""


def make_engine(given: str, command_timeout: float | None = COMMAND_TIMEOUT) -> AsyncEngine:
    """Return an engine for a database URL; it connects at its first use.

    Args:
        given: See `read_database_url`.
        command_timeout: Seconds to wait for the answer to one statement, None for as long as it takes.
    """
    url = read_database_url(given)
    if url.get_backend_name() == "postgresql":
        return make_postgres_engine(url, command_timeout)
    engine = create_async_engine(url, connect_args={"timeout": LOCK_TIMEOUT}, hide_parameters=True)
    _prepare_sqlite(engine.sync_engine)
    return engine


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def use_write_ahead_log(connection: Any, _record: Any) -> None:
        # Readers of other processes are then never blocked by a writer.
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.close()


@asynccontextmanager
async def answering(engine: AsyncEngine) -> AsyncGenerator[AsyncConnection, None]:
    """Open a transaction; whatever keeps the database from answering becomes StoreUnavailable."""
    with asking("database"):
        async with engine.begin() as connection:
            yield connection


@asynccontextmanager
async def changing(engine: AsyncEngine) -> AsyncGenerator[AsyncConnection, None]:
    """Open a transaction that changes something; when its commit is not confirmed, OutcomeUnknown is raised."""
    is_committing = False
    try:
        async with answering(engine) as connection:
            yield connection
            is_committing = True
    except StoreUnavailable as error:
        if is_committing:
            raise OutcomeUnknown(error.store, error.fault) from error
        raise


class SqlDependency(Dependency):
    """The database itself."""

    name = "database"
    fallback = "redirects go on by the last config that is known"

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    async def ping(self) -> None:
        """Ask whether it answers and takes changes. Writes nothing.

        Raises:
            StoreUnavailable: When it does not, as a standby server or a file without the permission to write.
        """
        async with answering(self._engine) as connection:
            if connection.dialect.name == "postgresql":
                is_read_only = await connection.scalar(text("SELECT current_setting('transaction_read_only')")) == "on"
            else:
                is_read_only = not await _takes_changes(connection)
        if is_read_only:
            raise StoreUnavailable("database", StoreFault.READ_ONLY)


async def _takes_changes(connection: AsyncConnection) -> bool:
    """Tell whether an SQLite file can be written: a change of no row needs what a change needs, and makes none."""
    await connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    try:
        await connection.execute(text("UPDATE alembic_version SET version_num = '' WHERE 1 = 0"))
    except DBAPIError as error:
        match fault_of(error):
            case StoreFault.READ_ONLY:
                return False
            case StoreFault.LOCKED | StoreFault.NO_TABLES:
                # Somebody else is writing to it at the moment, or it is not migrated yet.
                return True
            case _:
                raise
    finally:
        await connection.exec_driver_sql(f"PRAGMA busy_timeout = {LOCK_TIMEOUT * 1000:.0f}")
    return True
