"""One suite for the record of rules, over its fake and over both databases, so that the fake cannot lie."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import delete, update

from balancer.adapters.sql.configs import SqlCdnConfigs
from balancer.adapters.sql.engines import make_engine
from balancer.adapters.sql.migrations import AlembicSchema
from balancer.adapters.sql.rules import SqlRuleRecord
from balancer.adapters.sql.tables import cdn_configs, config_revisions, rule_revisions
from balancer.core.configs.ports import CdnConfigs
from balancer.core.configs.revisions import Attempt
from balancer.core.configs.simple import simple_document
from balancer.core.errors import (
    ConfigInUse,
    IdempotencyKeyReused,
    InvalidInput,
    RuleRevisionNotFound,
    StaleRules,
    UnknownFormat,
)
from balancer.core.rules.documents import RuleList, rules_from
from balancer.core.rules.ports import RuleRecord
from balancer.core.rules.revisions import NO_RULES, RuleEdit, RuleEntry, RuleRevision
from tests.factories import SIGNED, ConfigFactory
from tests.fakes import FakeCdnConfigs, FakeRuleRecord

pytestmark = pytest.mark.anyio


class Record(NamedTuple):
    """A record of rules, and of the configs that they name."""

    rules: RuleRecord
    configs: CdnConfigs


@pytest.fixture(params=["fake", "sqlite", "postgres"])
async def record(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Record]:
    """Return a record of each kind with the configs 1 to 3 and no rules."""
    if request.param == "fake":
        fake = FakeCdnConfigs()
        yield await filled(Record(FakeRuleRecord(fake), fake))
        return
    url = f"sqlite:///{tmp_path}/a.db" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))
    engine = make_engine(url)
    await asyncio.to_thread(AlembicSchema(url, engine).upgrade)
    async with engine.begin() as connection:
        for table in (cdn_configs, config_revisions, rule_revisions):
            await connection.execute(delete(table))
    yield await filled(Record(SqlRuleRecord(engine), SqlCdnConfigs(engine)))
    await engine.dispose()


async def filled(record: Record) -> Record:
    """Put three configs on record, whose ids are the keys of `IDS`."""
    await record.configs.create_first(ConfigFactory.build(), SIGNED)
    for name in ("b", "c"):
        IDS[name] = (await record.configs.create(simple_document(f"{name}.example", 5), SIGNED)).id
    return record


IDS: dict[str, int] = {}


def rules(*names: str, config: str = "b") -> RuleList:
    """Return a list with a rule of each name."""
    return rules_from({"name": name, "when": {"paths": [f"/{name}/"]}, "config_id": IDS[config]} for name in names)


def to(found: RuleList) -> RuleEdit:
    """Return the change that makes this of the rules, whatever they are."""
    return lambda _: found


async def test_no_rules(record: Record) -> None:
    """Before the first change there are no rules, under number 0."""
    assert NO_RULES == await record.rules.latest() == await record.rules.get(0)
    assert [] == await record.rules.page(None, 9)
    for number in (1, -1, 2**31, 10**30):
        with pytest.raises(RuleRevisionNotFound):
            await record.rules.get(number)


async def test_revisions(record: Record) -> None:
    """Each change sees the rules as they are and makes a revision, which is found by number and in the history."""
    seen = []

    def edit(before: RuleRevision) -> RuleList:
        seen.append(before)
        return rules("live")

    first = await record.rules.edit(edit, SIGNED)
    second = await record.rules.edit(lambda _: rules("vod", "live"), SIGNED._replace(reason="Because."), restored=1)
    assert [NO_RULES] == seen
    entries = [RuleEntry(1, SIGNED), RuleEntry(2, SIGNED._replace(reason="Because."), restored=1)]
    assert RuleRevision(1, rules("live"), entries[0]) == first
    assert RuleRevision(2, rules("vod", "live"), entries[1]) == second
    assert second == await record.rules.latest() == await record.rules.get(2)
    assert first == await record.rules.get(1)
    assert entries[::-1] == await record.rules.page(None, 9) == await record.rules.page(10**30, 9)
    assert entries[:1] == await record.rules.page(2, 9)
    assert entries[1:] == await record.rules.page(None, 1)


async def test_what_is_known_is_not_read_again(record: Record) -> None:
    """Who knows the latest revision already gets the same object, and who knows an older one gets the latest."""
    first = await record.rules.edit(lambda _: rules("live"), SIGNED)
    assert first is await record.rules.latest(first)
    second = await record.rules.edit(lambda _: rules("vod"), SIGNED)
    assert second == await record.rules.latest(first) == await record.rules.latest(NO_RULES)


async def test_changes_that_change_nothing(record: Record) -> None:
    """A change to what is there makes no revision, and one that fails makes none either."""
    first = await record.rules.edit(lambda _: rules("live"), SIGNED)
    assert first == await record.rules.edit(lambda before: before.rules, SIGNED)

    def fail(before: RuleRevision) -> RuleList:
        raise StaleRules(before.number)

    with pytest.raises(StaleRules):
        await record.rules.edit(fail, SIGNED)
    assert first == await record.rules.latest()


async def test_repeated_attempts(record: Record) -> None:
    """A change that is asked for again with its key is made once, and returns what it made, whatever came since."""
    signed = SIGNED._replace(attempt=Attempt("a-key", "0" * 64))
    first = await record.rules.edit(lambda _: rules("live"), signed)
    await record.rules.edit(lambda _: rules("vod"), SIGNED)
    assert first == await record.rules.edit(lambda _: rules("ignored"), signed)
    with pytest.raises(IdempotencyKeyReused):
        await record.rules.edit(lambda _: rules("other"), signed._replace(attempt=Attempt("a-key", "1" * 64)))
    other = await record.rules.edit(lambda _: rules("other"), signed._replace(actor="somebody else"))
    assert 3 == other.number


async def test_rules_name_configs_that_there_are(record: Record) -> None:
    """A rule for a config that there never was, or that is deleted, is refused by name."""
    await record.configs.edit(IDS["c"], lambda _: None, SIGNED)
    missing = rules_from([{"name": "lost", "when": {"asns": [1]}, "config_id": 2**31 - 1}])
    for refused, name in ((rules("live", config="c"), "live"), (missing, "lost")):
        with pytest.raises(InvalidInput) as caught:
            await record.rules.edit(to(refused), SIGNED)
        assert f"rules.{name}.config_id" == caught.value.field
    assert NO_RULES == await record.rules.latest()


async def test_a_config_that_a_rule_names_stays(record: Record) -> None:
    """A config cannot be deleted while a rule names it, enabled or not, and can be afterwards."""
    off = rules_from([{"name": "off", "when": {"asns": [1]}, "config_id": IDS["c"], "enabled": False}])
    await record.rules.edit(lambda _: off, SIGNED)
    with pytest.raises(ConfigInUse) as caught:
        await record.configs.edit(IDS["c"], lambda _: None, SIGNED)
    assert (IDS["c"], "off") == (caught.value.config_id, caught.value.rule)
    assert IDS["c"] == (await record.configs.get(IDS["c"])).id
    await record.rules.edit(lambda _: RuleList(), SIGNED)
    assert await record.configs.edit(IDS["c"], lambda _: None, SIGNED) is None


async def test_changes_at_once(record: Record) -> None:
    """Of changes at the same time none is lost: each sees what the others have made."""

    async def add(name: str) -> None:
        await record.rules.edit(lambda before: RuleList(before.rules.rules + rules(name).rules), SIGNED)

    await asyncio.gather(*(add(f"r{number}") for number in range(8)))
    latest = await record.rules.latest()
    assert (8, {f"r{number}" for number in range(8)}) == (latest.number, {rule.name for rule in latest.rules.rules})


async def test_no_rule_is_left_without_its_config(record: Record) -> None:
    """Whoever is first of two admins, one who deletes a config and one who names it in a rule, the other is refused."""
    for turn in range(6):
        made = (await record.configs.create(simple_document("d.example", 5), SIGNED)).id
        naming = rules_from([{"name": f"r{turn}", "when": {"asns": [1]}, "config_id": made}])
        changes = [record.rules.edit(to(naming), SIGNED), record.configs.edit(made, lambda _: None, SIGNED)]
        found = await asyncio.gather(*(changes if turn % 2 else changes[::-1]), return_exceptions=True)
        refused = [one for one in found if isinstance(one, Exception)]
        assert [True] == [isinstance(one, InvalidInput | ConfigInUse) for one in refused], found
        is_named = made in (await record.rules.latest()).rules.config_ids
        present = {config.id for config in await record.configs.page(0, 99)}
        assert is_named == (made in present)


async def test_rules_of_a_newer_release(tmp_path: Path) -> None:
    """Rules in a format, or with a condition, that this release does not know are reported as such."""
    url = f"sqlite:///{tmp_path}/a.db"
    engine = make_engine(url)
    await asyncio.to_thread(AlembicSchema(url, engine).upgrade)
    record = await filled(Record(SqlRuleRecord(engine), SqlCdnConfigs(engine)))
    await record.rules.edit(lambda _: rules("live"), SIGNED)
    newer = [{"name": "live", "when": {"moon": ["full"]}, "config_id": 1}]
    for values in ({"format": 2}, {"format": 1, "document": newer}):
        async with engine.begin() as connection:
            await connection.execute(update(rule_revisions).values(**values))
        with pytest.raises(UnknownFormat):
            await record.rules.latest()
    await engine.dispose()
