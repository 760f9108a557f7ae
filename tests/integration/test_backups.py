"""Backups of populated databases of both kinds, and what comes of them in empty ones."""

import asyncio
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from balancer.adapters.config_json import read_document
from balancer.adapters.files.backups import checked_backup, new_backup
from balancer.adapters.sql.backups import SqlBackups, _kind
from balancer.adapters.sql.configs import SqlCdnConfigs, SqlConfigHistory
from balancer.adapters.sql.engines import make_engine
from balancer.adapters.sql.keys import SqlApiKeys
from balancer.adapters.sql.migrations import AlembicSchema
from balancer.adapters.sql.rules import SqlRuleRecord
from balancer.adapters.sql.tables import PASSING, metadata
from balancer.core.access.keys import Role
from balancer.core.configs.revisions import Attempt
from balancer.core.configs.simple import simple_document, simple_view
from balancer.core.errors import SchemaMismatch
from balancer.core.rules.documents import RuleList, rules_from
from balancer.core.storage.backups import RecordNotEmpty, UnusableBackup
from tests.factories import BEARER, CHANGED, CREATED, MANY_TARGETS, SIGNED, VIDEO, ConfigFactory, KeyFactory
from tests.integration.conftest import Start
from tests.processes import run_balancer

RULE = {"name": "a", "when": {"headers": [{"name": "x", "contains": ["Ünïcode 🎬 'quoted'"]}]}, "config_id": 1}

Tables = dict[str, list[dict[str, Any]]]


@pytest.fixture
def database(tmp_path: Path, postgres_url: str) -> Callable[[str], str]:
    """Return a function that gives the URL of an empty database of a kind, with no schema in it."""
    numbers = count()

    def empty(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path}/{next(numbers)}.db"
        schema = AlembicSchema(postgres_url, make_engine(postgres_url))
        schema.upgrade()
        schema.downgrade("base")
        return postgres_url

    return empty


def backups(url: str) -> SqlBackups:
    """Return the backups of a database, made at a known moment."""
    return SqlBackups(url, "1.2.3", lambda: datetime(2026, 6, 1, tzinfo=UTC))


def populate(url: str) -> None:
    """Fill a database with whatever a row may hold."""

    async def fill() -> None:
        engine = make_engine(url)
        configs, keys = SqlCdnConfigs(engine), SqlApiKeys(engine)
        await configs.create_first(ConfigFactory.build(), SIGNED)
        made = await configs.create(simple_document("a.example", 0, "Ünïcode 🎬 'quoted'"), SIGNED)
        await configs.edit(1, lambda _: simple_document("b.example", 7, None), SIGNED._replace(reason='two\\" \\n'))
        await configs.edit(made.id, lambda _: None, SIGNED)
        await configs.create(MANY_TARGETS, SIGNED)
        await keys.create_first(KeyFactory.build())
        second = await keys.create(KeyFactory.build(digest=bytes(32), role=Role.VIEWER, expires_at=CHANGED))
        await keys.revoke(second.id, SIGNED)
        await keys.use(1, CREATED)
        rules = SqlRuleRecord(engine)
        await rules.edit(lambda _: rules_from([RULE]), SIGNED._replace(attempt=Attempt("a-key", "0" * 64)))
        await rules.edit(lambda _: RuleList(), SIGNED, restored=0)
        await engine.dispose()

    AlembicSchema(url, make_engine(url)).upgrade()
    asyncio.run(fill())


def content(url: str) -> Tables:
    """Return all rows of all tables, but of those that are in no backup."""

    async def read() -> Tables:
        engine = make_engine(url)
        async with engine.connect() as connection:
            found = {}
            for table in (table for table in metadata.sorted_tables if PASSING not in table.info):
                rows = await connection.execute(select(table).order_by(*table.primary_key))
                found[table.name] = [row._asdict() for row in rows]
        await engine.dispose()
        return found

    return asyncio.run(read())


def run_sql(url: str, statement: str) -> None:
    """Run a statement on a database."""

    async def run() -> None:
        engine = make_engine(url)
        async with engine.begin() as connection:
            await connection.execute(text(statement))
        await engine.dispose()

    asyncio.run(run())


@pytest.mark.parametrize("migrated", [False, True])
@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
@pytest.mark.parametrize("source", ["sqlite", "postgresql"])
def test_round_trip(database: Callable[[str], str], tmp_path: Path, source: str, target: str, migrated: bool) -> None:
    """Whatever the kind of both, the restored database holds the same rows, and goes on with ids above them."""
    url = database(source)
    populate(url)
    before = content(url)
    assert all(before.values())
    made = asyncio.run(backups(url).save(str(tmp_path / "backup")))
    assert {name: len(rows) for name, rows in before.items()} == made.rows
    other = database(target)
    if migrated:
        AlembicSchema(other, make_engine(other)).upgrade()
        # A process that probes may have been there already.
        run_sql(other, "INSERT INTO probing (id, holder) VALUES (1, 'a/0')")
    assert made == asyncio.run(backups(other).restore(str(tmp_path / "backup"), replace=False))
    assert before == content(other)

    async def go_on() -> tuple[int, int]:
        engine = make_engine(other)
        config = await SqlCdnConfigs(engine).create(simple_document("c.example", 1), SIGNED)
        key = await SqlApiKeys(engine).create(KeyFactory.build(digest=b"new"))
        await engine.dispose()
        return config.id, key.id

    highest = [max(row["id"] for row in before[name]) for name in ("cdn_configs", "api_keys")]
    assert [number + 1 for number in highest] == list(asyncio.run(go_on()))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_only_into_an_empty_database(database: Callable[[str], str], tmp_path: Path, kind: str) -> None:
    """A database with rows stays as it is, unless they are to be replaced; then nothing of them is left."""
    url = database(kind)
    populate(url)
    before = content(url)
    asyncio.run(backups(url).save(str(tmp_path / "backup")))
    run_sql(url, "UPDATE cdn_configs SET cdn_host = 'other.example'")
    run_sql(url, "DELETE FROM api_keys WHERE id = 1")
    after = content(url)
    with pytest.raises(RecordNotEmpty, match="3 rows in cdn_configs"):
        asyncio.run(backups(url).restore(str(tmp_path / "backup"), replace=False))
    assert after == content(url)
    asyncio.run(backups(url).restore(str(tmp_path / "backup"), replace=True))
    assert before == content(url)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_plan_changes_nothing(database: Callable[[str], str], tmp_path: Path, kind: str) -> None:
    """What a restoration would do is told, with what would be lost, and refused as the restoration would be."""
    url = database(kind)
    populate(url)
    made = asyncio.run(backups(url).save(str(tmp_path / "backup")))
    before = content(url)
    with pytest.raises(RecordNotEmpty, match="3 rows in cdn_configs"):
        asyncio.run(backups(url).plan(str(tmp_path / "backup"), replace=False))
    way = asyncio.run(backups(url).plan(str(tmp_path / "backup"), replace=True))
    assert (made, {name: len(rows) for name, rows in before.items()}, before) == (way.backup, way.lost, content(url))
    # One that has no schema yet, or is not there yet.
    way = asyncio.run(backups(database(kind)).plan(str(tmp_path / "backup"), replace=False))
    assert (made, {}) == (way.backup, way.lost)
    (tmp_path / "damaged").write_bytes((tmp_path / "backup").read_bytes()[:-2])
    with pytest.raises(UnusableBackup, match="damaged"):
        asyncio.run(backups(url).plan(str(tmp_path / "damaged"), replace=True))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_damaged_backup_changes_nothing(database: Callable[[str], str], tmp_path: Path, kind: str) -> None:
    """A backup that is damaged, or contradicts itself, leaves the database as it was."""
    url = database(kind)
    populate(url)
    before = content(url)
    path = tmp_path / "backup"
    asyncio.run(backups(url).save(str(path)))
    with checked_backup(path) as (made, rows), new_backup(tmp_path / "twice") as writer:
        for name, row in rows:
            writer.add(name, row)
        # The last row once more, under a checksum that is right.
        writer.add(name, row)
        writer.write(made.program, made.schema, made.made_at, {name: one.columns for name, one in made.tables.items()})
    with pytest.raises(UnusableBackup, match="does not fit its own schema"):
        asyncio.run(backups(url).restore(str(tmp_path / "twice"), replace=True))
    assert before == content(url)
    path.write_bytes(path.read_bytes().replace(b"b.example", b"c.example", 1))
    with pytest.raises(UnusableBackup, match="its checksum is wrong"):
        asyncio.run(backups(url).restore(str(path), replace=True))
    assert before == content(url)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_older_schema(database: Callable[[str], str], tmp_path: Path, kind: str) -> None:
    """A backup of a database that is not migrated yet comes into a new one at the schema of this program."""
    url = database(kind)
    schema = AlembicSchema(url, make_engine(url))
    schema.upgrade("0001")
    run_sql(
        url,
        "INSERT INTO cdn_configs (id, cdn_host, distribution_rate, revision, created_at)"
        " VALUES (1, 'old.example', 7, 4, '2026-05-04 12:30:00+00:00')",
    )
    made = asyncio.run(backups(url).save(str(tmp_path / "backup")))
    assert ("0001", {"cdn_configs": 1}) == (made.schema, made.rows)
    schema.upgrade()
    expected = content(url)
    # Over what is there, which takes the schema down and up again.
    asyncio.run(backups(url).restore(str(tmp_path / "backup"), replace=True))
    assert expected == content(url)

    async def check() -> None:
        engine = make_engine(url)
        await AlembicSchema(url, engine).check()
        await engine.dispose()

    asyncio.run(check())


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_last_release(database: Callable[[str], str], tmp_path: Path, kind: str) -> None:
    """A backup of the last release comes into a database of this one, and its configs and history read as they were."""
    url = database(kind)
    schema = AlembicSchema(url, make_engine(url))
    schema.upgrade("0004")
    run_sql(
        url,
        "INSERT INTO cdn_configs (id, cdn_host, distribution_rate, revision, created_at, name)"
        " VALUES (1, 'old.example', 7, 2, '2026-05-04 12:30:00+00:00', 'night')",
    )
    document = '{{"cdn_host"\\: "old.example", "distribution_rate"\\: 7, "name"\\: {}}}'
    for number, name in enumerate(("null", '"night"'), 1):
        run_sql(
            url,
            "INSERT INTO config_revisions (config_id, number, document, actor, made_at)"
            f" VALUES (1, {number}, '{document.format(name)}', 'test', '2026-05-04 12:30:00+00:00')",
        )
    made = asyncio.run(backups(url).save(str(tmp_path / "backup")))
    assert ("0004", {"cdn_configs": 1, "config_revisions": 2, "api_keys": 0}) == (made.schema, made.rows)
    schema.upgrade()
    expected = content(url)
    assert {2} == {row["format"] for row in expected["config_revisions"]}
    asyncio.run(backups(url).restore(str(tmp_path / "backup"), replace=True))
    assert expected == content(url)

    async def check() -> None:
        engine = make_engine(url)
        assert simple_document("old.example", 7, "night") == (await SqlCdnConfigs(engine).default()).document
        assert simple_document("old.example", 7) == (await SqlConfigHistory(engine).get(1, 1)).document
        await engine.dispose()

    asyncio.run(check())


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_newer_than_the_program(database: Callable[[str], str], tmp_path: Path, kind: str) -> None:
    """A newer database is not backed up, a newer backup not restored, and the error says which program can."""
    url = database(kind)
    if kind == "postgresql":
        with pytest.raises(SchemaMismatch, match=r"empty.*balancer migrate"):
            asyncio.run(backups(url).save(str(tmp_path / "none")))
    populate(url)
    path = tmp_path / "backup"
    revision = asyncio.run(backups(url).save(str(path))).schema
    run_sql(url, "UPDATE alembic_version SET version_num = '9999'")
    for attempt in (backups(url).save(str(tmp_path / "none")), backups(url).restore(str(path), replace=True)):
        with pytest.raises(SchemaMismatch, match=r"older.*run the release that has migrated"):
            asyncio.run(attempt)
    run_sql(url, f"UPDATE alembic_version SET version_num = '{revision}'")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_while_the_service_changes(database: Callable[[str], str], tmp_path: Path, kind: str) -> None:
    """A backup holds one moment: the latest revision of each config and its row agree, however much is changed."""
    url = database(kind)
    populate(url)
    ended = threading.Event()

    async def change() -> None:
        engine = make_engine(url)
        configs, rate = SqlCdnConfigs(engine), 0
        while not ended.is_set():
            rate += 1
            await configs.edit(1, partial(lambda rate, _: simple_document("b.example", rate), rate), SIGNED)
        await engine.dispose()

    changing = threading.Thread(target=asyncio.run, args=[change()])
    changing.start()
    try:
        made = [asyncio.run(backups(url).save(str(tmp_path / f"backup{number}"))) for number in range(5)]
    finally:
        ended.set()
        changing.join()
    assert len({backup.rows["config_revisions"] for backup in made}) > 1
    for number in range(5):
        other = f"sqlite:///{tmp_path}/restored{number}.db"
        asyncio.run(backups(other).restore(str(tmp_path / f"backup{number}"), replace=False))
        found = content(other)
        latest = [row for row in found["config_revisions"] if row["config_id"] == 1][-1]
        (row,) = [row for row in found["cdn_configs"] if row["id"] == 1]
        view = simple_view(read_document(latest["document"], latest["format"]))
        assert (row["revision"], row["distribution_rate"]) == (latest["number"], view and view.distribution_rate)


def test_every_column_has_a_kind() -> None:
    """Backups know what each column of each table holds."""
    assert {_kind(column.type) for table in metadata.sorted_tables for column in table.columns}


@pytest.mark.long
def test_commands(start: Start, tmp_path: Path) -> None:
    """A running service is backed up; another one, in an empty folder, serves by it with the same keys and history."""
    balancer = start()
    with httpx.Client(base_url=balancer.url, headers=BEARER) as client:
        client.patch("/config", json={"id": 1, "distribution_rate": 1, "reason": "A test."})
        history = client.get("/config/history").json()
    saved = run_balancer(balancer.folder, "backup", "../backup.jsonl")
    assert "1 row in cdn_configs" in saved.stdout
    path = balancer.folder / "../backup.jsonl"
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    again = run_balancer(balancer.folder, "backup", "../backup.jsonl", check=False)
    assert (1, "exists already" in again.stderr) == (again.returncode, True)
    folder = tmp_path / "other"
    folder.mkdir()
    run_balancer(folder, "restore", str(path))
    refused = run_balancer(folder, "restore", str(path), check=False)
    assert (2, True, True) == (refused.returncode, "not empty" in refused.stderr, "--replace" in refused.stderr)
    run_balancer(folder, "restore", "--replace", str(path))
    other = start(DATABASE_URL=f"sqlite:///{folder}/data/balancer.db", BOOTSTRAP_API_KEY="")
    with httpx.Client(base_url=other.url, headers=BEARER) as client:
        assert history == client.get("/config/history").json()
        assert VIDEO == client.get(f"/?video={VIDEO}").headers["location"]
