"""Changing a config, and which one is in force when stores are away."""

import asyncio

import pytest
from typing_extensions import override

from balancer.core.configs.documents import CdnConfig
from balancer.core.configs.edits import ConfigChange
from balancer.core.control.changes import ConfigChanges
from balancer.core.control.in_force import COPY_LIFETIME, ConfigInForce
from balancer.core.control.ports import RulesChanged
from balancer.core.errors import ConfigNotFound, InvalidInput, StoreUnavailable, UnknownFormat
from balancer.core.routing.planner import Blueprint
from balancer.core.rules.conditions import Conditions
from balancer.core.rules.documents import Rule, RuleList
from balancer.telemetry.metrics.board import Board
from balancer.telemetry.metrics.calls import timed
from balancer.telemetry.metrics.meters import Meters
from tests.factories import CHANGED, SIGNED, ConfigFactory, planner, view_of
from tests.fakes import FakeCdnConfigs, FakeConfigHistory, FakeConfigNotices, FakePlanCopies
from tests.unit.worlds import FIRST, SlowCopies, World, record

pytestmark = pytest.mark.anyio


async def test_first_start() -> None:
    """A first start records the first config, serves by it and copies it."""
    world = World()
    assert await world.in_force.begin()
    assert {1: FIRST} == world.configs.rows
    assert [FIRST] * 3 == [world.planner.config, world.fast.config, world.slow.config]


async def test_later_start() -> None:
    """A later start serves by the lowest id on record and makes nothing."""
    world = World(9, 4)
    assert await world.in_force.begin()
    assert {4, 9} == set(world.configs.rows)
    assert world.planner.config == world.configs.rows[4]


@pytest.mark.parametrize(("fast", "slow", "expected"), [(6, 5, 6), (5, 6, 6), (None, 5, 5), (5, None, 5)])
async def test_start_without_the_record(fast: int | None, slow: int | None, expected: int) -> None:
    """While the record is away a start serves by the newest copy that can be read, whichever store has it."""
    world = World()
    world.configs.down = True
    for copies, revision in ((world.fast, fast), (world.slow, slow)):
        copies.down = revision is None
        copies.config = ConfigFactory.build(revision=revision or 9)
    assert not await world.in_force.begin()
    assert world.planner.config
    assert expected == world.planner.config.revision


async def test_start_with_nothing() -> None:
    """With neither record nor copy nothing is served by guesswork, until the record answers."""
    world = World()
    world.configs.down = True
    assert not await world.in_force.begin()
    assert (None, False) == (world.planner.config, world.in_force.is_confirmed)
    world.configs.down = False
    await world.in_force.refresh()
    assert (FIRST, True) == (world.planner.config, world.in_force.is_confirmed)


async def test_start_on_a_record_of_a_newer_release() -> None:
    """A start on a record that this release cannot read serves by the newest copy, and by the record once it can."""
    world = World(1)
    world.configs.newer = True
    world.fast.config, world.slow.config = (ConfigFactory.build(revision=revision) for revision in (5, 6))
    assert not await world.in_force.begin()
    assert (world.slow.config, False) == (world.planner.config, world.in_force.is_confirmed)
    world.configs.newer = False
    await world.in_force.refresh()
    assert (FIRST, True) == (world.planner.config, world.in_force.is_confirmed)


async def test_start_on_a_record_of_a_newer_release_with_nothing() -> None:
    """Where there is no copy either, nothing is put in force, and nothing is changed on record."""
    world = World(1)
    world.configs.newer = True
    assert not await world.in_force.begin()
    assert (None, None, {1: FIRST}) == (world.planner.config, world.fast.config, world.configs.rows)


async def test_change_reaches_the_others() -> None:
    """A change of the default config is in force here at once; publishing and copying it come after the answer."""
    world = World(1)
    await world.in_force.begin()
    heard = world.notices.listen()
    assert await anext(heard) is None
    waiting = asyncio.ensure_future(anext(heard))
    await asyncio.sleep(0)
    due: list[str] = []
    world.changes.on_change = lambda: due.append("tell")
    world.in_force.on_change = lambda: due.append("copy")
    changed = await world.changes.apply(1, ConfigChange(distribution_rate=3), SIGNED)
    assert (3, 2, CHANGED) == (view_of(changed).distribution_rate, changed.revision, changed.updated_at)
    assert changed == world.planner.config
    assert (["copy", "tell"], FIRST) == (due, world.fast.config)
    await world.changes.tell()
    await world.in_force.copy()
    assert changed == world.fast.config == await waiting
    await heard.aclose()


async def test_change_while_notices_are_down() -> None:
    """A change that cannot be published is made all the same."""
    world = World(1)
    await world.in_force.begin()
    world.notices.down = True
    changed = await world.changes.apply(1, ConfigChange(cdn_host="b.example"), SIGNED)
    await world.changes.tell()
    assert "b.example" == view_of(changed).cdn_host
    assert changed == world.planner.config


class BrokenNotices(FakeConfigNotices):
    """Notices whose adapter has a mistake."""

    @override
    async def publish(self, changed: CdnConfig | RulesChanged) -> None:
        raise RuntimeError


class BrokenCopies(FakePlanCopies):
    """A copy whose adapter has a mistake."""

    @override
    async def save(self, blueprint: Blueprint) -> None:
        raise RuntimeError


@pytest.mark.parametrize(
    ("notices", "copies"), [(BrokenNotices(), FakePlanCopies()), (FakeConfigNotices(), BrokenCopies())]
)
async def test_nothing_fails_after_the_commit(notices: FakeConfigNotices, copies: FakePlanCopies) -> None:
    """A change that is on record is made and in force, whatever happens when it is copied and published."""
    configs, drawing = FakeCdnConfigs(FIRST), planner()
    in_force = ConfigInForce(record(configs), [copies], drawing, lambda: CHANGED, FIRST)
    changes = ConfigChanges(configs, FakeConfigHistory(configs), in_force, notices)
    changed = await changes.apply(1, ConfigChange(cdn_host="b.example"), SIGNED)
    assert ("b.example", 2) == (view_of(changed).cdn_host, changed.revision)
    assert changed == drawing.config == configs.rows[1]


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
    await world.in_force.begin()
    world.configs.down = True
    with pytest.raises(StoreUnavailable):
        await world.changes.apply(1, ConfigChange(distribution_rate=3), SIGNED)
    assert world.planner.config == FIRST


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
    await world.in_force.begin()
    newest = ConfigFactory.build(revision=3)
    for config in (newest, ConfigFactory.build(revision=2), ConfigFactory.build(id=2, revision=9)):
        await world.in_force.hear(config)
    assert newest == world.planner.config


async def test_polling_does_not_undo_a_change() -> None:
    """A reading of the record that began before a change and ends after it is ignored."""
    world = World(1)
    await world.in_force.begin()
    world.configs.gate.clear()
    polling = asyncio.ensure_future(world.in_force.refresh())
    await asyncio.sleep(0)
    changed = await world.changes.apply(1, ConfigChange(distribution_rate=3), SIGNED)
    world.configs.gate.set()
    await polling
    assert changed == world.planner.config
    await world.in_force.refresh()
    assert [changed] * 3 == [world.planner.config, world.fast.config, world.slow.config]


async def test_record_taken_back() -> None:
    """What is on record counts, also when it is older: a database restored from a backup is followed."""
    world = World(1)
    await world.in_force.begin()
    await world.in_force.hear(ConfigFactory.build(revision=8))
    await world.in_force.refresh()
    assert world.planner.config == FIRST


async def test_copies_are_saved_once_and_retried() -> None:
    """A copy is written when the config has changed and not at every look; a failed one is written later."""
    world = World(1)
    world.slow.down = True
    await world.in_force.begin()
    await world.in_force.refresh()
    assert (1, 0) == (world.fast.saves, world.slow.saves)
    world.slow.down = False
    await world.in_force.refresh()
    assert (1, 1) == (world.fast.saves, world.slow.saves)


async def test_lost_copies_are_written_again() -> None:
    """A store that has lost its copy gets it back after a while, though nothing has changed."""
    world = World(1)
    await world.in_force.begin()
    world.fast.blueprint = None
    world.now += COPY_LIFETIME
    await world.in_force.refresh()
    assert world.fast.config == FIRST


async def test_the_last_change_is_copied_while_the_record_is_away() -> None:
    """A look at a record that is away still brings the copies up to what is in force: they are needed now."""
    world = World(1)
    await world.in_force.begin()
    for rate in (2, 3):
        await world.changes.apply(1, ConfigChange(distribution_rate=rate), SIGNED)
    assert FIRST == world.fast.config
    world.configs.down = True
    with pytest.raises(StoreUnavailable):
        await world.in_force.refresh()
    assert world.configs.rows[1] == world.fast.config


async def test_a_record_of_a_newer_release_changes_nothing() -> None:
    """What a newer release writes leaves the config in force, and copies of that are kept for the next start."""
    world = World(1)
    await world.in_force.begin()
    changed = await world.changes.apply(1, ConfigChange(distribution_rate=3), SIGNED)
    world.configs.newer = True
    with pytest.raises(UnknownFormat):
        await world.in_force.refresh()
    assert [changed] * 3 == [world.planner.config, world.fast.config, world.slow.config]
    with pytest.raises(UnknownFormat):
        await world.changes.apply(1, ConfigChange(distribution_rate=4), SIGNED)
    assert changed == world.planner.config == world.configs.rows[1]


async def test_rules_beside_a_config_of_a_newer_release() -> None:
    """Rules that are on record are answered as made, though they cannot be in force before the configs can be read."""
    world = World(1)
    await world.in_force.begin()
    world.configs.newer = True
    rules = RuleList((Rule("all", Conditions(), 1),))
    assert 1 == (await world.rule_changes.replace(rules, SIGNED)).number
    world.configs.newer = False
    await world.in_force.refresh()
    assert world.planner.wanted
    assert rules == world.planner.wanted.rules.rules


async def test_no_older_config_overtakes_a_newer_one() -> None:
    """While a store is slow to take a copy, a newer config waits behind it, and is the last that is written."""
    drawing, slow = planner(), SlowCopies()
    in_force = ConfigInForce(record(FakeCdnConfigs(FIRST)), [slow], drawing, lambda: CHANGED, FIRST)
    drawing.use(FIRST)
    first = asyncio.ensure_future(in_force.copy())
    await asyncio.sleep(0)
    await in_force.hear(ConfigFactory.build(revision=2))
    await in_force.copy()
    assert [] == slow.taken
    slow.gate.set()
    await first
    assert [1, 2] == slow.taken
