"""Targets and policies over HTTP: the real application over a fake record."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from balancer.core.configs.documents import ConfigDocument
from tests.factories import AT_CDN, VIDEO, ConfigFactory, simple_part, targets
from tests.fakes import FakeCdnConfigs
from tests.unit.apps import make_test_app, test_client

PROBLEM = "application/problem+json"
THREE = [
    {"name": "origin", "kind": "origin", "weight": 1},
    {"name": "cdn-a", "host": "A.example", "weight": 6},
    {"name": "cdn-b", "host": "b.example", "weight": 3, "path": "/vod{path}", "scheme": "https"},
]


@pytest.fixture
def client() -> Iterator[TestClient[Litestar]]:
    """Return a client of the application; config 5 has three targets, and nobody gets it."""
    many = ConfigFactory.build(id=5, document=ConfigDocument(targets(origin=1, cdn_a=6, cdn_b=3)))
    with test_client(make_test_app(configs=FakeCdnConfigs(ConfigFactory.build(), many))) as client:
        client.follow_redirects = False
        yield client


def change(client: TestClient[Litestar], path: str = "/config", **fields: Any) -> Any:
    """Change config 1 and return the answer's JSON."""
    answer = client.patch(path, json={"id": 1, **fields})
    assert 200 == answer.status_code, answer.text
    return answer.json()


def served(client: TestClient[Litestar], requests: int) -> Counter[str]:
    """Return how many of so many requests were sent to each host."""
    locations = [client.get(f"/?video={VIDEO}").headers["location"] for _ in range(requests)]
    return Counter(location.split("/")[2] for location in locations)


def at_fault(answer: Any, status: int = 422) -> str:
    """Return the field that a problem names."""
    assert (status, PROBLEM) == (answer.status_code, answer.headers["content-type"]), answer.text
    return str(answer.json()["errors"][0]["field"])


def test_three_targets_get_their_shares(client: TestClient[Litestar]) -> None:
    """Of targets that weigh 1:6:3 each gets exactly its part, at its own host, path and scheme."""
    made = change(client, targets=THREE)
    assert (None, None) == (made["cdn_host"], made["distribution_rate"])
    assert ["origin", "cdn-a", "cdn-b"] == [target["name"] for target in made["targets"]]
    assert ("a.example", "/{server}{path}") == (made["targets"][1]["host"], made["targets"][1]["path"])
    assert {"s1.origin-cluster": 10, "a.example": 60, "b.example": 30} == served(client, 100)
    change(client, targets=THREE[2:])
    assert "https://b.example/vod/video/1488/xcg2djHckad.m3u8" == client.get(f"/?video={VIDEO}").headers["location"]


def test_one_target_is_changed_alone(client: TestClient[Litestar]) -> None:
    """A target is drained, disabled and moved without the others; the simple view is there when it can say it all."""
    change(client, targets=THREE)
    change(client, "/config/target", name="cdn-a", weight=0)
    assert {"s1.origin-cluster": 10, "b.example": 30} == served(client, 40)
    change(client, "/config/target", name="cdn-a", weight=6)
    change(client, "/config/target", name="cdn-b", enabled=False)
    assert {"s1.origin-cluster": 10, "a.example": 60} == served(client, 70)
    last = change(client, "/config/target", name="cdn-b", tier=1, enabled=True)
    assert {"s1.origin-cluster": 10, "a.example": 60} == served(client, 70)
    assert (1, True) == (last["targets"][2]["tier"], last["targets"][2]["enabled"])
    assert simple_part(change(client, targets=THREE[:2]))["cdn_host"] == "a.example"


@pytest.mark.parametrize("field", [{"distribution_rate": 5}, {"cdn_host": "c.example"}])
def test_simple_change_of_what_is_not_simple(client: TestClient[Litestar], field: dict[str, Any]) -> None:
    """What the simple view cannot say is refused with 409, which names the call that can; nothing has changed."""
    before = client.get("/config?id=5").json()
    answer = client.patch("/config", json={"id": 5, **field})
    assert (409, PROBLEM) == (answer.status_code, answer.headers["content-type"])
    assert "PATCH /config/target" in answer.json()["detail"]
    assert before == client.get("/config?id=5").json()
    assert 200 == client.patch("/config", json={"id": 5, "name": "many"}).status_code


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({"targets": []}, "targets", id="no targets"),
        pytest.param({"targets": [{"name": "a"}]}, "targets.a.host", id="CDN without a host"),
        pytest.param({"targets": [{"name": "a", "host": "a b"}]}, "targets.a.host", id="bad host"),
        pytest.param({"targets": [{"name": "a", "host": "a.example", "path": "/x"}]}, "targets.a.path", id="bad path"),
        pytest.param(
            {"targets": [{"name": "a", "host": "a.example", "weights": 1}]}, "targets[0].weights", id="unknown"
        ),
        pytest.param({"targets": [{"name": "a", "kind": "edge"}]}, "targets[0].kind", id="unknown kind"),
        pytest.param(
            {"targets": [{"name": "a", "host": "a.example", "check": {"interval": 0}}]},
            "check.interval",
            id="bad check",
        ),
        pytest.param({"targets": THREE, "cdn_host": "c.example"}, "targets", id="targets twice"),
        pytest.param({"policy": "loyal"}, "policy", id="unknown policy"),
        pytest.param({"sticky_key": "cookie"}, "sticky_key", id="unknown key"),
        pytest.param({"panic_threshold": 101}, "panic_threshold", id="threshold above"),
        pytest.param({"slow_start": -1}, "slow_start", id="slow start below"),
    ],
)
def test_wrong_targets(client: TestClient[Litestar], body: dict[str, Any], field: str) -> None:
    """A wrong document is refused with the name of the target and the field, and nothing has changed."""
    before = client.get("/config").json()
    assert field == at_fault(client.patch("/config", json={"id": 1, **body}))
    assert before == client.get("/config").json()


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        pytest.param({"name": "cdn-c", "weight": 1}, 404, "name", id="no such target"),
        pytest.param({"id": 7, "name": "cdn-a", "weight": 1}, 404, "id", id="no such config"),
        pytest.param({"name": "cdn-a"}, 422, "host", id="nothing to change"),
        pytest.param({"name": "cdn-a", "weight": -1}, 422, "targets.cdn-a.weight", id="weight below"),
        pytest.param({"name": "cdn-a", "weight": 10_001}, 422, "targets.cdn-a.weight", id="weight above"),
        pytest.param({"name": "cdn-a", "host": "http://a"}, 422, "host", id="bad host"),
        pytest.param({"name": "origin", "host": "a.example"}, 422, "targets.origin.host", id="host of an origin"),
        pytest.param({"name": "cdn-a", "new": 1}, 422, "new", id="unknown field"),
    ],
)
def test_wrong_change_of_a_target(client: TestClient[Litestar], body: dict[str, Any], status: int, field: str) -> None:
    """A wrong change of a target is refused with the name of the field, and nothing has changed."""
    before = client.get("/config?id=5").json()
    assert field == at_fault(client.patch("/config/target", json={"id": 5, **body}), status)
    assert before == client.get("/config?id=5").json()


def test_the_last_target_cannot_be_drained(client: TestClient[Litestar]) -> None:
    """Somebody serves at any time: who drains the last target is told so."""
    change(client, "/config/target", name="cdn", enabled=False)
    assert "targets" == at_fault(client.patch("/config/target", json={"id": 1, "name": "origin", "weight": 0}))


def test_changes_of_targets_are_recorded(client: TestClient[Litestar]) -> None:
    """A change of a target is in the history by target and field, respects If-Match, and can be rolled back."""
    read = client.get("/config")
    body = {"id": 1, "name": "cdn", "weight": 19, "reason": "More for the CDN."}
    assert 200 == client.patch("/config/target", json=body, headers={"if-match": read.headers["etag"]}).status_code
    stale = client.patch("/config/target", json=body | {"weight": 4}, headers={"if-match": read.headers["etag"]})
    assert 412 == stale.status_code
    latest = client.get("/config/history").json()["items"][0]
    told = {"target": "cdn", "field": "weight", "before": 9, "after": 19}
    assert ([told], "More for the CDN.") == (latest["target_changes"], latest["reason"])
    assert [told] == client.get("/config/diff?from=1&to=2").json()["target_changes"]
    assert 200 == client.post("/config/rollback", json={"id": 1, "revision": 1}).status_code
    assert read.json()["targets"] == client.get("/config").json()["targets"]


def test_preview_of_a_target(client: TestClient[Litestar]) -> None:
    """What draining a target would do is shown by target, and nothing has changed."""
    before = client.get("/config?id=5").json()
    body = {"id": 5, "target": {"name": "cdn-a", "weight": 0}, "requests": 1000, "videos": [VIDEO]}
    found = client.post("/config/preview", json=body).json()
    assert [100, 600, 300] == [share["requests"] for share in found["before"]["shares"]]
    assert [250, 0, 750] == [share["requests"] for share in found["after"]["shares"]]
    assert ["origin", "cdn-b"] == [place["target"] for place in found["after"]["videos"][0]["places"]]
    assert [("cdn-a", "weight")] == [(one["target"], one["field"]) for one in found["target_changes"]]
    assert before == client.get("/config?id=5").json()
    both = client.post("/config/preview", json={**body, "policy": "sticky"})
    assert "target" == at_fault(both)


def test_new_config_with_targets(client: TestClient[Litestar]) -> None:
    """A config is made of targets and a policy, or of a host and a rate; of neither or both it is not."""
    made = client.post("/configs", json={"targets": THREE, "policy": "failover", "name": "three"})
    assert (201, "failover", 3) == (made.status_code, made.json()["policy"], len(made.json()["targets"]))
    assert "targets" == at_fault(client.post("/configs", json={"targets": THREE, "distribution_rate": 3}))
    assert "cdn_host" == at_fault(client.post("/configs", json={"policy": "sticky"}))
    simple = {"cdn_host": "a.example", "distribution_rate": 3, "policy": "sticky"}
    assert "sticky" == client.post("/configs", json=simple).json()["policy"]


def test_sticky_keeps_a_video_at_its_target(client: TestClient[Litestar]) -> None:
    """By the policy sticky the same video goes to the same target, whatever it carries, and others to others."""
    change(client, targets=THREE, policy="sticky")
    urls = [f"http://s1.origin-cluster/video/{number}/a.m3u8" for number in range(40)]
    first = [client.get(f"/?video={url}").headers["location"].split("/")[2] for url in urls]
    again = [client.get(f"/?video={url}&x=1").headers["location"].split("/")[2] for url in urls]
    assert first == again
    assert 3 == len(set(first))
    assert "sticky" == client.get(f"/explain?video={urls[0]}").json()["reason"]


def test_sticky_by_a_parameter_and_by_the_client(client: TestClient[Litestar]) -> None:
    """The key may be a parameter's value, in the request or in the video's own query, or the client's address."""
    change(client, targets=THREE, policy="sticky", sticky_key="query:sid")

    def where(video: str, query: str = "", client_address: str = "") -> str:
        headers = {"x-explain-client": client_address} if client_address else {}
        return str(client.get(f"/explain?video={video}{query}", headers=headers).json()["target"])

    videos = [f"http://s1.origin-cluster/{number}" for number in range(100)]
    assert 1 == len({where(video, "&sid=7") for video in videos})
    assert {where(videos[0], "&sid=7")} == {where(f"{video}?sid=7") for video in videos}
    assert 3 == len({where(videos[0], f"&sid={number}") for number in range(100)})
    # Without a session the video keeps its target.
    assert 3 == len({where(video) for video in videos})
    change(client, sticky_key="client")
    assert 1 == len({where(video, "&sid=7", "192.0.2.7") for video in videos})
    assert 3 == len({where(videos[0], client_address=f"192.0.2.{number}") for number in range(100)})
    # Somebody who has a network of IPv6 has more addresses than one.
    assert 1 == len({where(videos[0], client_address=f"2001:db8::{number}") for number in range(1, 30)})


def test_explain_tells_why_others_were_skipped(client: TestClient[Litestar]) -> None:
    """The explanation has a reason for each target that was not chosen."""
    more = [{"name": "c", "host": "c.example", "tier": 1}, {"name": "d", "host": "d.example", "enabled": False}]
    change(client, targets=[*THREE, *more, {"name": "e", "host": "e.example", "weight": 0}], policy="failover")
    found = client.get(f"/explain?video={VIDEO}").json()
    skipped = {"cdn-a": "not-chosen", "cdn-b": "not-chosen", "c": "later-tier", "d": "disabled", "e": "drained"}
    assert ("failover", "origin", skipped) == (found["reason"], found["target"], found["skipped"])
    wrong = client.get(f"/explain?video={VIDEO}", headers={"x-explain-client": "somebody"})
    assert "X-Explain-Client" == at_fault(wrong)


def test_rules_choose_the_config(client: TestClient[Litestar]) -> None:
    """A rule gives requests another config from the next one on, by the URL or the client; a rollback undoes that."""
    rules = [
        {"name": "live", "config_id": 5, "when": {"paths": ["/video/1488/"]}},
        {"name": "office", "config_id": 5, "when": {"networks": ["192.0.2.0/24"]}},
        {"name": "tv", "config_id": 5, "when": {"headers": [{"name": "User-Agent", "contains": ["Tizen"]}]}},
    ]
    assert 200 == client.put("/rules", json={"rules": rules}).status_code
    assert {"s1.origin-cluster": 2, "cdn-a.example": 12, "cdn-b.example": 6} == served(client, 20)
    other = "http://s1.origin-cluster/video/7/a.m3u8"

    def explained(**headers: str) -> tuple[int, list[str]]:
        found = client.get(f"/explain?video={other}", headers=headers).json()
        return found["config_id"], [step["finding"] for step in found["steps"] if step["step"] == "rule"]

    assert (1, ["No rule matches, so config 1 decides."]) == explained()
    assert (5, ["The rule 'office' matches, so config 5 decides."]) == explained(**{"x-explain-client": "192.0.2.7"})
    assert (5, ["The rule 'tv' matches, so config 5 decides."]) == explained(**{"user-agent": "Mozilla (Tizen 7.0)"})
    tv = client.get(f"/?video={other}", headers={"user-agent": "tizen"}).headers["location"]
    assert "http://s1.origin-cluster" in tv or "cdn-" in tv
    assert AT_CDN.split("/")[2] == client.get(f"/?video={other}").headers["location"].split("/")[2]
    assert 200 == client.post("/rules/rollback", json={"revision": 0}).status_code
    assert {"cdn.example.com": 5} == served(client, 5)
