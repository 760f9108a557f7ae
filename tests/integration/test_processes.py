"""Real balancer processes over real stores."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx
import pytest

from balancer.adapters.sql.engines import make_engine
from balancer.adapters.sql.migrations import AlembicSchema
from tests.factories import AT_CDN, BEARER, VIDEO
from tests.integration.conftest import Start
from tests.processes import Balancer, Postgres, Valkey, wait_for
from tests.wire import ask

QUERY = f"/?video={VIDEO}"


def test_each_tenth_of_a_thousand(start: Start) -> None:
    """On the embedded default 1,000 sequential requests give exactly 100 to the origin, each tenth."""
    with httpx.Client(headers=BEARER, base_url=start().url) as client:
        locations = [client.get(QUERY).headers["location"] for _ in range(1000)]
    assert [VIDEO if ticket % 10 == 0 else AT_CDN for ticket in range(1, 1001)] == locations


def test_fleet_shares_exactly(start: Start, shared: dict[str, object]) -> None:
    """Two processes of two workers each give 1,000 ± 4 of 10,000 concurrent requests to the origin."""
    urls = [start(**shared, WORKERS=2).url for _ in range(2)]
    seen = asyncio.run(ask(urls, count=10_000, at_once=50))
    assert {VIDEO, AT_CDN} == set(seen)
    assert 10_000 == seen.total()
    assert abs(seen[VIDEO] - 1_000) <= 4


@pytest.mark.parametrize(
    "store", ["redis", *(pytest.param(store, marks=pytest.mark.long) for store in ("no redis", "sqlite"))]
)
def test_change_reaches_all(start: Start, shared: dict[str, object], tmp_path: Path, store: str) -> None:
    """A change is followed by the next redirect of its process, and by every other process within a second."""
    match store:
        case "redis":
            settings = shared
        case "no redis":
            settings = {"DATABASE_URL": shared["DATABASE_URL"]}
        case _:
            settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/shared.db"}
    first, second = start(**settings), start(**settings)
    with httpx.Client(headers=BEARER) as client:
        for number in range(3):
            host = f"c{number}.example"
            change = {"id": 1, "cdn_host": host, "distribution_rate": 0}
            assert 200 == client.patch(f"{first.url}/config", json=change).status_code

            def follows(url: str, host: str = host) -> bool:
                return httpx.URL(client.get(url + QUERY).headers["location"]).host == host

            assert follows(first.url)
            wait_for(lambda: follows(second.url), seconds=1)


@pytest.mark.long
def test_stores_away(start: Start, tmp_path: Path) -> None:
    """Redirects go on without Redis and without the database, the API says what is away, and both come back."""
    with Postgres("outage") as postgres, Valkey(tmp_path) as valkey:
        AlembicSchema(postgres.url, make_engine(postgres.url)).upgrade()
        balancer = start(DATABASE_URL=postgres.url, REDIS_URL=valkey.url)
        with httpx.Client(headers=BEARER, base_url=balancer.url, timeout=10) as client:
            assert 200 == client.patch("/config", json={"id": 1, "distribution_rate": 4}).status_code
            valkey.kill()
            postgres.stop()
            locations = Counter(client.get(QUERY).headers["location"] for _ in range(4000))
            assert {VIDEO: 1000, AT_CDN: 3000} == locations
            answer = client.get("/config")
            assert (503, "application/problem+json") == (answer.status_code, answer.headers["content-type"])
            assert "database" in answer.json()["detail"]

        # A process that starts now serves by the last config that its host knows.
        balancer.stop()
        again = Balancer(balancer.folder, DATABASE_URL=postgres.url, REDIS_URL=valkey.url)
        with again, httpx.Client(headers=BEARER, base_url=again.url, timeout=10) as client:
            locations = Counter(client.get(QUERY).headers["location"] for _ in range(400))
            assert {VIDEO: 100, AT_CDN: 300} == locations
            postgres.start()
            valkey.start()
            wait_for(lambda: client.get("/config").status_code == 200, seconds=10)
            assert 200 == client.patch("/config", json={"id": 1, "distribution_rate": 1}).status_code
            assert VIDEO == client.get(QUERY).headers["location"]


def test_killed_worker_is_replaced(start: Start) -> None:
    """A worker that dies is replaced, and the others serve meanwhile."""
    balancer = start(WORKERS=2)

    (first, second) = balancer.workers()
    first.kill()
    assert 301 == httpx.get(balancer.url + QUERY).status_code
    wait_for(lambda: balancer.starts == 3, seconds=20)
    assert first not in balancer.workers()
    assert second in balancer.workers()


def test_graceful_stop(start: Start) -> None:
    """A process that is asked to end does so with exit code 0."""
    balancer = start()
    assert 301 == httpx.get(balancer.url + QUERY).status_code
    assert 0 == balancer.stop()


def run(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the program in a folder and return what it said."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("BALANCER_")}
    given = {f"BALANCER_{name}": value for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "balancer", *arguments],
        cwd=folder,
        env=own | given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_wrong_settings(tmp_path: Path) -> None:
    """All wrong settings are reported at once by name, with exit code 2."""
    done = run(tmp_path, "serve", PORT="x", WORKERS="0", ORIGIN_HOSTS="*")
    assert 2 == done.returncode
    for name in ("BALANCER_PORT", "BALANCER_WORKERS", "BALANCER_ORIGIN_HOSTS"):
        assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_unknown_setting_is_mentioned(tmp_path: Path) -> None:
    """A variable that no setting has, such as one with a letter wrong, is mentioned."""
    done = run(tmp_path, "migrate", CDN_HSOT="a.example")
    assert 0 == done.returncode
    assert "BALANCER_CDN_HSOT" in done.stderr


@pytest.mark.long
def test_old_schema_is_refused(postgres_url: str, tmp_path: Path) -> None:
    """On an old schema the server does not start and says in one line what to run; after that it does."""
    schema = AlembicSchema(postgres_url, make_engine(postgres_url))
    schema.upgrade()
    schema.downgrade("base")
    done = run(tmp_path, "serve", DATABASE_URL=postgres_url)
    assert 1 == done.returncode
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("balancer:")]
    assert "balancer migrate" in line
    assert "Traceback" not in done.stderr
    assert 0 == run(tmp_path, "migrate", DATABASE_URL=postgres_url).returncode
    with Balancer(tmp_path, DATABASE_URL=postgres_url) as balancer:
        assert 301 == httpx.get(balancer.url + QUERY).status_code


def test_no_database_and_no_copy(tmp_path: Path) -> None:
    """Without a database and a copy, a server that is not to wait does not start, and says why in one line."""
    done = run(tmp_path, "serve", DATABASE_URL="postgresql://u:secret@127.0.0.1:1/d", WAIT_FOR_CONFIG="off")
    assert 1 == done.returncode
    assert "balancer: No config is known" in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.long
def test_commands(tmp_path: Path) -> None:
    """The commands explain themselves, migrate both ways, and show a config as the API does."""
    assert "serve" in run(tmp_path, "--help").stdout
    assert "--workers" in run(tmp_path, "serve", "--help").stdout
    assert 0 == run(tmp_path, "migrate").returncode
    with Balancer(tmp_path) as balancer:
        expected = httpx.get(f"{balancer.url}/config", headers=BEARER).json()
    shown = run(tmp_path, "config", "show")
    assert expected == httpx.Response(200, text=shown.stdout).json()
    missing = run(tmp_path, "config", "show", "--id", "7")
    assert (1, "balancer: There is no config with id 7.") == (missing.returncode, missing.stderr.strip())
    assert 0 == run(tmp_path, "migrate", "--to=base", "--yes").returncode
    gone = run(tmp_path, "config", "show")
    assert 1 == gone.returncode
    assert "Traceback" not in gone.stderr
