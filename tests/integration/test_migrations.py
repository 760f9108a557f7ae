"""Migrations on both databases."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect, text

from balancer.adapters.sql.configs import SqlCdnConfigs, SqlConfigHistory
from balancer.adapters.sql.engines import make_engine
from balancer.adapters.sql.migrations import URL_ATTRIBUTE, AlembicSchema
from balancer.adapters.sql.tables import metadata
from balancer.core.configs.simple import simple_document
from balancer.core.errors import SchemaMismatch
from balancer.core.storage.migrations import Loss
from tests.factories import CHANGED, SIGNED
from tests.processes import start_command

ROOT = Path(__file__).parents[2]
NEWEST = max(path.name for path in (ROOT / "alembic" / "versions").glob("[0-9]*.py"))[:4]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database of each kind, with no schema in it."""
    url = f"sqlite:///{tmp_path}/a.db" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))
    AlembicSchema(url, make_engine(url)).upgrade()
    AlembicSchema(url, make_engine(url)).downgrade("base")
    return url


def run_sql(url: str, *statements: str) -> None:
    """Run statements on a database."""

    async def run() -> None:
        engine = make_engine(url)
        async with engine.begin() as connection:
            for statement in statements:
                await connection.execute(text(statement))
        await engine.dispose()

    asyncio.run(run())


def tables(url: str) -> set[str]:
    """Return the names of the tables in a database."""

    async def read() -> set[str]:
        engine = make_engine(url)
        async with engine.connect() as connection:
            names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        await engine.dispose()
        return set(names)

    return asyncio.run(read())


def test_stairway(url: str) -> None:
    """Up, down and up again leaves what is expected each time, and the models agree with the result."""
    schema = AlembicSchema(url, make_engine(url))
    schema.upgrade()
    assert {*metadata.tables, "alembic_version"} == tables(url)
    steps = []
    while (left := tables(url)) != {"alembic_version"}:
        steps.append(left)
        schema.downgrade("-1")
    assert len(list((ROOT / "alembic" / "versions").glob("[0-9]*.py"))) == len(steps)
    for step in reversed(steps):
        schema.upgrade("+1")
        assert step == tables(url)
    config = Config(str(ROOT / "alembic.ini"))
    config.attributes[URL_ATTRIBUTE] = url
    command.check(config)


def columns(url: str) -> set[str]:
    """Return the names of the tables of a database, and of their columns: `t` and `t.c`."""

    def read(connection: Connection) -> set[str]:
        found = inspect(connection)
        names = found.get_table_names()
        return {*names, *(f"{name}.{column['name']}" for name in names for column in found.get_columns(name))}

    async def run() -> set[str]:
        engine = make_engine(url)
        async with engine.connect() as connection:
            names = await connection.run_sync(read)
        await engine.dispose()
        return names

    return asyncio.run(run())


def test_losses_are_told(url: str) -> None:
    """Each step back names every table and column that goes with it, and counts what is in them."""

    async def plan() -> Sequence[Loss]:
        engine = make_engine(url)
        way = await AlembicSchema(url, engine).plan("-1")
        await engine.dispose()
        return way.losses

    schema = AlembicSchema(url, make_engine(url))
    schema.upgrade()
    while (before := columns(url)) - {"alembic_version", "alembic_version.version_num"}:
        told = {loss.what: loss.rows for loss in asyncio.run(plan())}
        assert {0} == set(told.values())
        schema.downgrade("-1")
        gone = before - columns(url)
        tables = {name for name in gone if "." not in name}
        lost = {f"table {name}" for name in tables}
        lost |= {f"column {name}" for name in gone if "." in name and name.partition(".")[0] not in tables}
        assert lost <= set(told)


def test_history_begins_with_the_present(url: str) -> None:
    """Configs from before there was a history get their present state as its beginning, and can be changed."""
    schema = AlembicSchema(url, make_engine(url))
    schema.upgrade("0001")
    run_sql(
        url,
        "INSERT INTO cdn_configs (id, cdn_host, distribution_rate, revision, created_at, updated_at)"
        " VALUES (1, 'a.example', 7, 4, '2026-05-04 12:30:00+00:00', '2026-05-05 08:15:30.250000+00:00')",
    )
    schema.upgrade()

    async def change() -> None:
        engine = make_engine(url)
        configs, history = SqlCdnConfigs(engine), SqlConfigHistory(engine)
        before = simple_document("a.example", 7)
        (first,) = await history.page(1, None, 9)
        assert (4, before, CHANGED) == (first.number, first.document, first.signed.at)
        config = await configs.edit(1, lambda standing: replace(standing.document or before, name="b"), SIGNED)
        assert config
        assert (5, "b") == (config.revision, config.name)
        await engine.dispose()

    asyncio.run(change())
    schema.downgrade("0001")
    assert {"cdn_configs", "alembic_version"} == tables(url)


def test_runners_at_once(url: str, tmp_path: Path) -> None:
    """Several migrations at the same time do the work once, and all succeed."""
    with ExitStack() as running:
        runners = [running.enter_context(start_command(tmp_path, "migrate", DATABASE_URL=url)) for _ in range(4)]
        for runner in runners:
            running.callback(runner.kill)
        for runner in runners:
            runner.communicate(timeout=60)
    assert [0] * 4 == [runner.returncode for runner in runners]
    assert "cdn_configs" in tables(url)


def test_readiness(postgres_url: str) -> None:
    """A PostgreSQL database must have the schema of this program; an empty, an older and a newer one are refused."""

    async def ready() -> None:
        engine = make_engine(postgres_url)
        try:
            await AlembicSchema(postgres_url, engine).make_ready()
        finally:
            await engine.dispose()

    schema = AlembicSchema(postgres_url, make_engine(postgres_url))
    schema.upgrade()
    asyncio.run(ready())
    schema.downgrade("base")
    with pytest.raises(SchemaMismatch, match=r"empty.*balancer migrate"):
        asyncio.run(ready())
    schema.upgrade()
    run_sql(postgres_url, "UPDATE alembic_version SET version_num = '9999'")
    attempts: list[Callable[[], None]] = [
        lambda: asyncio.run(ready()),
        schema.upgrade,
        lambda: schema.downgrade("-1"),
    ]
    for attempt in attempts:
        with pytest.raises(SchemaMismatch, match=r"at schema 9999.*older.*run the release that has migrated"):
            attempt()
    run_sql(postgres_url, f"UPDATE alembic_version SET version_num = '{NEWEST}'")


def test_newer_embedded_database(tmp_path: Path) -> None:
    """An SQLite database that a newer program has migrated is refused, and left as it is."""
    url = f"sqlite:///{tmp_path}/a.db"
    schema = AlembicSchema(url, make_engine(url))
    schema.upgrade()
    run_sql(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match="at schema 9999, this program is older"):
        asyncio.run(schema.make_ready())


def test_embedded_database_migrates_itself(tmp_path: Path) -> None:
    """An SQLite database is made, with its folder, by the first start."""
    url = f"sqlite:///{tmp_path}/deep/a.db"

    async def ready() -> None:
        engine = make_engine(url)
        await AlembicSchema(url, engine).make_ready()
        await engine.dispose()

    asyncio.run(ready())
    assert {*metadata.tables, "alembic_version"} == tables(url)
