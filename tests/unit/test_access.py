"""Who may do what: every route with every kind of credentials, over the real application."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from balancer.core.access.authentication import Authenticator
from balancer.core.access.keys import Role, digest_of
from balancer.core.clients.quotas import Quota, Throttle
from balancer.core.errors import RateLimited, Unauthenticated
from tests.factories import CHANGED, CREATED, KEY, VIDEO, KeyFactory
from tests.fakes import FakeApiKeys
from tests.unit.apps import make_test_app, test_client
from tests.unit.routes import ROUTES, Route
from tests.unit.tokens import AUDIENCE, ISSUER, Provider

DEAD = {
    "revoked": KeyFactory.build(id=7, digest=digest_of("r" * 40), revoked_at=CREATED, revoked_by="key:1 first"),
    "expired": KeyFactory.build(id=8, digest=digest_of("e" * 40), expires_at=CHANGED),
}
OFF = {"login_rate": None}


def key_of(role: Role) -> str:
    """Return the key of a role in these tests."""
    return f"vbk_{role.label:k<43}"


def some_keys() -> FakeApiKeys:
    """Return a key of each role, a revoked one and an expired one."""
    keys = FakeApiKeys()
    made = [KeyFactory.build(id=int(role), name=role.label, role=role, digest=digest_of(key_of(role))) for role in Role]
    keys.rows = {key.id: key for key in [*made, *DEAD.values()]}
    return keys


@pytest.fixture
def keys() -> FakeApiKeys:
    """Return those keys for one test."""
    return some_keys()


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Provider:
    """Return an identity provider with one key."""
    return Provider(tmp_path_factory.mktemp("provider") / "jwks.json", "one")


@pytest.fixture(scope="module")
def client(provider: Provider) -> Iterator[TestClient[Litestar]]:
    """Return a client without credentials; failures are not limited."""
    settings: dict[str, Any] = {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_jwks": str(provider.path), **OFF}
    with test_client(make_test_app(keys=some_keys(), **settings)) as client:
        client.follow_redirects = False
        del client.headers["authorization"]
        yield client


def ask(client: TestClient[Litestar], route: Route, secret: str | None) -> Any:
    """Make a request that the route can answer."""
    headers = {"authorization": f"Bearer {secret}"} if secret else {}
    return client.request(route.method.upper(), route.url, json=route.body, headers=headers)


def test_every_route_is_in_the_table(client: TestClient[Litestar]) -> None:
    """The table has every operation of the OpenAPI document, and HEAD for each GET; the closed ones say so there."""
    paths = client.get("/schema/openapi.json").json()["paths"]
    found = {
        (path, method): operation.get("security") for path, item in paths.items() for method, operation in item.items()
    }
    got, headed = ({route.path for route in ROUTES if route.method == method} for method in ("get", "head"))
    assert got == headed
    shown = [route for route in ROUTES if route.method != "head"]
    assert {(route.path, route.method): [{"bearer": []}] if route.needs else None for route in shown} == found


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_credentials(client: TestClient[Litestar], provider: Provider, route: Route) -> None:
    """A route answers those who have its role, tells the others which one is needed, and strangers nothing."""
    stranger = Provider(provider.path.with_name("other.json"), "one")
    wrong = [None, "r" * 40, "e" * 40, "vbk_unknown", stranger.token(role="admin"), KEY]
    for secret in wrong:
        answer = ask(client, route, secret)
        if route.needs is None:
            assert answer.status_code < 400
        else:
            assert (401, "Bearer") == (answer.status_code, answer.headers["www-authenticate"].split()[0])
            assert ("error=" in answer.headers["www-authenticate"]) == (secret is not None)
    for role in Role:
        for secret in (key_of(role), provider.token(role=role.label)):
            answer = ask(client, route, secret)
            if route.needs and role < route.needs:
                assert 403 == answer.status_code
                assert f'scope="{route.needs.label}"' in answer.headers["www-authenticate"]
                assert route.method == "head" or route.needs.label in answer.json()["detail"]
            else:
                assert answer.status_code in {200, 201, 204, 301, 404, 409}, answer.text
                break


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic dXNlcjpwYXNz",
        f"bearer{KEY}",
        f"Token {KEY}",
        KEY,
        f"Bearer {KEY} x",
        "Bearer a.b.c",
    ],
)
def test_malformed_credentials(client: TestClient[Litestar], header: str) -> None:
    """What is no bearer key is refused, and a refusal never repeats it."""
    answer = client.get("/config", headers={"authorization": header})
    assert 401 == answer.status_code
    assert KEY not in answer.text
    assert "dXNlcjpwYXNz" not in answer.text


def test_scheme_has_no_case(keys: FakeApiKeys) -> None:
    """The scheme is read in any case, as RFC 9110 has it; a use is noted to the minute."""
    with test_client(make_test_app(keys=keys)) as client:
        assert 200 == client.get("/config", headers={"authorization": f"bEARER  {key_of(Role.VIEWER)} "}).status_code
    assert CHANGED == keys.rows[Role.VIEWER].last_used_at


def test_keys_over_the_api(keys: FakeApiKeys) -> None:
    """A key is made and shown once, stored as a hash, works, is listed without its secret, and dies when revoked."""
    with test_client(make_test_app(keys=keys)) as client:
        client.headers["authorization"] = f"Bearer {key_of(Role.ADMIN)}"
        body = {"name": "deployment", "role": "operator", "expires_at": "2027-01-01T02:00:00+02:00"}
        made = client.post("/keys", json=body)
        assert (201, "no-store") == (made.status_code, made.headers["cache-control"])
        key = made.json()
        secret = key.pop("key")
        assert secret.startswith("vbk_")
        assert len(secret) == 4 + 43
        assert ("deployment", "operator", "2027-01-01T00:00:00Z", "key:3 admin") == (
            key["name"], key["role"], key["expires_at"], key["created_by"],
        )  # fmt: skip
        assert digest_of(secret) == keys.rows[key["id"]].digest
        assert secret not in repr(keys.rows)
        own = {"authorization": f"Bearer {secret}"}
        assert 200 == client.patch("/config", json={"id": 1, "distribution_rate": 3}, headers=own).status_code
        assert f"key:{key['id']} deployment" == client.get("/config/history").json()["items"][0]["actor"]
        listed = client.get("/keys").json()
        assert [1, 2, 3, 7, 8, key["id"]] == [item["id"] for item in listed["items"]]
        assert secret not in str(listed)
        assert listed["items"][:2] == (page := client.get("/keys?limit=2").json())["items"]
        assert 3 == client.get(f"/keys?limit=1&cursor={page['next']}").json()["items"][0]["id"]
        assert 204 == client.delete(f"/key?id={key['id']}").status_code
        assert 401 == client.get("/config", headers=own).status_code
        revoked = client.get(f"/keys?cursor={key['id'] - 1}").json()["items"][0]
        assert "key:3 admin" == revoked["revoked_by"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "admin"}, "name"), ({"name": "", "role": "admin"}, "name"), ({"name": "a"}, "role"),
        ({"name": "a", "role": "root"}, "role"), ({"name": "a", "role": "admin", "x": 1}, "x"),
        ({"name": "a", "role": "admin", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "a", "role": "admin", "expires_at": "2030-01-01T00:00:00"}, "expires_at"),
        ({"name": "a", "role": "admin", "expires_at": "soon"}, "expires_at"),
        ({"name": "a", "role": "admin", "expires_at": "0001-01-01T00:00:00+14:00"}, "expires_at"),
    ],
)  # fmt: skip
def test_wrong_keys(client: TestClient[Litestar], body: dict[str, Any], field: str) -> None:
    """What a key cannot be is refused by field."""
    answer = client.post("/keys", json=body, headers={"authorization": f"Bearer {key_of(Role.ADMIN)}"})
    assert (422, field) == (answer.status_code, answer.json()["errors"][0]["field"])


def test_last_admin_key(keys: FakeApiKeys) -> None:
    """The last admin's key that works is kept, and whoever tries is told how to go on."""
    with test_client(make_test_app(keys=keys)) as client:
        client.headers["authorization"] = f"Bearer {key_of(Role.ADMIN)}"
        kept = client.delete("/key?id=3")
        assert (409, "urn:video-balancer:problem:last-admin-key") == (kept.status_code, kept.json()["type"])
        assert "balancer keys revoke" in kept.json()["detail"]
        assert "id" == kept.json()["errors"][0]["field"]
        made = client.post("/keys", json={"name": "second", "role": "admin"}).json()
        assert 204 == client.delete("/key?id=3").status_code
        client.headers["authorization"] = f"Bearer {made['key']}"
        assert 409 == client.delete(f"/key?id={made['id']}").status_code
        # One that works no more can be revoked, and so can those of others.
        assert [204, 204] == [client.delete(f"/key?id={number}").status_code for number in (8, 2)]


def test_unknown_key() -> None:
    """A key that is not there cannot be revoked."""
    with test_client(make_test_app()) as client:
        assert [404, 422] == [client.delete(f"/key{query}").status_code for query in ("?id=9", "")]


def failures(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the lines of failures to authenticate."""
    lines = [record.getMessage() for record in caplog.records]
    return [line for line in lines if "authentication failed" in line]


def test_failures_are_limited_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """An address that fails too often waits; the log tells of it once, and how often more, without what was sent."""
    caplog.set_level(logging.INFO)
    guessed = {"authorization": "Bearer vbk_guessed"}
    with test_client(make_test_app(login_rate="3/h;burst=3")) as client:
        for _ in range(3):
            assert 401 == client.get("/config", headers=guessed).status_code
        # Nothing was sent, so nothing was tried.
        del client.headers["authorization"]
        assert 401 == client.get("/config").status_code
        for _ in range(100):
            answer = client.get("/config", headers=guessed)
            assert (429, "3600" >= answer.headers["retry-after"] > "1000") == (answer.status_code, True)
            assert '"login";q=3;w=3600' == answer.headers["ratelimit-policy"]
    # An application that tests of this module share sums up its own failures at any time.
    lines = failures(caplog)
    assert any("'path': '/config'" in line and "'repeated'" not in line for line in lines)
    assert 1 == sum("'repeated': 2" in line for line in lines)
    assert "guessed" not in caplog.text


def test_a_right_key_is_never_locked_out(keys: FakeApiKeys, provider: Provider) -> None:
    """Whoever else fails at its address, a key or a token that proves right is let in; one that is dead is not."""
    settings: dict[str, Any] = {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_jwks": str(provider.path)}
    with test_client(make_test_app(keys=keys, login_rate="1/h;burst=2", **settings)) as client:

        def status(secret: str) -> int:
            return client.get("/config", headers={"authorization": f"Bearer {secret}"}).status_code

        assert [401, 401, 429] == [status("vbk_guessed") for _ in range(3)]
        assert [200] * 5 == [status(key_of(Role.ADMIN)) for _ in range(5)]
        assert 200 == status(provider.token(role="viewer"))
        stranger = Provider(provider.path.with_name("stranger.json"), "one")
        wrong = ["vbk_guessed", "r" * 40, "e" * 40, stranger.token(role="admin"), "Basic x"]
        assert [429] * 5 == [status(secret) for secret in wrong]


def test_keys_that_cannot_be_right_are_not_looked_up(keys: FakeApiKeys) -> None:
    """Above the limit a wrong key makes no look-up of its own."""
    with test_client(make_test_app(keys=keys, login_rate="10/m")) as client:
        for number in range(50):
            client.get("/config", headers={"authorization": f"Bearer vbk_{number}"})
    assert 1 == keys.looked_up


@pytest.mark.anyio
async def test_a_thousand_attempts_at_once(keys: FakeApiKeys) -> None:
    """Attempts count while they are under way and cost nothing when they prove right, and nobody waits for long."""
    now = 1_000.0
    throttle = Throttle("login", Quota(10, 60, 10))
    authenticator = Authenticator(keys, None, throttle, lambda: CHANGED, lambda: now)
    keys.gate.clear()

    async def attempt(secret: str) -> str:
        try:
            return (await authenticator.identify(f"Bearer {secret}", "192.0.2.1")).actor
        except (Unauthenticated, RateLimited) as error:
            return type(error).__name__

    attempts = [asyncio.create_task(attempt(f"vbk_{number}")) for number in range(1_000)]
    attempts.append(asyncio.create_task(attempt(key_of(Role.ADMIN))))
    await asyncio.sleep(0)
    keys.gate.set()
    found = await asyncio.gather(*attempts)
    assert {"Unauthenticated": 10, "RateLimited": 990, "key:3 admin": 1} == Counter(found)
    assert 11 == keys.looked_up
    assert 0 < throttle.wait("192.0.2.1", now) <= 6
    now += 6
    assert ["Unauthenticated", "RateLimited"] == [await attempt("vbk_guessed") for _ in range(2)]
    # Those that prove right, however many at once, leave the limit as it was.
    now += 6
    assert ["key:3 admin"] * 99 == await asyncio.gather(*(attempt(key_of(Role.ADMIN)) for _ in range(99)))
    assert ["Unauthenticated", "RateLimited"] == [await attempt("vbk_guessed") for _ in range(2)]
    assert {} == authenticator._trying


def test_log_lines_cannot_be_forged(caplog: pytest.LogCaptureFixture) -> None:
    """A line break in a path does not begin a line of its own in the log."""
    with test_client(make_test_app(open_docs=False)) as client:
        assert (
            401 == client.get("/docs/a%0AERROR%20forged", headers={"authorization": "Bearer vbk_guessed"}).status_code
        )
    assert any("'path': '/docs/{name}'" in line for line in failures(caplog))
    assert "forged" not in caplog.text


def test_admins_are_limited_by_key(keys: FakeApiKeys) -> None:
    """A key that asks too often waits; another one does not, nor do players."""
    with test_client(make_test_app(keys=keys, admin_rate="1/h;burst=2")) as client:
        first, second = ({"authorization": f"Bearer {key_of(role)}"} for role in (Role.VIEWER, Role.ADMIN))
        assert [200, 200, 429] == [client.get("/config", headers=first).status_code for _ in range(3)]
        assert [200, 200, 429] == [client.get("/config", headers=second).status_code for _ in range(3)]
        assert 301 == client.get(f"/?video={VIDEO}", follow_redirects=False).status_code


def test_store_of_keys_away(keys: FakeApiKeys) -> None:
    """While the keys cannot be read nobody is let in, and players are served."""
    keys.down = True
    with test_client(make_test_app(keys=keys)) as client:
        assert 503 == client.get("/config").status_code
        assert 301 == client.get(f"/?video={VIDEO}", follow_redirects=False).status_code


@pytest.mark.parametrize(("open_docs", "status"), [(True, 200), (False, 401)])
def test_documents(open_docs: bool, status: int) -> None:
    """The documents are open unless a setting closes them to strangers."""
    with test_client(make_test_app(open_docs=open_docs)) as client:
        for path in ("/docs", "/docs/start.js", "/schema/openapi.json", "/schema"):
            assert 200 == client.get(path).status_code
            assert status == client.get(path, headers={"authorization": ""} if status == 401 else {}).status_code


def test_methods_are_closed(client: TestClient[Litestar]) -> None:
    """What is not in the document is closed as well."""
    for path in {route.path for route in ROUTES if route.needs}:
        assert 401 == client.options(path).status_code


@pytest.mark.parametrize("path", ["/config", "/docs", "/keys", "/nothing", "/health/live"])
def test_security_headers(path: str) -> None:
    """Answers to admins cannot be framed, sniffed or made to load anything; players' answers stay small."""
    with test_client(make_test_app()) as client:
        headers = client.get(path).headers
        assert ("nosniff", "DENY", "no-referrer") == (
            headers["x-content-type-options"], headers["x-frame-options"], headers["referrer-policy"],
        )  # fmt: skip
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "x-frame-options" not in client.get("/?video=x").headers


@pytest.mark.parametrize(
    ("role", "there", "gone"),
    [
        ("all", {"/", "/config", "/configs", "/keys", "/docs", "/schema/openapi.json", "/health/live"}, set()),
        ("edge", {"/", "/health/live"}, {"/config", "/configs", "/keys", "/docs", "/schema/openapi.json"}),
        ("admin", {"/config", "/configs", "/keys", "/docs", "/schema/openapi.json", "/health/live"}, {"/"}),
    ],
)
def test_roles_of_processes(role: str, there: set[str], gone: set[str]) -> None:
    """An edge has nothing for admins, and an admin's process nothing for players."""
    with test_client(make_test_app(role=role)) as client:
        assert {404} == {client.get(path).status_code for path in gone} or not gone
        assert 404 not in {client.get(path).status_code for path in there}
