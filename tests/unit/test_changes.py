"""Changing a config, and which one is in force when stores are away."""

import asyncio
from contextlib import suppress

import pytest
from typing_extensions import override

from balancer.core.changes import COPY_INTERVAL, COPY_LIFETIME, ConfigChanges, ConfigInForce
from balancer.core.configs import CdnConfig, ConfigChange
from balancer.core.errors import ConfigNotFound, InvalidInput, NoConfig, StoreUnavailable
from balancer.core.redirects import Redirects
from balancer.core.tickets import TicketBook
from balancer.telemetry.metrics.board import Board
from balancer.telemetry.metrics.calls import timed
from balancer.telemetry.metrics.meters import Meters
from tests.factories import CHANGED, SIGNED, ConfigFactory, origins
from tests.fakes import FakeCdnConfigs, FakeConfigCopies, FakeConfigHistory, FakeConfigNotices

pytestmark = pytest.mark.anyio

FIRST = ConfigFactory.build()


class World:
    """One process with its stores, all of them fakes."""

    def __init__(self, *on_record: int) -> None:
        self.configs = FakeCdnConfigs(*(ConfigFactory.build(id=config_id) for config_id in on_record))
        self.notices = FakeConfigNotices()
        self.fast, self.slow = FakeConfigCopies(), FakeConfigCopies()
        self.redirects = Redirects(origins(), TicketBook())
        self.now = CHANGED
        self.in_force = ConfigInForce(self.configs, [self.fast, self.slow], self.redirects, lambda: self.now)
        self.changes = ConfigChanges(self.configs, FakeConfigHistory(self.configs), self.in_force, self.notices)


async def test_first_start() -> None:
    """A first start records the first config, serves by it and copies it."""
    world = World()
    assert await world.in_force.begin(FIRST)
    assert {1: FIRST} == world.configs.rows
    assert [FIRST] * 3 == [world.redirects.config, world.fast.config, world.slow.config]


async def test_later_start() -> None:
    """A later start serves by the lowest id on record and makes nothing."""
    world = World(9, 4)
    assert await world.in_force.begin(FIRST)
    assert {4, 9} == set(world.configs.rows)
    assert world.redirects.config == world.configs.rows[4]


@pytest.mark.parametrize("fast_down", [False, True])
async def test_start_without_the_record(fast_down: bool) -> None:
    """While the record is away a start serves by the freshest copy that can be read, and says so."""
    world = World()
    world.configs.down = True
    world.fast.config, world.fast.down = ConfigFactory.build(revision=6), fast_down
    world.slow.config = ConfigFactory.build(revision=5)
    assert not await world.in_force.begin(FIRST)
    assert world.redirects.config == (world.slow.config if fast_down else world.fast.config)


async def test_start_with_nothing() -> None:
    """With neither record nor copy nothing is served by guesswork."""
    world = World()
    world.configs.down = True
    with pytest.raises(NoConfig):
        await world.in_force.begin(FIRST)


async def test_change_reaches_the_others() -> None:
    """A change of the default config is in force here and published."""
    world = World(1)
    await world.in_force.begin(FIRST)
    heard = world.notices.listen()
    assert await anext(heard) is None
    waiting = asyncio.ensure_future(anext(heard))
    await asyncio.sleep(0)
    world.now += COPY_INTERVAL
    changed = await world.changes.apply(1, ConfigChange(distribution_rate=3), SIGNED)
    assert (3, 2, CHANGED) == (changed.distribution_rate, changed.revision, changed.updated_at)
    assert changed == world.redirects.config == await waiting
    # A process that loses its record now still starts by this.
    assert changed == world.fast.config
    await heard.aclose()


async def test_change_while_notices_are_down() -> None:
    """A change that cannot be published is made all the same."""
    world = World(1)
    await world.in_force.begin(FIRST)
    world.notices.down = True
    changed = await world.changes.apply(1, ConfigChange(cdn_host="b.example"), SIGNED)
    assert "b.example" == changed.cdn_host
    assert changed == world.redirects.config


class BrokenNotices(FakeConfigNotices):
    """Notices whose adapter has a mistake."""

    @override
    async def publish(self, config: CdnConfig) -> None:
        raise RuntimeError


class BrokenCopies(FakeConfigCopies):
    """A copy whose adapter has a mistake."""

    @override
    async def save(self, config: CdnConfig) -> None:
        raise RuntimeError


@pytest.mark.parametrize(
    ("notices", "copies"), [(BrokenNotices(), FakeConfigCopies()), (FakeConfigNotices(), BrokenCopies())]
)
async def test_nothing_fails_after_the_commit(notices: FakeConfigNotices, copies: FakeConfigCopies) -> None:
    """A change that is on record is made and in force, whatever happens when it is copied and published."""
    configs, redirects = FakeCdnConfigs(FIRST), Redirects(origins(), TicketBook())
    in_force = ConfigInForce(configs, [copies], redirects, lambda: CHANGED)
    changes = ConfigChanges(configs, FakeConfigHistory(configs), in_force, notices)
    changed = await changes.apply(1, ConfigChange(cdn_host="b.example"), SIGNED)
    assert ("b.example", 2) == (changed.cdn_host, changed.revision)
    assert changed == redirects.config == configs.rows[1]


async def test_mistakes_are_seen(caplog: pytest.LogCaptureFixture) -> None:
    """What is passed over after a change is in the log, with its traceback, and counted."""
    board = Board()
    meters = Meters(board.claim())
    notices = timed(BrokenNotices(), "notices", "redis", meters)
    with pytest.raises(RuntimeError):
        await notices.publish(FIRST)
    (record,) = caplog.records
    assert isinstance(record.msg, dict)
    assert ("store call failed", "notices.publish") == (record.msg["event"], record.msg["operation"])
    assert record.msg["exc_info"]
    (failed,) = [entry for view in board.read() for entry in view.entries if entry.name == "failed"]
    assert ("redis", "notices.publish") == failed.labels


async def test_change_while_the_record_is_down() -> None:
    """A change that cannot be recorded is an error, and nothing has changed."""
    world = World(1)
    await world.in_force.begin(FIRST)
    world.configs.down = True
    with pytest.raises(StoreUnavailable):
        await world.changes.apply(1, ConfigChange(distribution_rate=3), SIGNED)
    assert world.redirects.config == FIRST


async def test_changes_that_cannot_be() -> None:
    """An unknown id, a change of nothing and a rate out of range are errors."""
    world = World(1)
    with pytest.raises(ConfigNotFound):
        await world.changes.apply(2, ConfigChange(distribution_rate=3), SIGNED)
    with pytest.raises(InvalidInput, match="must be given"):
        ConfigChange()
    with pytest.raises(InvalidInput, match="from 0 to"):
        await world.changes.apply(1, ConfigChange(distribution_rate=-1), SIGNED)


async def test_notices_out_of_order() -> None:
    """An older revision that arrives late does not undo a newer one, and one of another config is not followed."""
    world = World(1)
    await world.in_force.begin(FIRST)
    newest = ConfigFactory.build(revision=3)
    for config in (newest, ConfigFactory.build(revision=2), ConfigFactory.build(id=2, revision=9)):
        await world.in_force.hear(config)
    assert newest == world.redirects.config


async def test_polling_does_not_undo_a_change() -> None:
    """A reading of the record that began before a change and ends after it is ignored."""
    world = World(1)
    await world.in_force.begin(FIRST)
    world.configs.gate.clear()
    polling = asyncio.ensure_future(world.in_force.refresh())
    await asyncio.sleep(0)
    changed = await world.changes.apply(1, ConfigChange(distribution_rate=3), SIGNED)
    world.configs.gate.set()
    await polling
    assert changed == world.redirects.config
    await world.in_force.refresh()
    assert [changed] * 3 == [world.redirects.config, world.fast.config, world.slow.config]


async def test_record_taken_back() -> None:
    """What is on record counts, also when it is older: a database restored from a backup is followed."""
    world = World(1)
    await world.in_force.begin(FIRST)
    await world.in_force.hear(ConfigFactory.build(revision=8))
    await world.in_force.refresh()
    assert world.redirects.config == FIRST


async def test_copies_are_saved_once_and_retried() -> None:
    """A copy is written when the config has changed and not at every look; a failed one is written later."""
    world = World(1)
    world.slow.down = True
    await world.in_force.begin(FIRST)
    await world.in_force.refresh()
    assert (1, 0) == (world.fast.saves, world.slow.saves)
    world.slow.down = False
    await world.in_force.refresh()
    assert (1, 1) == (world.fast.saves, world.slow.saves)


async def test_lost_copies_are_written_again() -> None:
    """A store that has lost its copy gets it back after a while, though nothing has changed."""
    world = World(1)
    await world.in_force.begin(FIRST)
    world.fast.config = None
    world.now += COPY_LIFETIME
    await world.in_force.refresh()
    assert world.fast.config == FIRST


@pytest.mark.parametrize("record_away", [False, True])
async def test_copies_of_a_burst_of_changes(record_away: bool) -> None:
    """Of changes in quick succession all are in force at once, and the last one is copied whatever comes."""
    world = World(1)
    await world.in_force.begin(FIRST)
    for rate in range(2, 50):
        await world.changes.apply(1, ConfigChange(distribution_rate=rate), SIGNED)
        assert world.redirects.config == world.configs.rows[1]
    assert 1 == world.fast.saves
    world.configs.down = record_away
    with suppress(StoreUnavailable):
        await world.in_force.refresh()
    assert world.configs.rows[1] == world.fast.config
