"""What admins do, over real HTTP on both databases."""

from typing import Any

import httpx
import pytest

from balancer.core.access.keys import Role
from tests.factories import AT_CDN, BEARER, VIDEO, simple_part
from tests.integration.conftest import Start
from tests.processes import wait_for
from tests.unit.routes import OWN_ROUTES


@pytest.fixture(params=["sqlite", "postgres"])
def stores(request: pytest.FixtureRequest) -> dict[str, object]:
    """Return the settings of each kind of store."""
    return dict(request.getfixturevalue("shared")) if request.param == "postgres" else {}


def document(**fields: Any) -> dict[str, Any]:
    """Return a config's document that differs from the first one in some fields."""
    return {"name": None, "cdn_host": "cdn.example.com", "distribution_rate": 10, **fields}


def test_walk(start: Start, stores: dict[str, object]) -> None:
    """A key is made; by it a change is previewed, made with a reason, looked at, refused when stale, and taken back."""
    url = start(**stores).url
    made = httpx.post(f"{url}/keys", json={"name": "alice", "role": "operator"}, headers=BEARER).json()
    actor = f"key:{made['id']} alice"
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {made['key']}"}) as client:
        read = client.get("/config")
        change = {"id": 1, "distribution_rate": 1}
        preview = client.post("/config/preview", json={**change, "requests": 100, "videos": [VIDEO]}).json()
        assert [10, 90] == [share["requests"] for share in preview["before"]["shares"]]
        assert [100, 0] == [share["requests"] for share in preview["after"]["shares"]]
        assert read.json() == client.get("/config").json()

        match = {"if-match": read.headers["etag"]}
        assert 200 == client.patch("/config", json={**change, "reason": "A test."}, headers=match).status_code
        told = client.get(f"/explain?video={VIDEO}").json()
        assert ("only-target", VIDEO) == (told["reason"], client.get(f"/?video={VIDEO}").headers["location"])
        stale = client.patch("/config", json={"id": 1, "distribution_rate": 2}, headers=match)
        assert (412, 2, '"1-2"') == (stale.status_code, stale.json()["revision"], stale.headers["etag"])

        latest, first = client.get("/config/history").json()["items"]
        assert (document(distribution_rate=1), actor, "A test.") == (
            simple_part(latest["document"]),
            latest["actor"],
            latest["reason"],
        )
        assert (document(), "first-start") == (simple_part(first["document"]), first["actor"])
        assert [{"field": "distribution_rate", "before": 10, "after": 1}] == latest["changes"]
        assert latest["changes"] == client.get("/config/diff?from=1&to=2").json()["changes"]

        back = client.post("/config/rollback", json={"id": 1, "revision": 1, "reason": "Back."})
        assert (3, 10) == (back.json()["revision"], back.json()["distribution_rate"])
        assert AT_CDN == client.get(f"/explain?video={VIDEO}").json()["location"]
        assert (1, "Back.") == tuple(
            client.get("/config/revision?revision=3").json()[name] for name in ("restored", "reason")
        )

        new = client.post("/configs", json={"cdn_host": "b.example", "distribution_rate": 5, "name": "night"}).json()
        assert [1, new["id"]] == [item["id"] for item in client.get("/configs").json()["items"]]
        assert 204 == client.delete(f"/config?id={new['id']}&reason=Unused").status_code
        assert 404 == client.get(f"/config?id={new['id']}").status_code
        restored = client.post("/config/rollback", json={"id": new["id"], "revision": 1}).json()
        assert (3, "night") == (restored["revision"], restored["name"])
        assert 409 == client.delete("/config?id=1").status_code

        assert 403 == client.get("/keys").status_code
        assert 204 == httpx.delete(f"{url}/key?id={made['id']}", headers=BEARER).status_code
        assert 401 == client.get("/config").status_code


def test_every_route_with_every_role(start: Start, stores: dict[str, object]) -> None:
    """Each route answers those who have its role, and nobody else."""
    url = start(**stores, ADMIN_RATE="off", LOGIN_RATE="off", CMCD="true").url
    with httpx.Client(base_url=url) as client:
        secrets = {
            role: client.post("/keys", json={"name": role.label, "role": role.label}, headers=BEARER).json()["key"]
            for role in Role
        }
        for route in OWN_ROUTES:
            for role, secret in [(None, None), (None, "vbk_unknown"), *secrets.items()]:
                headers = {"authorization": f"Bearer {secret}"} if secret else {}
                status = client.request(route.method.upper(), route.url, json=route.body, headers=headers).status_code
                if route.needs is None or (role and role >= route.needs):
                    assert status in {200, 201, 204, 301, 404, 409}, (route, role)
                else:
                    assert (403 if role else 401) == status, (route, role)


def test_ports_of_their_own(start: Start, shared: dict[str, object]) -> None:
    """A change at an admin's process reaches an edge, which has nothing for admins; neither has what the other has."""
    admin, edge = start(**shared, ROLE="admin").url, start(**shared, ROLE="edge").url
    assert 404 == httpx.get(f"{admin}/?video={VIDEO}").status_code
    assert {404} == {
        httpx.get(edge + path, headers=BEARER).status_code
        for path in ("/config", "/keys", "/docs", "/schema/openapi.json")
    }
    assert 301 == httpx.get(f"{edge}/?video={VIDEO}").status_code
    change = {"id": 1, "distribution_rate": 1}
    assert 200 == httpx.patch(f"{admin}/config", json=change, headers=BEARER).status_code

    def followed() -> bool:
        return httpx.get(f"{edge}/?video={VIDEO}").headers["location"] == VIDEO

    wait_for(followed, seconds=1)
