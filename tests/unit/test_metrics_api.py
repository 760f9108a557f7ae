"""What was counted, as `/metrics` and `/stats` tell it."""

import re
from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from balancer.core.refusals import RefusalReason
from balancer.telemetry.metrics import exposition
from balancer.telemetry.metrics.board import MAX_ENTRIES, OTHER
from balancer.telemetry.metrics.meters import REDIRECT_BOUNDS, Meters
from balancer.telemetry.metrics.recent import STEP
from tests.factories import CHANGED, ConfigFactory
from tests.fakes import FakeSharedStats
from tests.unit.apps import make_test_app, test_client

VIDEO = "video=http://s1.origin-cluster/a.ts"
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"

EDGES = [*map(str, REDIRECT_BOUNDS), "+Inf"]

Values = dict[str, dict[tuple[str, ...], float]]


def read(client: TestClient[Litestar]) -> Values:
    """Return the samples of `/metrics` by name and values of labels."""
    found: Values = {}
    for family in read_text(client.get("/metrics").text):
        for sample in family.samples:
            labels = tuple(sample.labels[name] for name in sorted(sample.labels))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


@pytest.fixture(autouse=True)
def _always_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each reading be of this moment."""
    monkeypatch.setattr(exposition, "LIFETIME", 0.0)


@pytest.fixture
def client() -> Iterator[TestClient[Litestar]]:
    """Return a client of an application that sends a tenth to the origin."""
    with test_client(make_test_app(ConfigFactory.build(distribution_rate=10))) as client:
        yield client


def test_redirects_are_counted_by_target(client: TestClient[Litestar]) -> None:
    """Each redirect is counted once, with its target, its class of status, its time and its ticket."""
    for _ in range(20):
        client.get(f"/?{VIDEO}", follow_redirects=False)
    client.head(f"/?{VIDEO}", follow_redirects=False)
    found = read(client)
    assert {("1", "cdn"): 19, ("1", "origin"): 2} == found["balancer_redirects_total"]
    assert 21 == found["balancer_redirect_duration_seconds_count"][()]
    assert 0 < found["balancer_redirect_duration_seconds_sum"][()] < 60
    assert 21 == found["balancer_http_responses_total"]["3xx", "player"]
    assert {("own",): 21, ("leased",): 0} == found["balancer_tickets_used_total"]
    assert {("1", "cdn"): 0.9, ("1", "origin"): 0.1} == found["balancer_share_configured_ratio"]
    assert {("1", "cdn"): 19 / 21, ("1", "origin"): 2 / 21} == found["balancer_share_served_ratio"]


def test_the_share_served_is_that_of_the_revision_in_force(client: TestClient[Litestar]) -> None:
    """After a change the share is counted anew, and the total goes on."""
    for _ in range(10):
        client.get(f"/?{VIDEO}", follow_redirects=False)
    assert 200 == client.patch("/config", json={"id": 1, "distribution_rate": 1}).status_code
    for _ in range(3):
        client.get(f"/?{VIDEO}", follow_redirects=False)
    found = read(client)
    assert {("1", "cdn"): 9, ("1", "origin"): 4} == found["balancer_redirects_total"]
    assert {("1", "cdn"): 0, ("1", "origin"): 3} == found["balancer_revision_redirects"]
    assert {("1", "cdn"): 0, ("1", "origin"): 1} == found["balancer_share_served_ratio"]
    assert {("1", "cdn"): 0, ("1", "origin"): 1} == found["balancer_share_configured_ratio"]
    assert {("0",): 2} == found["balancer_config_revision"]


def test_refusals_are_counted_by_reason(client: TestClient[Litestar]) -> None:
    """A refusal is counted under its reason and as a 4xx of players, and never as a redirect."""
    for query in ("", "video=http://example.com/a", "video=x", "video=http://example.com/b"):
        client.get(f"/?{query}")
    found = read(client)
    assert {"host-not-allowed": 2, "not-a-url": 1, "video-missing": 1} == {
        reason: count for (reason,), count in found["balancer_refusals_total"].items() if count
    }
    assert set(RefusalReason) == {reason for (reason,) in found["balancer_refusals_total"]}
    assert (4, 0) == (
        found["balancer_http_responses_total"]["4xx", "player"],
        found["balancer_http_responses_total"]["3xx", "player"],
    )


def test_limits_and_failed_logins_are_counted() -> None:
    """Requests above a limit are counted by policy, and credentials that are refused by themselves."""
    with test_client(make_test_app(player_rate="1/h", admin_rate="1/h")) as client:
        for _ in range(3):
            client.get(f"/?{VIDEO}", follow_redirects=False)
            client.get("/config")
        client.get("/config", headers={"authorization": "Bearer vbk_guessed"})
        del client.headers["authorization"]
        client.get("/config")
        found = read(client)
    assert {("admin",): 2, ("player",): 2} == found["balancer_rate_limited_requests_total"]
    assert {(): 1} == found["balancer_authentication_failures_total"]


def test_labels_are_bounded(client: TestClient[Litestar]) -> None:
    """Whatever clients send, there are no more series than before."""
    client.get("/nothing")
    client.request("BREW", "/config")
    before = {name: set(samples) for name, samples in read(client).items()}
    for number in range(50):
        client.get(f"/unknown/{number}")
        client.get(f"/docs/{number}")
        client.get(f"/?video=http://{number}.example/a&{number}={number}", headers={"x-request-id": str(number)})
        client.request(f"METHOD{number}", "/config")
        client.get("/config", headers={"authorization": f"Bearer {number}"})
        client.get(f"/?{VIDEO}&n={number}", follow_redirects=False)
    after = {name: set(samples) for name, samples in read(client).items()}
    new = {name: after[name] - before.get(name, set()) for name in after}
    new_answers = {("4xx", "player"), ("4xx", "unknown"), ("4xx", "admin"), ("2xx", "metrics")}
    assert new_answers >= new.pop("balancer_http_responses_total")
    assert {("1", "cdn"), ("1", "origin")} == new.pop("balancer_redirects_total")
    expected = {("login",), ("cdn",), ("origin",), *((name, target) for name in EDGES for target in ("cdn", "origin"))}
    assert set() == {labels for found in new.values() for labels in found} - expected - {("1", "cdn"), ("1", "origin")}


def test_configs_beyond_the_room(client: TestClient[Litestar]) -> None:
    """A config that came when there was no room for its numbers is counted, under a common name and without a share."""
    slot = client.blocking_portal.call(client.app.state.dishka_container.get, Meters).slot
    for number in range(MAX_ENTRIES):
        slot.cells("filling", str(number))
    for _ in range(10):
        client.get(f"/?{VIDEO}", follow_redirects=False)
    found = read(client)
    assert {(OTHER, OTHER): 10} == found["balancer_redirects_total"]
    assert "balancer_share_served_ratio" not in found
    (config,) = client.get("/stats").json()["configs"]
    target = {"target": OTHER, "redirects": 10, "share": 1.0, "configured": None, "verdict": None, "quality": None}
    assert {"id": None, "redirects": 10, "targets": [target]} == config


def test_formats(client: TestClient[Litestar]) -> None:
    """Prometheus gets the format that it asks for, both say the same, and nothing of the request comes back."""
    plain, open_metrics = client.get("/metrics"), client.get("/metrics", headers={"accept": OPENMETRICS})
    odd = client.get("/metrics", headers={"accept": "application/openmetrics-text; version=9.9; x=y"})
    assert "text/plain; version=0.0.4; charset=utf-8" == plain.headers["content-type"]
    assert "application/openmetrics-text; version=1.0.0; charset=utf-8" in open_metrics.headers["content-type"]
    assert open_metrics.headers["content-type"] == odd.headers["content-type"]
    assert "no-store" == plain.headers["cache-control"]
    assert open_metrics.text.endswith("# EOF\n")
    names = {family.name for family in read_text(plain.text)}
    families = openmetrics.text_string_to_metric_families(open_metrics.text)  # type: ignore[no-untyped-call]  # its gap
    assert {"balancer_build"} == {family.name for family in families} ^ (names - {"balancer_build_info"})


def test_metrics_are_written_down_once_a_second(client: TestClient[Litestar], monkeypatch: pytest.MonkeyPatch) -> None:
    """However often somebody asks, each format is written once for its time."""
    monkeypatch.setattr(exposition, "LIFETIME", 3600.0)
    accepts = [{}, {"accept": OPENMETRICS}]
    first = [client.get("/metrics", headers=accept) for accept in accepts]
    client.get(f"/?{VIDEO}", follow_redirects=False)
    again = [client.get("/metrics", headers=accept) for accept in accepts]
    assert [(one.text, one.headers["content-type"]) for one in first] == [
        (one.text, one.headers["content-type"]) for one in again
    ]
    monkeypatch.setattr(exposition, "LIFETIME", 0.0)
    assert 'target="cdn"} 1.0' in client.get("/metrics").text


def test_names_follow_the_rules(client: TestClient[Litestar]) -> None:
    """Names begin with the program's, are in base units, and end as their kind demands; each has a sentence of help."""
    client.get(f"/?{VIDEO}", follow_redirects=False)
    for family in read_text(client.get("/metrics").text):
        assert re.fullmatch(r"balancer(_[a-z]+)+", family.name)
        assert re.fullmatch(r"[A-Z].*\.", family.documentation)
        assert not re.search(r"_(ms|milliseconds|percent|count|total|bucket|sum)$", family.name)
        assert (family.type == "histogram") <= family.name.endswith("_seconds")


@pytest.mark.parametrize(("open_metrics", "status"), [(True, 200), (False, 401)])
def test_metrics_are_open_unless_a_setting_closes_them(open_metrics: bool, status: int) -> None:
    """A setting closes the metrics to those without a key; with one they are read as before."""
    with test_client(make_test_app(open_metrics=open_metrics)) as client:
        assert 200 == client.get("/metrics").status_code
        del client.headers["authorization"]
        assert (status, status) == (client.get("/metrics").status_code, client.head("/metrics").status_code)


def test_stats(client: TestClient[Litestar]) -> None:
    """What was served in a window is told by config and target, with the share that each is to have."""
    for _ in range(10):
        client.get(f"/?{VIDEO}", follow_redirects=False)
    client.get("/")
    answer = client.get("/stats?window=1m").json()
    unknown = {"verdict": None, "quality": None}
    assert {
        "begin": "2026-05-05T08:14:30Z",
        "end": "2026-05-05T08:15:30.250000Z",
        "scope": "host",
        "hosts": 1,
        "redirects": 10,
        "refusals": {"video-missing": 1},
        "rate_limited": {},
        "configs": [
            {
                "id": 1,
                "redirects": 10,
                "targets": [
                    {"target": "cdn", "redirects": 9, "share": 0.9, "configured": 0.9, **unknown},
                    {"target": "origin", "redirects": 1, "share": 0.1, "configured": 0.1, **unknown},
                ],
            }
        ],
    } == answer


@pytest.mark.parametrize("window", ["", "5", "9s", "61m", "2h", "-1m", "5m&window=6m", "5M", "1d", "0.5h"])
def test_windows_that_cannot_be_asked_for(client: TestClient[Litestar], window: str) -> None:
    """A window is one time from ten seconds to an hour; anything else is an error that names it."""
    answer = client.get(f"/stats?window={window}")
    assert (422, "window") == (answer.status_code, answer.json()["errors"][0]["field"])


def test_stats_of_a_fleet() -> None:
    """What other hosts told counts as well, within the window; while they cannot be asked the answer says so."""
    shared, step = FakeSharedStats(), int(CHANGED.timestamp()) // STEP
    shared.told[step] = {"other/0": {"redirected 1 cdn": 7}, "other/1": {"redirected 1 cdn": 2}, "third/0": {}}
    shared.told[step - 1] = {"other/0": {"redirected 1 origin": 1, "refused bad-host": 4}}
    shared.told[step - 100] = {"other/0": {"redirected 1 cdn": 1_000}}
    with test_client(make_test_app(ConfigFactory.build(distribution_rate=0), shared_stats=shared)) as client:
        client.get(f"/?{VIDEO}", follow_redirects=False)
        found = client.get("/stats?window=30s").json()
        assert ("fleet", 3, 11) == (found["scope"], found["hosts"], found["redirects"])
        assert {"bad-host": 4} == found["refusals"]
        shared.down = True
        found = client.get("/stats?window=30s").json()
        assert ("host", 1, 1) == (found["scope"], found["hosts"], found["redirects"])
