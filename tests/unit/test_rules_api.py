"""Rules over HTTP: the real application over a fake record."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from balancer.api.rules.shapes import MAX_BODY
from balancer.core.access.keys import Role
from tests.factories import VIDEO, ConfigFactory, KeyFactory
from tests.fakes import FakeApiKeys, FakeCdnConfigs
from tests.logged import logged
from tests.places import countries
from tests.unit.apps import make_test_app, test_client

AT = "2026-05-05T08:15:30.250000Z"
ACTOR = "key:1 test"


@pytest.fixture
def configs() -> FakeCdnConfigs:
    """Return a record with the configs 1 to 3."""
    return FakeCdnConfigs(*(ConfigFactory.build(id=number) for number in (1, 2, 3)))


@pytest.fixture
def client(configs: FakeCdnConfigs) -> Iterator[TestClient[Litestar]]:
    """Return a client of the application."""
    with test_client(make_test_app(configs=configs)) as client:
        yield client


def rule(name: str = "live", config_id: int = 2, **when: Any) -> dict[str, Any]:
    """Return a rule as JSON has it."""
    return {"name": name, "config_id": config_id, "when": when or {"paths": ["/live/"]}}


def put(client: TestClient[Litestar], *rules: dict[str, Any], **headers: str) -> Any:
    """Replace the rules and return the answer's JSON."""
    answer = client.put("/rules", json={"rules": list(rules), "reason": "Because."}, headers=headers)
    assert 200 == answer.status_code, answer.text
    return answer.json()


def fields_at_fault(answer: Any, status: int = 422) -> set[str]:
    """Return the fields that a problem names."""
    assert (status, "application/problem+json") == (answer.status_code, answer.headers["content-type"]), answer.text
    return {error["field"] for error in answer.json()["errors"]}


def test_replace_and_read(client: TestClient[Litestar]) -> None:
    """Rules that are put are read as they were given, with their revision, and who made it when and why."""
    answer = client.get("/rules")
    nobody = {"actor": None, "made_at": None, "reason": None, "restored": None}
    assert {"revision": 0, "rules": [], **nobody} == answer.json()
    assert '"rules-0"' == answer.headers["etag"]
    given = [
        rule(hosts=["*.bücher.example"], query=[{"name": "a"}], headers=[{"name": "User-Agent", "contains": ["TV"]}]),
        {**rule("off"), "enabled": False},
        {"name": "rest", "config_id": 3},
    ]
    kept = [
        rule(
            hosts=["*.xn--bcher-kva.example"],
            query=[{"name": "a"}],
            headers=[{"name": "user-agent", "contains": ["TV"]}],
        ),
        {**rule("off"), "enabled": False},
        {"name": "rest", "config_id": 3, "when": {}},
    ]
    made = put(client, *given)
    signed = {"actor": made["actor"], "made_at": AT, "reason": "Because.", "restored": None}
    assert {"revision": 1, "rules": kept, **signed} == made == client.get("/rules").json()
    assert '"rules-1"' == client.get("/rules").headers["etag"]


def test_what_is_read_can_be_put_back(client: TestClient[Litestar]) -> None:
    """Rules as they are read make no new revision when they are put."""
    made = put(client, rule(), {**rule("off"), "enabled": False})
    assert made == put(client, *made["rules"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "rules"),
        ({"rules": {}}, "rules"),
        ({"rules": [{"name": "a"}]}, "rules[0].config_id"),
        ({"rules": [{**rule(), "what": 1}]}, "rules[0].what"),
        ({"rules": [{**rule(), "config_id": "2"}]}, "rules[0].config_id"),
        ({"rules": [rule(asns=["7"])]}, "rules[0].when.asns[0]"),
        ({"rules": [rule(paths=["live"])]}, "rules.live.when.paths"),
        ({"rules": [rule(hosts=["*"])]}, "rules.live.when.hosts"),
        ({"rules": [rule(hosts=["*.\u2100.example"])]}, "rules.live.when.hosts"),
        ({"rules": [rule("Live")]}, "rules[0].name"),
        ({"rules": [rule(config_id=9)]}, "rules.live.config_id"),
        ({"rules": [rule(countries=["DE"])]}, "rules.live.when.countries"),
        ({"rules": [rule(asns=[64496])]}, "rules.live.when.asns"),
        ({"rules": [], "reason": "a\nb"}, "reason"),
    ],
)
def test_wrong_rules(client: TestClient[Litestar], body: Any, field: str) -> None:
    """Rules that cannot be had are refused by the name of the rule and the field, and nothing changes."""
    assert {field} == fields_at_fault(client.put("/rules", json=body))
    assert 0 == client.get("/rules").json()["revision"]


def test_places_name_the_setting(client: TestClient[Litestar]) -> None:
    """A rule by country, without a database that knows countries, is told the setting that it needs."""
    answer = client.put("/rules", json={"rules": [rule(countries=["DE"])]})
    assert "BALANCER_GEO_DATABASE" in answer.json()["detail"]


def test_rules_by_country_with_a_database(configs: FakeCdnConfigs, tmp_path: Any) -> None:
    """With a database of countries rules may ask for them, but not for what it does not know."""
    path = tmp_path / "a.mmdb"
    path.write_bytes(countries(DE="192.0.2.0/24"))
    with test_client(make_test_app(configs=configs, geo_database=str(path))) as client:
        assert 1 == put(client, rule(countries=["de"]))["revision"]
        assert {"rules.live.when.asns"} == fields_at_fault(client.put("/rules", json={"rules": [rule(asns=[64496])]}))
        requests = [{"video": VIDEO, "client": address} for address in ("192.0.2.7", "198.51.100.1")]
        rules = [rule("de", 3, countries=["DE"])]
        found = client.post("/rules/preview", json={"rules": rules, "requests": requests}).json()
    assert ["de", None] == [one["after"]["rule"] for one in found["requests"]]


def test_if_match(client: TestClient[Litestar]) -> None:
    """A change of rules that have changed since they were read is refused, and told the revision that they are at."""
    put(client, rule(), **{"If-Match": '"rules-0"'})
    for expected in ('"rules-0"', '"1-1"', 'W/"rules-1"'):
        answer = client.put("/rules", json={"rules": []}, headers={"If-Match": expected})
        assert {"If-Match"} == fields_at_fault(answer, 412)
        assert (1, '"rules-1"') == (answer.json()["revision"], answer.headers["etag"])
    assert 2 == put(client, **{"If-Match": '"rules-7", "rules-1"'})["revision"]
    assert 412 == client.post("/rules/rollback", json={"revision": 1}, headers={"If-Match": '"rules-1"'}).status_code


def test_idempotency(client: TestClient[Litestar]) -> None:
    """A change that is sent again with its key is made once, and another one with the same key is refused."""
    first = put(client, rule(), **{"Idempotency-Key": '"a"'})
    put(client)
    assert first == put(client, rule(), **{"Idempotency-Key": '"a"'})
    assert 2 == client.get("/rules").json()["revision"]
    answer = client.put("/rules", json={"rules": []}, headers={"Idempotency-Key": '"a"'})
    assert {"Idempotency-Key"} == fields_at_fault(answer)


def test_history(client: TestClient[Litestar]) -> None:
    """The history lists revisions page by page, and each is read with its rules and how they changed."""
    put(client, rule())
    put(client, rule("vod", 3), rule())
    put(client, rule("vod", 2), rule())
    page = client.get("/rules/history?limit=2").json()
    assert ([3, 2], "2") == ([item["revision"] for item in page["items"]], page["next"])
    assert {"revision", "actor", "made_at", "reason", "restored"} == page["items"][0].keys()
    last = client.get(f"/rules/history?limit=2&cursor={page['next']}").json()
    assert ([1], None) == ([item["revision"] for item in last["items"]], last["next"])
    third = client.get("/rules/revision?revision=3").json()
    assert [{"rule": "vod", "field": "config_id", "before": 3, "after": 2}] == third["changes"]
    assert ["vod", "live"] == [item["name"] for item in third["rules"]]
    first = client.get("/rules/revision?revision=1").json()
    assert {"position", "config_id", "enabled", "when.paths"} == {change["field"] for change in first["changes"]}
    diff = client.get("/rules/diff?from=3&to=1").json()
    assert (3, 1, {"vod"}) == (diff["from"], diff["to"], {change["rule"] for change in diff["changes"]})
    assert [] == client.get("/rules/diff?from=0&to=0").json()["changes"]
    for path in ("/rules/revision?revision=9", "/rules/diff?from=1&to=9", "/rules/revision?revision=-1"):
        assert {"revision"} == fields_at_fault(client.get(path), 404)
    assert {"revision"} == fields_at_fault(client.get("/rules/revision"))
    assert {"to"} == fields_at_fault(client.get("/rules/diff?from=1"))


def test_rollback(client: TestClient[Litestar]) -> None:
    """A rollback gives the rules of an earlier revision, by a new one, unless a config that they name is gone."""
    put(client, rule(config_id=3))
    put(client, rule("vod"))
    answer = client.post("/rules/rollback", json={"revision": 1, "reason": "Back."}).json()
    assert (3, 1, ["live"]) == (answer["revision"], answer["restored"], [item["name"] for item in answer["rules"]])
    assert [] == client.post("/rules/rollback", json={"revision": 0}).json()["rules"]
    assert 204 == client.delete("/config?id=3").status_code
    assert {"rules.live.config_id"} == fields_at_fault(client.post("/rules/rollback", json={"revision": 1}))
    assert {"revision"} == fields_at_fault(client.post("/rules/rollback", json={"revision": 9}), 404)


def test_a_config_in_use_is_not_deleted(client: TestClient[Litestar]) -> None:
    """A config that a rule names cannot be deleted, and the problem names the rule."""
    put(client, {**rule("off", 3), "enabled": False})
    answer = client.delete("/config?id=3")
    assert {"id"} == fields_at_fault(answer, 409)
    assert "urn:video-balancer:problem:config-in-use" == answer.json()["type"]
    assert "'off'" in answer.json()["detail"]
    put(client)
    assert 204 == client.delete("/config?id=3").status_code


def test_preview(client: TestClient[Litestar]) -> None:
    """A preview tells of each request which rule and config it gets now and would get, and changes nothing."""
    put(client, rule(paths=["/video/"]))
    rules = [
        rule("tv", 3, headers=[{"name": "User-Agent", "contains": ["tizen"]}]),
        rule("near", 3, networks=["192.0.2.0/24"], query=[{"name": "region", "values": ["eu"]}]),
    ]
    requests = [
        {"video": VIDEO},
        {"video": VIDEO, "headers": {"user-agent": "Mozilla Tizen"}},
        {"video": VIDEO, "client": "192.0.2.7", "query": "region=eu"},
        {"video": "http://elsewhere.example/a"},
    ]
    found = client.post("/rules/preview", json={"rules": rules, "requests": requests}).json()
    assert 1 == found["revision"]
    assert {"live", "tv", "near"} == {change["rule"] for change in found["changes"]}
    now, default = {"rule": "live", "config_id": 2}, {"rule": None, "config_id": 1}
    assert [
        (VIDEO, "", None, now, default),
        (VIDEO, "", None, now, {"rule": "tv", "config_id": 3}),
        (VIDEO, "192.0.2.7", None, now, {"rule": "near", "config_id": 3}),
        ("http://elsewhere.example/a", "", "host-not-allowed", None, None),
    ] == [tuple(one.values()) for one in found["requests"]]
    assert 1 == client.get("/rules").json()["revision"]
    present = client.post("/rules/preview", json={"requests": requests[:1]}).json()
    assert ([], now, now) == (present["changes"], present["requests"][0]["before"], present["requests"][0]["after"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"requests": [{"video": VIDEO, "client": "here"}]}, "requests[0].client"),
        ({"requests": [{"video": VIDEO}] * 101}, "requests"),
        ({"requests": [{}]}, "requests[0].video"),
        ({"rules": [rule(paths=["live"])]}, "rules.live.when.paths"),
    ],
)
def test_wrong_previews(client: TestClient[Litestar], body: Any, field: str) -> None:
    """A preview that cannot be made is refused by the name of the field."""
    assert {field} == fields_at_fault(client.post("/rules/preview", json=body))


def test_ten_thousand_rules(client: TestClient[Litestar]) -> None:
    """The most rules that there can be are taken in one request, which is longer than any other may be."""
    rules = [rule(f"r{number}", paths=[f"/live/channel-{number}/"]) for number in range(10_000)]
    assert 10_000 == len(put(client, *rules)["rules"])
    answer = client.put("/rules", content=b" " * (MAX_BODY + 1))
    assert (413, f"The body is longer than {MAX_BODY} bytes.") == (answer.status_code, answer.json()["detail"])
    answer = client.post("/rules/rollback", content=b" " * (64 * 1024 + 1))
    assert (413, "The body is longer than 65536 bytes.") == (answer.status_code, answer.json()["detail"])


def test_roles(configs: FakeCdnConfigs) -> None:
    """A viewer reads and previews the rules, and only an operator changes them."""
    keys = FakeApiKeys()
    keys.rows[1] = KeyFactory.build(role=Role.VIEWER)
    with test_client(make_test_app(configs=configs, keys=keys)) as client:
        assert 200 == client.get("/rules").status_code
        assert 200 == client.post("/rules/preview", json={}).status_code
        assert 403 == client.put("/rules", json={"rules": []}).status_code
        assert 403 == client.post("/rules/rollback", json={"revision": 0}).status_code


def test_a_record_that_is_away(client: TestClient[Litestar], configs: FakeCdnConfigs) -> None:
    """While the record is away, rules are neither read nor changed, and the answer says when to try again."""
    configs.down = True
    for answer in (client.get("/rules"), client.put("/rules", json={"rules": []}), client.get("/rules/history")):
        assert (503, "1") == (answer.status_code, answer.headers["retry-after"])


def test_one_line_for_a_change(client: TestClient[Litestar], caplog: pytest.LogCaptureFixture) -> None:
    """A change of the rules writes one line with who, why and how many, and one that changes nothing writes none."""
    caplog.set_level(logging.INFO)
    put(client, rule())
    (line,) = logged(caplog, "rules")
    assert ("replaced", 1, 1, "Because.") == (line["action"], line["revision"], line["rules"], line["reason"])
