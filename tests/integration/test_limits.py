"""Rate limits over real sockets and over real processes."""

import asyncio
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from balancer.core.clients.quotas import MAX_CLIENTS, Quota, Throttle
from balancer.core.errors import RateLimited
from tests.factories import AT_CDN, BEARER, VIDEO
from tests.integration.conftest import Start
from tests.processes import Valkey
from tests.wire import GET

pytestmark = pytest.mark.timed

RATE = 50
LANES = [pytest.param("on", id="fast lane"), pytest.param("off", id="no fast lane")]


async def hammer(urls: list[str], seconds: float, at_once: int, pause: float) -> Counter[int]:
    """Ask balancers for a video again and again over kept-alive connections, and count the statuses."""
    seen: Counter[int] = Counter()
    end = time.monotonic() + seconds

    async def one_after_another(url: str) -> None:
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        while time.monotonic() < end:
            writer.write(GET)
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            (length,) = [int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length")]
            await reader.readexactly(length)
            seen[int(head.split()[1])] += 1
            await asyncio.sleep(pause)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(one_after_another(urls[number % len(urls)]) for number in range(at_once)))
    return seen


@pytest.mark.parametrize("lane", LANES)
def test_limit(start: Start, lane: str) -> None:
    """A client that asks too often is told so, until when, and by which policy; it takes no ticket meanwhile."""
    url = start(FAST_LANE=lane, PLAYER_RATE="1/h;burst=3", DISTRIBUTION_RATE=5).url
    with httpx.Client(base_url=url) as client:
        assert [AT_CDN] * 3 == [client.get(f"/?video={VIDEO}").headers["location"] for _ in range(3)]
        answer = client.get(f"/?video={VIDEO}")
        assert (429, "application/problem+json", "*", "no-store") == (
            answer.status_code,
            answer.headers["content-type"],
            answer.headers["access-control-allow-origin"],
            answer.headers["cache-control"],
        )
        assert "location" not in answer.headers
        wait = answer.headers["retry-after"]
        assert 3000 < int(wait) <= 3600
        assert ('"player";q=1;w=3600', f'"player";r=0;t={wait}') == (
            answer.headers["ratelimit-policy"],
            answer.headers["ratelimit"],
        )
        assert {
            "type": "urn:video-balancer:problem:rate-limited",
            "title": "Too many requests",
            "status": 429,
            "detail": "More than 1 requests an hour.",
        } == answer.json()
        # The other lane refuses by the same bucket, and says the same.
        other = client.get(f"/?video={VIDEO}", headers={"expect-nothing": "1", "te": "trailers"})
        assert (429, answer.json()) == (other.status_code, other.json())
        assert set(answer.headers) == set(other.headers)
        # Admins are not players.
        assert 200 == client.get("/config", headers=BEARER).status_code


@pytest.mark.parametrize("lane", LANES)
def test_refused_requests_count(start: Start, lane: str) -> None:
    """Whatever is asked counts once: redirects, refusals and preflights."""
    url = start(FAST_LANE=lane, PLAYER_RATE="1/h;burst=4").url
    with httpx.Client(base_url=url) as client:
        asked = [("GET", "/?video=x"), ("GET", f"/?video={VIDEO}"), ("HEAD", f"/?video={VIDEO}"), ("OPTIONS", "/")]
        statuses = [client.request(method, path).status_code for method, path in [*asked, *asked]]
        assert [422, 301, 301, 204, 429, 429, 429, 429] == statuses


@pytest.mark.parametrize("lane", LANES)
def test_addresses_behind_proxies(start: Start, lane: str) -> None:
    """A header tells the client only where the peer is trusted; elsewhere a spoofed one changes nothing."""
    strict = start(FAST_LANE=lane, PLAYER_RATE="1/h;burst=1").url
    behind = start(FAST_LANE=lane, PLAYER_RATE="1/h;burst=1", TRUSTED_PROXIES="127.0.0.0/8,10.0.0.0/8").url
    headers = [
        {"x-forwarded-for": "203.0.113.1"},
        {"x-forwarded-for": "203.0.113.2"},
        {"forwarded": "for=203.0.113.3"},
        {"x-forwarded-for": "203.0.113.1, 10.0.0.9"},
        {"x-forwarded-for": "1.1.1.1, 203.0.113.2"},
        {"x-forwarded-for": "203.0.113.4", "forwarded": "for=203.0.113.5"},
        {"forwarded": "for=203.0.113.6", "x-forwarded-for": "203.0.113.7"},
    ]
    for url, statuses in [(strict, [301] + [429] * 6), (behind, [301, 301, 301, 429, 429, 301, 429])]:
        with httpx.Client(base_url=url) as client:
            assert statuses == [client.get(f"/?video={VIDEO}", headers=given).status_code for given in headers]


@pytest.mark.long
def test_fleet_shares_the_limit(start: Start, shared: dict[str, object]) -> None:
    """Over ten seconds a fleet of processes serves one client what the limit says, within 10 %."""
    settings = {**shared, "PLAYER_RATE": f"{RATE}/s", "WORKERS": 2}
    urls = [start(**settings).url for _ in range(2)]
    seen = asyncio.run(hammer(urls, 10, 16, 0.02))
    assert {301, 429} == set(seen)
    assert RATE + 10 * RATE == pytest.approx(seen[301], rel=0.1)


@pytest.mark.long
def test_limit_without_its_store(start: Start, tmp_path: Path) -> None:
    """While Redis is away the limit goes on for each process alone, and no request waits for it."""
    folder = tmp_path / "valkey"
    folder.mkdir()
    with Valkey(folder) as server:
        url = start(REDIS_URL=server.url, PLAYER_RATE=f"{RATE}/s").url
        asyncio.run(hammer([url], 0.3, 4, 0.01))
        server.kill()
        seen = asyncio.run(hammer([url], 4, 8, 0.01))
    assert 4 * RATE == pytest.approx(seen[301], rel=0.35)
    assert set(seen) <= {301, 429}


def test_bounded_memory() -> None:
    """A million addresses are not remembered all, and one that goes on asking is not forgotten among them."""
    throttle = Throttle("player", Quota(1, 1, 1))
    throttle.admit("busy", 1000.0)
    for number in range(1_000_000):
        throttle.spend(str(number), 1000.0)
        if number % 10_000 == 0:
            with pytest.raises(RateLimited):
                throttle.check("busy", 1000.0)
            throttle.spend("busy", 1000.0)
    assert len(throttle.young) + len(throttle._old) <= 2 * MAX_CLIENTS
