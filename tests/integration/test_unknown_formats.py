"""A record that a newer release has written: whoever cannot read it says so, and goes on with what it has."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Executable, delete, insert, select, update

from balancer.adapters.config_json import dump_document
from balancer.adapters.sql.engines import make_engine
from balancer.adapters.sql.migrations import AlembicSchema
from balancer.adapters.sql.tables import cdn_configs, config_revisions, rule_revisions
from balancer.core.configs.documents import FORMAT
from balancer.core.configs.simple import simple_document
from tests.factories import BEARER, CREATED, VIDEO
from tests.inside import run_inside
from tests.integration.conftest import Start
from tests.processes import Balancer, wait_for

pytestmark = pytest.mark.long

LATER = simple_document("later.example", 2)
FUTURE = {"format": 99, "document": {"future": 1}}
FORMAT_FAULT = f"its format is 99, this program reads 1 to {FORMAT}"
FIELD = {"format": FORMAT, "document": {**dump_document(LATER), "future": 1}}
FIELD_FAULT = "Object contains unknown field `future`"
"""What a newer release writes, and what this one says of it."""

THIRD = (config_revisions.c.config_id == 1, config_revisions.c.number == 3)


def run_sql(url: str, *statements: Executable) -> list[tuple[Any, ...]]:
    """Run statements on a database, and return the rows of the last one, if it has any."""

    async def run() -> list[tuple[Any, ...]]:
        engine = make_engine(url)
        try:
            async with engine.begin() as connection:
                done = [await connection.execute(statement) for statement in statements][-1]
                return [tuple(row) for row in done] if done.returns_rows else []
        finally:
            await engine.dispose()

    return asyncio.run(run())


def write(url: str, written: dict[str, Any]) -> None:
    """Record revision 3 of config 1 as a newer release does."""
    values = {"config_id": 1, "number": 3, "actor": "newer", "made_at": CREATED, **written}
    is_latest = update(cdn_configs).where(cdn_configs.c.id == 1).values(revision=3, distribution_rate=-1)
    run_sql(url, insert(config_revisions).values(values), is_latest)


def hosts(admin: httpx.Client) -> Counter[str]:
    """Return how many of twenty requests were sent to each host; all must be redirected."""
    answers = [admin.get(f"/?video={VIDEO}") for _ in range(20)]
    assert {301} == {answer.status_code for answer in answers}
    return Counter(answer.headers["location"].split("/")[2] for answer in answers)


def check_it_goes_on(balancer: Balancer, fault: str) -> None:
    """Players are served by revision 2, and admins are told why they cannot read or change the config."""
    with httpx.Client(base_url=balancer.url, headers=BEARER) as admin:
        wait_for(lambda: balancer.has_said(event="store lost", fallback="last-config"), seconds=10)
        # Several looks at the record later it is still so, and has been said once.
        ready = admin.get("/health/ready").json()
        wait_for(lambda: admin.get("/health/ready").json()["config"]["age_seconds"] > 1.5, seconds=20)
        (lost,) = [line for line in balancer.events() if line.get("fallback") == "last-config"]
        assert ("warning", f"The record of config 1 cannot be read by this release: {fault}.") == (
            lost["level"],
            lost["fault"],
        )
        assert ("degraded", ["last-config"], 2) == (ready["status"], ready["fallbacks"], ready["config"]["revision"])
        assert {"s1.origin-cluster": 4, "a.example": 16} == hosts(admin)
        refused = [
            admin.get("/config"),
            admin.get("/config/revision?id=1&revision=3"),
            admin.patch("/config", json={"id": 1, "distribution_rate": 7}),
            admin.patch("/config/target", json={"id": 1, "name": "cdn", "weight": 7}),
            admin.post("/config/rollback", json={"id": 1, "revision": 1}),
        ]
        for answer in refused:
            kind = answer.json()["type"].rpartition(":")[2]
            assert (503, "unknown-format", "1") == (answer.status_code, kind, answer.headers["retry-after"])
            assert fault in answer.json()["detail"]
        assert "a.example" == admin.get("/config/revision?id=1&revision=2").json()["document"]["cdn_host"]


@pytest.mark.parametrize(
    ("database", "written", "fault"),
    [
        pytest.param("sqlite", FUTURE, FORMAT_FAULT, id="format in SQLite, copy in a file"),
        pytest.param("postgres", FIELD, FIELD_FAULT, id="field in PostgreSQL, copy in Redis"),
    ],
)
def test_a_config_of_a_newer_release(
    request: pytest.FixtureRequest, tmp_path: Path, database: str, written: dict[str, Any], fault: str
) -> None:
    """A process that runs and one that starts go on by what they have and say why, and nothing on record is lost."""
    stores: dict[str, Any] = {"DATABASE_URL": f"sqlite:///{tmp_path}/a.db"}
    if database == "postgres":
        stores = request.getfixturevalue("shared")
    # Readiness is asked for without pause.
    stores |= {"OPEN_RATE": "10000/s", "POLL_INTERVAL": 0.05}
    url = str(stores["DATABASE_URL"])
    with Balancer(tmp_path, None, **stores) as balancer:
        change = {"id": 1, "cdn_host": "a.example", "distribution_rate": 5}
        assert 200 == httpx.patch(f"{balancer.url}/config", json=change, headers=BEARER).status_code
        write(url, written)
        before = run_sql(url, select(config_revisions).order_by(config_revisions.c.number))
        check_it_goes_on(balancer, fault)
    folder = tmp_path
    if database == "postgres":
        # Another host has no file.
        folder = tmp_path / "other"
        folder.mkdir()
    with Balancer(folder, None, **stores) as balancer:
        check_it_goes_on(balancer, fault)
        told = "no config can be read from the database: serving by the last one that is known"
        assert balancer.has_said(event=told)
        assert before == run_sql(url, select(config_revisions).order_by(config_revisions.c.number))
        readable = {"format": FORMAT, "document": dump_document(LATER)}
        run_sql(url, update(config_revisions).where(*THIRD).values(readable))
        wait_for(lambda: balancer.has_said(event="store regained", fallback="last-config"), seconds=10)
        with httpx.Client(base_url=balancer.url, headers=BEARER) as admin:
            assert {"s1.origin-cluster": 10, "later.example": 10} == hosts(admin)


def test_rules_of_a_newer_release(start: Start) -> None:
    """Rules that cannot be read are said once; the rules before them stay in force, and are not changed over them."""
    balancer = start(POLL_INTERVAL=0.05)
    url = f"sqlite:///{balancer.folder}/data/balancer.db"
    with httpx.Client(base_url=balancer.url, headers=BEARER) as admin:
        made = admin.post("/configs", json={"cdn_host": "live.example", "distribution_rate": 0}).json()
        rules = {"rules": [{"name": "all", "config_id": made["id"], "when": {"paths": ["/"]}}]}
        assert 200 == admin.put("/rules", json=rules).status_code
        run_sql(url, insert(rule_revisions).values(number=2, actor="newer", made_at=CREATED, **FUTURE))
        wait_for(lambda: balancer.has_said(event="store lost", fallback="last-config"), seconds=10)
        assert {"live.example": 20} == hosts(admin)
        assert 200 == admin.get("/config").status_code
        for answer in (admin.get("/rules"), admin.put("/rules", json={"rules": []})):
            kind = answer.json()["type"].rpartition(":")[2]
            assert (503, "unknown-format") == (answer.status_code, kind)
        # What no rule names, or no rule can be read for, is not deleted either.
        assert 503 == admin.delete(f"/config?id={made['id']}").status_code
        run_sql(url, delete(rule_revisions).where(rule_revisions.c.number == 2))
        wait_for(lambda: balancer.has_said(event="store regained", fallback="last-config"), seconds=10)
        assert rules["rules"] == admin.get("/rules").json()["rules"]


def test_a_start_with_nothing_that_can_be_read(tmp_path: Path) -> None:
    """With no copy either, a start that is not to wait ends with a line that says what is wrong."""
    url = f"sqlite:///{tmp_path}/data/balancer.db"
    AlembicSchema(url, make_engine(url)).upgrade()
    first = {"id": 1, "revision": 1, "name": None, "cdn_host": "", "distribution_rate": -1, "created_at": CREATED}
    run_sql(url, insert(cdn_configs).values(first))
    write(url, FUTURE)
    done = run_inside(tmp_path, "serve", WAIT_FOR_CONFIG="off")
    told = f"balancer: The record of config 1 cannot be read by this release: {FORMAT_FAULT}."
    assert (1, told) == (done.returncode, done.stderr.splitlines()[-1])
