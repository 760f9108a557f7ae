"""What `/health/ready` tells."""

from time import monotonic

import pytest

from balancer.telemetry import health
from tests.fakes import FakeCdnConfigs, FakeDependency
from tests.processes import wait_for
from tests.unit.apps import make_test_app, test_client


def test_all_is_well() -> None:
    """With every store there the answer is 200 and names each with its latency, and the revision that is served."""
    stores = [FakeDependency("database"), FakeDependency("redis")]
    with test_client(make_test_app(dependencies=stores)) as client:
        del client.headers["authorization"]
        answer = client.get("/health/ready")
    found = answer.json()
    assert (200, "ok", [], 1) == (answer.status_code, found["status"], found["fallbacks"], found["config"]["revision"])
    assert [("database", "ok", None), ("redis", "ok", None)] == [
        (store["name"], store["status"], store["fallback"]) for store in found["dependencies"]
    ]
    assert all(store["latency_ms"] >= 0 <= store["age_seconds"] for store in found["dependencies"])


def test_degraded_but_serving() -> None:
    """With a store away the answer is still 200, says so, and says what goes on without it."""
    redis = FakeDependency("redis")
    redis.down = True
    with test_client(make_test_app(dependencies=[FakeDependency(), redis])) as client:
        answer = client.get("/health/ready")
    assert (200, "degraded") == (answer.status_code, answer.json()["status"])
    store = answer.json()["dependencies"][1]
    assert ("down", "the test goes on") == (store["status"], store["fallback"])


def test_a_slow_store_counts_as_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that takes too long counts as down, and is not waited for."""
    monkeypatch.setattr(health, "PATIENCE", 0.01)
    slow, quick = FakeDependency(), FakeDependency("redis")
    slow.gate.clear()
    with test_client(make_test_app(dependencies=[slow, quick])) as client:
        wait_for(lambda: client.get("/health/ready").json()["dependencies"][0]["status"] == "down", seconds=5)
        answer = client.get("/health/ready")
    found = answer.json()
    assert (200, "degraded", "ok") == (answer.status_code, found["status"], found["dependencies"][1]["status"])


def test_nobody_waits_for_a_hanging_store() -> None:
    """While a store hangs, the answer comes at once, from the last probe; before the first one it says `unknown`."""
    slow = FakeDependency()
    slow.gate.clear()
    with test_client(make_test_app(dependencies=[slow])) as client:
        begun = monotonic()
        found = client.get("/health/ready").json()
        assert monotonic() - begun < 1
    store = found["dependencies"][0]
    assert ("degraded", "unknown", None, None) == (
        found["status"],
        store["status"],
        store["latency_ms"],
        store["age_seconds"],
    )


def test_unable_to_serve() -> None:
    """Where admins alone are served, nothing can be without the database: 503."""
    database = FakeDependency()
    database.down = True
    with test_client(make_test_app(dependencies=[database], role="admin")) as client:
        answer = client.get("/health/ready")
    assert (503, "unable") == (answer.status_code, answer.json()["status"])


def test_stores_are_not_asked_for_each_request() -> None:
    """However often somebody asks, the stores are asked once in a while."""
    store = FakeDependency()
    with test_client(make_test_app(configs=FakeCdnConfigs(), dependencies=[store])) as client:
        assert {200} == {client.get("/health/ready").status_code for _ in range(20)}
    assert store.pings < 5
