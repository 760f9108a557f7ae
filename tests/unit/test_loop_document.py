"""Bounds of the loop in a config: over HTTP, in its history, and as it is stored."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from balancer.adapters import config_json
from balancer.core.configs.bounds import Bounds, TargetBounds
from tests.factories import ConfigFactory
from tests.fakes import FakeCdnConfigs
from tests.unit.apps import make_test_app, test_client
from tests.unit.test_targets_api import THREE, at_fault, change

DEFAULTS = {
    "slope": 5.0,
    "min_sessions": 100,
    "worse_by": 3.0,
    "worse_for": 2.0,
    "way_back": 10.0,
    "is_frozen": False,
    "targets": [],
}


@pytest.fixture
def client() -> Iterator[TestClient[Litestar]]:
    """Return a client of the application, whose config has three targets."""
    with test_client(make_test_app(configs=FakeCdnConfigs(ConfigFactory.build()))) as client:
        change(client, targets=THREE)
        yield client


def test_switching_it_on_and_off(client: TestClient[Litestar]) -> None:
    """Bounds have defaults, one field changes without the others, and null switches the loop off."""
    assert None is client.get("/config").json()["loop"]
    assert DEFAULTS == change(client, loop={})["loop"]
    bounds = [{"name": "origin", "max": 15, "cost": 3}, {"name": "cdn-a", "min": 5}]
    made = change(client, loop={"slope": 10, "targets": bounds})["loop"]
    shown = [
        {"name": "cdn-a", "min": 5.0, "max": 100.0, "cost": 1.0},
        {"name": "origin", "min": 0.0, "max": 15.0, "cost": 3.0},
    ]
    assert DEFAULTS | {"slope": 10.0, "targets": shown} == made
    assert made | {"is_frozen": True} == change(client, loop={"is_frozen": True})["loop"]
    revision = change(client, loop={"targets": bounds[::-1]})["revision"]
    assert revision == change(client, loop={"is_frozen": True})["revision"], "the order of bounds is no change"
    assert None is change(client, loop=None)["loop"]
    assert None is client.get("/configs").json()["items"][0]["loop"]


def test_a_new_config_has_bounds(client: TestClient[Litestar]) -> None:
    """A config can be made with bounds, in the simple form and in the full one."""
    for form in ({"cdn_host": "a.example", "distribution_rate": 4}, {"targets": THREE}):
        answer = client.post("/configs", json={**form, "loop": {"targets": [{"name": "origin", "max": 20}]}})
        assert 201 == answer.status_code, answer.text
        assert 20 == answer.json()["loop"]["targets"][0]["max"]
    assert "loop.targets.cdn-x" == at_fault(
        client.post("/configs", json={"targets": THREE, "loop": {"targets": [{"name": "cdn-x"}]}})
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({"loop": {"slope": 51}}, "loop.slope", id="slope"),
        pytest.param({"loop": {"slope": "5"}}, "loop.slope", id="no number"),
        pytest.param({"loop": {"slope": None}}, "loop.slope", id="null"),
        pytest.param({"loop": {"speed": 1}}, "loop.speed", id="unknown field"),
        pytest.param({"loop": {"min_sessions": 1}}, "loop.min_sessions", id="sessions"),
        pytest.param({"loop": {"worse_by": 0}}, "loop.worse_by", id="worse by"),
        pytest.param({"loop": {"worse_for": 61}}, "loop.worse_for", id="worse for"),
        pytest.param({"loop": {"way_back": 0}}, "loop.way_back", id="way back"),
        pytest.param({"loop": {"targets": [{"name": "cdn-x"}]}}, "loop.targets.cdn-x", id="no such target"),
        pytest.param({"loop": {"targets": [{"name": "CDN"}]}}, "loop.targets.name", id="no name"),
        pytest.param({"loop": {"targets": [{"name": "cdn-a", "max": 0}]}}, "loop.targets.cdn-a.max", id="max"),
        pytest.param({"loop": {"targets": [{"name": "cdn-a", "min": -1}]}}, "loop.targets.cdn-a.min", id="min"),
        pytest.param({"loop": {"targets": [{"name": "cdn-a", "cost": 0}]}}, "loop.targets.cdn-a.cost", id="cost"),
        pytest.param({"loop": {"targets": [{"name": "cdn-a"}] * 2}}, "loop.targets", id="twice"),
        pytest.param({"loop": []}, "loop", id="a list"),
        pytest.param(
            {"loop": {"targets": [{"name": "cdn-a"}]}, "targets": THREE[2:]}, "loop.targets.cdn-a", id="removed"
        ),
    ],
)
def test_wrong_bounds(client: TestClient[Litestar], body: dict[str, Any], field: str) -> None:
    """Wrong bounds are refused with the field, by whichever call they come, and nothing has changed."""
    before = client.get("/config").json()
    assert field == at_fault(client.patch("/config", json={"id": 1, **body}))
    assert field == at_fault(client.post("/config/preview", json={"id": 1, **body}))
    assert field == at_fault(client.post("/configs", json={"targets": THREE, **body}))
    assert before == client.get("/config").json()


def test_a_target_with_bounds_stays(client: TestClient[Litestar]) -> None:
    """A target that bounds name cannot be removed without them."""
    change(client, loop={"targets": [{"name": "cdn-b", "max": 40}]})
    assert "loop.targets.cdn-b" == at_fault(client.patch("/config", json={"id": 1, "targets": THREE[:2]}))
    assert [] == change(client, targets=THREE[:2], loop={"targets": []})["loop"]["targets"]


def test_the_history_names_the_fields(client: TestClient[Litestar]) -> None:
    """Preview, history and diff name each bound that differs, and a rollback brings bounds back."""
    change(client, loop={"targets": [{"name": "cdn-a", "max": 50}]})
    wanted = {"id": 1, "loop": {"slope": 7, "targets": [{"name": "cdn-a", "max": 60}]}}
    differing = [
        {"field": "loop.slope", "before": 5.0, "after": 7.0},
        {"field": "loop.targets.cdn-a.max", "before": 50.0, "after": 60.0},
    ]
    preview = client.post("/config/preview", json=wanted).json()
    assert (differing, []) == (preview["changes"], preview["target_changes"])
    assert (5.0, 7.0) == (preview["before"]["config"]["loop"]["slope"], preview["after"]["config"]["loop"]["slope"])
    changed = client.patch("/config", json=wanted, headers={"if-match": '"1-3"'})
    assert 200 == changed.status_code, changed.text
    assert 412 == client.patch("/config", json=wanted, headers={"if-match": '"1-3"'}).status_code
    history = client.get("/config/history").json()["items"]
    assert differing == history[0]["changes"]
    switched_on = {row["field"]: row["after"] for row in history[1]["changes"]}
    assert (None, 5.0, 50.0) == (
        history[1]["changes"][0]["before"],
        switched_on["loop.slope"],
        switched_on["loop.targets.cdn-a.max"],
    )
    assert differing == client.get("/config/diff?from=3&to=4").json()["changes"]
    back = client.post("/config/rollback", json={"id": 1, "revision": 3}).json()
    assert (5.0, 50.0) == (back["loop"]["slope"], back["loop"]["targets"][0]["max"])
    assert None is client.post("/config/rollback", json={"id": 1, "revision": 2}).json()["loop"]


CONFIG = ConfigFactory.build()
BOUNDED = CONFIG.with_document(replace(CONFIG.document, loop=Bounds(slope=7, targets=(TargetBounds("cdn", max=60),))))


def test_there_and_back() -> None:
    """Bounds are read as they were stored, and a document from before there were any has none."""
    assert BOUNDED == config_json.load(config_json.dump(BOUNDED), "file")
    stored = config_json.dump_document(CONFIG.document)
    assert None is stored.pop("loop")
    assert CONFIG.document == config_json.read_document(stored, 2)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"slope": 51.0}, id="out of range"),
        pytest.param({"speed": 1}, id="unknown field"),
        pytest.param({"targets": [{"name": "cdn", "min": 0.0, "max": 60.0}]}, id="half a target"),
        pytest.param({"targets": [{"name": "x", "min": 0.0, "max": 60.0, "cost": 1.0}]}, id="no such target"),
    ],
)
def test_what_cannot_be_trusted_is_refused(changed: dict[str, Any]) -> None:
    """A stored document with bounds that this release does not know is refused as a whole."""
    stored = json.loads(json.dumps(config_json.dump_document(BOUNDED.document)))
    stored["loop"] |= changed
    with pytest.raises(ValueError, match=r"loop|field|cost"):
        config_json.read_document(stored, 2)
