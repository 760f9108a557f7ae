"""How often an address may ask for what needs no key, over the real application."""

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from balancer.core.access.keys import Role, digest_of
from tests.factories import KEY, VIDEO, KeyFactory
from tests.fakes import FakeApiKeys
from tests.logged import logged
from tests.unit.apps import make_test_app, test_client

BURST = 4
RATE = f"1/h;burst={BURST}"
VIEWER = "vbk_" + "v" * 43
OPEN = ["/metrics", "/docs", "/docs/start.js", "/schema/openapi.json", "/config", "/nothing", "/docs/nothing"]


@pytest.fixture
def client() -> Iterator[TestClient[Litestar]]:
    """Return a client without credentials of an application whose only limit is that of strangers."""
    keys = FakeApiKeys()
    keys.rows = {1: KeyFactory.build(), 2: KeyFactory.build(id=2, role=Role.VIEWER, digest=digest_of(VIEWER))}
    app = make_test_app(keys=keys, open_rate=RATE, login_rate=None)
    with test_client(app) as client:
        del client.headers["authorization"]
        client.follow_redirects = False
        yield client


def statuses(client: TestClient[Litestar], path: str, method: str = "GET", **fields: str) -> list[int]:
    """Ask once more than a stranger may, and return the statuses."""
    return [client.request(method, path, headers=fields).status_code for _ in range(BURST + 1)]


@pytest.mark.parametrize("path", OPEN)
@pytest.mark.parametrize("secret", ["", "vbk_guessed"])
def test_everything_open_is_limited(client: TestClient[Litestar], path: str, secret: str) -> None:
    """Whatever needs no key, and whoever has none that is right, is told to wait, with or without something made up."""
    fields = {"authorization": f"Bearer {secret}"} if secret else {}
    *first, last = statuses(client, path, **fields)
    assert ({200 if path in OPEN[:4] else 401 if path == "/config" else 404}, 429) == (set(first), last)


@pytest.mark.parametrize(("method", "path"), [("POST", "/metrics"), ("BREW", "/config"), ("PUT", "/")])
@pytest.mark.parametrize("secret", ["", KEY])
def test_wrong_methods_are_limited(client: TestClient[Litestar], method: str, path: str, secret: str) -> None:
    """What no path has needs no key, and is limited as the rest is."""
    fields = {"authorization": f"Bearer {secret}"} if secret else {}
    assert [405] * BURST + [429] == statuses(client, path, method, **fields)


def test_the_answer(client: TestClient[Litestar]) -> None:
    """The answer is a problem that says when to ask again and by which policy, and has what every answer has."""
    served = [client.get("/metrics", headers={"x-request-id": "mine"}) for _ in range(BURST)][-1]
    answer = client.get("/metrics", headers={"x-request-id": "mine"})
    assert (429, "application/problem+json", "no-store", "mine") == (
        answer.status_code,
        answer.headers["content-type"],
        answer.headers["cache-control"],
        answer.headers["x-request-id"],
    )
    assert {name: served.headers[name] for name in ("x-frame-options", "content-security-policy")}.items() <= dict(
        answer.headers
    ).items()
    assert '"open";q=1;w=3600' == answer.headers["ratelimit-policy"]
    assert 3000 < int(answer.headers["retry-after"]) <= 3600
    assert "urn:video-balancer:problem:rate-limited" == answer.json()["type"]
    head = client.head("/metrics")
    assert (429, b"") == (head.status_code, head.content)


def test_whom_it_does_not_touch(client: TestClient[Litestar]) -> None:
    """Whoever asks too often keeps nobody with a key from what needs one, and no players."""
    assert 429 == statuses(client, "/nothing")[-1]
    for secret in (KEY, VIEWER):
        assert 200 == client.get("/config", headers={"authorization": f"Bearer {secret}"}).status_code
    assert 403 == client.get("/keys", headers={"authorization": f"Bearer {VIEWER}"}).status_code
    assert 301 == client.get(f"/?video={VIDEO}").status_code
    assert 204 == client.options("/").status_code


@asynccontextmanager
async def addresses(**settings: Any) -> AsyncIterator[Callable[[str], httpx.AsyncClient]]:
    """Start an application, and return a function that makes its clients by their addresses."""
    app = make_test_app(**settings)

    async def with_state(scope: Any, receive: Any, send: Any) -> None:
        scope["state"] = {}
        await app(scope, receive, send)

    def client_at(address: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(with_state, client=(address, 1))
        return httpx.AsyncClient(transport=transport, base_url="http://balancer.example")

    async with app.lifespan():
        yield client_at


@pytest.mark.anyio
async def test_addresses_count_by_themselves() -> None:
    """Each address has its own, also behind a trusted proxy; another peer's word does not count."""
    async with addresses(open_rate="1/h;burst=1", trusted_proxies="10.0.0.0/8") as client_at:
        first, second, proxy = (client_at(address) for address in ("192.0.2.1", "192.0.2.2", "10.0.0.1"))
        for client, told, status in [
            (first, "", 200), (first, "", 429), (first, "192.0.2.9", 429), (second, "", 200),
            (proxy, "192.0.2.3", 200), (proxy, "192.0.2.3", 429), (proxy, "192.0.2.4", 200), (proxy, "192.0.2.1", 429),
        ]:  # fmt: skip
            assert status == (await client.get("/metrics", headers={"x-forwarded-for": told})).status_code


@pytest.mark.anyio
async def test_health_has_its_own() -> None:
    """Probes are limited too, but nobody uses them up by asking for other things, not even at the same address."""
    async with addresses(open_rate="1/h;burst=2") as client_at:
        client = client_at("192.0.2.1")
        asked = ["/nothing", "/health/nothing", "/metrics", "/health/live", "/health/ready", "/health/live"]
        assert [404, 404, 429, 200, 200, 429] == [(await client.get(path)).status_code for path in asked]
        assert 200 == (await client_at("192.0.2.2").get("/health/live")).status_code


def test_closed_documents_are_not_open() -> None:
    """What a setting closes is for those with a key, as often as their key may."""
    app = make_test_app(open_rate=RATE, open_docs=False, open_metrics=False)
    with test_client(app) as client:
        for path in ("/docs", "/metrics", "/schema/openapi.json"):
            assert [200] * (BURST + 1) == statuses(client, path)


def test_nothing_is_limited_where_it_is_off() -> None:
    """A setting turns it off."""
    with test_client(make_test_app(open_rate="off")) as client:
        assert {404} == {client.get("/nothing").status_code for _ in range(300)}


def test_strangers_write_few_lines(caplog: pytest.LogCaptureFixture) -> None:
    """Requests of one address with the same end are two lines, one of which counts them; an admin's are all told."""
    caplog.set_level(logging.INFO)
    with test_client(make_test_app(login_rate=None)) as client:
        for number in range(100):
            client.get(f"/nothing/{number}", headers={"authorization": ""})
            client.get("/config", headers={"authorization": "Bearer vbk_guessed"})
            client.request(f"BREW{number}", "/config", headers={"authorization": ""})
            client.get("/config")
    lines = logged(caplog, "request")
    told = [(line["status"], line.get("path"), line.get("repeated")) for line in lines if not line.get("actor")]
    assert {
        (404, "/nothing/0", None), (401, "/config", None), (405, "/config", None),
        (404, None, 99), (401, "/config", 99), (405, None, 99),
    } == set(told)  # fmt: skip
    assert 6 == len(told)
    assert 100 == sum(line.get("actor") == "key:1 first" for line in lines)


@pytest.mark.anyio
async def test_turned_away_is_counted() -> None:
    """What is turned away is counted by its policy, and under what was asked for."""
    async with addresses(open_rate="1/h;burst=1") as client_at:
        client = client_at("192.0.2.1")
        for path in ("/docs", "/docs", "/metrics", "/health/live", "/health/live", "/nothing"):
            await client.get(path)
        text = (await client_at("192.0.2.2").get("/metrics")).text
    refused = dict(line.rsplit(" ", 1) for line in text.splitlines() if "4xx" in line)
    surfaces = {
        f'balancer_http_responses_total{{code="4xx",surface="{name}"}}': "1.0"
        for name in ("admin", "metrics", "health", "unknown")
    }
    assert surfaces == {name: count for name, count in refused.items() if count != "0.0"}
    assert 'balancer_rate_limited_requests_total{policy="open"} 4.0' in text
