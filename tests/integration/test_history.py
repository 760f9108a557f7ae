"""History against its record: random changes by several writers at once, on both databases."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from balancer.adapters.sql.configs import SqlCdnConfigs, SqlConfigHistory
from balancer.adapters.sql.engines import make_engine
from balancer.adapters.sql.migrations import AlembicSchema
from balancer.adapters.sql.rules import SqlRuleRecord
from balancer.core.configs.edits import ConfigChange
from balancer.core.configs.revisions import Revision, Signature
from balancer.core.configs.simple import simple_document
from balancer.core.control.changes import ConfigChanges
from balancer.core.control.in_force import ConfigInForce
from balancer.core.control.ports import Record
from balancer.core.errors import BalancerError, ConfigNotFound, InvalidInput, RevisionNotFound, StaleRevision
from tests.factories import CREATED, SIGNED, ConfigFactory, planner
from tests.fakes import FakeConfigNotices

HOSTS = st.sampled_from(["a.example", "b.example"])
RATES = st.integers(0, 2)
REVISIONS = st.integers(1, 6)
EXPECTED = st.none() | st.sets(REVISIONS, max_size=3)
STEPS = st.one_of(
    st.tuples(st.just("change"), st.builds(ConfigChange, cdn_host=HOSTS), EXPECTED),
    st.tuples(st.just("change"), st.builds(ConfigChange, distribution_rate=RATES), EXPECTED),
    st.tuples(st.just("change"), st.builds(ConfigChange, name=st.none() | st.just("name")), EXPECTED),
    st.tuples(st.just("roll back"), REVISIONS, EXPECTED),
    st.tuples(st.just("delete"), st.none(), EXPECTED),
)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database of each kind."""
    url = f"sqlite:///{tmp_path}/a.db" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))
    AlembicSchema(url, make_engine(url)).upgrade()
    return url


@asynccontextmanager
async def writer(url: str) -> AsyncIterator[tuple[ConfigChanges, SqlCdnConfigs, SqlConfigHistory]]:
    """Open what one process changes configs by."""
    engine = make_engine(url)
    configs, history = SqlCdnConfigs(engine), SqlConfigHistory(engine)
    in_force = ConfigInForce(
        Record(configs, SqlRuleRecord(engine)), [], planner(), lambda: datetime.now(UTC), ConfigFactory.build()
    )
    yield ConfigChanges(configs, history, in_force, FakeConfigNotices()), configs, history
    await engine.dispose()


def do(changes: ConfigChanges, config_id: int, step: tuple[str, object, set[int] | None]) -> Awaitable[object]:
    """Take one step."""
    kind, what, expected = step
    signed = Signature(kind, CREATED)
    match what:
        case ConfigChange():
            return changes.apply(config_id, what, signed, expected)
        case int():
            return changes.roll_back(config_id, what, signed, expected)
        case _:
            return changes.delete(config_id, signed, expected)


async def play(url: str, rounds: list[list[tuple[str, object, set[int] | None]]]) -> None:
    """Let two writers take the steps of each round at the same time, and look at what is left."""
    async with writer(url) as (first, configs, history), writer(url) as (second, _, _):
        await configs.create_first(ConfigFactory.build(), SIGNED)
        made = await first.create(simple_document("a.example", 1), SIGNED)
        refused = 0
        for steps in rounds:
            writers = [first, second]
            results = await asyncio.gather(
                *(do(writers[number % 2], made.id, step) for number, step in enumerate(steps)), return_exceptions=True
            )
            for result in results:
                if isinstance(result, BaseException):
                    assert isinstance(result, (ConfigNotFound, RevisionNotFound, StaleRevision, InvalidInput)), result
                    refused += 1
        revisions = list(reversed(await history.page(made.id, None, 1000)))
        assert list(range(1, len(revisions) + 1)) == [revision.number for revision in revisions]
        assert len(revisions) - 1 + refused <= sum(map(len, rounds))
        check_steps(revisions)
        latest = revisions[-1]
        try:
            config = await configs.get(made.id)
        except ConfigNotFound:
            assert latest.document is None
        else:
            assert (latest.document, latest.number) == (config.document, config.revision)


def check_steps(revisions: list[Revision]) -> None:
    """Each revision differs from the one before it, and a rollback is what it went back to."""
    for earlier, later in pairwise(revisions):
        assert earlier.document != later.document
        assert (later.document is None) == (later.signed.actor == "delete")
        if later.restored is not None:
            assert revisions[later.restored - 1].document == later.document
            assert "roll back" == later.signed.actor
        if later.signed.actor == "change":
            assert earlier.document is not None


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=st.lists(st.lists(STEPS, min_size=1, max_size=4), max_size=5))
def test_history_replays_to_the_present(url: str, rounds: list[list[tuple[str, object, set[int] | None]]]) -> None:
    """Whatever is changed, deleted, rolled back and refused, the history is without gaps and ends in the record."""
    asyncio.run(play(url, rounds))


async def run_out(url: str) -> None:
    """Fail between the writing of a change and of its revision."""
    async with writer(url) as (changes, configs, history):
        await configs.create_first(ConfigFactory.build(), SIGNED)
        made = await changes.create(simple_document("a.example", 1), SIGNED)
        unsigned = Signature(None, CREATED)  # type: ignore[arg-type]  # makes a row that the database refuses
        with pytest.raises(BalancerError):
            await changes.apply(made.id, ConfigChange(distribution_rate=5), unsigned)
        assert made == await configs.get(made.id)
        assert 1 == len(await history.page(made.id, None, 9))


def test_all_or_nothing(url: str) -> None:
    """When a revision cannot be written, the change is not made either."""
    asyncio.run(run_out(url))
