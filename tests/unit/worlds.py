"""One process over fakes, for tests of what goes on beside its requests."""

import asyncio

from typing_extensions import override

from balancer.core.control.changes import ConfigChanges
from balancer.core.control.in_force import ConfigInForce
from balancer.core.control.ports import Record
from balancer.core.control.rule_changes import RuleChanges
from balancer.core.routing.planner import Blueprint
from balancer.core.rules.matching import NoPlaces
from tests.factories import CHANGED, ConfigFactory, planner
from tests.fakes import FakeCdnConfigs, FakeConfigHistory, FakeConfigNotices, FakePlanCopies, FakeRuleRecord

FIRST = ConfigFactory.build()


class SlowCopies(FakePlanCopies):
    """A copy that takes its first config only when it is let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.taken: list[int] = []

    @override
    async def save(self, blueprint: Blueprint) -> None:
        await self.gate.wait()
        self.taken.append(blueprint.default.revision)
        await super().save(blueprint)


def record(configs: FakeCdnConfigs) -> Record:
    """Return a record of configs, with no rules."""
    return Record(configs, FakeRuleRecord(configs))


class World:
    """One process with its stores, all of them fakes."""

    def __init__(self, *ids: int, notices: FakeConfigNotices | None = None, slow: FakePlanCopies | None = None) -> None:
        self.configs = FakeCdnConfigs(*(ConfigFactory.build(id=config_id) for config_id in ids))
        self.notices = notices or FakeConfigNotices()
        self.fast, self.slow = FakePlanCopies(), slow or FakePlanCopies()
        self.planner = planner()
        self.now = CHANGED
        on_record, copies = record(self.configs), [self.fast, self.slow]
        self.in_force = ConfigInForce(on_record, copies, self.planner, lambda: self.now, FIRST)
        self.rule_changes = RuleChanges(on_record.rules, NoPlaces(), self.in_force, self.notices)
        self.changes = ConfigChanges(self.configs, FakeConfigHistory(self.configs), self.in_force, self.notices)
