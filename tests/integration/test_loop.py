"""Shares that follow quality, by real services and stores."""

from collections import Counter
from functools import partial
from typing import Any

import httpx
from redis import Redis

from balancer.adapters import loop_json
from balancer.core.loop.telling import Loops
from tests.factories import BEARER, VIDEO
from tests.integration.conftest import Start
from tests.processes import Balancer, wait_for

PATIENCE = 30.0
"""Seconds that a busy machine may take for what takes a few."""

TARGETS = [{"name": "cdn-a", "host": "a.example"}, {"name": "cdn-b", "host": "b.example"}]

CLIENT = httpx.Client(headers=BEARER)


def change(balancer: Balancer, **fields: object) -> None:
    """Change the config."""
    answer = CLIENT.patch(f"{balancer.url}/config", json={"id": 1, **fields})
    assert 200 == answer.status_code, answer.text


def part(balancer: Balancer) -> float | None:
    """Return which part of its weight cdn-a has, as a process knows it."""
    found: float | None = CLIENT.get(f"{balancer.url}/targets").json()["targets"][0]["loop_part"]
    return found


def served(balancer: Balancer) -> Counter[str]:
    """Return to which hosts a process redirects players."""
    answers = [CLIENT.get(f"{balancer.url}/?video={VIDEO}") for _ in range(60)]
    return Counter(httpx.URL(answer.headers["location"]).host for answer in answers)


def leads(balancer: Balancer) -> bool:
    """Tell whether a process leads, by its metrics."""
    return "balancer_prober_leader 1.0" in CLIENT.get(f"{balancer.url}/metrics").text


def told(store: Redis, settings: dict[str, object]) -> Loops:
    """Return what the process that leads has told."""
    data: Any = store.get(f"{settings['REDIS_PREFIX']}loops")
    found = loop_json.Reader("redis").read(data)
    assert found
    return found


def test_shares_outlive_the_leader(start: Start, shared: dict[str, object]) -> None:
    """Bounds hold in every process within a second of their telling; when the one that leads ends, another goes on."""
    with Redis.from_url(str(shared["REDIS_URL"])) as store:
        read = partial(told, store, shared)
        settings = {**shared, "CMCD": "true", "ADMIN_RATE": "off"}
        both = start(**settings), start(**settings)
        for balancer in both:
            balancer.wait()
        # No target has a check, and somebody leads all the same.
        change(both[0], targets=TARGETS, loop={"targets": [{"name": "cdn-a", "max": 20}]})
        for balancer in both:
            wait_for(lambda balancer=balancer: part(balancer) == 0.25, PATIENCE)  # type: ignore[misc]  # bound at once
            assert {"a.example": 12, "b.example": 48} == served(balancer)
        # Without that bound share comes back after some minutes, so until then only the state tells where it is.
        change(both[0], loop={"targets": []})
        wait_for(lambda: read().configs[1].idle == "few-networks", PATIENCE)
        before = read().by
        leader, other = sorted(both, key=leads, reverse=True)
        leader.process.terminate()
        wait_for(lambda: read().by != before, PATIENCE)
        assert 0.2 == round(read().configs[1].shares["cdn-a"], 3)
        wait_for(lambda: leads(other), PATIENCE)
        assert (0.25, {"a.example": 12, "b.example": 48}) == (part(other), served(other))
