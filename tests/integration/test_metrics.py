"""What several real workers count together."""

import asyncio

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.factories import BEARER
from tests.integration.conftest import Start
from tests.processes import Balancer, wait_for
from tests.wire import GET, ask, location_of


def read(url: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Return the samples of `/metrics` by name and values of labels, whichever worker answers."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(httpx.get(f"{url}/metrics").text):
        for sample in family.samples:
            labels = tuple(sample.labels[name] for name in sorted(sample.labels))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def check(balancer: Balancer, expected: int) -> None:
    """See that every worker tells the same sums, and that they are what the players counted."""
    for _ in range(8):
        found = read(balancer.url)
        assert expected == sum(found["balancer_redirects_total"].values())
        assert 0 < found["balancer_redirect_duration_seconds_count"][()] <= expected
        assert expected == found["balancer_http_responses_total"]["3xx", "player"]
    stats = httpx.get(f"{balancer.url}/stats?window=1h", headers=BEARER).json()
    assert expected == stats["redirects"]


@pytest.mark.long
def test_four_workers_count_exactly(start: Start, shared: dict[str, object]) -> None:
    """The sum over targets is what the players counted, whichever worker is asked, also after one was killed."""
    balancer = start(WORKERS=4, **shared)
    seen = asyncio.run(ask([balancer.url], 803, at_once=16))
    check(balancer, seen.total())
    killed = balancer.workers()[1]
    killed.kill()
    wait_for(lambda: balancer.starts == 5, seconds=20)
    seen += asyncio.run(ask([balancer.url], 601, at_once=16))
    check(balancer, seen.total())
    found = read(balancer.url)
    numbers = [found[f"balancer_{name}"][()] for name in ("workers", "worker_starts_total", "worker_deaths_total")]
    assert [4, 5, 1] == numbers


@pytest.mark.long
def test_a_worker_killed_under_load(start: Start, shared: dict[str, object]) -> None:
    """What a worker had answered when it was killed stays counted, but for what was under way at that moment."""
    balancer = start(WORKERS=4, **shared)
    at_once = 8

    async def play(connection: int) -> int:
        """Ask until the killed worker breaks a connection off, or often enough, and return how many were answered."""
        answered = 0
        reader, writer = await asyncio.open_connection(*balancer.url.removeprefix("http://").split(":"))
        try:
            for _ in range(2_000):
                writer.write(GET)
                location_of(await reader.readuntil(b"\r\n\r\n"))
                answered += 1
                if (connection, answered) == (0, 500):
                    balancer.workers()[1].kill()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
        return answered

    async def all_play() -> int:
        return sum(await asyncio.gather(*(play(number) for number in range(at_once))))

    answered = asyncio.run(all_play())
    wait_for(lambda: balancer.starts == 5, seconds=20)
    counted = sum(read(balancer.url)["balancer_redirects_total"].values())
    assert abs(counted - answered) <= at_once


@pytest.mark.long
def test_two_hosts_tell_each_other(start: Start, shared: dict[str, object]) -> None:
    """With Redis, each host tells what all of them have served, at most a moment later."""
    first, second = start(WORKERS=2, **shared), start(**shared)
    seen = asyncio.run(ask([first.url, second.url], 2_000, at_once=8))

    def both_know() -> bool:
        answers = [httpx.get(f"{one.url}/stats?window=10m", headers=BEARER).json() for one in (first, second)]
        return [("fleet", 2, seen.total())] * 2 == [(one["scope"], one["hosts"], one["redirects"]) for one in answers]

    wait_for(both_know, seconds=10)


def test_planted_secrets_are_in_no_line(start: Start, shared: dict[str, object]) -> None:
    """Secrets in every part of requests and settings are in nothing that the program writes, at the finest level."""
    redis = {"REDIS_URL": "redis://u:PLANTEDpassword@127.0.0.1:1/0"}
    balancer = start(LOG_LEVEL="debug", ACCESS_LOG="all", **{**shared, **redis})
    signed = "http://s1.origin-cluster/exp=1~hmac=PLANTED/a.ts?token=PLANTED"
    paths = [f"/?video={signed}", "/?video=http://PLANTED@s1.origin-cluster/a?PLANTED=1", f"/explain?video={signed}"]
    tried: list[dict[str, str]] = [{}, BEARER, {"authorization": "Bearer PLANTEDtoken"}, {"x-api-key": "PLANTED"}]
    for path in (*paths, "/vbk_PLANTEDplanted", "/config?key=PLANTED"):
        for headers in tried:
            httpx.get(f"{balancer.url}{path}", headers=headers)
    body = {"id": 1, "cdn_host": "PLANTED@host"}
    httpx.patch(f"{balancer.url}/config", json=body, headers=BEARER)
    balancer.stop()
    assert balancer.has_said(event="store lost", fallback="own-tickets")
    assert balancer.has_said(event="redirect", video="s1.origin-cluster/***/a.ts")
    assert [] == [line for line in [*balancer.log, *balancer.printed] if "PLANTED" in line]
