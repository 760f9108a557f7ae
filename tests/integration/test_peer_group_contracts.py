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
from balancer.core.loop.moves import Idle, Move, Seen, Standing, State, Why
from balancer.core.loop.telling import ConfigLoop, Event, Loops
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

SEEN = Seen(812, 14, 31.5, 30.2, 1.0, 0.4)
LOOPS = Loops(
    CHANGED,
    "3f2a9c41/0",
    {
        1: ConfigLoop(
            State(
                1_800_000_000.25,
                {"cdn-a": Standing(0.5, 0.3, 1_800_000_000.0, tries=2, before=0.01), "новый": Standing()},
            ),
            {"cdn-a": 0.75, "новый": 0.25},
            {"cdn-a": 0.6, "новый": 0.4},
            {"cdn-a": 0.501, "новый": 1.0},
            None,
        ),
        7: ConfigLoop(State(), {"cdn": 1.0}, {"cdn": 1.0}, {}, Idle.ALONE),
    },
    (Event(1, CREATED, Move("cdn-a", "новый", 1.25, Why.ERRORS, SEEN, SEEN._replace(troubled=0.0), 30.5, None)),),
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


async def test_loops_are_told(enter: Enter) -> None:
    """So it is with loops, beside the verdicts."""
    one, other = enter("one"), enter("other")
    assert await other.loops.load() is None
    await one.loops.save(LOOPS)
    await one.verdicts.save(TOLD)
    assert LOOPS == await other.loops.load() == await one.loops.load()
    later = LOOPS._replace(at=CHANGED + timedelta(seconds=1), configs={}, events=())
    await one.loops.save(later)
    assert (later, TOLD) == (await other.loops.load(), await other.verdicts.load())


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
    """Nobody else can read the verdicts and the loops, or hold the lock."""
    folder = tmp_path / "data"
    leadership = FileLeadership(folder / "lock")
    await leadership.lead()
    await FileSharedVerdicts(folder / "verdicts.json").save(TOLD)
    await FileSharedLoops(folder / "loops.json").save(LOOPS)
    assert {"lock": 0o600, "verdicts.json": 0o600, "loops.json": 0o600} == {
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


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(b'{"format":1', b"{", id="damaged"),
        pytest.param(b'"format":1', b'"format":2', id="another format"),
        pytest.param(b'"by":', b'"from":', id="another field"),
        pytest.param(b"15:30.250000Z", b"15:30.250000", id="without a zone"),
        pytest.param(b'"cdn-a":0.501', b'"cdn-a":1.501', id="part out of range"),
        pytest.param(b'"cdn-a":0.501', b'"cdn-a":0', id="part of nothing"),
        pytest.param(b"[0.5,0.3,", b"[-0.5,0.3,", id="scale out of range"),
        pytest.param(b",2,0.0,0.01]", b",2000,0.0,0.01]", id="tries out of range"),
        pytest.param(b",2,0.0,0.01]", b",2,0.0,0.01,1]", id="longer"),
        pytest.param(b'"idle":"alone"', b'"idle":"bored"', id="another word"),
        pytest.param(b",1.25,", b",1e999,", id="not finite"),
    ],
)
async def test_loops_that_cannot_be_read(
    tmp_path: Path, before: bytes, after: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Loops that this release cannot read count as none, which is said once; the next ones are read."""
    path = tmp_path / "loops.json"
    loops = FileSharedLoops(path)
    await loops.save(LOOPS)
    assert before in path.read_bytes(), path.read_bytes()
    path.write_bytes(path.read_bytes().replace(before, after))
    assert (None, None) == (await loops.load(), await loops.load())
    assert 1 == len([record for record in caplog.records if "refused" in record.getMessage()])
    await loops.save(LOOPS)
    assert LOOPS == await loops.load()


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
