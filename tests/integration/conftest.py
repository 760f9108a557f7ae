"""Real servers for the integration tests: named by the environment, or started from wheels."""

import os
import re
from collections.abc import Iterator

import pytest

from tests.processes import Postgres, Valkey

TEST_DATABASE = re.compile(r"_test$")


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
