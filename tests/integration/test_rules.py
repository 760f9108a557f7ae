"""What admins do with rules, over real HTTP on both databases, and with a database of places that changes."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.factories import BEARER, VIDEO
from tests.integration.conftest import Start
from tests.places import countries
from tests.processes import wait_for


@pytest.fixture(params=["sqlite", "postgres"])
def stores(request: pytest.FixtureRequest) -> dict[str, object]:
    """Return the settings of each kind of store."""
    return dict(request.getfixturevalue("shared")) if request.param == "postgres" else {}


def test_walk(start: Start, stores: dict[str, object]) -> None:
    """Rules are previewed, made, refused when stale, keep their config, and are taken back, as two processes see it."""
    first = start(**stores)
    second = start(**stores) if stores else first
    with httpx.Client(base_url=first.url, headers=BEARER) as client, httpx.Client(headers=BEARER) as other:
        made = client.post("/configs", json={"cdn_host": "b.example", "distribution_rate": 0}).json()["id"]
        rules = [{"name": "video", "config_id": made, "when": {"paths": ["/video/"], "networks": ["127.0.0.0/8"]}}]
        asked = {"rules": rules, "requests": [{"video": VIDEO, "client": "127.0.0.1"}, {"video": VIDEO}]}
        preview = client.post("/rules/preview", json=asked).json()
        assert [None, None] == [one["before"]["rule"] for one in preview["requests"]]
        assert ["video", None] == [one["after"]["rule"] for one in preview["requests"]]
        match = {"if-match": client.get("/rules").headers["etag"]}
        assert 200 == client.put("/rules", json={"rules": rules, "reason": "A test."}, headers=match).status_code
        assert rules == other.get(f"{second.url}/rules").json()["rules"]
        assert 412 == other.put(f"{second.url}/rules", json={"rules": []}, headers=match).status_code
        refused = other.delete(f"{second.url}/config?id={made}")
        assert (409, True) == (refused.status_code, "the rule 'video'" in refused.json()["detail"])
        assert 200 == other.put(f"{second.url}/rules", json={"rules": []}).status_code
        assert {"video"} == {change["rule"] for change in client.get("/rules/diff?from=1&to=2").json()["changes"]}
        assert rules == client.post("/rules/rollback", json={"revision": 1}).json()["rules"]
        assert [(3, 1), (2, None), (1, None)] == [
            (item["revision"], item["restored"]) for item in other.get(f"{second.url}/rules/history").json()["items"]
        ]


@pytest.mark.long
def test_ten_thousand_rules(start: Start, stores: dict[str, object]) -> None:
    """The most rules that there can be are put and read, and requests are answered right after."""
    url = start(**stores).url
    rules: list[dict[str, Any]] = [
        {"name": f"rule-{number}", "config_id": 1, "when": {"hosts": [f"s{number}.origin-cluster"]}}
        for number in range(10_000)
    ]
    with httpx.Client(base_url=url, headers=BEARER, timeout=30) as client:
        answer = client.put("/rules", json={"rules": rules})
        assert (200, 10_000) == (answer.status_code, len(answer.json()["rules"]))
        assert 301 == client.get(f"/?video={VIDEO}").status_code
        asked = [{"video": f"http://s{number}.origin-cluster/a.m3u8"} for number in (0, 9_999, 10_000)]
        found = client.post("/rules/preview", json={"requests": asked}).json()["requests"]
        assert ["rule-0", "rule-9999", None] == [one["before"]["rule"] for one in found]
        assert 10_000 == len({change["rule"] for change in client.get("/rules/diff?from=0&to=1").json()["changes"]})


@pytest.mark.long
def test_a_database_of_places_is_replaced_while_it_is_in_use(start: Start, tmp_path: Path) -> None:
    """A running service answers by a new database of places soon after its file was replaced."""
    file, new = tmp_path / "country.mmdb", tmp_path / "new"
    file.write_bytes(countries(DE="192.0.2.0/24"))
    url = start(GEO_DATABASE=file).url
    asked = {
        "rules": [{"name": "germany", "config_id": 1, "when": {"countries": ["DE"]}}],
        "requests": [{"video": VIDEO, "client": "192.0.2.7"}, {"video": VIDEO, "client": "198.51.100.7"}],
    }

    def matches() -> list[bool]:
        found = httpx.post(f"{url}/rules/preview", json=asked, headers=BEARER).json()["requests"]
        return [one["after"]["rule"] == "germany" for one in found]

    assert [True, False] == matches()
    new.write_bytes(countries(DE="198.51.100.0/24"))
    new.replace(file)
    wait_for(lambda: matches() == [False, True], seconds=30)
