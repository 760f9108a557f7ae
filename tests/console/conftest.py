"""One browser and one service for all tests of the console."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from balancer.core.access.keys import Role
from tests.console.browser import chromium, running_browser
from tests.factories import BEARER
from tests.processes import Balancer

HERE = Path(__file__).parent
PACKAGES = HERE / "node_modules"

TARGETS = [
    {"name": "origin", "kind": "origin", "weight": 1},
    {"name": "cdn-a", "host": "cdn-a.example.com", "weight": 6},
    {"name": "cdn-b", "host": "cdn-b.example.net", "weight": 3},
    {"name": "cdn-c", "host": "a-delivery-network-with-a-very-long-name.example.org:8443", "weight": 1, "tier": 1},
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a browser where there is none, unless it is required."""
    if chromium() or os.environ.get("BALANCER_TEST_CONSOLE") == "required":
        return
    for item in items:
        if item.path.parent == HERE and "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason="no Chromium here (Debian: apt install chromium)"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return a running browser."""
    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def balancer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balancer]:
    """Return a service with two workers; its limits are none, as tests ask more often than people do."""
    settings = {"WORKERS": 2, "ADMIN_RATE": "off", "OPEN_RATE": "off", "LOGIN_RATE": "off"}
    with Balancer(tmp_path_factory.mktemp("balancer"), None, **settings) as balancer:
        yield balancer


@pytest.fixture(scope="session")
def admin(balancer: Balancer) -> Iterator[httpx.Client]:
    """Return an admin's client of the API."""
    with httpx.Client(base_url=balancer.url, headers=BEARER) as client:
        yield client


@pytest.fixture(scope="session")
def keys(admin: httpx.Client) -> dict[Role, str]:
    """Return a key of each role."""
    made = {role: admin.post("/keys", json={"name": f"Robin's {role.label}", "role": role.label}) for role in Role}
    return {role: answer.json()["key"] for role, answer in made.items()}


@pytest.fixture
def config(admin: httpx.Client) -> int:
    """Return the id of the default config, which has four targets in two tiers."""
    body = {"id": 1, "name": "Main audience", "targets": TARGETS, "policy": "exact", "reason": "As it begins."}
    assert 200 == admin.patch("/config", json=body).status_code
    return 1


def package(name: str) -> Path:
    """Return the folder of an npm package; skip the test where it is not installed, unless it is required."""
    if not (PACKAGES / name).is_dir():
        missing = f"{name} is not installed (make console-install)"
        if os.environ.get("BALANCER_TEST_CONSOLE") == "required":
            pytest.fail(missing)
        pytest.skip(missing)
    return PACKAGES / name
