"""One suite for each port, over its fake and over every real adapter, so that a fake cannot lie."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import delete

from balancer.adapters.files.local import FilePlanCopies
from balancer.adapters.files.quality import FileSharedQuality
from balancer.adapters.redis.clients import make_redis
from balancer.adapters.redis.quality import RedisSharedQuality
from balancer.adapters.redis.stores import (
    RedisConfigNotices,
    RedisDependency,
    RedisPlanCopies,
    RedisSharedQuotas,
    RedisSharedStats,
    RedisTickets,
)
from balancer.adapters.sql.configs import SqlCdnConfigs, SqlConfigHistory
from balancer.adapters.sql.engines import SqlDependency, make_engine
from balancer.adapters.sql.keys import SqlApiKeys
from balancer.adapters.sql.migrations import AlembicSchema
from balancer.adapters.sql.tables import api_keys, cdn_configs, config_revisions
from balancer.core.access.keys import Role
from balancer.core.access.ports import ApiKeys
from balancer.core.clients.ports import SharedQuotas
from balancer.core.configs.checks import Check
from balancer.core.configs.documents import CdnConfig, ConfigDocument, PolicyName
from balancer.core.configs.edits import TargetChange
from balancer.core.configs.ports import CdnConfigs, ConfigHistory
from balancer.core.configs.revisions import Attempt, Edit, Revision, Signature, Standing
from balancer.core.configs.simple import simple_document, simple_view, with_simple
from balancer.core.control.ports import ConfigNotices, PlanCopies, RulesChanged
from balancer.core.errors import (
    ConfigNotFound,
    IdempotencyKeyReused,
    KeyNotFound,
    LastAdminKey,
    NoConfig,
    RevisionNotFound,
    StaleRevision,
    StoreUnavailable,
)
from balancer.core.health.ports import Dependency, SharedStats
from balancer.core.quality.aggregates import NOTHING, Group
from balancer.core.quality.ports import SharedQuality
from balancer.core.routing.planner import Blueprint
from balancer.core.routing.ports import Tickets
from balancer.core.rules.conditions import Conditions
from balancer.core.rules.documents import Rule, RuleList
from balancer.core.rules.revisions import RuleRevision
from tests.factories import CHANGED, CREATED, MANY_TARGETS, SIGNED, ConfigFactory, KeyFactory
from tests.fakes import (
    FakeApiKeys,
    FakeCdnConfigs,
    FakeConfigHistory,
    FakeConfigNotices,
    FakeDependency,
    FakePlanCopies,
    FakeSharedQuality,
    FakeSharedQuotas,
    FakeSharedStats,
    FakeTickets,
)
from tests.processes import free_port
from tests.unit.test_config_json import CONFIG, LAST

pytestmark = pytest.mark.anyio

FIRST = ConfigFactory.build()

REDIS = ["redis", "sentinel", "cluster"]
"""Ways to have a Redis."""


def address(request: pytest.FixtureRequest, name: str) -> str:
    """Return the URL of a server, which is started only for those who ask."""
    return str(request.getfixturevalue(name))


class Record(NamedTuple):
    """A record of configs and its history."""

    configs: CdnConfigs
    history: ConfigHistory


@pytest.fixture(params=["fake", "sqlite", "postgres"])
async def record(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Record]:
    """Return an empty record of each kind."""
    if request.param == "fake":
        fake = FakeCdnConfigs()
        yield Record(fake, FakeConfigHistory(fake))
        return
    url = f"sqlite:///{tmp_path}/a.db" if request.param == "sqlite" else address(request, "postgres_url")
    engine = make_engine(url)
    await asyncio.to_thread(AlembicSchema(url, engine).upgrade)
    async with engine.begin() as connection:
        await connection.execute(delete(cdn_configs))
        await connection.execute(delete(config_revisions))
    yield Record(SqlCdnConfigs(engine), SqlConfigHistory(engine))
    await engine.dispose()


@pytest.fixture
def configs(record: Record) -> CdnConfigs:
    """Return the configs of that record."""
    return record.configs


@pytest.fixture(params=["fake", "sqlite", "postgres"])
async def keys(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ApiKeys]:
    """Return an empty store of API keys of each kind."""
    if request.param == "fake":
        yield FakeApiKeys()
        return
    url = f"sqlite:///{tmp_path}/a.db" if request.param == "sqlite" else address(request, "postgres_url")
    engine = make_engine(url)
    await asyncio.to_thread(AlembicSchema(url, engine).upgrade)
    async with engine.begin() as connection:
        await connection.execute(delete(api_keys))
    yield SqlApiKeys(engine)
    await engine.dispose()


@pytest.fixture(params=["fake", *REDIS])
async def shared_quotas(request: pytest.FixtureRequest) -> AsyncIterator[SharedQuotas]:
    """Return an empty store of debts of each kind."""
    if request.param == "fake":
        yield FakeSharedQuotas()
        return
    redis = make_redis(address(request, f"{request.param}_url"))
    yield RedisSharedQuotas(redis, f"{uuid.uuid4()}:")
    await redis.aclose()


@pytest.fixture(params=["fake", *REDIS])
async def shared_stats(request: pytest.FixtureRequest) -> AsyncIterator[SharedStats]:
    """Return an empty store of statistics of each kind."""
    if request.param == "fake":
        yield FakeSharedStats()
        return
    redis = make_redis(address(request, f"{request.param}_url"))
    yield RedisSharedStats(redis, f"{uuid.uuid4()}:")
    await redis.aclose()


@pytest.fixture(params=["fake", "file", *REDIS])
async def shared_quality(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SharedQuality]:
    """Return an empty store of quality of each kind."""
    if request.param == "fake":
        yield FakeSharedQuality()
    elif request.param == "file":
        yield FileSharedQuality(tmp_path / "quality")
    else:
        redis = make_redis(address(request, f"{request.param}_url"))
        yield RedisSharedQuality(redis, f"{uuid.uuid4()}:")
        await redis.aclose()


@pytest.fixture(params=["fake", "sqlite", "postgres", *REDIS])
async def dependency(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Dependency]:
    """Return a store that answers, of each kind."""
    if request.param == "fake":
        yield FakeDependency()
    elif request.param in REDIS:
        redis = make_redis(address(request, f"{request.param}_url"))
        yield RedisDependency(redis, f"{uuid.uuid4()}:")
        await redis.aclose()
    else:
        url = f"sqlite:///{tmp_path}/a.db" if request.param == "sqlite" else address(request, "postgres_url")
        engine = make_engine(url)
        yield SqlDependency(engine)
        await engine.dispose()


@pytest.fixture(params=["fake", "file", *REDIS])
async def copies(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[PlanCopies]:
    """Return an empty place for a copy of each kind."""
    match request.param:
        case "fake":
            yield FakePlanCopies()
        case "file":
            yield FilePlanCopies(tmp_path / "deep")
        case _:
            redis = make_redis(address(request, f"{request.param}_url"))
            yield RedisPlanCopies(redis, f"{uuid.uuid4()}:")
            await redis.aclose()


@pytest.fixture(params=["fake", *REDIS])
async def notices(request: pytest.FixtureRequest) -> AsyncIterator[ConfigNotices]:
    """Return a channel of notices of each kind."""
    if request.param == "fake":
        yield FakeConfigNotices()
        return
    redis = make_redis(address(request, f"{request.param}_url"))
    yield RedisConfigNotices(redis, f"{uuid.uuid4()}:")
    await redis.aclose()


@pytest.fixture(params=["fake", *REDIS])
async def tickets(request: pytest.FixtureRequest) -> AsyncIterator[Tickets]:
    """Return a new ticket sequence of each kind."""
    if request.param == "fake":
        yield FakeTickets()
        return
    redis = make_redis(address(request, f"{request.param}_url"))
    yield RedisTickets(redis, f"{uuid.uuid4()}:")
    await redis.aclose()


async def test_empty_record(configs: CdnConfigs) -> None:
    """An empty record has no default config and no config with any id."""
    with pytest.raises(NoConfig):
        await configs.default()
    with pytest.raises(ConfigNotFound):
        await configs.get(1)


async def test_create_first_once(record: Record) -> None:
    """The first config is recorded as it is, with its revision, and a second first start leaves it alone."""
    await record.configs.create_first(FIRST, SIGNED)
    await record.configs.create_first(ConfigFactory.build(cdn_host="other.example"), SIGNED)
    assert FIRST == await record.configs.default() == await record.configs.get(1)
    assert [Revision(1, 1, FIRST.document, SIGNED)] == await record.history.page(1, None, 9)


async def test_first_starts_at_once(record: Record) -> None:
    """Many first starts at the same time make one config with one revision."""
    await asyncio.gather(*(record.configs.create_first(FIRST, SIGNED) for _ in range(10)))
    assert FIRST == await record.configs.default()
    assert [Revision(1, 1, FIRST.document, SIGNED)] == await record.history.page(1, None, 9)


async def test_create_and_page(configs: CdnConfigs) -> None:
    """New configs get greater ids each, and are listed by id, page by page."""
    await configs.create_first(FIRST, SIGNED)
    made = [
        await configs.create(simple_document(f"c{number}.example", number, f"No {number}"), SIGNED)
        for number in range(3)
    ]
    assert sorted({config.id for config in made} | {1}) == [1, *(config.id for config in made)]
    assert [(1, CHANGED, None)] * 3 == [(config.revision, config.created_at, config.updated_at) for config in made]
    assert [FIRST, made[0]] == await configs.page(0, 2)
    assert made[1:] == await configs.page(made[0].id, 2)
    assert [] == await configs.page(made[2].id, 2) == await configs.page(10**30, 2)
    assert made[1] == await configs.get(made[1].id)


async def test_edit(record: Record) -> None:
    """An edit sees the config as it is, records a revision, counts it and dates it in UTC."""
    await record.configs.create_first(FIRST, SIGNED)
    seen = []

    def edit(standing: Standing) -> ConfigDocument:
        seen.append(standing)
        return simple_document("b.example", 0, "night")

    expected = ConfigFactory.build(
        cdn_host="b.example", distribution_rate=0, name="night", revision=2, updated_at=CHANGED
    )
    signed = Signature("key:3", CHANGED, "Because.")
    assert expected == await record.configs.edit(1, edit, signed) == await record.configs.get(1)
    assert [Standing(1, 1, FIRST.document, is_default=True)] == seen
    revision = Revision(1, 2, expected.document, signed)
    assert revision == await record.history.get(1, 2)
    assert [revision, Revision(1, 1, FIRST.document, SIGNED)] == await record.history.page(1, None, 9)
    assert [revision] == await record.history.page(1, None, 1)
    assert [Revision(1, 1, FIRST.document, SIGNED)] == await record.history.page(1, 2, 9)


async def test_whole_documents(record: Record) -> None:
    """Documents with as many targets as there can be, their checks and policy come back whole on every way."""
    await record.configs.create_first(ConfigFactory.build(document=MANY_TARGETS), SIGNED)
    other = replace(MANY_TARGETS, targets=MANY_TARGETS.targets[::-1], policy=PolicyName.FAILOVER, name=None)
    made = await record.configs.create(other, SIGNED)
    assert other == made.document
    assert made == await record.configs.get(made.id)
    edited = await record.configs.edit(1, lambda standing: swapped(standing, MANY_TARGETS, other), SIGNED)
    assert edited
    assert (2, other) == (edited.revision, edited.document)
    assert edited == await record.configs.default()
    assert [edited, made] == await record.configs.page(0, 9)
    assert {1: edited, made.id: made} == await record.configs.several({1, made.id})
    assert [other, MANY_TARGETS] == [revision.document for revision in await record.history.page(1, None, 9)]
    assert MANY_TARGETS == (await record.history.get(1, 1)).document


def swapped(standing: Standing, before: ConfigDocument, after: ConfigDocument) -> ConfigDocument:
    """Return another document for a config that must have a certain one."""
    assert before == standing.document
    return after


async def test_several(configs: CdnConfigs) -> None:
    """Of as many ids as anybody asks for at once, those of configs that there are are found."""
    await configs.create_first(FIRST, SIGNED)
    made = await configs.create(MANY_TARGETS, SIGNED)
    gone = await configs.create(MANY_TARGETS, SIGNED)
    await configs.edit(gone.id, lambda _: None, SIGNED)
    ids = [*range(made.id + 1, made.id + 1200), made.id, 1]
    assert {1: FIRST, made.id: made} == await configs.several(ids)
    assert {} == await configs.several([])


async def test_repeated_attempts(record: Record) -> None:
    """A change that is asked for again with its key is made once, and returns what it made, whatever came since."""
    await record.configs.create_first(FIRST, SIGNED)
    signed = SIGNED._replace(attempt=Attempt("a-key", "0" * 64))

    def rename(name: str) -> Edit:
        return lambda standing: replace(standing.document or FIRST.document, name=name)

    made = await record.configs.edit(1, rename("first"), signed)
    assert made
    await record.configs.edit(1, rename("second"), SIGNED)
    assert made == await record.configs.edit(1, rename("ignored"), signed)
    assert [3, 2, 1] == [revision.number for revision in await record.history.page(1, None, 9)]
    assert "second" == (await record.configs.get(1)).name
    with pytest.raises(IdempotencyKeyReused):
        await record.configs.edit(1, rename("another"), signed._replace(attempt=Attempt("a-key", "1" * 64)))
    # Keys of different actors have nothing to do with each other.
    other = await record.configs.edit(1, rename("other"), signed._replace(actor="somebody else"))
    assert other
    assert (4, "other") == (other.revision, other.name)


async def test_repeated_attempts_with_targets(record: Record) -> None:
    """A repeated change returns the config with the targets that it made, whatever they are by now."""
    await record.configs.create_first(ConfigFactory.build(document=MANY_TARGETS), SIGNED)
    drained = TargetChange("cdn-a", weight=0)
    signed = SIGNED._replace(attempt=Attempt("a-key", "0" * 64))
    made = await record.configs.edit(1, applying(drained), signed)
    assert made
    assert (2, drained.applied_to(MANY_TARGETS)) == (made.revision, made.document)
    await record.configs.edit(1, lambda _: simple_document("b.example", 5), SIGNED)
    assert made == await record.configs.edit(1, applying(drained), signed)
    new = SIGNED._replace(attempt=Attempt("made", "0" * 64))
    config = await record.configs.create(MANY_TARGETS, new)
    await record.configs.edit(config.id, applying(drained), SIGNED)
    assert config == await record.configs.create(MANY_TARGETS, new)


def applying(change: TargetChange) -> Edit:
    """Return an edit that changes one target of what is there."""
    return lambda standing: change.applied_to(standing.document or MANY_TARGETS)


async def test_repeated_attempts_to_create_and_delete(record: Record) -> None:
    """A config that is created or deleted again with the same key is the same one, or gone already."""
    await record.configs.create_first(FIRST, SIGNED)
    signed = SIGNED._replace(attempt=Attempt("made", "0" * 64))
    made = await record.configs.create(simple_document("a.example", 1), signed)
    assert made == await record.configs.create(simple_document("a.example", 1), signed)
    gone = SIGNED._replace(attempt=Attempt("gone", "0" * 64))
    assert await record.configs.edit(made.id, lambda _: None, gone) is None
    assert await record.configs.edit(made.id, lambda _: None, gone) is None
    assert [2, 1] == [revision.number for revision in await record.history.page(made.id, None, 9)]


async def test_edit_that_changes_nothing(record: Record) -> None:
    """An edit to what is there makes no revision, and one that fails makes none either."""
    await record.configs.create_first(FIRST, SIGNED)
    assert FIRST == await record.configs.edit(1, lambda standing: standing.document, SIGNED)

    def fail(standing: Standing) -> None:
        raise StaleRevision(standing.config_id, standing.revision)

    with pytest.raises(StaleRevision):
        await record.configs.edit(1, fail, SIGNED)
    assert FIRST == await record.configs.get(1)
    assert 1 == len(await record.history.page(1, None, 9))


async def test_delete_and_restore(record: Record) -> None:
    """A deleted config is gone from reading and lists, keeps its history and its id, and can be brought back."""
    await record.configs.create_first(FIRST, SIGNED)
    other = await record.configs.create(simple_document("b.example", 5), SIGNED)
    assert await record.configs.edit(other.id, lambda _: None, SIGNED) is None
    with pytest.raises(ConfigNotFound):
        await record.configs.get(other.id)
    assert [FIRST] == await record.configs.page(0, 9)
    third = await record.configs.create(simple_document("c.example", 5), SIGNED)
    assert third.id > other.id
    standings = []

    def restore(standing: Standing) -> ConfigDocument:
        standings.append(standing)
        return other.document

    restored = await record.configs.edit(other.id, restore, SIGNED, restored=1)
    assert [Standing(other.id, 2, None, is_default=False)] == standings
    assert replace(other, revision=3, updated_at=CHANGED) == restored == await record.configs.get(other.id)
    assert [
        Revision(other.id, 3, other.document, SIGNED, restored=1),
        Revision(other.id, 2, None, SIGNED),
        Revision(other.id, 1, other.document, SIGNED),
    ] == await record.history.page(other.id, None, 9)


@pytest.mark.parametrize("number", [2, 0, -1, 2**31, 2**63, 10**30])
async def test_unknown_ids(record: Record, number: int) -> None:
    """An id that no config has, and a revision that there never was, are not found, however great they are."""
    await record.configs.create_first(FIRST, SIGNED)
    with pytest.raises(ConfigNotFound):
        await record.configs.get(number)
    with pytest.raises(ConfigNotFound):
        await record.configs.edit(number, lambda _: None, SIGNED)
    with pytest.raises(ConfigNotFound):
        await record.history.page(number, None, 9)
    with pytest.raises(ConfigNotFound):
        await record.history.get(number, 1)
    with pytest.raises(RevisionNotFound):
        await record.history.get(1, number)
    assert (1 if number > 1 else 0) == len(await record.history.page(1, number, 9))


async def test_edits_at_once(record: Record) -> None:
    """Of many edits of different fields at the same time none is lost, and every one has its revision."""
    await record.configs.create_first(FIRST, SIGNED)

    def rate(number: int) -> Edit:
        return lambda standing: with_simple(standing.document or FIRST.document, distribution_rate=number)

    def host(name: str) -> Edit:
        return lambda standing: with_simple(standing.document or FIRST.document, cdn_host=name)

    for number in range(5):
        await asyncio.gather(
            record.configs.edit(1, rate(100 + number), SIGNED),
            record.configs.edit(1, host(f"c{number}.example"), SIGNED),
        )
        found = await record.configs.get(1)
        assert (100 + number, f"c{number}.example") == tuple(reversed(simple_view(found.document) or ()))
        assert 3 + 2 * number == found.revision
    assert list(range(11, 0, -1)) == [revision.number for revision in await record.history.page(1, None, 99)]


async def test_targets_at_once(record: Record) -> None:
    """Two admins who change two targets at the same time, time and again, lose nothing of each other's."""
    await record.configs.create_first(ConfigFactory.build(document=MANY_TARGETS), SIGNED)
    expected = MANY_TARGETS
    for number in range(5):
        changes = [
            TargetChange("cdn-a", weight=100 + number, host=f"a{number}.example"),
            TargetChange("cdn-b", tier=number, check=Check("/health", fall=number + 1)),
        ]
        await asyncio.gather(*(record.configs.edit(1, applying(change), SIGNED) for change in changes))
        for change in changes:
            expected = change.applied_to(expected)
        found = await record.configs.get(1)
        assert (expected, 3 + 2 * number) == (found.document, found.revision)


async def test_copies(copies: PlanCopies) -> None:
    """What was saved last is loaded, and before that nothing."""
    assert await copies.load() is None
    rules = RuleRevision(3, RuleList((Rule("live", Conditions(paths=("/live/",)), 5),)))
    newer = ConfigFactory.build(revision=2, updated_at=CHANGED)
    for blueprint in (Blueprint(FIRST), Blueprint(newer, {5: ConfigFactory.build(id=5)}, rules)):
        await copies.save(blueprint)
        assert blueprint == await copies.load()


async def test_copies_of_the_last_release(tmp_path: Path, redis_url: str) -> None:
    """Where there is no other copy yet, that of the last release is read."""
    (tmp_path / "config.json").write_text(LAST)
    assert Blueprint(CONFIG) == await FilePlanCopies(tmp_path).load()
    redis, prefix = make_redis(redis_url), f"{uuid.uuid4()}:"
    await redis.set(f"{prefix}config", LAST)
    assert Blueprint(CONFIG) == await RedisPlanCopies(redis, prefix).load()
    await redis.aclose()


async def test_notices(notices: ConfigNotices) -> None:
    """Every listener hears what is published after it began to listen, in order."""
    listeners = [notices.listen() for _ in range(2)]
    changed: list[CdnConfig | RulesChanged] = [
        ConfigFactory.build(revision=2, updated_at=CHANGED),
        RulesChanged(7),
        ConfigFactory.build(id=5),
    ]
    # A listener begins when it is first asked, and says that it listens; until then notices are lost.
    assert [None, None] == [await anext(listener) for listener in listeners]
    for one in changed:
        await notices.publish(one)
    for listener in listeners:
        assert changed == [await anext(listener) for _ in changed]
        await listener.aclose()


async def test_first_key_once(keys: ApiKeys) -> None:
    """Of many first starts at once one records its key, and none does once there was a key."""
    firsts = [KeyFactory.build(digest=bytes([number]) * 32) for number in range(10)]
    made = await asyncio.gather(*(keys.create_first(key) for key in firsts))
    assert [True] == [one for one in made if one]
    assert firsts[made.index(True)] == await keys.find(firsts[made.index(True)].digest)
    await keys.revoke(1, SIGNED, even_last=True)
    assert not await keys.create_first(firsts[0])
    assert 1 == len(await keys.page(0, 9))


async def test_keys(keys: ApiKeys) -> None:
    """Keys are found by their digest, listed by id, and dated in UTC; a revoked one stays as it was revoked."""
    made = [
        await keys.create(
            KeyFactory.build(id=0, name=f"No {role}", role=role, digest=bytes([role]) * 32, expires_at=CHANGED)
        )
        for role in Role
    ]
    ids = [key.id for key in made]
    assert sorted(set(ids)) == ids
    assert made == await keys.page(0, 9)
    assert made[1:2] == await keys.page(ids[0], 1)
    assert [] == await keys.page(10**30, 9)
    assert made[2] == await keys.find(bytes([3]) * 32)
    assert await keys.find(b"?" * 32) is None
    await keys.use(ids[0], CHANGED)
    revoked = await keys.revoke(ids[0], SIGNED)
    assert replace(made[0], last_used_at=CHANGED, revoked_at=CHANGED, revoked_by="test") == revoked
    assert revoked == await keys.revoke(ids[0], Signature("other", CREATED)) == await keys.find(bytes([1]) * 32)
    for key_id in (99, 0, -1, 2**31, 10**30):
        with pytest.raises(KeyNotFound):
            await keys.revoke(key_id, SIGNED)


async def test_last_admin_key(keys: ApiKeys) -> None:
    """The last admin's key that works is kept unless that is forced; those of others, or expired, do not count."""
    first = await keys.create(KeyFactory.build(id=0, digest=b"1" * 32))
    await keys.create(KeyFactory.build(id=0, digest=b"2" * 32, expires_at=SIGNED.at))
    await keys.create(KeyFactory.build(id=0, digest=b"3" * 32, role=Role.OPERATOR))
    with pytest.raises(LastAdminKey):
        await keys.revoke(first.id, SIGNED)
    assert first == await keys.find(first.digest)
    later = SIGNED.at + timedelta(hours=1)
    second = await keys.create(KeyFactory.build(id=0, digest=b"4" * 32, expires_at=later))
    assert {first.digest, second.digest, b"3" * 32} == set(await keys.working(SIGNED.at))
    assert SIGNED.at == (await keys.revoke(first.id, SIGNED)).revoked_at
    assert SIGNED.at == (await keys.revoke(first.id, SIGNED)).revoked_at
    with pytest.raises(LastAdminKey):
        await keys.revoke(second.id, SIGNED)
    assert SIGNED.at == (await keys.revoke(second.id, SIGNED, even_last=True)).revoked_at


async def test_admins_revoke_each_other(keys: ApiKeys) -> None:
    """When the keys of all admins are revoked at once, one of them is left, however often that is tried."""
    for turn in range(5):
        for number in range(3):
            await keys.create(KeyFactory.build(id=0, digest=bytes([turn, number]) * 16))
        working = [key.id for key in await keys.page(0, 99) if key.works_at(SIGNED.at)]
        done = await asyncio.gather(*(keys.revoke(key_id, SIGNED) for key_id in working), return_exceptions=True)
        assert [LastAdminKey] == [type(one) for one in done if isinstance(one, Exception)]
        assert 1 == sum(key.works_at(SIGNED.at) for key in await keys.page(0, 99))


async def test_shared_debts(shared_quotas: SharedQuotas) -> None:
    """Debts of all processes add up, for each policy and client alone, and run off with time."""
    names = [f"192.0.2.{number}" for number in range(250)]
    first = await shared_quotas.add("player", dict.fromkeys(names, 5.0), 60.0)
    assert set(names) == set(first)
    assert 5.0 == pytest.approx(first[names[0]], abs=0.1)
    second = await shared_quotas.add("player", {names[0]: 0.5, "2001:db8::/64": 0.25}, 60.0)
    assert 5.5 == pytest.approx(second[names[0]], abs=0.4)
    assert 0.25 == pytest.approx(second["2001:db8::/64"], abs=0.1)
    assert 0.5 == pytest.approx((await shared_quotas.add("admin", {names[0]: 0.5}, 60.0))[names[0]], abs=0.1)
    assert {} == await shared_quotas.add("player", {}, 60.0)


async def test_shared_debts_are_bounded(shared_quotas: SharedQuotas) -> None:
    """However much processes tell, no client owes more than it may; what is above is forgotten for good."""
    found = [await shared_quotas.add("login", {"192.0.2.1": 600.0}, 120.0) for _ in range(10)]
    assert [120.0] * 10 == pytest.approx([debts["192.0.2.1"] for debts in found], abs=0.1)
    rest = await shared_quotas.add("login", {"192.0.2.1": 0.0}, 1_000.0)
    assert 120.0 == pytest.approx(rest["192.0.2.1"], abs=1.0)


async def test_shared_stats(shared_stats: SharedStats) -> None:
    """What each process has saved is returned step by step; saving a step again replaces it."""
    assert {} == await shared_stats.load(range(500))
    await shared_stats.save("a/0", {7: {"redirected 1 cdn": 3}, 8: {"redirected 1 cdn": 1, "refused bad-host": 2}})
    await shared_stats.save("b/0", {8: {"redirected 1 origin": 5}})
    await shared_stats.save("a/0", {8: {"redirected 1 cdn": 4}})
    await shared_stats.save("a/0", {})
    last = {"a/0": {"redirected 1 cdn": 4}, "b/0": {"redirected 1 origin": 5}}
    assert {7: {"a/0": {"redirected 1 cdn": 3}}, 8: last} == await shared_stats.load(range(5, 10))
    assert {8: last} == await shared_stats.load(range(8, 9))
    assert {} == await shared_stats.load(range(9, 9))


async def test_shared_quality(shared_quality: SharedQuality) -> None:
    """What each process has saved is returned step by step; saving a step again replaces it."""
    one, other, third = ({Group(name, "AS64496", "DE"): NOTHING._replace(reports=1)} for name in ("a", "b", "c"))
    assert {} == await shared_quality.load([7, 8, 9])
    await shared_quality.save("a/0/x", 7, one)
    await shared_quality.save("a/0/x", 8, other)
    await shared_quality.save("b/0/x", 8, one)
    await shared_quality.save("a/0/x", 8, third)
    found = await shared_quality.load([7, 8, 9])
    assert {7: [one], 8: [one, third]} == {step: sorted(told, key=list) for step, told in found.items()}
    assert [8] == list(await shared_quality.load([8]))
    assert {} == await shared_quality.load([])


async def test_files_of_old_steps_are_deleted(tmp_path: Path) -> None:
    """Each saving leaves the files of little over an hour, and only this user can read them."""
    quality, told = FileSharedQuality(tmp_path / "quality"), {Group("a", "AS64496", "DE"): NOTHING}
    for step in (1000, 1001, 5000, 1400):
        await quality.save("a/0/x", step, told)
    assert [1400] == [int(path.name.partition("-")[0]) for path in (tmp_path / "quality").iterdir()]
    assert 0o700 == (tmp_path / "quality").stat().st_mode & 0o777
    assert {0o600} == {path.stat().st_mode & 0o777 for path in (tmp_path / "quality").iterdir()}


async def test_dependencies_answer(dependency: Dependency) -> None:
    """A store that is there answers, time and again, and says what it is and what goes on without it."""
    await asyncio.gather(*(dependency.ping() for _ in range(5)))
    assert dependency.name in {"database", "redis"}
    assert dependency.fallback


async def test_leases(tickets: Tickets) -> None:
    """Leased pages follow one another from 1 without a gap or an overlap, for each length of schedule by itself."""
    pages = await asyncio.gather(*(tickets.lease(1, 10, 10 * size) for size in (1, 5, 3)))
    assert list(range(1, 91)) == sorted(ticket for page in pages for ticket in page)
    assert range(1, 8) == await tickets.lease(1, 7, 7)
    assert range(91, 101) == await tickets.lease(1, 10, 10)


@pytest.mark.parametrize("kind", REDIS)
async def test_names_of_keys(request: pytest.FixtureRequest, kind: str) -> None:
    """Keys begin with the prefix, as those of the last release do; in a cluster the prefix is their hash tag."""
    redis = make_redis(address(request, f"{kind}_url"))
    prefix = f"{uuid.uuid4()}:"
    await RedisTickets(redis, prefix).lease(1, 10, 10)
    await RedisPlanCopies(redis, prefix).save(Blueprint(FIRST))
    await RedisSharedQuotas(redis, prefix).add("player", {"192.0.2.1": 60.0}, 99.0)
    await RedisSharedStats(redis, prefix).save("a/0", {7: {"redirected 1 cdn": 3}})
    await RedisSharedQuality(redis, prefix).save("a/0/x", 7, {})
    names = ["tickets:1:10", "in-force", "limits:player:192.0.2.1", "stats:7", "quality:7"]
    beginning = f"{{{prefix}}}" if kind == "cluster" else prefix
    assert 5 == await redis.exists(*(f"{beginning}{name}" for name in names))
    await redis.aclose()


async def test_no_server() -> None:
    """Where no server answers, every call says that the store is not available, and which."""
    redis = make_redis(f"redis://127.0.0.1:{free_port()}/0")
    engine = make_engine(f"postgresql://postgres:secret@127.0.0.1:{free_port()}/balancer_test")
    for call, store in [
        (RedisTickets(redis, "a:").lease(1, 10, 10), "redis"),
        (RedisPlanCopies(redis, "a:").load(), "redis"),
        (RedisPlanCopies(redis, "a:").save(Blueprint(FIRST)), "redis"),
        (RedisConfigNotices(redis, "a:").publish(FIRST), "redis"),
        (anext(RedisConfigNotices(redis, "a:").listen()), "redis"),
        (SqlCdnConfigs(engine).default(), "database"),
        (SqlCdnConfigs(engine).create_first(FIRST, SIGNED), "database"),
        (SqlCdnConfigs(engine).edit(1, lambda standing: standing.document, SIGNED), "database"),
        (SqlConfigHistory(engine).get(1, 1), "database"),
        (SqlApiKeys(engine).find(b"?"), "database"),
        (SqlApiKeys(engine).working(CHANGED), "database"),
        (RedisSharedQuotas(redis, "a:").add("player", {"a": 1.0}, 60.0), "redis"),
        (RedisSharedStats(redis, "a:").save("a/0", {1: {"a": 1}}), "redis"),
        (RedisSharedStats(redis, "a:").load(range(1, 2)), "redis"),
        (RedisSharedQuality(redis, "a:").save("a/0/x", 1, {}), "redis"),
        (RedisSharedQuality(redis, "a:").load([1]), "redis"),
        (RedisDependency(redis, "a:").ping(), "redis"),
        (SqlDependency(engine).ping(), "database"),
    ]:
        with pytest.raises(StoreUnavailable) as caught:
            await call
        assert store == caught.value.store
    await redis.aclose()
    await engine.dispose()


async def test_unreadable_copies(tmp_path: Path, redis_url: str) -> None:
    """A copy that this program cannot read counts as none."""
    (tmp_path / "in-force.json").write_text('{"format": 1, "default": {"half')
    assert await FilePlanCopies(tmp_path).load() is None
    redis = make_redis(redis_url)
    prefix = f"{uuid.uuid4()}:"
    await redis.set(f"{prefix}in-force", b"{}")
    assert await RedisPlanCopies(redis, prefix).load() is None
    await redis.aclose()


async def test_file_that_cannot_be_written() -> None:
    """Where the folder cannot be made the store is not available."""
    with pytest.raises(StoreUnavailable):
        await FilePlanCopies(Path("/dev/null")).save(Blueprint(FIRST))
