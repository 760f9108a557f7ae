"""What admins are told would happen, against what happens."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient

from balancer.core.refusals import RefusalReason
from balancer.core.routing.explanations import explain
from balancer.core.routing.reasons import RoutingReason
from balancer.core.routing.redirects import Redirects
from tests.factories import AT_CDN, VIDEO, ConfigFactory, origins, planner, route
from tests.fakes import FakeCdnConfigs
from tests.unit.apps import make_test_app, test_client

QUERIES = [
    f"video={VIDEO}", f"video={VIDEO}?a=1&b=2&CMCD=x", "video=http%3A%2F%2Fs1.origin-cluster%2Fa%20b.ts", "", "video=",
    "video=x", "video=http://example.com/a", f"video={VIDEO}&video={VIDEO}", "video=http://s1.origin-cluster/../a",
    "video=http://u@s1.origin-cluster/a", "video=http://s1.origin-cluster/a%zz", "video=http://127.0.0.1/a",
    "video=http://s1.origin-cluster/" + "a" * 9000,
]  # fmt: skip


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    """Return a client of the application; nothing changes there but tickets."""
    with test_client(make_test_app(configs=FakeCdnConfigs(ConfigFactory.build(distribution_rate=3)))) as client:
        client.follow_redirects = False
        yield client


@pytest.mark.parametrize("query", QUERIES)
def test_explained_as_served(client: TestClient[Litestar], query: str) -> None:
    """What is explained is what is answered next, for every target, and explaining takes no ticket."""
    for _ in range(4):
        told = [client.get(f"/explain?{query}").json() for _ in range(2)]
        served = client.get(f"/?{query}")
        assert told[0] == told[1]
        assert served.status_code == told[0]["status"]
        assert served.headers.get("location") == told[0]["location"]
        if served.status_code >= 400:
            assert served.json()["errors"][0]["code"] == told[0]["reason"]
            assert served.json()["detail"] == told[0]["steps"][-1]["finding"]


@given(
    rates=st.lists(st.integers(0, 4), min_size=1, max_size=5),
    asked=st.lists(st.tuples(st.booleans(), st.sampled_from(QUERIES)), max_size=30),
)
def test_explained_as_decided(rates: list[int], asked: list[tuple[bool, str]]) -> None:
    """Whatever rates follow one another, the explanation is the next decision."""
    drawing = planner()
    redirects = drawing.redirects
    for revision, rate in enumerate(rates, 1):
        drawing.use(ConfigFactory.build(distribution_rate=rate, revision=revision))
        for look, query in asked:
            found = explain(redirects, query.encode())
            assert (found.decision is None) == isinstance(found.reason, RefusalReason)
            if found.decision and not look:
                made = redirects.redirect(query.encode())
                assert (made.ticket, made.choice, made.location) == (
                    found.decision.ticket, found.decision.choice, found.decision.location,
                )  # fmt: skip


def test_steps(client: TestClient[Litestar]) -> None:
    """The steps tell the config, the pattern, the ticket, its place, the target and the reason."""
    found = client.get(f"/explain?video={VIDEO}").json()
    assert ["config", "video", "host", "ticket", "target", "location"] == [step["step"] for step in found["steps"]]
    assert (1, 1, "*.origin-cluster", "schedule") == (
        found["config_id"], found["revision"], found["host_pattern"], found["reason"],
    )  # fmt: skip
    refused = client.get("/explain?video=http://example.com/a").json()
    assert ["config", "host"] == [step["step"] for step in refused["steps"]]
    assert (422, "host-not-allowed", None, None) == tuple(
        refused[name] for name in ("status", "reason", "ticket", "target")
    )


def test_no_config() -> None:
    """Before any config is known that is what is explained."""
    found = explain(Redirects(origins()), f"video={VIDEO}".encode())
    assert (None, ["config"]) == (found.reason, [step.step for step in found.steps])


@pytest.mark.parametrize(
    ("rate", "reason"), [(0, "only-target"), (1, "only-target"), (2, "schedule"), (1000, "schedule")]
)
def test_reasons(rate: int, reason: str) -> None:
    """Where one target gets everything, that is the reason, else the schedule."""
    assert RoutingReason(reason) == route(ConfigFactory.build(distribution_rate=rate)).policy.choose(b"", 1).reason


@given(rate=st.integers(0, 20), requests=st.integers(0, 200))
def test_counts(rate: int, requests: int) -> None:
    """The counts of a forecast are what so many tickets give."""
    policy = route(ConfigFactory.build(distribution_rate=rate)).policy
    chosen = [policy.choose(b"", ticket)[0] for ticket in range(1, requests + 1)]
    assert [chosen.count(index) for index in range(2)] == list(policy.counts(requests))


def test_preview(client: TestClient[Litestar]) -> None:
    """A preview says what differs, the shares and the places of videos before and after, and changes nothing."""
    before = client.get("/config").json()
    body = {
        "id": 1,
        "distribution_rate": 20,
        "cdn_host": "b.example",
        "videos": [VIDEO, "http://a.b/c"],
        "requests": 1001,
    }
    answer = client.post("/config/preview", json=body)
    assert 200 == answer.status_code
    found = answer.json()
    assert [("cdn_host", "cdn.example.com", "b.example"), ("distribution_rate", 3, 20)] == [
        tuple(change.values()) for change in found["changes"]
    ]
    assert [("origin", pytest.approx(1 / 3), 333), ("cdn", pytest.approx(2 / 3), 668)] == [
        tuple(share.values()) for share in found["before"]["shares"]
    ]
    assert [("origin", 0.05, 50), ("cdn", 0.95, 951)] == [tuple(share.values()) for share in found["after"]["shares"]]
    good, bad = found["after"]["videos"]
    assert [("origin", VIDEO), ("cdn", AT_CDN.replace("cdn.example.com", "b.example"))] == [
        (place["target"], place["location"]) for place in good["places"]
    ]
    assert ("host-not-allowed", []) == (bad["refusal"], bad["places"])
    assert before == client.get("/config").json()
    assert 1 == len(client.get("/config/history").json()["items"])


def test_preview_of_one_target(client: TestClient[Litestar]) -> None:
    """A video has no place at a target without a share."""
    found = client.post("/config/preview", json={"id": 1, "distribution_rate": 0, "videos": [VIDEO]}).json()
    assert ["cdn"] == [place["target"] for place in found["after"]["videos"][0]["places"]]
    assert [None, None] == [share["requests"] for share in found["after"]["shares"]]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"id": 1}, 422, "cdn_host"), ({"id": 1, "distribution_rate": -1}, 422, "distribution_rate"),
        ({"id": 9, "distribution_rate": 1}, 404, "id"), ({"id": 1, "distribution_rate": 1, "x": 1}, 422, "x"),
        ({"id": 1, "distribution_rate": 1, "videos": ["a"] * 101}, 422, "videos"),
        ({"id": 1, "distribution_rate": 1, "videos": [5]}, 422, "videos[0]"),
        ({"id": 1, "distribution_rate": 1, "requests": -1}, 422, "requests"),
        ({"id": 1, "distribution_rate": 1, "requests": 10**30}, 422, "requests"),
    ],
)  # fmt: skip
def test_wrong_previews(client: TestClient[Litestar], body: dict[str, Any], status: int, field: str) -> None:
    """What cannot be previewed is refused by field."""
    answer = client.post("/config/preview", json=body)
    assert (status, field) == (answer.status_code, answer.json()["errors"][0]["field"].replace("[...]", "[0]"))
