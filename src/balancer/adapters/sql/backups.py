"""Backups of the record in a SQL database: out of PostgreSQL or SQLite, and into either."""

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Connection,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    String,
    TableClause,
    column,
    delete,
    func,
    insert,
    inspect,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import REGCLASS
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.types import TypeEngine
from typing_extensions import override

from balancer.adapters.files.backups import Layout, Row, checked_backup, new_backup
from balancer.adapters.sql.engines import answering, make_engine
from balancer.adapters.sql.migrations import AlembicSchema, take_lock
from balancer.adapters.sql.tables import PASSING, UtcDateTime, metadata
from balancer.core.clocks import Clock
from balancer.core.errors import SchemaMismatch, StoreFault, StoreUnavailable
from balancer.core.storage.backups import Backup, Kind, RecordNotEmpty, Restoration, UnusableBackup
from balancer.core.storage.ports import LOCK_WAIT, Backups

AT_ONCE = 500
"""Rows that are read or written at a time."""

READ_TIMEOUT = 60.0
"""Seconds to wait for so many rows; the first ones may have to be sorted."""

WRITE_TIMEOUT = 600.0
"""Seconds to wait for a statement of a restoration, which may be one of a migration."""

_TYPES: dict[Kind, TypeEngine[Any]] = {
    "boolean": Boolean(),
    "integer": Integer(),
    "number": Float(),
    "time": UtcDateTime(),
    "json": JSON(none_as_null=True),
    "bytes": LargeBinary(),
    "text": String(),
}


class SqlBackups(Backups):
    """Backups by plain statements, so that they need no program of the database's.

    Args:
        database_url: The database.
        program: The version of this program.
        clock: Dates them.
    """

    def __init__(self, database_url: str, program: str, clock: Clock) -> None:
        self._url = database_url
        self._program = program
        self._clock = clock

    @override
    async def save(self, path: str) -> Backup:
        with new_backup(Path(path)) as writer:
            async with self._connection(READ_TIMEOUT, AlembicSchema.see_file) as (connection, schema):
                await _freeze(connection)
                made_at = self._clock()
                revision = await connection.run_sync(schema.found)
                if revision is None:
                    raise SchemaMismatch(None, schema.newest)
                layout = await connection.run_sync(_layout)
                for name, columns in layout.items():
                    source = _table(name, columns)
                    keys = [source.c[key.name] for key in metadata.tables[name].primary_key]
                    async for row in await connection.stream(select(source).order_by(*keys)):
                        writer.add(name, dict(zip(columns, row, strict=True)))
            return writer.write(self._program, revision, made_at, layout)

    @override
    async def plan(self, path: str, *, replace: bool) -> Restoration:
        with checked_backup(Path(path)) as (backup, rows):
            for _ in rows:
                # Each is checked as it is read.
                pass
        try:
            async with self._connection(READ_TIMEOUT, partial(self._see, path, backup)) as (connection, schema):
                await connection.run_sync(schema.found)
                held = await connection.run_sync(lambda sync: _held(sync, _tables(sync)))
        except StoreUnavailable as error:
            if error.fault is not StoreFault.MISSING:
                raise
            held = {}
        if held and not replace:
            raise RecordNotEmpty(held)
        return Restoration(backup, held)

    @override
    async def restore(self, path: str, *, replace: bool) -> Backup:
        with checked_backup(Path(path)) as (backup, rows):

            def prepare(schema: AlembicSchema) -> None:
                self._check(path, backup, schema)
                schema.make_file()

            async with self._connection(WRITE_TIMEOUT, prepare) as (connection, schema):
                await connection.run_sync(take_lock, LOCK_WAIT)
                await connection.run_sync(schema.found)
                await connection.run_sync(_clear, replace)
                await connection.run_sync(schema.move, backup.schema)
                await _fill(connection, path, backup, rows)
                await connection.run_sync(schema.move, "head")
                await _number(connection)
        return backup

    def _see(self, path: str, backup: Backup, schema: AlembicSchema) -> None:
        self._check(path, backup, schema)
        schema.see_file()

    def _check(self, path: str, backup: Backup, schema: AlembicSchema) -> None:
        if backup.schema not in schema.known or not backup.tables.keys() <= metadata.tables.keys():
            raise UnusableBackup(
                path,
                f"is of schema {backup.schema}, made by release {backup.program}; this is {self._program}, "
                f"which knows schemas up to {schema.newest}: restore it with that release or a newer one",
            )

    @asynccontextmanager
    async def _connection(
        self, command_timeout: float, prepare: Callable[[AlembicSchema], None]
    ) -> AsyncGenerator[tuple[AsyncConnection, AlembicSchema], None]:
        engine: AsyncEngine = make_engine(self._url, command_timeout)
        schema = AlembicSchema(self._url, engine)
        prepare(schema)
        try:
            async with answering(engine) as connection:
                yield connection, schema
        finally:
            await engine.dispose()


async def _freeze(connection: AsyncConnection) -> None:
    """Let all that is read in a transaction be as it is at its beginning, while others go on writing."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    else:
        await connection.exec_driver_sql("BEGIN")


def _layout(connection: Connection) -> Layout:
    """Return the columns of our tables as they are, which may be of an older schema."""
    found = inspect(connection)
    present = set(found.get_table_names())
    return {
        name: {str(one["name"]): _kind(one["type"]) for one in found.get_columns(name)}
        for name in (str(table.name) for table in metadata.sorted_tables if PASSING not in table.info)
        if name in present
    }


def _kind(type_: TypeEngine[Any]) -> Kind:
    for kind, one in _TYPES.items():
        # What is found in a database is never of our own class.
        if isinstance(type_, DateTime | UtcDateTime if kind == "time" else type(one)):
            return kind
    raise TypeError(f"backups know no columns of the type {type_}")


def _table(name: str, columns: Mapping[str, Kind]) -> TableClause:
    return table(name, *(column(one, _TYPES[kind]) for one, kind in columns.items()))


def _clear(connection: Connection, replace: bool) -> None:
    """Empty our tables.

    Raises:
        RecordNotEmpty: When they are not, and may not be replaced.
    """
    tables = _tables(connection)
    if tables and connection.dialect.name == "postgresql":
        # A running service may read them meanwhile, but not write to them; an SQLite file is locked already.
        connection.execute(text(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE"))
    held = _held(connection, tables)
    if held and not replace:
        raise RecordNotEmpty(held)
    for name in reversed(held):
        connection.execute(delete(tables[name]))


def _tables(connection: Connection) -> Mapping[str, TableClause]:
    return {name: _table(name, columns) for name, columns in _layout(connection).items()}


def _held(connection: Connection, tables: Mapping[str, TableClause]) -> dict[str, int]:
    """Return how many rows there are in tables that have any."""
    rows = {name: connection.scalar(select(func.count()).select_from(one)) or 0 for name, one in tables.items()}
    return {name: count for name, count in rows.items() if count}


async def _fill(connection: AsyncConnection, path: str, backup: Backup, rows: Iterator[tuple[str, Row]]) -> None:
    """Insert rows.

    Raises:
        UnusableBackup: When they contradict one another.
    """
    for name, group in groupby(rows, key=itemgetter(0)):
        target = _table(name, backup.tables[name].columns)
        while some := [row for _, row in islice(group, AT_ONCE)]:
            try:
                await connection.execute(insert(target), some)
            except IntegrityError as error:
                raise UnusableBackup(path, f"does not fit its own schema: {error.orig}") from error


async def _number(connection: AsyncConnection) -> None:
    """Let new rows get ids above those that there are; an SQLite database does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for name, columns in (await connection.run_sync(_layout)).items():
        for one in (one for one, kind in columns.items() if kind == "integer"):
            # The sequence of no other column than an id is found, and then nothing is set.
            sequence = func.pg_get_serial_sequence(name, one).cast(REGCLASS)
            highest = select(func.coalesce(func.max(column(one)), 1)).select_from(table(name)).scalar_subquery()
            await connection.execute(select(func.setval(sequence, highest)))
