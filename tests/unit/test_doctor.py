"""What the doctor finds, and what it says of it."""

import json
import resource
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from balancer.cli.doctor.findings import Level
from balancer.cli.doctor.machine import free_space, open_files
from balancer.cli.doctor.stores import clock_found
from balancer.cli.doctor.targets import question, target_found
from balancer.core.configs.checks import Check
from balancer.core.configs.targets import Kind, Scheme, Target
from balancer.core.health.verdicts import Failure, Outcome
from balancer.settings import Settings
from tests.factories import ConfigFactory
from tests.inside import run_inside

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
CDN = Target("cdn", Kind.CDN, "cdn.example")
CHECKED = Target("cdn", Kind.CDN, "cdn.example", check=Check(url="/health", expiry_warning=30))


def in_days(days: float) -> Outcome:
    """Return what a probe finds of a target whose certificate ends in so many days."""
    return Outcome(None, "answered 200", 0.0125, 200, NOW + timedelta(days=days))


@pytest.mark.parametrize(
    ("target", "outcome", "level", "words"),
    [
        pytest.param(CDN, Outcome(None, "answered 200", 0.0125, 200), Level.OK, "in 12.5 ms", id="answers"),
        pytest.param(
            CDN, Outcome(Failure.STATUS, "answered 404", 0.01, 404), Level.OK, "answered 404", id="any answer"
        ),
        pytest.param(CHECKED, Outcome(Failure.STATUS, "answered 404", 0.01, 404), Level.FAIL, "404", id="its check"),
        pytest.param(CDN, Outcome(Failure.REFUSED, "refused the connection", 0.1), Level.FAIL, "refused", id="refused"),
        pytest.param(CDN, Outcome(Failure.CERTIFICATE, "has a bad certificate", 0.1), Level.FAIL, "bad", id="bad"),
        pytest.param(CDN, in_days(100), Level.OK, "ends in 100 days", id="long"),
        pytest.param(CDN, in_days(13), Level.WARN, "ends in 13 days", id="soon"),
        pytest.param(CHECKED, in_days(29), Level.WARN, "ends in 29 days", id="soon by its check"),
        pytest.param(CDN, in_days(-1), Level.FAIL, "ends in -1 days", id="over"),
    ],
)
def test_targets(target: Target, outcome: Outcome, level: Level, words: str) -> None:
    """A target is well when it answers, or passes its own check, and its certificate lasts."""
    found = target_found(ConfigFactory.build(), target, outcome, NOW)
    assert (level, "target cdn of config 1") == (found.level, found.subject)
    assert words in found.text
    assert (level is Level.OK) == (found.advice == "")


@pytest.mark.parametrize(
    ("target", "url"),
    [
        pytest.param(CDN, "http://cdn.example/", id="as players ask"),
        pytest.param(Target("a", Kind.CDN, "a.example", Scheme.HTTPS), "https://a.example/", id="https"),
        pytest.param(Target("a", Kind.CDN, "a.example:443"), "https://a.example:443/", id="port 443"),
        pytest.param(CHECKED, "http://cdn.example/health", id="its check"),
        pytest.param(Target("a", Kind.ORIGIN), None, id="an origin"),
        pytest.param(Target("a", Kind.CDN, "a.example", enabled=False), None, id="disabled"),
    ],
)
def test_questions(target: Target, url: str | None) -> None:
    """A target is asked its check, else for its root by the scheme that players use."""
    asked = question(target)
    assert url == (asked.url if asked else None)


@pytest.mark.parametrize(
    ("ahead", "level", "words"),
    [
        pytest.param(0.0, Level.OK, "agrees", id="same"),
        pytest.param(2.0, Level.WARN, "2.0 s ahead of", id="ahead"),
        pytest.param(-2.0, Level.WARN, "2.0 s behind", id="behind"),
        pytest.param(60.0, Level.FAIL, "60.0 s", id="far"),
    ],
)
def test_clocks(ahead: float, level: Level, words: str) -> None:
    """A clock that is off by a second is warned of, by half a minute a failure; the way there and back is none."""
    there = NOW + timedelta(seconds=ahead)
    found = clock_found("clock of redis", NOW, there, NOW)
    assert level is found.level
    assert words in found.text
    before, after = NOW - timedelta(seconds=3), NOW + timedelta(seconds=3)
    assert clock_found("clock", before, NOW, after).level is Level.OK


def test_the_machine(tmp_path: Path) -> None:
    """The limit on files is compared with the connections that are wanted, and the folder need not be there."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few, many = (Settings(connections=count) for count in (1, hard if hard > 0 else 1))
    assert Level.OK is open_files(few).level
    assert (Level.WARN if hard > 0 else Level.OK) is open_files(many).level
    found = free_space(tmp_path / "not" / "there")
    assert "GiB are free" in found.text
    assert not (tmp_path / "not").exists()


def test_wrong_settings(tmp_path: Path) -> None:
    """Settings that cannot be used are told one by one, and nothing else is looked at."""
    done = run_inside(tmp_path, "doctor", "-o", "json", PORT="x", CDN_HOST="a b")
    assert 1 == done.returncode
    assert {"BALANCER_PORT", "BALANCER_CDN_HOST"} == {finding["subject"] for finding in json.loads(done.stdout)}


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    """Without a database each line says what to do; a setting with a letter wrong is named, and nothing is made."""
    done = run_inside(tmp_path, "doctor", "-o", "json", CDN_HSOT="a.example", DATA_DIR=str(tmp_path / "none"))
    found = {finding["subject"]: finding for finding in json.loads(done.stdout)}
    assert (1, "fail") == (done.returncode, found["database"]["level"])
    assert "BALANCER_DATABASE_URL" in found["database"]["text"]
    assert "Did you mean BALANCER_CDN_HOST?" in [finding["advice"] for finding in json.loads(done.stdout)]
    assert [] == list((tmp_path / "none").iterdir())
    assert "are not known" in found["targets"]["text"]
