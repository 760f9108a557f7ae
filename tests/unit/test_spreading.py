"""Spreading what was changed here: to the other processes, and to the copies."""

import asyncio
from typing import Any

import pytest
import structlog
from typing_extensions import override

from balancer.core.configs.documents import CdnConfig
from balancer.core.configs.edits import ConfigChange
from balancer.core.control.ports import RulesChanged
from balancer.core.rules.conditions import Conditions
from balancer.core.rules.documents import Rule, RuleList
from balancer.jobs.spreading import Spreading
from tests.factories import SIGNED, ConfigFactory
from tests.fakes import FakeConfigNotices
from tests.unit.worlds import FIRST, SlowCopies, World

pytestmark = pytest.mark.anyio


class NotedNotices(FakeConfigNotices):
    """Notices that note which revisions were published, and with what their lines would begin."""

    def __init__(self) -> None:
        super().__init__()
        self.published: list[int] = []
        self.contexts: list[dict[str, Any]] = []

    @override
    async def publish(self, changed: CdnConfig | RulesChanged) -> None:
        await super().publish(changed)
        self.published.append(changed.number if isinstance(changed, RulesChanged) else changed.revision)
        self.contexts.append(structlog.contextvars.get_contextvars())


class Spreader:
    """A process that spreads its changes; what its start has found is in force and copied."""

    def __init__(self, slow: SlowCopies | None = None) -> None:
        self.notices = NotedNotices()
        self.world = World(1, notices=self.notices, slow=slow)
        self.spreading = Spreading(self.world.changes, self.world.rule_changes, self.world.in_force)

    async def change(self, rate: int) -> CdnConfig:
        """Change the rate of the config in force, as a request does."""
        return await self.world.changes.apply(1, ConfigChange(distribution_rate=rate), SIGNED)

    async def spread(self) -> None:
        """Do one step."""
        async with asyncio.timeout(5):
            await self.spreading.step()

    async def is_idle(self) -> bool:
        """Return whether there is nothing to spread."""
        waiting = asyncio.ensure_future(self.spreading.step())
        for _ in range(10):
            await asyncio.sleep(0)
        is_done = waiting.done()
        waiting.cancel()
        return not is_done


async def test_a_change_is_told_and_copied() -> None:
    """What was changed here is published once and copied once, and then there is nothing more to do."""
    spreader = Spreader()
    await spreader.world.in_force.begin()
    assert await spreader.is_idle()
    changed = await spreader.change(3)
    assert [] == spreader.notices.published
    await spreader.spread()
    assert ([2], changed) == (spreader.notices.published, spreader.world.fast.config)
    assert await spreader.is_idle()
    assert [2] == spreader.notices.published


async def test_the_last_of_many_changes_is_told() -> None:
    """Of changes that come faster than they are told, the last one is: it is the config as a whole."""
    spreader = Spreader()
    await spreader.world.in_force.begin()
    for rate in (3, 4, 5):
        changed = await spreader.change(rate)
    await spreader.spread()
    assert ([4], changed) == (spreader.notices.published, spreader.world.fast.config)


async def test_every_change_is_spread() -> None:
    """A change after another one was spread is spread as well."""
    spreader = Spreader()
    await spreader.world.in_force.begin()
    for rate in (3, 4):
        await spreader.change(rate)
        await spreader.spread()
    assert [2, 3] == spreader.notices.published


async def test_what_was_heard_is_copied_and_not_told_again() -> None:
    """A change that another process has published is copied here, and not published once more."""
    spreader = Spreader()
    await spreader.world.in_force.begin()
    heard = ConfigFactory.build(revision=9)
    await spreader.world.in_force.hear(heard)
    await spreader.spread()
    assert ([], heard) == (spreader.notices.published, spreader.world.fast.config)


async def test_changed_rules_are_told() -> None:
    """A change of the rules is published as one of a config is."""
    spreader = Spreader()
    await spreader.world.in_force.begin()
    await spreader.world.rule_changes.replace(RuleList((Rule("all", Conditions(), 1),)), SIGNED)
    await spreader.spread()
    assert [1] == spreader.notices.published


async def test_a_slow_copy_holds_no_notice_back() -> None:
    """The others are told while a copy is still being written."""
    spreader = Spreader(SlowCopies())
    spreader.world.planner.use(FIRST)
    await spreader.change(3)
    spreading = asyncio.ensure_future(spreader.spreading.step())
    for _ in range(10):
        await asyncio.sleep(0)
    assert (False, [2]) == (spreading.done(), spreader.notices.published)
    spreading.cancel()


async def test_lost_notices_hold_no_copy_back() -> None:
    """Where notices are away a change is copied all the same; the others find it on record."""
    spreader = Spreader()
    await spreader.world.in_force.begin()
    spreader.notices.down = True
    changed = await spreader.change(3)
    await spreader.spread()
    assert changed == spreader.world.fast.config


async def test_spreading_belongs_to_its_request() -> None:
    """What spreads a change has the request id of that change in its lines, and not that of the change before."""
    spreader = Spreader()
    await spreader.world.in_force.begin()
    for number, request_id in enumerate(("first", "second"), start=3):
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await spreader.change(number)
        await spreader.spread()
    assert [{"request_id": "first"}, {"request_id": "second"}] == spreader.notices.contexts
    assert {} == structlog.contextvars.get_contextvars()
