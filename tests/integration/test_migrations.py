"""Migrations on both databases."""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, insert, inspect, text
from sqlalchemy.exc import IntegrityError

from balancer.adapters.sql.configs import SqlCdnConfigs, SqlConfigHistory
from balancer.adapters.sql.engines import make_engine
from balancer.adapters.sql.migrations import URL_ATTRIBUTE, AlembicSchema
from balancer.adapters.sql.tables import cdn_configs, config_revisions, metadata
from balancer.core.configs.documents import ConfigDocument, PolicyName
from balancer.core.configs.simple import simple_document
from balancer.core.configs.targets import Kind, Target
from balancer.core.errors import SchemaMismatch
from balancer.core.storage.migrations import Loss
from tests.factories import CHANGED, CREATED, SIGNED, cdn, targets
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
        try:
            async with engine.begin() as connection:
                for statement in statements:
                    await connection.execute(text(statement))
        finally:
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


LONG = 2500
"""Revisions of one config: more than a migration takes at once."""

SIMPLE_CONFIGS = {
    1: ("cdn.example.com", 10, None),
    2: ("a.example:8080", 0, "Ünïcode '🎬'"),
    3: ("b.example", 1, None),
    4: ("c.example", 2, "night"),
    5: ("d.example", 1_000_000, None),
}


def fill_last_release(url: str) -> None:
    """Fill a database as the last release does: configs with earlier revisions, one with many, and a deleted one."""
    configs: list[dict[str, Any]] = []
    revisions: list[dict[str, Any]] = []

    def add(config_id: int, *said: tuple[str, int, str | None] | None) -> None:
        names = ("cdn_host", "distribution_rate", "name")
        documents = [dict(zip(names, values, strict=True)) if values else None for values in said]
        present = next(document for document in reversed(documents) if document)
        deleted_at = None if documents[-1] else CREATED
        dates = {"created_at": CREATED, "deleted_at": deleted_at}
        configs.append({"id": config_id, "revision": len(said), **present, **dates})
        revisions.extend(
            {"config_id": config_id, "number": number, "document": document, "actor": "test", "made_at": CREATED}
            for number, document in enumerate(documents, 1)
        )

    for config_id, simple in SIMPLE_CONFIGS.items():
        add(config_id, ("old.example", 7, None), None, simple)
    add(6, ("e.example", 5, None), None)
    add(7, *[("f.example", 9, None)] * LONG)

    async def run() -> None:
        engine = make_engine(url)
        async with engine.begin() as connection:
            await connection.execute(insert(cdn_configs), configs)
            await connection.execute(insert(config_revisions), revisions)
        await engine.dispose()

    asyncio.run(run())


def stored_rows(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of configs and revisions, documents as the text that is stored."""

    async def read() -> dict[str, list[tuple[Any, ...]]]:
        engine = make_engine(url)
        fields = "config_id, number, CAST(document AS TEXT), actor, made_at, reason, restored, request_digest"
        async with engine.connect() as connection:
            found = {}
            for table, columns in (("cdn_configs", "*"), ("config_revisions", fields)):
                rows = await connection.execute(text(f"SELECT {columns} FROM {table} ORDER BY 1, 2"))
                found[table] = [tuple(row) for row in rows]
        await engine.dispose()
        return found

    return asyncio.run(read())


def test_targets_and_back(url: str) -> None:
    """Each config and revision of the last release reads as the same host, rate and name, and comes back as it was."""
    schema = AlembicSchema(url, make_engine(url))
    schema.upgrade("0004")
    fill_last_release(url)
    before = stored_rows(url)
    schema.upgrade()

    async def check() -> None:
        engine = make_engine(url)
        configs, history = SqlCdnConfigs(engine), SqlConfigHistory(engine)
        documents = {config_id: simple_document(*simple) for config_id, simple in SIMPLE_CONFIGS.items()}
        found = {config.id: config.document for config in await configs.page(0, 99)}
        assert {**documents, 7: simple_document("f.example", 9)} == found
        for config_id, document in documents.items():
            told = [revision.document for revision in await history.page(config_id, None, 9)]
            assert [document, None, simple_document("old.example", 7)] == told
        assert [None, simple_document("e.example", 5)] == [one.document for one in await history.page(6, None, 9)]
        assert {simple_document("f.example", 9)} == {one.document for one in await history.page(7, None, LONG)}
        await engine.dispose()

    asyncio.run(check())
    assert before["cdn_configs"] == stored_rows(url)["cdn_configs"]
    deleted = [row[:2] for row in before["config_revisions"] if row[2] is None]
    assert deleted == [row[:2] for row in stored_rows(url)["config_revisions"] if row[2] is None]
    schema.downgrade("0004")
    assert before == stored_rows(url)


def test_configs_without_their_revision(url: str) -> None:
    """A config changed without a revision keeps what it says, which becomes one, and JSON's null turns into SQL's."""
    schema = AlembicSchema(url, make_engine(url))
    schema.upgrade("0004")
    fill_last_release(url)
    run_sql(
        url,
        "DELETE FROM config_revisions WHERE config_id = 3 OR config_id = 6 AND number = 2",
        "UPDATE config_revisions SET document = 'null' WHERE config_id = 4 AND number = 2",
    )
    schema.upgrade()

    async def check() -> None:
        engine = make_engine(url)
        configs, history = SqlCdnConfigs(engine), SqlConfigHistory(engine)
        (made,) = await history.page(3, None, 9)
        assert (3, simple_document("b.example", 1), "migration") == (made.number, made.document, made.signed.actor)
        assert made.document == (await configs.get(3)).document
        assert [None, simple_document("e.example", 5)] == [one.document for one in await history.page(6, None, 9)]
        assert (await history.get(4, 2)).document is None
        await engine.dispose()

    asyncio.run(check())
    assert (4, 2) in [row[:2] for row in stored_rows(url)["config_revisions"] if row[2] is None]


@pytest.mark.parametrize("least", [-1, 0])
def test_rates_are_checked(url: str, least: int) -> None:
    """The database takes no rate below those that its schema knows: -1 with targets, 0 before them."""
    schema = AlembicSchema(url, make_engine(url))
    schema.upgrade()
    if least == 0:
        schema.downgrade("0004")
    values = "('a', {}, 1, '2026-05-04')"
    row = f"INSERT INTO cdn_configs (cdn_host, distribution_rate, revision, created_at) VALUES {values}"
    run_sql(url, row.format(least))
    with pytest.raises(IntegrityError):
        run_sql(url, row.format(least - 1))


# What stands by, and what the last release makes of it.
APPROXIMATIONS = [
    (ConfigDocument(targets(origin=1, a=2, b=6), name="shares"), ("a.example", 9)),
    (ConfigDocument(targets(a=2, b=6)), ("a.example", 0)),
    (ConfigDocument(targets(origin=5, a=2)), ("a.example", 1)),
    (ConfigDocument(targets(origin=1)), ("cdn.invalid", 1)),
    (ConfigDocument((cdn("a", 0), cdn("b", enabled=False), cdn("c")), PolicyName.STICKY), ("c.example", 0)),
    (ConfigDocument((cdn("a", tier=1), Target("origin", Kind.ORIGIN, weight=1))), ("a.example", 1)),
    (ConfigDocument((cdn("a"), Target("origin", Kind.ORIGIN)), PolicyName.FAILOVER), ("a.example", 0)),
    (ConfigDocument((Target("origin", Kind.ORIGIN), cdn("a")), PolicyName.FAILOVER), ("a.example", 1)),
    (ConfigDocument((cdn("a", 3), Target("origin", Kind.ORIGIN)), slow_start=5.0), ("a.example", 4)),
]


def test_what_goes_back_is_as_near_as_can_be(url: str) -> None:
    """Targets go back as one that serves and the origin's share of what serves; each that loses anything is counted."""
    schema = AlembicSchema(url, make_engine(url))
    schema.upgrade()

    async def fill() -> Sequence[Loss]:
        engine = make_engine(url)
        configs = SqlCdnConfigs(engine)
        for document, _ in APPROXIMATIONS:
            await configs.create(document, SIGNED)
        await configs.create(simple_document("same.example", 3), SIGNED)
        gone = await configs.create(ConfigDocument(targets(a=1, b=1)), SIGNED)
        await configs.edit(gone.id, lambda _: None, SIGNED)
        way = await AlembicSchema(url, engine).plan("0004")
        await engine.dispose()
        return way.losses

    losses = {loss.what: loss.rows for loss in asyncio.run(fill())}
    assert len(APPROXIMATIONS) + 1 == losses["targets and policy in config_revisions.document"]
    schema.downgrade("0004")
    rows = stored_rows(url)
    *rest, simple_row, deleted = [(row[1], row[2], row[6]) for row in rows["cdn_configs"]]
    assert [(*near, document.name) for document, near in APPROXIMATIONS] == rest
    assert (("same.example", 3, None), 0) == (simple_row, deleted[1])
    documents = [json.loads(row[2]) for row in rows["config_revisions"] if row[2]]
    names = ("cdn_host", "distribution_rate", "name")
    expected = [dict(zip(names, found, strict=True)) for found in [*rest, simple_row, ("a.example", 0, None)]]
    assert expected == documents


@pytest.mark.long
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
