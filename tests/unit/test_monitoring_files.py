"""The dashboard, the rules and what ties them together in `docker/`, as far as files can tell."""

import re
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

from balancer.telemetry.metrics.board import Board
from balancer.telemetry.metrics.exposition import render
from tests.monitoring import dashboard
from tests.prometheus import DOCKER, ROOT, RULES

COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]
RULE_LIST = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
EXPRESSIONS = [rule["expr"] for rule in RULE_LIST] + [
    expression for panel in dashboard.panels() for expression in dashboard.expressions(panel, "1m")
]
SUFFIXES = re.compile(r"_(total|bucket|count|sum|info)$")


def test_queries_ask_for_metrics_that_there_are() -> None:
    """Each name in a query of the dashboard or of a rule is a metric of the program or a recorded rule."""
    text, _ = render([], "1.0", 0.0, "")
    told = {family.name for family in text_string_to_metric_families(text.decode())}
    told |= {SUFFIXES.sub("", name) for name in told}
    recorded = {rule["record"] for rule in RULE_LIST if "record" in rule}
    asked = {name for expression in EXPRESSIONS for name in re.findall(r"\bbalancer[a-z_:0-9]+", expression)}
    assert set() == {name for name in asked - recorded if SUFFIXES.sub("", name) not in told}


def test_every_metric_is_documented() -> None:
    """Each metric stands in the table for operators."""
    text, _ = render([], "1.0", 0.0, "")
    names = re.findall(r"^# TYPE (\S+)", text.decode(), re.MULTILINE)
    page = (ROOT / "docs" / "operating.md").read_text()
    assert [] == [name for name in names if f"`{name}`" not in page]


def test_every_alert_says_what_to_do() -> None:
    """Each alert has a severity, a summary and the address of its section in the runbook, and each section an alert."""
    sections = re.split(r"^## ", (ROOT / "docs" / "runbook.md").read_text(), flags=re.MULTILINE)[1:]
    told = {section.partition("\n")[0]: section for section in sections}
    alerts = {rule["alert"]: rule for rule in RULE_LIST if "alert" in rule}
    assert set(alerts) == set(told)
    for name, rule in alerts.items():
        assert rule["annotations"]["summary"]
        assert f"docs/runbook.md#{name.lower()}" == rule["annotations"]["runbook_url"]
        assert f"*{rule['labels']['severity'].capitalize()}.*" in told[name]
        assert {"**Players**", "**Look at**", "**Do:**"} == set(
            re.findall(r"^- (\*\*\w+(?: at)?:?\*\*)", told[name], re.MULTILINE)
        )


def test_prometheus_asks_the_balancer() -> None:
    """Prometheus reads its rules from beside its config and asks the balancer's service at its port."""
    config = yaml.safe_load((DOCKER / "prometheus" / "prometheus.yml").read_text())
    assert ["rules.yml"] == config["rule_files"]
    (job,) = config["scrape_configs"]
    (where,) = job["dns_sd_configs"]
    assert (["balancer"], 8000) == (where["names"], where["port"])
    assert "balancer" in COMPOSE
    assert "./prometheus:/etc/prometheus:ro" in COMPOSE["prometheus"]["volumes"]


def test_grafana_shows_the_dashboard() -> None:
    """Grafana is given the data source that the panels name, and the folder that the dashboard is in."""
    (source,) = yaml.safe_load((DOCKER / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"]
    assert "http://prometheus:9090" == source["url"]
    for panel in dashboard.panels():
        assert source["uid"] == panel["datasource"]["uid"]
    (provider,) = yaml.safe_load((DOCKER / "grafana/provisioning/dashboards/balancer.yml").read_text())["providers"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in COMPOSE["grafana"]["volumes"]
    assert COMPOSE["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].startswith(
        provider["options"]["path"]
    )


def test_panels_do_not_overlap() -> None:
    """No two panels lie on each other, and none is wider than the page."""
    taken: set[tuple[int, int]] = set()
    for panel in dashboard.panels():
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        taken |= cells


def test_an_empty_board_can_be_rendered() -> None:
    """A service that has counted nothing yet has numbers all the same."""
    board = Board()
    board.claim()
    text, _ = render(board.read(), "1.0", 0.0, "")
    assert b"balancer_workers 1.0" in text
