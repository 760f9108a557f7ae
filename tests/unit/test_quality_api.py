"""How players fare, as `/quality`, `/stats` and `/metrics` tell it."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from typing_extensions import override

from balancer.api.operation.quality import MAX_GROUPS
from balancer.core.cmcd.reports import Report
from balancer.core.quality.aggregates import Group
from balancer.core.quality.known import KnownQuality
from balancer.core.quality.recording import Recorder
from tests.factories import CHANGED
from tests.unit.apps import make_test_app, test_client
from tests.unit.test_metrics_api import read

NOW = int(CHANGED.timestamp()) // 10
SESSIONS = pytest.approx(11, abs=1)
"""As many as an estimate makes of eleven."""

VIDEO = "video=http://s1.origin-cluster/a.ts"

DE, FR = Group("cdn", "AS64496", "DE"), Group("cdn", "192.0.2.0/24", "")
ELSEWHERE = Group("", "AS64496", "DE")


def hear(recorder: Recorder, group: Group, *reports: Report) -> None:
    """Let a process hear reports of a group."""
    recorder.hear(NOW, reports, lambda _: group, b"k")


class Open(KnownQuality):
    """What is known, whose windows end where the test says."""

    @override
    def go_on(self, newest: int) -> None:
        """Stay where it is: the application's clock stands still."""

    def end_with(self, newest: int) -> None:
        """Let the windows end with this step."""
        super().go_on(newest)


@pytest.fixture
def known() -> KnownQuality:
    """Return what three networks have told in the last step."""
    recorder = Recorder()

    for number in range(10):
        hear(recorder, DE, Report(session=f"a{number}", throughput_kbps=4000, start_ms=800, starved=number < 2))
    hear(recorder, DE, Report(session="a0", starvation_ms=1500, status=503, errors=("E 1",)))
    hear(recorder, FR, Report(session="b", throughput_kbps=1000))
    hear(recorder, ELSEWHERE, Report())
    quality = Open()
    (closed,) = recorder.take(NOW + 1)
    quality.add(NOW, [closed.qualities()])
    quality.end_with(NOW)
    return quality


@pytest.fixture
def client(known: KnownQuality) -> Iterator[TestClient[Litestar]]:
    """Return a client of an application that knows that."""
    with test_client(make_test_app(quality=known)) as client:
        yield client


def test_figures_by_target_and_group(client: TestClient[Litestar]) -> None:
    """Targets come in total and by network and country, those with the most sessions first."""
    found: dict[str, Any] = client.get("/quality").json()
    assert (5, 0) == (found["window"], found["left_out"])
    assert ["cdn", None] == [row["target"] for row in found["targets"]]
    total = found["targets"][0]["figures"]
    assert (12, SESSIONS, 2) == (total["reports"], total["sessions"], total["starved"])
    assert 2 / 11 == pytest.approx(total["starved_share"], rel=0.1)
    assert {"http 503": 1, "player E 1": 1} == total["errors"]
    assert 1.5 == total["starved_seconds"]
    assert [("cdn", "AS64496", "DE"), ("cdn", "192.0.2.0/24", None), (None, "AS64496", "DE")] == [
        (row["target"], row["network"], row["country"]) for row in found["groups"]
    ]
    assert 4000 == pytest.approx(found["groups"][0]["figures"]["throughput_kbps_median"], rel=0.05)
    assert 1000 == pytest.approx(found["groups"][1]["figures"]["throughput_kbps_p5"], rel=0.05)
    nobody = found["groups"][2]["figures"]
    assert (1, 0, None, None) == tuple(
        nobody[name] for name in ("reports", "sessions", "starved_share", "start_ms_median")
    )


def test_a_config_has_its_own_targets(client: TestClient[Litestar]) -> None:
    """With a config, its targets alone are told."""
    found = client.get("/quality?config=1&window=60").json()
    assert (60, ["cdn"], 2) == (found["window"], [row["target"] for row in found["targets"]], len(found["groups"]))
    assert 404 == client.get("/quality?config=9").status_code


@pytest.mark.parametrize("query", ["window=2", "window=0", "window=x", "window=1&window=5", "config=x"])
def test_wrong_questions(client: TestClient[Litestar], query: str) -> None:
    """A window that there is not, and what is no number, are problems."""
    assert 422 == client.get(f"/quality?{query}").status_code


def test_answers_are_bounded() -> None:
    """Of many groups the largest are told, and how many others there are."""
    quality, recorder = Open(), Recorder()
    for number in range(MAX_GROUPS + 50):
        for session in range(3 if number == 222 else 1):
            report, group = Report(session=f"{number}-{session}"), Group("cdn", f"AS{number}", "DE")
            hear(recorder, group, report)
    quality.add(NOW, [recorder.take(NOW + 1)[0].qualities()])
    quality.end_with(NOW)
    with test_client(make_test_app(quality=quality)) as client:
        found = client.get("/quality").json()
    assert (MAX_GROUPS, 50) == (len(found["groups"]), found["left_out"])
    assert "AS222" == found["groups"][0]["network"]


def test_stats_have_the_quality_of_targets(client: TestClient[Litestar]) -> None:
    """Beside the redirects of a target stands how its players fared, null where none has reported."""
    for _ in range(20):
        client.get(f"/?{VIDEO}", follow_redirects=False)
    found = {row["target"]: row["quality"] for row in client.get("/stats").json()["configs"][0]["targets"]}
    assert None is found["origin"]
    assert SESSIONS == found["cdn"]["sessions"]
    assert 0.18 == pytest.approx(found["cdn"]["starved_share"], rel=0.1)
    assert 4000 == pytest.approx(found["cdn"]["throughput_kbps_median"], rel=0.05)
    assert 800 == pytest.approx(found["cdn"]["start_ms_p95"], rel=0.05)


def test_metrics_have_targets_alone(client: TestClient[Litestar]) -> None:
    """Metrics are by target, with codes of a closed vocabulary, in seconds and bits."""
    found = read(client)
    assert {("",): 0, ("cdn",): SESSIONS} == found["balancer_quality_sessions"]
    assert {("cdn",)} == set(found["balancer_quality_starved_ratio"])
    assert {("503", "cdn"): 1, ("player", "cdn"): 1} == found["balancer_quality_errors"]
    assert 0.8 == pytest.approx(found["balancer_quality_start_seconds"]["95", "cdn"], rel=0.05)
    assert 5e5 == pytest.approx(found["balancer_quality_throughput_bytes_per_second"]["50", "cdn"], rel=0.05)
    assert {("5", "cdn"), ("50", "cdn")} == set(found["balancer_quality_throughput_bytes_per_second"])
    assert {(): 0} == found["balancer_quality_malformed_reports_total"]
