"""A real PgBouncer in transaction mode, which gives each transaction another connection to the server."""

import asyncio
import os
import shutil
from collections.abc import Iterator

import httpx
import pytest

from balancer.adapters.sql.configs import SqlCdnConfigs, SqlConfigHistory
from balancer.adapters.sql.engines import SqlDependency, make_engine
from balancer.adapters.sql.migrations import AlembicSchema
from balancer.adapters.sql.probing import PostgresLeadership
from tests.factories import BEARER, SIGNED, VIDEO, ConfigFactory
from tests.integration.conftest import Start
from tests.servers import DatabaseServer, pgbouncer

pytestmark = pytest.mark.anyio

REQUIRED = os.environ.get("BALANCER_TEST_PGBOUNCER") == "required"


@pytest.fixture(scope="module")
def bounced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a migrated database behind PgBouncer."""
    program = shutil.which("pgbouncer", path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin")
    if not program:
        assert not REQUIRED, "pgbouncer is not installed, and BALANCER_TEST_PGBOUNCER requires it"
        pytest.skip("pgbouncer is not installed")
    with DatabaseServer("bounced") as server:
        server.create()
        with pgbouncer(program, server, tmp_path_factory.mktemp("pgbouncer")) as url:
            AlembicSchema(url, make_engine(url)).upgrade()
            yield url


async def test_many_connections(bounced: str) -> None:
    """Statements of many connections do not meet at the few that the server has."""
    engines = [make_engine(bounced) for _ in range(4)]
    await SqlCdnConfigs(engines[0]).create_first(ConfigFactory.build(), SIGNED)
    for _ in range(10):
        asked = [
            call
            for engine in engines
            for call in (
                SqlCdnConfigs(engine).default(),
                SqlCdnConfigs(engine).page(0, 9),
                SqlConfigHistory(engine).page(1, None, 9),
                SqlDependency(engine).ping(),
                SqlCdnConfigs(engine).edit(1, lambda standing: standing.document, SIGNED),
            )
        ]
        await asyncio.gather(*asked)
    for engine in engines:
        await engine.dispose()


async def test_one_probes(bounced: str) -> None:
    """Of many processes behind PgBouncer one gets the lead and keeps it, whatever connections they are given."""
    engines = [make_engine(bounced) for _ in range(4)]
    places = [PostgresLeadership(engine, f"process {number}") for number, engine in enumerate(engines)]
    found = {tuple(await asyncio.gather(*(place.lead() for place in places))) for _ in range(5)}
    assert [1] == [sum(leads) for leads in found]
    for place, engine in zip(places, engines, strict=True):
        await place.leave()
        await engine.dispose()


@pytest.mark.long
def test_two_processes(start: Start, bounced: str) -> None:
    """Processes behind PgBouncer change configs and follow one another's changes."""
    first, second = start(DATABASE_URL=bounced), start(DATABASE_URL=bounced, WORKERS=2)
    with httpx.Client(headers=BEARER, timeout=30) as client:
        for number in range(20):
            url = (first, second)[number % 2].url
            changed = client.patch(f"{url}/config", json={"id": 1, "name": f"No {number}"})
            assert (200, f"No {number}") == (changed.status_code, changed.json()["name"])
            assert 301 == client.get(f"{url}/?video={VIDEO}").status_code
            assert "ok" == client.get(f"{url}/health/ready").json()["status"]
    for balancer in (first, second):
        assert not [event for event in balancer.events() if event["event"] == "store lost"]
