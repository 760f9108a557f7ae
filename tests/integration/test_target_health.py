"""The health of targets, by real services and real targets on loopback."""

import signal
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.factories import BEARER
from tests.integration.conftest import Start
from tests.processes import Balancer, wait_for
from tests.targets import TargetServer

INTERVAL = 0.5
"""Seconds between two probes."""

PATIENCE = 20.0
"""Seconds that a busy machine may take for what takes one or two."""

# Each request over a connection of its own, so that all workers get some.
CLIENT = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0), headers=BEARER)

UNLIMITED = {"ADMIN_RATE": "off"}
"""These tests ask more often than an admin may."""

EVERY = 12
"""Requests after which each of two workers has had some, but once in thousands of times."""


@pytest.fixture
def targets() -> Iterator[list[TargetServer]]:
    """Return two targets on different hosts."""
    with ExitStack() as running:
        yield [running.enter_context(TargetServer(f"127.0.0.{number}")) for number in (2, 3)]


def watch(balancer: Balancer, targets: list[TargetServer], **fields: Any) -> None:
    """Let a service send players to these targets, and watch them."""
    check = {"url": "/health", "interval": INTERVAL, "timeout": INTERVAL, "rise": 2, "fall": 2}
    described = [{"name": f"t{number}", "host": one.host, "check": check} for number, one in enumerate(targets)]
    answer = CLIENT.patch(f"{balancer.url}/config", json={"id": 1, "targets": described, **fields})
    assert answer.status_code == 200, answer.text


def state(balancer: Balancer) -> dict[str, dict[str, Any]]:
    """Return how each target is, as the service says."""
    found = CLIENT.get(f"{balancer.url}/targets").json()
    return {target["name"]: target for target in found["targets"]}


def verdicts(balancer: Balancer) -> list[str]:
    """Return the verdicts, as whichever worker answers knows them."""
    return [target["verdict"] for target in state(balancer).values()]


def served(balancer: Balancer, requests: int = 40) -> Counter[str]:
    """Return to which hosts a worker redirects players."""
    video = "http://s1.origin-cluster/video/1/a.m3u8"
    answers = [CLIENT.get(f"{balancer.url}/?video={video}") for _ in range(requests)]
    return Counter(httpx.URL(answer.headers["location"]).netloc.decode() for answer in answers)


def metric(balancer: Balancer, name: str) -> float:
    """Return the value of a metric."""
    text = CLIENT.get(f"{balancer.url}/metrics").text
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))


def know(balancer: Balancer, *expected: str) -> bool:
    """Tell whether every worker knows these verdicts."""
    return all(verdicts(balancer) == list(expected) for _ in range(EVERY))


@pytest.mark.timed
def test_a_target_fails_and_recovers(start: Start, targets: list[TargetServer]) -> None:
    """A target that answers 503 gets nobody after `fall` probes, and its part again after `rise` good ones.

    One of the workers probes, and a second after it has found a verdict all of them go by it.
    """
    balancer = start(WORKERS=2, **UNLIMITED)
    watch(balancer, targets)
    wait_for(lambda: know(balancer, "healthy", "healthy"), PATIENCE)
    assert {"video-balancer"} == {agent.partition("/")[0] for agent, _ in targets[0].asked}
    assert {targets[0].host} == {host for _, host in targets[0].asked}
    assert {one.host for one in targets} == set(served(balancer))

    targets[0].status, asked = 503, len(targets[0].asked)
    wait_for(lambda: balancer.has_said(event="a target has a new verdict", verdict="unhealthy"), PATIENCE)
    found_at = time.monotonic()
    assert 2 <= len(targets[0].asked) - asked
    wait_for(lambda: time.monotonic() - found_at > 1.0 or know(balancer, "unhealthy", "healthy"), PATIENCE)
    assert know(balancer, "unhealthy", "healthy")
    assert {targets[1].host: 40} == served(balancer)
    found = state(balancer)["t0"]
    assert ("answered 503", 0.0, f"http://{targets[0].host}/health") == (found["why"], found["part"], found["url"])
    assert found["latency_ms"] > 0
    assert found["since"] <= found["probed_at"]
    assert 1.0 == metric(balancer, 'balancer_target_healthy{config="1",target="t1"}')
    assert 0.0 == metric(balancer, 'balancer_target_healthy{config="1",target="t0"}')
    assert 1.0 == metric(balancer, "balancer_prober_leader")
    assert 0 < metric(balancer, 'balancer_probes_total{result="status"}')

    targets[0].status, asked = 200, len(targets[0].asked)
    wait_for(lambda: know(balancer, "healthy", "healthy"), PATIENCE)
    assert 2 <= len(targets[0].asked) - asked
    assert {one.host for one in targets} == set(served(balancer))


@pytest.mark.timed
@pytest.mark.long
def test_slow_start(start: Start, targets: list[TargetServer]) -> None:
    """A recovered target gets less than its weight at first, and all of it in the end."""
    targets[0].status = 503
    balancer = start(**UNLIMITED)
    watch(balancer, targets, slow_start=3)
    wait_for(lambda: verdicts(balancer) == ["unhealthy", "healthy"], PATIENCE)
    targets[0].status = 200
    wait_for(lambda: 0 < state(balancer)["t0"]["part"] <= 0.5, PATIENCE)
    assert served(balancer)[targets[0].host] < 20
    wait_for(lambda: state(balancer)["t0"]["part"] == 1.0, PATIENCE)
    assert {one.host: 20 for one in targets} == served(balancer)


@pytest.mark.timed
@pytest.mark.long
def test_a_prober_without_a_network(start: Start) -> None:
    """When all of three hosts fail at once, they count as unknown and players are sent on, and metrics say so."""
    with ExitStack() as running:
        targets = [running.enter_context(TargetServer(f"127.0.0.{number}")) for number in (2, 3, 4)]
        balancer = start(**UNLIMITED)
        watch(balancer, targets)
        wait_for(lambda: verdicts(balancer) == ["healthy"] * 3, PATIENCE)
        for one in targets:
            one.status = 500
        wait_for(lambda: verdicts(balancer) == ["unknown"] * 3, PATIENCE)
        assert {one.host: 10 for one in targets} == served(balancer, 30)
        assert 1.0 == metric(balancer, "balancer_probes_unreliable")
        targets[1].status = 200
        wait_for(lambda: verdicts(balancer) == ["unhealthy", "healthy", "unhealthy"], PATIENCE)
        assert {targets[1].host: 30} == served(balancer, 30)


def leaders(*balancers: Balancer) -> list[Balancer]:
    """Return those services of which a worker probes."""
    return [one for one in balancers if metric(one, "balancer_prober_leader") == 1.0]


@pytest.fixture(
    params=["redis", pytest.param("postgres", marks=pytest.mark.long), pytest.param("file", marks=pytest.mark.long)]
)
def fleet(request: pytest.FixtureRequest, start: Start, tmp_path: Path) -> tuple[Balancer, Balancer]:
    """Return two services that share a place where they agree on who probes."""
    if request.param == "postgres":
        settings = {**request.getfixturevalue("shared")}
        del settings["REDIS_URL"]
    else:
        settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/shared.db"}
    if request.param == "redis":
        settings |= {"REDIS_URL": request.getfixturevalue("redis_url"), "REDIS_PREFIX": f"{uuid.uuid4()}:"}
    if request.param == "file":
        settings["DATA_DIR"] = str(tmp_path / "data")
    return start(**settings, **UNLIMITED), start(**settings, **UNLIMITED)


@pytest.mark.long
@pytest.mark.timed
def test_a_killed_prober_is_replaced(fleet: tuple[Balancer, Balancer], targets: list[TargetServer]) -> None:
    """Of two services one probes; when it is killed the other one does within ten seconds, and goes on where it was.

    Once it probes, what fails next is noticed as before.
    """
    watch(fleet[0], targets)
    targets[0].status = 503
    for one in fleet:
        wait_for(lambda one=one: verdicts(one) == ["unhealthy", "healthy"], PATIENCE)  # type: ignore[misc]  # bound now
    (leader,) = leaders(*fleet)
    (other,) = set(fleet) - {leader}
    since = state(other)["t0"]["since"]
    known = len(targets[1].asked)
    wait_for(lambda: len(targets[1].asked) >= known + 6, PATIENCE)
    leader.process.send_signal(signal.SIGKILL)
    killed_at = time.monotonic()
    asked = [len(one.asked) for one in targets]
    # What the killed process had sent may still have come.
    wait_for(lambda: leaders(other) == [other], 10.0)
    wait_for(lambda: all(len(one.asked) > before for one, before in zip(targets, asked, strict=True)), 10.0)
    assert time.monotonic() - killed_at < 10.0
    assert (["unhealthy", "healthy"], since) == (verdicts(other), state(other)["t0"]["since"])
    targets[1].status = 503
    wait_for(lambda: verdicts(other) == ["unhealthy", "unhealthy"], PATIENCE)


@pytest.mark.timed
@pytest.mark.long
def test_only_one_of_two_probes(fleet: tuple[Balancer, Balancer], targets: list[TargetServer]) -> None:
    """While both run, each target is asked as often as its interval says, and by one alone."""
    watch(fleet[0], targets)
    wait_for(lambda: len(leaders(*fleet)) == 1, PATIENCE)
    begun, asked = time.monotonic(), len(targets[0].asked)
    wait_for(lambda: len(targets[0].asked) >= asked + 10, PATIENCE)
    assert time.monotonic() - begun > 9 * INTERVAL * 0.9
