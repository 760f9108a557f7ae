"""Who may do what: every route with every kind of credentials, over the real application."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from balancer.core.keys import Role, digest_of
from tests.factories import BEARER, CHANGED, CREATED, KEY, VIDEO, KeyFactory
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
    return client.request(route.method.upper(), f"{route.path}?{route.query}", json=route.body, headers=headers)


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


def test_unknown_key() -> None:
    """A key that is not there cannot be revoked."""
    with test_client(make_test_app()) as client:
        assert [404, 422] == [client.delete(f"/key{query}").status_code for query in ("?id=9", "")]


def failures(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the lines of failures to authenticate."""
    lines = [record.getMessage() for record in caplog.records]
    return [line for line in lines if "authentication failed" in line]


def test_failures_are_limited_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """An address that fails too often waits, also with a right key; the log tells of it without what was sent."""
    caplog.set_level(logging.INFO)
    with test_client(make_test_app(login_rate="3/h;burst=3")) as client:
        for _ in range(3):
            assert 401 == client.get("/config", headers={"authorization": "Bearer vbk_guessed"}).status_code
        # Nothing was sent, so nothing was tried.
        del client.headers["authorization"]
        assert 401 == client.get("/config").status_code
        answer = client.get("/config", headers=BEARER)
        assert (429, "3600" >= answer.headers["retry-after"] > "1000") == (answer.status_code, True)
        assert '"login";q=3;w=3600' == answer.headers["ratelimit-policy"]
    assert 3 == sum("'path': '/config'" in line for line in failures(caplog))
    assert "guessed" not in caplog.text


def test_log_lines_cannot_be_forged(caplog: pytest.LogCaptureFixture) -> None:
    """A line break in a path does not begin a line of its own in the log."""
    with test_client(make_test_app(open_docs=False)) as client:
        assert (
            401 == client.get("/docs/a%0AERROR%20forged", headers={"authorization": "Bearer vbk_guessed"}).status_code
        )
    (line,) = failures(caplog)
    assert "'path': '/docs/{name}'" in line
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
