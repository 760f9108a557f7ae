"""The dashboard's and the rules' queries, asked of a real Prometheus that reads real workers under load."""

import asyncio
import os
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import httpx
import pytest
import yaml

from tests.factories import BEARER
from tests.monitoring import dashboard
from tests.processes import Balancer, Valkey, wait_for
from tests.prometheus import ROOT, RULES, Prometheus, find, promtool
from tests.targets import TargetServer
from tests.wire import ask

GROUPS = yaml.safe_load(RULES.read_text())["groups"]
RECORDED = {rule["record"]: rule["expr"] for group in GROUPS for rule in group["rules"] if "record" in rule}
ALERTS = {rule["alert"]: rule["expr"] for group in GROUPS for rule in group["rules"] if "alert" in rule}

SELECTOR = re.compile(r"\b(?:balancer[a-z_:0-9]+|up\b)")
"""What an alert looks at; with all is well, the alert itself has no data."""

WRONG = {"authorization": "Bearer vbk_wrong"}

PANELS = [
    pytest.param(expression, id=f"{panel['title']} {number}")
    for panel in dashboard.panels()
    for number, expression in enumerate(dashboard.expressions(panel, "1m"))
]


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    """Skip these tests where there is no Prometheus, unless one is required."""
    if not (find("prometheus") and find("promtool")):
        missing = "no Prometheus: install Debian's package `prometheus`"
        if os.environ.get("BALANCER_TEST_PROMETHEUS") == "required":
            pytest.fail(missing)
        pytest.skip(missing)


@dataclass
class Monitored:
    """A balancer of four workers under load, what reads it, and what the players have seen."""

    balancer: Balancer
    prometheus: Prometheus
    valkey: Valkey
    seen: Counter[str] = field(default_factory=Counter)
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.players = threading.Thread(target=self.play)
        self.players.start()

    def play(self) -> None:
        """Be the players, a hundred requests at a time."""
        while not self.over.wait(0.05):
            self.seen += asyncio.run(ask([self.balancer.url], 100, at_once=8))

    def stop(self) -> None:
        """Let the players end; after that they have seen what they were answered."""
        self.over.set()
        self.players.join()

    def disturb(self) -> None:
        """Report, ask for what is refused, and with a wrong key until it is too often."""
        said = 'bsd=400,ec="1",msd=900,mtp=(4000),rc=503,sid="a",url="http://cdn.example.com/a.ts"'
        assert httpx.post(f"{self.balancer.url}/cmcd", content=said).status_code == 204
        httpx.get(f"{self.balancer.url}/?video=http://elsewhere.example/video/1/a.m3u8")
        # Until they have told each other, the workers limit each by itself.
        for _ in range(100):
            if httpx.get(f"{self.balancer.url}/config", headers=WRONG).status_code == 429:
                return
        raise AssertionError("wrong keys are not limited")


def watch(balancer: Balancer, target: TargetServer) -> None:
    """Let the service watch its CDN by what is asked of a target that has a certificate, and let its loop run."""
    check = {"url": f"https://{target.host}/health", "interval": 0.5, "timeout": 0.5, "verify_tls": False}
    for path, change in (("/config/target", {"name": "cdn", "check": check}), ("/config", {"loop": {}})):
        answer = httpx.patch(f"{balancer.url}{path}", headers=BEARER, json={"id": 1, **change})
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def monitored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitored]:
    """Return what is monitored, under load until the tests are over."""
    folder = tmp_path_factory.mktemp("monitored")
    with ExitStack() as running:
        valkey = running.enter_context(Valkey(folder))
        database = {"DATABASE_URL": f"sqlite:///{folder}/balancer.db"}
        settings = {**database, "REDIS_URL": valkey.url, "WORKERS": 4, "LOGIN_RATE": "1/s", "CMCD": "true"}
        balancer = running.enter_context(Balancer(folder, None, **settings))
        watch(balancer, running.enter_context(TargetServer(tls=folder)))
        prometheus = running.enter_context(Prometheus(folder, [balancer.url]))
        everything = Monitored(balancer, prometheus, valkey)
        running.callback(everything.stop)
        everything.disturb()
        yield everything


@pytest.mark.parametrize("expression", PANELS)
def test_panels_have_data(monitored: Monitored, expression: str) -> None:
    """Each query of the dashboard returns data."""
    wait_for(lambda: monitored.prometheus.has_data(expression), seconds=30)


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_rules_have_data(monitored: Monitored, name: str) -> None:
    """Each recorded rule returns data, also when its expression is asked by itself."""
    wait_for(lambda: monitored.prometheus.has_data(name), seconds=30)
    assert monitored.prometheus.has_data(RECORDED[name])


@pytest.mark.parametrize("name", ALERTS)
def test_alerts_look_at_what_there_is(monitored: Monitored, name: str) -> None:
    """Everything that an alert looks at returns data, and Prometheus can evaluate the whole."""
    looked_at = set(SELECTOR.findall(ALERTS[name]))
    assert looked_at
    for selector in looked_at:
        wait_for(lambda selector=selector: monitored.prometheus.has_data(selector), seconds=30)  # type: ignore[misc]  # bound now
    monitored.prometheus.query(ALERTS[name])
    wait_for(lambda: {"ok"} == {rule["health"] for rule in monitored.prometheus.rules()}, seconds=30)


def test_the_share_is_right(monitored: Monitored) -> None:
    """With all well, the share served is the one configured and no alert fires."""
    wait_for(lambda: monitored.seen.total() > 2_000, seconds=60)
    wait_for(lambda: not monitored.prometheus.query("balancer:share_off:ratio > 0.01"), seconds=30)
    assert [] == monitored.prometheus.query('ALERTS{alertstate="firing"}')


def test_a_store_that_is_down_is_told(monitored: Monitored) -> None:
    """While Redis is away and players are redirected all the same, the alert is raised; it goes when Redis is back."""
    assert "inactive" == monitored.prometheus.state("BalancerStoreDown")
    monitored.valkey.kill()
    wait_for(lambda: monitored.prometheus.state("BalancerStoreDown") != "inactive", seconds=60)
    before = monitored.seen.total()
    wait_for(lambda: monitored.seen.total() > before, seconds=30)
    monitored.valkey.start()
    wait_for(lambda: monitored.prometheus.state("BalancerStoreDown") == "inactive", seconds=60)


def test_prometheus_has_counted_each_player(monitored: Monitored) -> None:
    """When the load is over, Prometheus' sum over targets is the number of redirects that the players have seen."""
    monitored.stop()
    total = monitored.seen.total()
    wait_for(lambda: monitored.prometheus.query("sum(balancer_redirects_total)")[0].values[0][1] == total, seconds=30)
    (share,) = monitored.prometheus.query('sum(balancer_redirects_total{target="origin"})')
    origin = sum(count for location, count in monitored.seen.items() if "origin-cluster" in location)
    assert origin == share.values[0][1]


def test_promtool_finds_no_fault(monitored: Monitored) -> None:
    """Prometheus' own checks pass: names and labels of the metrics, the rules, the config."""
    metrics = httpx.get(f"{monitored.balancer.url}/metrics").text
    assert (0, "") == ((done := promtool("check", "metrics", given=metrics)).returncode, done.stdout)
    for kind, file in (("rules", RULES), ("config", RULES.with_name("prometheus.yml"))):
        done = promtool("check", kind, str(file))
        assert 0 == done.returncode, done.stdout


def test_alerts_fire_when_they_should() -> None:
    """On made-up series each alert fires when it should, and only then."""
    file = ROOT / "tests" / "integration" / "alerts.yml"
    done = promtool("test", "rules", str(file))
    assert 0 == done.returncode, done.stdout
    tests = yaml.safe_load(file.read_text())["tests"]
    fired = {case["alertname"] for test in tests for case in test["alert_rule_test"] if case.get("exp_alerts")}
    quiet = {case["alertname"] for test in tests for case in test["alert_rule_test"] if not case.get("exp_alerts")}
    assert (set(ALERTS), set(ALERTS)) == (fired, quiet)


def test_an_admin_can_read_statistics_meanwhile(monitored: Monitored) -> None:
    """The statistics of the same processes are the same numbers."""
    found = httpx.get(f"{monitored.balancer.url}/stats?window=1h", headers=BEARER).json()
    (total,) = monitored.prometheus.query("sum(balancer_redirects_total)")
    assert total.values[0][1] == found["redirects"]
