"""The dashboard as its file has it."""

import json
from typing import Any

from tests.prometheus import DOCKER

DASHBOARD = DOCKER / "grafana" / "dashboards" / "balancer.json"


def panels() -> list[dict[str, Any]]:
    """Return the panels that show something, in their order."""
    everything: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return [panel for panel in everything["panels"] if panel["type"] != "row"]


def expressions(panel: dict[str, Any], interval: str) -> list[str]:
    """Return what a panel asks, with the interval that Grafana puts in: several times that of the scrapes."""
    return [str(target["expr"]).replace("$__rate_interval", interval) for target in panel["targets"]]
