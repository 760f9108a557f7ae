"""How processes agree on who probes, and tell each other: one suite over the fakes and over every real store."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete

from balancer.adapters.files.probing import FileLeadership, FileSharedLoops, FileSharedVerdicts
from balancer.adapters.redis.clients import make_redis
from balancer.adapters.redis.probing import RedisLeadership, RedisSharedLoops, RedisSharedVerdicts
from balancer.adapters.sql.engines import make_engine
from balancer.adapters.sql.migrations import AlembicSchema
from balancer.adapters.sql.probing import PostgresLeadership, PostgresSharedLoops, PostgresSharedVerdicts
from balancer.adapters.sql.tables import probing
from balancer.core.errors import StoreUnavailable
from balancer.core.health.ports import LEASE, Leadership, PeerGroup
from balancer.core.health.verdicts import TargetHealth, Verdict, Verdicts
from tests.factories import CHANGED, CREATED
from tests.fakes import FakeLeadership, FakeLease, FakeSharedLoops, FakeSharedVerdicts
from tests.processes import free_port

pytestmark = pytest.mark.anyio

TOLD = Verdicts(
    CHANGED,
    "3f2a9c41/0",
    None,
    {
        (1, "cdn-a"): TargetHealth("http://a/", Verdict.UNHEALTHY, CREATED, "answered 503", CHANGED, 0.25, part=0.0),
        (2, "cdn-a"): TargetHealth(
            "https://a/", Verdict.HEALTHY, CREATED, "answered 200", CHANGED, 0.25, CHANGED, CREATED, 0.3
        ),
        (2, "новый"): TargetHealth("http://b/", Verdict.UNKNOWN, CREATED, "not probed yet"),
    },
)

KINDS = ["fake", "file", "postgres", "redis", "cluster"]

Enter = Callable[[str], PeerGroup]
"""Lets a process with this name in."""


@pytest.fixture(params=KINDS)
async def enter(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Enter]:
    """Return an empty group of each kind, with a connection of its own for each process."""
    async with AsyncExitStack() as open_:
        if request.param == "fake":
            lease, told, loops = FakeLease(), FakeSharedVerdicts(), FakeSharedLoops()
            yield lambda _name: PeerGroup(FakeLeadership(lease), told, loops)
        elif request.param == "file":
            folder = tmp_path / "deep"
            yield lambda _name: PeerGroup(
                FileLeadership(folder / "lock"),
                FileSharedVerdicts(folder / "verdicts.json"),
                FileSharedLoops(folder / "loops.json"),
            )
        elif request.param == "postgres":
            url = str(request.getfixturevalue("postgres_url"))
            engine = make_engine(url)
            open_.push_async_callback(engine.dispose)
            await asyncio.to_thread(AlembicSchema(url, engine).upgrade)
            async with engine.begin() as connection:
                await connection.execute(delete(probing))
            yield lambda name: PeerGroup(
                PostgresLeadership(engine, name), PostgresSharedVerdicts(engine), PostgresSharedLoops(engine)
            )
        else:
            redis = make_redis(str(request.getfixturevalue(f"{request.param}_url")))
            open_.push_async_callback(redis.aclose)
            prefix = f"{uuid.uuid4()}:"
            yield lambda name: PeerGroup(
                RedisLeadership(redis, prefix, name),
                RedisSharedVerdicts(redis, prefix),
                RedisSharedLoops(redis, prefix),
            )


async def test_one_leads(enter: Enter) -> None:
    """Of many that ask at once one gets the lead, and keeps it however often it asks again."""
    groups = [enter(f"process {number}") for number in range(8)]
    got = await asyncio.gather(*(group.leadership.lead() for group in groups))
    assert 1 == sum(got)
    leader = groups[got.index(True)]
    for _ in range(3):
        assert got == [await group.leadership.lead() for group in groups]
    await leader.leadership.leave()


async def test_the_lead_is_left(enter: Enter) -> None:
    """When the one that leads leaves, another one leads at once; one without the lead leaves nobody without."""
    one, other = enter("one"), enter("other")
    assert await one.leadership.lead()
    await other.leadership.leave()
    assert not await other.leadership.lead()
    await one.leadership.leave()
    assert await other.leadership.lead()
    assert not await one.leadership.lead()
    await other.leadership.leave()
    await one.leadership.leave()


async def test_verdicts_are_told(enter: Enter) -> None:
    """What one process saves another one loads, with everything in it, and again after it was replaced."""
    one, other = enter("one"), enter("other")
    assert await other.verdicts.load() is None
    await one.verdicts.save(TOLD)
    assert TOLD == await other.verdicts.load() == await one.verdicts.load()
    later = replace(TOLD, at=CHANGED + timedelta(seconds=1), unreliable_since=CHANGED, targets={})
    await one.verdicts.save(later)
    assert later == await other.verdicts.load()


async def test_the_lead_ends_by_itself(postgres_url: str, redis_url: str) -> None:
    """A process that does not ask again loses the lead when its time is over, in Redis and in PostgreSQL."""
    engine, redis = make_engine(postgres_url), make_redis(redis_url)
    await asyncio.to_thread(AlembicSchema(postgres_url, engine).upgrade)
    async with engine.begin() as connection:
        await connection.execute(delete(probing))
    prefix = f"{uuid.uuid4()}:"

    async def see(one: Leadership, other: Leadership) -> None:
        assert await one.lead()
        for _ in range(int(20 * LEASE)):
            if await other.lead():
                break
            await asyncio.sleep(0.1)
        else:
            pytest.fail("the lead does not end")
        assert not await one.lead()
        await other.leave()

    await asyncio.gather(
        see(PostgresLeadership(engine, "one"), PostgresLeadership(engine, "other")),
        see(RedisLeadership(redis, prefix, "one"), RedisLeadership(redis, prefix, "other")),
    )
    await engine.dispose()
    await redis.aclose()


async def test_a_lock_that_was_deleted(tmp_path: Path) -> None:
    """When somebody deletes the lock's file, no two processes lead for longer than until both have asked again."""
    path = tmp_path / "lock"
    one, other = FileLeadership(path), FileLeadership(path)
    assert await one.lead()
    path.unlink()
    assert await other.lead()
    assert not await one.lead()
    await other.leave()
    assert await one.lead()
    await one.leave()


async def test_files_are_private(tmp_path: Path) -> None:
    """Nobody else can read the verdicts or hold the lock."""
    folder = tmp_path / "data"
    leadership = FileLeadership(folder / "lock")
    await leadership.lead()
    await FileSharedVerdicts(folder / "verdicts.json").save(TOLD)
    assert {"lock": 0o600, "verdicts.json": 0o600} == {
        path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()
    }
    await leadership.leave()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"{", id="damaged"),
        pytest.param(b'{"format": 2, "at": "later"}', id="another format"),
        pytest.param(
            b'{"format": 1, "at": "2026-01-01T00:00:00", "by": "", "unreliable_since": null, "targets": []}',
            id="without a zone",
        ),
        pytest.param(
            b'{"format":1,"at":"2026-01-01T00:00:00Z","by":"","unreliable_since":null,"targets":[{"config":1,'
            b'"name":"a","health":{"url":"","verdict":"healthy","since":"2026-01-01T00:00:00Z","why":"","part":7}}]}',
            id="out of range",
        ),
    ],
)
async def test_verdicts_that_cannot_be_read(tmp_path: Path, data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Verdicts that this release cannot read count as none, which is said once; the next ones are read."""
    path = tmp_path / "verdicts.json"
    path.write_bytes(data)
    verdicts = FileSharedVerdicts(path)
    assert (None, None) == (await verdicts.load(), await verdicts.load())
    assert 1 == len([record for record in caplog.records if "refused" in record.getMessage()])
    await verdicts.save(TOLD)
    assert TOLD == await verdicts.load()


async def test_no_server(tmp_path: Path) -> None:
    """Where no server answers, or no file can be made, every call says which store is not available."""
    redis = make_redis(f"redis://127.0.0.1:{free_port()}/0")
    engine = make_engine(f"postgresql://postgres:secret@127.0.0.1:{free_port()}/balancer_test")
    (tmp_path / "file").touch()
    nowhere = tmp_path / "file" / "below"
    for call, store in [
        (RedisLeadership(redis, "a:", "one").lead(), "redis"),
        (RedisLeadership(redis, "a:", "one").leave(), "redis"),
        (RedisSharedVerdicts(redis, "a:").save(TOLD), "redis"),
        (RedisSharedVerdicts(redis, "a:").load(), "redis"),
        (PostgresLeadership(engine, "one").lead(), "database"),
        (PostgresLeadership(engine, "one").leave(), "database"),
        (PostgresSharedVerdicts(engine).save(TOLD), "database"),
        (PostgresSharedVerdicts(engine).load(), "database"),
        (FileLeadership(nowhere).lead(), "file"),
        (FileSharedVerdicts(nowhere).save(TOLD), "file"),
    ]:
        with pytest.raises(StoreUnavailable) as caught:
            await call
        assert store == caught.value.store
    await redis.aclose()
    await engine.dispose()
