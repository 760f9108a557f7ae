"""Talking to a SQL database, PostgreSQL or SQLite: the same statements for both."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Engine, event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from typing_extensions import override

from balancer.adapters.asking import asking
from balancer.adapters.postgres import COMMAND_TIMEOUT, make_postgres_engine
from balancer.core.errors import OutcomeUnknown, StoreUnavailable
from balancer.core.ports import Dependency
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
        async with answering(self._engine) as connection:
            await connection.execute(text("SELECT 1"))
