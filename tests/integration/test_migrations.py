"""Migrations on both databases."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import inspect, text

from balancer.adapters.migrations import URL_ATTRIBUTE, AlembicSchema
from balancer.adapters.sql import make_engine, metadata
from balancer.core.errors import SchemaMismatch

ROOT = Path(__file__).parents[2]


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
    schema.downgrade("-1")
    assert {"alembic_version"} == tables(url)
    schema.upgrade()
    config = Config(str(ROOT / "alembic.ini"))
    config.attributes[URL_ATTRIBUTE] = url
    command.check(config)


def test_runners_at_once(url: str, tmp_path: Path) -> None:
    """Several migrations at the same time do the work once, and all succeed."""
    runners = [
        subprocess.Popen(
            [sys.executable, "-m", "balancer", "migrate"],
            cwd=tmp_path,
            env={**os.environ, "BALANCER_DATABASE_URL": url},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(4)
    ]
    assert [0] * 4 == [runner.wait(60) for runner in runners]
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
    with pytest.raises(SchemaMismatch, match="at schema 9999"):
        asyncio.run(ready())
    with pytest.raises(SchemaMismatch):
        schema.upgrade()
    run_sql(postgres_url, "UPDATE alembic_version SET version_num = '0001'")


def test_embedded_database_migrates_itself(tmp_path: Path) -> None:
    """An SQLite database is made, with its folder, by the first start."""
    url = f"sqlite:///{tmp_path}/deep/a.db"

    async def ready() -> None:
        engine = make_engine(url)
        await AlembicSchema(url, engine).make_ready()
        await engine.dispose()

    asyncio.run(ready())
    assert {*metadata.tables, "alembic_version"} == tables(url)
