"""Configs in a SQL database, PostgreSQL or SQLite: the same statements for both."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
from sqlalchemy import (
    URL,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    RowMapping,
    String,
    Table,
    TypeDecorator,
    event,
    make_url,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from typing_extensions import override

from balancer.core.configs import MAX_DISTRIBUTION_RATE, CdnConfig, ConfigChange
from balancer.core.errors import ConfigNotFound, NoConfig, StoreUnavailable
from balancer.core.ports import CdnConfigs

MAX_ID = 2**31 - 1
"""The greatest id that the column can hold; a greater one is simply not found."""

CONNECT_TIMEOUT = 3.0
"""Seconds to wait for a connection, a lock or a free place in the pool."""

COMMAND_TIMEOUT = 5.0
"""Seconds to wait for the answer to one statement."""

POOL_SIZE = 3
"""Connections that one process keeps: the redirect uses none."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC, also where the database, as SQLite, knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value else None

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC) if value else None


metadata = MetaData(
    naming_convention={"pk": "pk_%(table_name)s", "ck": "ck_%(table_name)s_%(constraint_name)s"},
)

cdn_configs = Table(
    "cdn_configs",
    metadata,
    # The first start records id 1 by name, so that two of them at once make one config; numbering goes on from 2.
    Column("id", Integer, primary_key=True),
    Column("cdn_host", String(260), nullable=False),
    Column("distribution_rate", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime),
    CheckConstraint(f"distribution_rate BETWEEN 0 AND {MAX_DISTRIBUTION_RATE}", name="distribution_rate_range"),
)


def async_url(text: str) -> URL:
    """Return the URL of a database with the driver that we talk to it by: `postgresql://…` or `sqlite:///…`.

    Raises:
        ValueError: When it names another kind of database or cannot be read. The message does not repeat the URL.
    """
    try:
        url = make_url(text)
    except Exception:  # whatever is said of it may repeat the URL, and with it the password
        raise ValueError("the database URL cannot be read") from None
    drivers = {"postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg", "sqlite": "sqlite+aiosqlite"}
    backend = url.drivername.partition("+")[0]
    if backend not in drivers:
        raise ValueError(f"databases of the kind {backend!r} are not supported, only postgresql and sqlite")
    return url.set(drivername=drivers[backend])


def make_engine(text: str) -> AsyncEngine:
    """Return an engine for a database URL; it connects at its first use."""
    url = async_url(text)
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
    engine = create_async_engine(url, connect_args={"timeout": CONNECT_TIMEOUT})
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


class SqlCdnConfigs(CdnConfigs):
    """Configs in one table of a SQL database."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    async def create_first(self, config: CdnConfig) -> None:
        values = {
            "id": config.id,
            "cdn_host": config.cdn_host,
            "distribution_rate": config.distribution_rate,
            "revision": config.revision,
            "created_at": config.created_at,
        }
        async with answering(self._engine) as connection:
            if (await connection.execute(select(cdn_configs.c.id).limit(1))).first() is None:
                insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
                await connection.execute(insert(cdn_configs).values(values).on_conflict_do_nothing())

    @override
    async def default(self) -> CdnConfig:
        async with answering(self._engine) as connection:
            found = await connection.execute(select(cdn_configs).order_by(cdn_configs.c.id).limit(1))
            row = found.mappings().first()
        if row is None:
            raise NoConfig
        return _config(row)

    @override
    async def get(self, config_id: int) -> CdnConfig:
        async with answering(self._engine) as connection:
            return await _get(connection, config_id)

    @override
    async def change(self, config_id: int, change: ConfigChange, now: datetime) -> CdnConfig:
        wanted = {"cdn_host": change.cdn_host, "distribution_rate": change.distribution_rate}
        values = {name: value for name, value in wanted.items() if value is not None}
        # One statement reads and writes, so that two changes at once cannot undo each other.
        statement = (
            update(cdn_configs)
            .where(
                cdn_configs.c.id == config_id, or_(*(cdn_configs.c[name] != value for name, value in values.items()))
            )
            .values(**values, revision=cdn_configs.c.revision + 1, updated_at=now)
            .returning(cdn_configs)
        )
        async with answering(self._engine) as connection:
            if 1 <= config_id <= MAX_ID:
                row = (await connection.execute(statement)).mappings().first()
                if row is not None:
                    return _config(row)
            return await _get(connection, config_id)


async def _get(connection: AsyncConnection, config_id: int) -> CdnConfig:
    if 1 <= config_id <= MAX_ID:
        found = await connection.execute(select(cdn_configs).where(cdn_configs.c.id == config_id))
        row = found.mappings().first()
        if row is not None:
            return _config(row)
    raise ConfigNotFound(config_id)


def _config(row: RowMapping) -> CdnConfig:
    return CdnConfig(**row)
