"""What rules cost: ten thousand that no request matches but one, against none."""

import json
import statistics
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench import load, peers
from tests.factories import BEARER

RULES = 10_000


@dataclass
class RuleCosts:
    """Requests per second without rules and with them, by turns: of each pair of rounds, one each.

    Attributes:
        popular: Where few videos make most of the requests.
        unique: Where no video is asked for twice.
        memory: MiB of a worker after the load, without rules and with them.
    """

    popular: list[tuple[float, float]] = field(default_factory=list)
    unique: list[tuple[float, float]] = field(default_factory=list)
    memory: tuple[float, float] = (0.0, 0.0)


def ratio(pairs: list[tuple[float, float]]) -> float:
    """Return the part of its throughput that the program keeps with rules, the median of the pairs."""
    return statistics.median(ruled / free for free, ruled in pairs)


def rules() -> list[dict[str, Any]]:
    """Return rules by hosts, by prefixes and by networks, in equal parts; the last one matches every request."""
    kinds: list[Callable[[int], dict[str, list[str]]]] = [
        lambda number: {"hosts": [f"s{number}.other-cluster.example"]},
        lambda number: {"paths": [f"/video/none/{number}/"]},
        lambda number: {"networks": [f"10.{number // 250}.{number % 250}.0/24"]},
    ]
    found = [
        {"name": f"rule-{number}", "config_id": 1, "when": kinds[number % len(kinds)](number)}
        for number in range(RULES - 1)
    ]
    last = {"hosts": ["*.origin-cluster"], "paths": ["/video/"], "networks": ["127.0.0.0/8"]}
    return [*found, {"name": "last", "config_id": 1, "when": last}]


def measure(folder: Path, seconds: float, rounds: int, redis_url: str) -> RuleCosts:
    """Measure a process without rules and with them by turns.

    Args:
        folder: For what the servers write.
        seconds: Of each round.
        rounds: How many pairs.
        redis_url: Where tickets come from.
    """
    costs = RuleCosts()
    settings = {"DATABASE_URL": f"sqlite:///{folder}/rules.db", "REDIS_PREFIX": "rules", "REDIS_URL": redis_url}
    # Without and with them by turns in one process, as two processes of one program differ by more than the rules cost.
    with peers.balancer(folder, settings) as server:
        memory: list[float] = []
        for _ in range(rounds):
            rates: list[list[float]] = []
            for given in ([], rules()):
                put(server.port, given)
                load.run(server.port, 1, folder)
                rates.append([load.run(server.port, seconds, folder, repeat=repeat).rate for repeat in (True, False)])
                memory.append(server.memory())
            for pairs, pair in zip((costs.popular, costs.unique), zip(*rates, strict=True), strict=True):
                pairs.append((pair[0], pair[1]))
        costs.memory = memory[0], memory[1]
    return costs


def put(port: int, given: list[dict[str, object]]) -> None:
    """Give a server these rules.

    Raises:
        urllib.error.HTTPError: When it does not take them.
    """
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/rules", json.dumps({"rules": given}).encode(), BEARER, method="PUT"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert len(json.load(answer)["rules"]) == len(given)


def section(costs: RuleCosts) -> str:
    """Return the section of the report."""
    rows = [
        ["Requests", "no rules, requests/s", f"{RULES:,} rules, requests/s", "ratio"],
        *(
            [name, *(f"{statistics.median(one):,.0f}" for one in zip(*pairs, strict=True)), f"{ratio(pairs):.3f}"]
            for name, pairs in (("few videos make most of them", costs.popular), ("no video twice", costs.unique))
        ),
    ]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return (
        "## Rules\n\n"
        f"{RULES:,} rules by hosts, prefixes and networks, of which a request matches the last one alone, against none,\n"
        "by turns in one process.\n\n"
        + "\n".join([lines[0], "|---|---|---|---|", *lines[1:]])
        + f"\n\nA worker takes {costs.memory[1]:.0f} MiB with the rules and {costs.memory[0]:.0f} MiB without."
    )
