"""Talking to a SQL database, PostgreSQL or SQLite: the same statements for both."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from typing_extensions import override

from balancer.core.errors import StoreUnavailable
from balancer.core.ports import Dependency
from balancer.store_urls import read_database_url

CONNECT_TIMEOUT = 3.0
"""Seconds to wait for a connection, a lock or a free place in the pool."""

COMMAND_TIMEOUT = 5.0
"""Seconds to wait for the answer to one statement."""

POOL_SIZE = 3
"""Connections that one process keeps: the redirect uses none."""


def make_engine(given: str) -> AsyncEngine:
    """Return an engine for a database URL; it connects at its first use."""
    url = read_database_url(given)
    if url.get_backend_name() == "postgresql":
        timeouts = {"timeout": CONNECT_TIMEOUT, "command_timeout": COMMAND_TIMEOUT}
        return create_async_engine(
            url,
            connect_args=timeouts,
            pool_size=POOL_SIZE,
            pool_timeout=CONNECT_TIMEOUT,
            pool_pre_ping=True,
            hide_parameters=True,
        )
    engine = create_async_engine(url, connect_args={"timeout": CONNECT_TIMEOUT}, hide_parameters=True)
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
    try:
        async with engine.begin() as connection:
            yield connection
    except (DBAPIError, PoolTimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise StoreUnavailable("database") from error


class SqlDependency(Dependency):
    """The database itself."""

    name = "database"
    fallback = "redirects go on by the last config that is known"

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    async def ping(self) -> None:
        async with answering(self._engine) as connection:
            await connection.execute(text("SELECT 1"))
