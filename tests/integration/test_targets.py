"""Several CDNs, over real HTTP on both databases."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import httpx
import pytest

from tests.factories import BEARER, VIDEO
from tests.integration.conftest import Start
from tests.processes import wait_for
from tests.wire import ask

QUERY = f"/?video={VIDEO}"
THREE = [
    {"name": "origin", "kind": "origin", "weight": 1},
    {"name": "cdn-a", "host": "a.example", "weight": 6},
    {"name": "cdn-b", "host": "b.example", "weight": 3},
]


@pytest.fixture(params=["sqlite", "postgres"])
def stores(request: pytest.FixtureRequest) -> dict[str, object]:
    """Return the settings of each kind of store."""
    return dict(request.getfixturevalue("shared")) if request.param == "postgres" else {}


def change(client: httpx.Client, path: str = "/config", **fields: Any) -> Any:
    """Change config 1 and return the answer's JSON."""
    answer = client.patch(path, json={"id": 1, **fields})
    assert 200 == answer.status_code, answer.text
    return answer.json()


def served(client: httpx.Client, requests: int, query: str = QUERY) -> Mapping[str, int]:
    """Return how many of so many requests were sent to each host."""
    return Counter(client.get(query).headers["location"].split("/")[2] for _ in range(requests))


def test_policies_and_tiers(start: Start, stores: dict[str, object]) -> None:
    """Shares are exact for any weights; a drained target, a later tier, a sticky key and a failover do as they say."""
    with httpx.Client(base_url=start(**stores).url, headers=BEARER) as client:
        made = change(client, targets=THREE)
        assert (None, None, 3) == (made["cdn_host"], made["distribution_rate"], len(made["targets"]))
        assert {"s1.origin-cluster": 10, "a.example": 60, "b.example": 30} == served(client, 100)
        refused = client.patch("/config", json={"id": 1, "distribution_rate": 5})
        assert (409, True) == (refused.status_code, "PATCH /config/target" in refused.json()["detail"])

        change(client, "/config/target", name="cdn-a", weight=0, reason="Maintenance.")
        assert {"s1.origin-cluster": 10, "b.example": 30} == served(client, 40)
        latest = client.get("/config/history").json()["items"][0]
        assert [{"target": "cdn-a", "field": "weight", "before": 6, "after": 0}] == latest["target_changes"]

        backup = [*THREE[1:2], {"name": "backup", "host": "c.example", "tier": 1}]
        change(client, targets=backup)
        assert {"a.example": 10} == served(client, 10)
        change(client, "/config/target", name="cdn-a", enabled=False)
        assert {"c.example": 10} == served(client, 10)
        explained = client.get(f"/explain?video={VIDEO}").json()
        assert ("tier", {"cdn-a": "disabled"}) == (explained["reason"], explained["skipped"])

        change(client, targets=THREE, policy="sticky")
        assert 1 == len(served(client, 20))
        videos = [f"/?video=http://s1.origin-cluster/{number}.m3u8" for number in range(60)]
        first = [client.get(video).headers["location"] for video in videos]
        assert 3 == len({location.split("/")[2] for location in first})
        assert first == [client.get(video).headers["location"] for video in videos]

        change(client, policy="failover")
        assert {"s1.origin-cluster": 10} == served(client, 10)
        back = client.post("/config/rollback", json={"id": 1, "revision": 1})
        assert ("cdn.example.com", 10) == (back.json()["cdn_host"], back.json()["distribution_rate"])
        assert {"s1.origin-cluster": 10, "cdn.example.com": 90} == served(client, 100)


def test_rules_give_configs(start: Start, stores: dict[str, object]) -> None:
    """Requests get the config of the first rule that they match, each config with exact shares; one in use is kept."""
    with httpx.Client(base_url=start(**stores).url, headers=BEARER) as client:
        config = client.post("/configs", json={"targets": THREE, "name": "live"}).json()["id"]
        rules = [
            {"name": "live", "config_id": config, "when": {"paths": ["/live/"]}},
            {"name": "tv", "config_id": config, "when": {"headers": [{"name": "User-Agent", "contains": ["Tizen"]}]}},
        ]
        assert 200 == client.put("/rules", json={"rules": rules}).status_code
        live = "/?video=http://s1.origin-cluster/live/1.m3u8"
        seen: Counter[str] = Counter()
        for _ in range(10):
            assert {"s1.origin-cluster": 1, "cdn.example.com": 9} == served(client, 10)
            seen += Counter(served(client, 10, live))
        assert {"s1.origin-cluster": 10, "a.example": 60, "b.example": 30} == seen
        client.headers["user-agent"] = "Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0)"
        assert {"s1.origin-cluster": 1, "a.example": 6, "b.example": 3} == served(client, 10)
        kept = client.delete(f"/config?id={config}")
        assert (409, True) == (kept.status_code, "'live'" in kept.json()["detail"])
        assert 200 == client.put("/rules", json={"rules": []}).status_code
        assert {"s1.origin-cluster": 1, "cdn.example.com": 9} == served(client, 10)
        assert 204 == client.delete(f"/config?id={config}").status_code


def test_a_fleet_follows(start: Start, shared: dict[str, object]) -> None:
    """Over the processes of a fleet each target's count is off its share by at most one for each; all follow rules."""
    urls = [start(**shared).url for _ in range(2)]

    def follow(hosts: set[str], query: str) -> bool:
        with httpx.Client() as client:
            return all(set(served(client, 10, url + query)) == hosts for url in urls)

    with httpx.Client(base_url=urls[0], headers=BEARER) as admin:
        walk(admin, urls, follow)


def walk(admin: httpx.Client, urls: list[str], follow: Callable[[set[str], str], bool]) -> None:
    """Change the targets, then the rules, then a config that a rule names; `follow` tells whether all processes do."""
    change(admin, targets=THREE)
    hosts = {"s1.origin-cluster", "a.example", "b.example"}
    wait_for(partial(follow, hosts, QUERY), seconds=5)
    seen = asyncio.run(ask(urls, 1_003, at_once=8))
    for location, count in seen.items():
        share = {"s1.": 0.1, "a.e": 0.6, "b.e": 0.3}[location.split("/")[2][:3]]
        assert abs(count - 1_003 * share) <= 2 * len(urls)
    config = admin.post("/configs", json={"cdn_host": "c.example", "distribution_rate": 0}).json()["id"]
    rules = [{"name": "all", "config_id": config}]
    assert 200 == admin.put("/rules", json={"rules": rules}).status_code
    wait_for(partial(follow, {"c.example"}, QUERY), seconds=5)
    admin.patch("/config", json={"id": config, "cdn_host": "d.example"})
    wait_for(partial(follow, {"d.example"}, QUERY), seconds=5)
