"""One suite for each port, over its fake and over every real adapter, so that a fake cannot lie."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import delete

from balancer.adapters.local import FileConfigCopies
from balancer.adapters.migrations import AlembicSchema
from balancer.adapters.redis_stores import RedisConfigCopies, RedisConfigNotices, RedisTickets, make_redis
from balancer.adapters.sql import SqlCdnConfigs, cdn_configs, make_engine
from balancer.core.configs import ConfigChange
from balancer.core.errors import ConfigNotFound, NoConfig, StoreUnavailable
from balancer.core.ports import CdnConfigs, ConfigCopies, ConfigNotices, Tickets
from tests.factories import CHANGED, ConfigFactory
from tests.fakes import FakeCdnConfigs, FakeConfigCopies, FakeConfigNotices, FakeTickets
from tests.processes import free_port

pytestmark = pytest.mark.anyio

FIRST = ConfigFactory.build()


def address(request: pytest.FixtureRequest, name: str) -> str:
    """Return the URL of a server, which is started only for those who ask."""
    return str(request.getfixturevalue(name))


@pytest.fixture(params=["fake", "sqlite", "postgres"])
async def configs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CdnConfigs]:
    """Return an empty record of configs of each kind."""
    if request.param == "fake":
        yield FakeCdnConfigs()
        return
    url = f"sqlite:///{tmp_path}/a.db" if request.param == "sqlite" else address(request, "postgres_url")
    engine = make_engine(url)
    await asyncio.to_thread(AlembicSchema(url, engine).upgrade)
    async with engine.begin() as connection:
        await connection.execute(delete(cdn_configs))
    yield SqlCdnConfigs(engine)
    await engine.dispose()


@pytest.fixture(params=["fake", "file", "redis"])
async def copies(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ConfigCopies]:
    """Return an empty place for a copy of each kind."""
    match request.param:
        case "fake":
            yield FakeConfigCopies()
        case "file":
            yield FileConfigCopies(tmp_path / "deep" / "config.json")
        case _:
            redis = make_redis(address(request, "redis_url"))
            yield RedisConfigCopies(redis, f"{uuid.uuid4()}:")
            await redis.aclose()


@pytest.fixture(params=["fake", "redis"])
async def notices(request: pytest.FixtureRequest) -> AsyncIterator[ConfigNotices]:
    """Return a channel of notices of each kind."""
    if request.param == "fake":
        yield FakeConfigNotices()
        return
    redis = make_redis(address(request, "redis_url"))
    yield RedisConfigNotices(redis, f"{uuid.uuid4()}:")
    await redis.aclose()


@pytest.fixture(params=["fake", "redis"])
async def tickets(request: pytest.FixtureRequest) -> AsyncIterator[Tickets]:
    """Return a new ticket sequence of each kind."""
    if request.param == "fake":
        yield FakeTickets()
        return
    redis = make_redis(address(request, "redis_url"))
    yield RedisTickets(redis, f"{uuid.uuid4()}:")
    await redis.aclose()


async def test_empty_record(configs: CdnConfigs) -> None:
    """An empty record has no default config and no config with any id."""
    with pytest.raises(NoConfig):
        await configs.default()
    with pytest.raises(ConfigNotFound):
        await configs.get(1)


async def test_create_first_once(configs: CdnConfigs) -> None:
    """The first config is recorded as it is, and a second first start leaves it alone."""
    await configs.create_first(FIRST)
    await configs.create_first(ConfigFactory.build(cdn_host="other.example"))
    assert FIRST == await configs.default() == await configs.get(1)


async def test_first_starts_at_once(configs: CdnConfigs) -> None:
    """Many first starts at the same time make one config."""
    await asyncio.gather(*(configs.create_first(FIRST) for _ in range(10)))
    assert FIRST == await configs.default()


async def test_change(configs: CdnConfigs) -> None:
    """A change sets what is given, keeps the rest, counts the revision and dates it in UTC."""
    await configs.create_first(FIRST)
    expected = ConfigFactory.build(distribution_rate=0, revision=2, updated_at=CHANGED)
    assert expected == await configs.change(1, ConfigChange(distribution_rate=0), CHANGED)
    expected = ConfigFactory.build(cdn_host="b.example", distribution_rate=0, revision=3, updated_at=CHANGED)
    assert expected == await configs.change(1, ConfigChange(cdn_host="b.example"), CHANGED)
    assert expected == await configs.get(1)


async def test_change_nothing(configs: CdnConfigs) -> None:
    """A change to what is there makes no revision."""
    await configs.create_first(FIRST)
    same = ConfigChange(cdn_host=FIRST.cdn_host, distribution_rate=FIRST.distribution_rate)
    assert FIRST == await configs.change(1, same, CHANGED)


@pytest.mark.parametrize("config_id", [2, 0, -1, 2**31, 2**63, 10**30])
async def test_unknown_ids(configs: CdnConfigs, config_id: int) -> None:
    """An id that no config has is not found, however great it is."""
    await configs.create_first(FIRST)
    with pytest.raises(ConfigNotFound):
        await configs.get(config_id)
    with pytest.raises(ConfigNotFound):
        await configs.change(config_id, ConfigChange(distribution_rate=0), CHANGED)


async def test_changes_at_once(configs: CdnConfigs) -> None:
    """Of many changes of different fields at the same time none is lost."""
    await configs.create_first(FIRST)
    for number in range(5):
        await asyncio.gather(
            configs.change(1, ConfigChange(distribution_rate=100 + number), CHANGED),
            configs.change(1, ConfigChange(cdn_host=f"c{number}.example"), CHANGED),
        )
        found = await configs.get(1)
        assert (100 + number, f"c{number}.example", 3 + 2 * number) == (
            found.distribution_rate,
            found.cdn_host,
            found.revision,
        )


async def test_copies(copies: ConfigCopies) -> None:
    """What was saved last is loaded, and before that nothing."""
    assert await copies.load() is None
    for config in (FIRST, ConfigFactory.build(revision=2, updated_at=CHANGED)):
        await copies.save(config)
        assert config == await copies.load()


async def test_notices(notices: ConfigNotices) -> None:
    """Every listener hears what is published after it began to listen, in order."""
    listeners = [notices.listen() for _ in range(2)]
    heard = [asyncio.ensure_future(anext(listener)) for listener in listeners]
    configs = [ConfigFactory.build(revision=revision, updated_at=CHANGED) for revision in (2, 3)]
    # A listener begins when it is first asked; until then a notice is lost, which the port allows.
    while not all(future.done() for future in heard):
        await notices.publish(configs[0])
        await asyncio.wait(heard, timeout=0.02)
    await notices.publish(configs[1])
    assert [configs[0]] * 2 == [future.result() for future in heard]
    for listener in listeners:
        found = configs[0]
        while found == configs[0]:
            found = await anext(listener)
        assert configs[1] == found
        await listener.aclose()


async def test_leases(tickets: Tickets) -> None:
    """Leased pages follow one another from 1 without a gap or an overlap, for each length of schedule by itself."""
    pages = await asyncio.gather(*(tickets.lease(10, 10 * size) for size in (1, 5, 3)))
    assert list(range(1, 91)) == sorted(ticket for page in pages for ticket in page)
    assert range(1, 8) == await tickets.lease(7, 7)
    assert range(91, 101) == await tickets.lease(10, 10)


async def test_no_server() -> None:
    """Where no server answers, every call says that the store is not available, and which."""
    redis = make_redis(f"redis://127.0.0.1:{free_port()}/0")
    engine = make_engine(f"postgresql://postgres:secret@127.0.0.1:{free_port()}/balancer_test")
    for call, store in [
        (RedisTickets(redis, "a:").lease(10, 10), "redis"),
        (RedisConfigCopies(redis, "a:").load(), "redis"),
        (RedisConfigCopies(redis, "a:").save(FIRST), "redis"),
        (RedisConfigNotices(redis, "a:").publish(FIRST), "redis"),
        (anext(RedisConfigNotices(redis, "a:").listen()), "redis"),
        (SqlCdnConfigs(engine).default(), "database"),
        (SqlCdnConfigs(engine).create_first(FIRST), "database"),
        (SqlCdnConfigs(engine).change(1, ConfigChange(distribution_rate=1), CHANGED), "database"),
    ]:
        with pytest.raises(StoreUnavailable) as caught:
            await call
        assert store == caught.value.store
    await redis.aclose()
    await engine.dispose()


async def test_unreadable_copies(tmp_path: Path, redis_url: str) -> None:
    """A copy that this program cannot read counts as none."""
    path = tmp_path / "config.json"
    path.write_text('{"id": 1, "cdn_host": "half')
    assert await FileConfigCopies(path).load() is None
    redis = make_redis(redis_url)
    prefix = f"{uuid.uuid4()}:"
    await redis.set(f"{prefix}config", b"{}")
    assert await RedisConfigCopies(redis, prefix).load() is None
    await redis.aclose()


async def test_file_that_cannot_be_written() -> None:
    """Where the folder cannot be made the store is not available."""
    with pytest.raises(StoreUnavailable):
        await FileConfigCopies(Path("/dev/null/config.json")).save(FIRST)
