"""How the targets are, as `/targets` and `/metrics` tell it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from balancer.core.access.keys import Role
from balancer.core.configs.checks import Check
from balancer.core.configs.documents import CdnConfig, ConfigDocument
from balancer.core.configs.targets import Kind, Target
from balancer.core.health.verdicts import Failure, Outcome
from balancer.telemetry.metrics import exposition
from tests.factories import CHANGED, ConfigFactory, KeyFactory
from tests.fakes import FakeApiKeys, FakeProber
from tests.processes import wait_for
from tests.unit.apps import make_test_app, test_client

CHECK = Check("/health", interval=0.5, timeout=0.5)


@pytest.fixture(autouse=True)
def _always_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each reading be of this moment."""
    monkeypatch.setattr(exposition, "LIFETIME", 0.0)


def config(*targets: Target) -> CdnConfig:
    """Return a config of these targets."""
    return replace(ConfigFactory.build(), document=ConfigDocument(targets))


def read(client: TestClient[Litestar]) -> dict[str, Any]:
    """Return what `/targets` says."""
    answer = client.get("/targets")
    assert (200, "no-store") == (answer.status_code, answer.headers["cache-control"])
    found: dict[str, Any] = answer.json()
    return found


def served(client: TestClient[Litestar]) -> str:
    """Return the host to which a player is sent."""
    answer = client.get("/?video=http://s1.origin-cluster/a.ts", follow_redirects=False)
    return str(answer.headers["location"]).split("/")[2]


def test_nothing_is_watched() -> None:
    """Without checks every target is unknown, says why, and has all of its weight."""
    off = Target("off", Kind.CDN, "off.example", enabled=False, check=CHECK)
    with test_client(make_test_app(config(Target("origin", Kind.ORIGIN, weight=3), off))) as client:
        found = read(client)
        text = client.get("/metrics").text
    nothing = {"since": None, "url": None, "probed_at": None, "latency_ms": None, "certificate_days": None}
    loop = {"loop_part": None, "loop_why": None}
    common = {"config": 1, "verdict": "unknown", "part": 1.0, "tier": 0, **loop, **nothing}
    origin = {"name": "origin", "kind": "origin", "host": None, "weight": 3, "enabled": True}
    cdn = {"name": "off", "kind": "cdn", "host": "off.example", "weight": 1, "enabled": False}
    assert [
        {**common, **origin, "why": "not watched: it has no check"},
        {**common, **cdn, "why": "not watched: it is disabled"},
    ] == found["targets"]
    assert (None, None) == (found["age_seconds"], found["unreliable_since"])
    assert "\nbalancer_verdicts_age_seconds " not in text
    assert "balancer_prober_leader 0.0" in text


def test_watched_targets() -> None:
    """A watched target has a verdict, its time and reason, the last probe, and the end of its certificate."""
    prober = FakeProber()
    ends = CHANGED + timedelta(days=10)
    prober.found = {
        "http://good.example/health": Outcome(None, "answered 200", 0.0125, 200, ends),
        "http://bad.example/health": Outcome(Failure.TIMED_OUT, "did not answer within 0.5 s", 0.5),
    }
    targets = [Target(name, Kind.CDN, f"{name}.example", check=CHECK) for name in ("good", "bad")]
    with test_client(make_test_app(config(*targets), prober=prober)) as client:
        wait_for(lambda: [one["part"] for one in read(client)["targets"]] == [1.0, 0.0], seconds=10)
        wait_for(lambda: {served(client) for _ in range(4)} == {"good.example"}, seconds=10)
        found = read(client)
        good, bad = found["targets"]
        (config_stats,) = client.get("/stats").json()["configs"]
        assert {"good": "healthy", "bad": "unhealthy"}.items() >= {
            one["target"]: one["verdict"] for one in config_stats["targets"]
        }.items()
        text = client.get("/metrics").text
    assert ("healthy", "answered 200", 12.5, 10.0) == (
        good["verdict"],
        good["why"],
        good["latency_ms"],
        good["certificate_days"],
    )
    assert ("unhealthy", "did not answer within 0.5 s", 500.0, None) == (
        bad["verdict"],
        bad["why"],
        bad["latency_ms"],
        bad["certificate_days"],
    )
    assert good["since"] == good["probed_at"] == "2026-05-05T08:15:30.250000Z"
    assert "http://bad.example/health" == bad["url"]
    assert 0 <= found["age_seconds"] < 10
    for line in (
        'balancer_target_healthy{config="1",target="good"} 1.0',
        'balancer_target_healthy{config="1",target="bad"} 0.0',
        'balancer_target_part_ratio{config="1",target="bad"} 0.0',
        'balancer_target_latency_seconds{config="1",target="good"} 0.0125',
        'balancer_target_certificate_remaining_seconds{config="1",target="good"} 864000.0',
        'balancer_target_certificate_warning_seconds{config="1",target="good"} 1.2096e+06',
        'balancer_probes_total{result="timed-out"} ',
        'balancer_verdict_changes_total{verdict="unhealthy"} 1.0',
        "balancer_prober_leader 1.0",
        "balancer_probes_unreliable 0.0",
        "balancer_verdicts_age_seconds ",
    ):
        assert f"\n{line}" in text


def test_before_the_first_verdict() -> None:
    """While nobody has told a verdict, a watched target is unknown and says so."""
    prober = FakeProber()
    prober.gate.clear()
    with test_client(make_test_app(config(Target("a", Kind.CDN, "a.example", check=CHECK)), prober=prober)) as client:
        (found,) = read(client)["targets"]
        assert ("unknown", "nobody has told a verdict lately", "http://a.example/health") == (
            found["verdict"],
            found["why"],
            found["url"],
        )
        wait_for(lambda: read(client)["targets"][0]["why"] == "not probed yet", seconds=10)
        assert 'balancer_target_healthy{config="1"' not in client.get("/metrics").text
        prober.gate.set()


def test_everything_fails() -> None:
    """While every probe fails, the answer and the metrics say that verdicts are unknown, and since when."""
    prober = FakeProber()
    targets = [Target(name, Kind.CDN, f"{name}.example", check=CHECK) for name in "abc"]
    prober.found = {f"http://{name}.example/health": Outcome(Failure.REFUSED, "refused", 0.1) for name in "abc"}
    with test_client(make_test_app(config(*targets), prober=prober)) as client:
        wait_for(lambda: read(client)["unreliable_since"] is not None, seconds=10)
        found = read(client)
        assert {("unknown", 1.0)} == {(one["verdict"], one["part"]) for one in found["targets"]}
        assert "balancer_probes_unreliable 1.0" in client.get("/metrics").text


def test_who_may_ask() -> None:
    """A viewer may read how the targets are, nobody may without a key, and the path does not exist for players."""
    keys = FakeApiKeys()
    keys.rows[1] = KeyFactory.build(role=Role.VIEWER)
    with test_client(make_test_app(keys=keys)) as client:
        assert 200 == client.get("/targets").status_code
        assert "GET, HEAD, OPTIONS" == client.options("/targets").headers["allow"]
        assert 405 == client.post("/targets").status_code
        del client.headers["authorization"]
        assert 401 == client.get("/targets").status_code
    with test_client(make_test_app(role="edge")) as client:
        assert 404 == client.get("/targets").status_code
