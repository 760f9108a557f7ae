"""Runs the migrations on PostgreSQL or SQLite, one runner at a time."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text

from balancer.adapters.migrations import URL_ATTRIBUTE
from balancer.adapters.sql import make_engine
from balancer.adapters.tables import metadata
from balancer.settings import Settings

LOCK = 0x62616C61
"""The advisory lock that makes a second runner wait; the number has no meaning beyond being ours."""


def migrate(connection: Connection) -> None:
    """Run the migrations in one transaction that holds the lock from before the schema is read."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()


async def main() -> None:
    """Connect and migrate."""
    engine = make_engine(context.config.attributes.get(URL_ATTRIBUTE) or Settings().database_url.get_secret_value())
    try:
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


asyncio.run(main())
