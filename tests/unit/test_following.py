"""Following the config in force: by notices at once, by looking at the record in any case."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from typing_extensions import override

from balancer.core.access.authentication import KeyRing
from balancer.core.access.keys import digest_of
from balancer.core.configs.documents import CdnConfig
from balancer.core.control.ports import RulesChanged
from balancer.core.errors import SchemaMismatch, StoreUnavailable, UnknownFormat
from balancer.core.rules.conditions import Conditions
from balancer.core.rules.documents import Rule, RuleList
from balancer.core.storage.migrations import Migration
from balancer.core.storage.ports import LOCK_WAIT, Schema
from balancer.jobs.following import Following, Preparing
from tests.factories import CHANGED, SIGNED, ConfigFactory
from tests.fakes import FakeApiKeys, FakeConfigNotices
from tests.unit.worlds import FIRST, World

pytestmark = pytest.mark.anyio

LATER = ConfigFactory.build(revision=2)


class LostNotices(FakeConfigNotices):
    """Notices that listen for a moment, and are lost."""

    @override
    async def listen(self) -> AsyncGenerator[CdnConfig | RulesChanged | None, None]:
        yield None
        raise StoreUnavailable("redis")


class Follower:
    """A process that follows the record. Hold `unprepared` to keep the record from being made ready."""

    def __init__(self, notices: FakeConfigNotices | None = None, poll_interval: float = 0.0) -> None:
        self.world = World(1)
        self.notices = notices or self.world.notices
        self.prepared = 0
        self.unprepared: Exception | None = None
        self.following = Following(self.world.in_force, self.notices, poll_interval, self._prepare)

    @property
    def config(self) -> CdnConfig | None:
        """What it serves by."""
        return self.world.planner.config

    async def _prepare(self) -> None:
        self.prepared += 1
        if self.unprepared:
            raise self.unprepared


async def turns() -> None:
    """Let the event loop turn until whatever waits for nothing outside has been done."""
    for _ in range(10):
        await asyncio.sleep(0)


async def hear(follower: Follower, *changes: CdnConfig | RulesChanged) -> None:
    """Publish changes to a process that listens, and let it hear them."""
    listening = asyncio.ensure_future(follower.following.listen())
    await turns()
    for changed in changes:
        await follower.notices.publish(changed)
    await turns()
    listening.cancel()
    await asyncio.wait([listening])


async def test_a_notice_is_followed_at_once() -> None:
    """A config that another process publishes is in force without a look at the record, which may be away."""
    follower = Follower()
    await follower.world.in_force.begin()
    follower.world.configs.down = True
    await hear(follower, LATER)
    assert LATER == follower.config


async def test_every_notice_is_followed() -> None:
    """Listening goes on after the first notice, and after one that is too old."""
    follower = Follower()
    await follower.world.in_force.begin()
    newest = ConfigFactory.build(revision=4)
    await hear(follower, LATER, FIRST, newest)
    assert newest == follower.config


async def test_changed_rules_are_followed() -> None:
    """Word that the rules have changed leads to the record, which has them."""
    follower = Follower()
    await follower.world.in_force.begin()
    assert follower.world.configs.rules
    changed = await follower.world.configs.rules.edit(lambda _: RuleList((Rule("all", Conditions(), 1),)), SIGNED)
    await hear(follower, RulesChanged(1))
    assert follower.world.planner.wanted
    assert changed == follower.world.planner.wanted.rules


async def test_hearing_is_told() -> None:
    """Whoever waits for notices is told when they are heard, and not for each of them."""
    follower = Follower()
    await follower.world.in_force.begin()
    told: list[CdnConfig | None] = []
    follower.following.on_listening = lambda: told.append(follower.config)
    await hear(follower, LATER)
    assert [FIRST] == told


async def test_nobody_needs_to_be_told() -> None:
    """Notices are followed as well when nobody asks whether they are heard."""
    follower = Follower()
    assert follower.following.on_listening is None
    await hear(follower, LATER)
    assert LATER == follower.config


async def test_lost_notices_are_an_error() -> None:
    """When notices are heard no more, listening ends with the error that says so."""
    with pytest.raises(StoreUnavailable):
        await Follower(LostNotices()).following.listen()


async def test_polling_works_without_notices() -> None:
    """A change that nobody has published is in force after the next look at the record."""
    follower = Follower(LostNotices())
    await follower.following.poll()
    assert FIRST == follower.config
    follower.world.configs.rows[1] = LATER
    await follower.following.poll()
    assert LATER == follower.config


async def test_polling_goes_on_while_the_record_is_away() -> None:
    """A look at a record that is away is an error, leaves the config in force, and the next look follows the record."""
    follower = Follower()
    await follower.following.poll()
    follower.world.configs.down = True
    follower.world.configs.rows[1] = LATER
    with pytest.raises(StoreUnavailable):
        await follower.following.poll()
    assert FIRST == follower.config
    follower.world.configs.down = False
    await follower.following.poll()
    assert LATER == follower.config


async def test_a_poll_waits_for_its_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at the record begins after the interval that the operator chose, not before."""
    follower = Follower(poll_interval=0.5)
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        assert follower.config is None

    monkeypatch.setattr("balancer.jobs.following.asyncio.sleep", wait)
    await follower.following.poll()
    assert ([0.5], FIRST) == (waits, follower.config)


async def test_the_record_is_made_ready_until_it_has_answered() -> None:
    """A record that was away at the start is made ready before it is read, until it has once answered."""
    follower = Follower()
    follower.unprepared = SchemaMismatch("0001", "0002")
    with pytest.raises(SchemaMismatch):
        await follower.following.poll()
    assert (1, None) == (follower.prepared, follower.config)
    follower.unprepared = None
    for _ in range(3):
        await follower.following.poll()
    assert (2, FIRST) == (follower.prepared, follower.config)


async def test_a_record_that_cannot_be_read_is_made_ready_once() -> None:
    """A record of a newer release is ready though it cannot be read, and is not made so at every look."""
    follower = Follower()
    follower.world.configs.newer = True
    for _ in range(3):
        with pytest.raises(UnknownFormat):
            await follower.following.poll()
    assert (1, None) == (follower.prepared, follower.config)


class FakeSchema(Schema):
    """A schema that notes whether it was made ready. Set `down` to take the database away."""

    def __init__(self) -> None:
        self.is_ready = self.down = False

    @override
    async def make_ready(self) -> None:
        if self.down:
            raise StoreUnavailable("database")
        self.is_ready = True

    @override
    async def check(self) -> None:
        raise NotImplementedError

    @override
    async def plan(self, revision: str) -> Migration:
        raise NotImplementedError

    @override
    def upgrade(self, revision: str = "head", wait: float = LOCK_WAIT) -> None:
        raise NotImplementedError

    @override
    def downgrade(self, revision: str, wait: float = LOCK_WAIT) -> None:
        raise NotImplementedError


@pytest.mark.parametrize("secret", ["vbk_" + "f" * 43, None])
async def test_preparing(secret: str | None) -> None:
    """Preparing makes the schema ready, and then the first admin's key if the operator has chosen one."""
    schema, keys = FakeSchema(), FakeApiKeys()
    preparing = Preparing(schema, KeyRing(keys, bytes, lambda: CHANGED), lambda: CHANGED, secret)
    schema.down = True
    with pytest.raises(StoreUnavailable):
        await preparing.prepare()
    assert {} == keys.rows
    schema.down = False
    await preparing.prepare()
    assert schema.is_ready
    made = [(key.digest, key.created_by, key.created_at) for key in keys.rows.values()]
    assert ([(digest_of(secret), "first-start", CHANGED)] if secret else []) == made
