"""What strangers ask of real processes: they are told to wait, fill no log, and keep nobody from anything."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from urllib.parse import urlsplit

import httpx
import pytest

from tests.factories import BEARER, VIDEO
from tests.integration.conftest import Start
from tests.integration.test_edge import Wire
from tests.processes import Balancer

LANES = [pytest.param("on", id="fast lane"), pytest.param("off", id="no fast lane")]
PROXIED = {"TRUSTED_PROXIES": "127.0.0.0/8"}


async def ask(url: str, requests: Iterable[tuple[str, str]], at_once: int) -> list[tuple[int, int]]:
    """Send requests over kept-alive connections, many at once, and return their statuses and for how long to wait.

    Args:
        url: Of the balancer.
        requests: Path and further header fields, each with the end of its line.
        at_once: How many connections, each with one request at a time.
    """
    found: list[tuple[int, int]] = []
    rest, parts = iter(requests), urlsplit(url)

    async def one_after_another() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for path, fields in rest:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            told = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
            await reader.readexactly(int(told[b"content-length"]))
            found.append((int(head.split()[1]), int(told.get(b"retry-after", 0))))
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(one_after_another() for _ in range(at_once)))
    return found


def said(balancer: Balancer, event: str, **fields: object) -> list[dict[str, object]]:
    """Return the lines of an event with these fields."""
    return [line for line in balancer.events() if line["event"] == event and fields.items() <= line.items()]


@pytest.mark.parametrize("lane", LANES)
def test_unknown_paths_are_limited(start: Start, lane: str) -> None:
    """Who asks for what is not there is told to wait, by each lane alike; other addresses and players are not."""
    balancer = start(FAST_LANE=lane, OPEN_RATE="1/h;burst=3", ACCESS_LOG="errors", **PROXIED)
    stranger, other = ({"x-forwarded-for": address} for address in ("203.0.113.1", "203.0.113.2"))
    with httpx.Client(base_url=balancer.url) as client:
        found = [client.get(f"/nothing/{number}", headers=stranger) for number in range(20)]
        assert [404] * 3 + [429] * 17 == [answer.status_code for answer in found]
        last = found[-1]
        assert ("application/problem+json", "no-store", '"open";q=1;w=3600', "DENY") == tuple(
            last.headers[name] for name in ("content-type", "cache-control", "ratelimit-policy", "x-frame-options")
        )
        assert 3000 < int(last.headers["retry-after"]) <= 3600
        assert "urn:video-balancer:problem:rate-limited" == last.json()["type"]
        assert (429, "") == ((head := client.head("/nothing", headers=stranger)).status_code, head.text)
        assert 429 == client.get("/metrics", headers=stranger).status_code
        assert 404 == client.get("/nothing", headers=other).status_code
        assert 301 == client.get(f"/?video={VIDEO}", headers=stranger).status_code
        assert [200] * 3 + [429] == [client.get("/health/live", headers=stranger).status_code for _ in range(4)]
        assert 200 == client.get("/health/live", headers=other).status_code
        assert 200 == client.get("/config", headers={**BEARER, **stranger}).status_code
        text = client.get("/metrics", headers=other).text
        assert 'balancer_rate_limited_requests_total{policy="open"} 20.0' in text
    balancer.stop()
    event = "refusal" if lane == "on" else "request"
    lines = [line for status in (404, 429) for line in said(balancer, event, status=status, client="203.0.113.1")]
    assert [2, 17] == [line["repeated"] for line in lines if "repeated" in line and "path" not in line]


def test_a_flood_fills_no_log(start: Start) -> None:
    """Thousands of requests of a stranger leave a few lines, whichever way they take."""
    balancer = start(ACCESS_LOG="errors")
    kinds = ["/nothing/%d", "/config/%d", "/metrics?%d", "/schema/%d", "/health/%d", "/config?%d", "/docs/%d"]

    guessed = ["Authorization: Bearer vbk_guessed\r\n", ""]
    requests = [(kinds[number % len(kinds)] % number, guessed[number % 3 == 0]) for number in range(2_800)]
    begun = time.monotonic()
    seen = Counter(status for status, _ in asyncio.run(ask(balancer.url, requests, at_once=8)))
    seconds = time.monotonic() - begun
    assert 2_800 == seen.total()
    # A burst for health and one for the rest, and what the rate gives meanwhile, and ten attempts to log in.
    assert seen[429] >= 2_800 - 2 * (100 + 20 * seconds) - 11 - seconds
    assert 200 == httpx.get(f"{balancer.url}/config", headers=BEARER).status_code
    balancer.stop()
    # Each kind of line anew every ten seconds.
    assert len(balancer.log) < 60 * (1 + seconds / 10)
    counted = sum(int(line.get("repeated", 1)) for line in balancer.events() if line["event"] in {"request", "refusal"})
    assert counted >= 1_000


@pytest.mark.parametrize("lane", LANES)
def test_every_line_names_the_same_client(start: Start, lane: str) -> None:
    """Behind a trusted proxy, lines of redirects, refusals, unknown paths and admins name one client alike."""
    balancer = start(FAST_LANE=lane, ACCESS_LOG="all", **PROXIED)
    told = [
        ("X-Forwarded-For: 1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For:  203.0.113.9\t", "203.0.113.9"),
        ('Forwarded: for="[2001:db8::7]:80"', "2001:db8::/64"),
        ("X-Forwarded-For: ::ffff:203.0.113.9", "203.0.113.9"),
        ("X-Forwarded-For: 203.0.113.9\r\nForwarded: for=203.0.113.8", "127.0.0.1"),
        ("X-Forwarded-For: unknown", "127.0.0.1"),
    ]
    for fields, _ in told:
        for more in ("", "Expect: nothing\r\n"):
            for path in (f"/?video={VIDEO}", "/?video=x", "/nothing", "/config", "/docs/nothing"):
                with Wire(balancer.url) as wire:
                    wire.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n{more}\r\n".encode())
                    wire.read()
    balancer.stop()
    asked = [
        said(balancer, "redirect"),
        said(balancer, "refusal", reason="not-a-url"),
        said(balancer, "request", path="/config"),
    ]
    asked.append(said(balancer, "refusal" if lane == "on" else "request", status=404))
    for lines in asked:
        assert {client for _, client in told} == {line["client"] for line in lines}


@pytest.mark.long
def test_admins_are_not_locked_out_of_a_fleet(start: Start, shared: dict[str, object]) -> None:
    """Of a thousand wrong keys at once no more are tried than may be, and a right one is let in everywhere at once."""
    urls = [start(**shared, LOGIN_RATE="10/m;burst=10", OPEN_RATE="off").url for _ in range(2)]

    wrong = [("/config", f"Authorization: Bearer vbk_{number}\r\n") for number in range(1_000)]

    async def attack() -> list[tuple[int, int]]:
        found = await asyncio.gather(*(ask(url, wrong[number::2], at_once=100) for number, url in enumerate(urls)))
        return found[0] + found[1]

    begun = time.monotonic()
    found = asyncio.run(attack())
    seconds = time.monotonic() - begun
    seen = Counter(status for status, _ in found)
    assert {401, 429} == set(seen)
    assert 60 >= max(wait for _, wait in found)
    assert 10 <= seen[401] <= 20 + 2 * seconds / 6 + 2

    for url in urls:
        assert [200] * 20 == [httpx.get(f"{url}/config", headers=BEARER).status_code for _ in range(20)]
