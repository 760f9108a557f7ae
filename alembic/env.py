"""Runs the migrations on PostgreSQL or SQLite, one runner at a time."""

import asyncio
from time import monotonic

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from balancer.adapters.asking import asking
from balancer.adapters.sql.engines import make_engine
from balancer.adapters.sql.migrations import (
    CONNECTION_ATTRIBUTE,
    URL_ATTRIBUTE,
    WAIT_ATTRIBUTE,
    current_revision,
    known_revisions,
    take_lock,
)
from balancer.adapters.sql.tables import metadata
from balancer.core.errors import SchemaMismatch, StoreFault, StoreUnavailable
from balancer.core.storage.ports import LOCK_WAIT
from balancer.settings import Settings

WAIT: float = context.config.attributes.get(WAIT_ATTRIBUTE, LOCK_WAIT)
"""Seconds to wait for a lock, and for a sign of life of the server."""


def migrate(connection: Connection) -> None:
    """Run the migrations in the transaction of a connection."""
    found, known = current_revision(connection), known_revisions(context.script)
    if found is not None and found not in known:
        raise SchemaMismatch(found, known[-1], is_newer=True)
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def main() -> None:
    """Connect, take the lock before the schema is read, and migrate for as long as that takes."""
    url = context.config.attributes.get(URL_ATTRIBUTE) or Settings().database_url.get_secret_value()
    engine = make_engine(url, command_timeout=None)
    try:
        async with engine.connect() as connection:
            async with asyncio.timeout(WAIT + 1):
                await connection.run_sync(take_lock, WAIT)
            await watched(connection, engine)
            await connection.commit()
    finally:
        await engine.dispose()


async def watched(connection: AsyncConnection, engine: AsyncEngine) -> None:
    """Migrate; give up when the server has shown no sign of life for `WAIT`.

    Raises:
        TimeoutError: When it does not answer any more.
    """
    work = asyncio.ensure_future(connection.run_sync(migrate))
    seen = monotonic()
    while not (await asyncio.wait([work], timeout=WAIT / 3))[0]:
        if await answers(engine):
            seen = monotonic()
        elif monotonic() - seen > WAIT:
            work.cancel()
            await asyncio.wait([work], timeout=WAIT / 3)
            # There is nobody who could be asked to roll back.
            await connection.invalidate()
            raise TimeoutError
    await work


async def answers(engine: AsyncEngine) -> bool:
    """Tell whether the server of a database says anything to a connection of its own; a file needs no asking."""
    if engine.dialect.name != "postgresql":
        return True
    try:
        with asking("database"):
            async with asyncio.timeout(WAIT / 3), engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
    except StoreUnavailable as error:
        # Anything else is an answer, if only that it takes no more connections.
        return error.fault is not StoreFault.TIMED_OUT
    return True


if (given := context.config.attributes.get(CONNECTION_ATTRIBUTE)) is not None:
    migrate(given)
else:
    asyncio.run(main())
