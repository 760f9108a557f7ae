"""Real servers for the integration tests: named by the environment, or started from wheels."""

import os
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from balancer.adapters.redis import clients
from balancer.adapters.sql.engines import make_engine
from balancer.adapters.sql.migrations import AlembicSchema
from tests import last_release as last
from tests.processes import Balancer, Postgres, Valkey
from tests.servers import Cluster, Watched

Start = Callable[..., Balancer]
"""Starts a balancer with settings by name without the prefix: `start(WORKERS=2)`."""

TEST_DATABASE = re.compile(r"_test$")


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients in the test's own process wait for Redis as long as a busy machine may take."""
    monkeypatch.setattr(clients, "TIMEOUT", 15.0)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Return the URL of a PostgreSQL database that tests may empty."""
    given = os.environ.get("BALANCER_TEST_DATABASE_URL")
    if given:
        name = given.partition("?")[0].rpartition("/")[2]
        if not TEST_DATABASE.search(name):
            pytest.exit(f"BALANCER_TEST_DATABASE_URL names the database {name!r}, which does not end in '_test'", 2)
        yield given
        return
    with Postgres("session") as server:
        yield server.url


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a Redis-protocol server; tests use key prefixes of their own."""
    given = os.environ.get("BALANCER_TEST_REDIS_URL")
    if given:
        yield given
        return
    with Valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server.url


@pytest.fixture(scope="session")
def sentinel_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of servers that Sentinel watches."""
    with Watched(tmp_path_factory.mktemp("sentinel")) as watched:
        yield watched.url


@pytest.fixture(scope="session")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a cluster, whose nodes wait for each other for as long as a busy machine may take."""
    with Cluster(tmp_path_factory.mktemp("cluster"), slot=0, timeout=15_000) as cluster:
        yield cluster.url


@pytest.fixture(scope="session")
def last_release() -> dict[str, str]:
    """Return the environment in which the program is that of the last release."""
    return last.environment()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a balancer in a folder of its own, to be stopped with the test."""
    with ExitStack() as running:

        def start(**settings: object) -> Balancer:
            folder = tmp_path / str(uuid.uuid4())
            folder.mkdir()
            return running.enter_context(Balancer(folder, None, **settings))

        yield start


@pytest.fixture
def shared(postgres_url: str, redis_url: str) -> dict[str, object]:
    """Return the settings of a fleet on an empty PostgreSQL database and a Redis of its own."""
    schema = AlembicSchema(postgres_url, make_engine(postgres_url))
    schema.upgrade()
    schema.downgrade("base")
    schema.upgrade()
    return {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url, "REDIS_PREFIX": f"{uuid.uuid4()}:"}
