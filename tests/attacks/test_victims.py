"""What one client does, a player of the same process does not notice, and the process's memory stays bounded."""

from collections.abc import Iterator

import psutil
import pytest

from tests.attacks.attackers import ATTACKS, attacking, play
from tests.processes import Balancer

SECONDS = 0.5
"""How long each attack lasts; `make faults` lets it last longer."""

GROWTH = 60_000_000
"""Bytes of memory that a process may take more during an attack."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balancer]:
    """Return a balancer with the limits that it has by default."""
    with Balancer(tmp_path_factory.mktemp("attacked")) as balancer:
        yield balancer


@pytest.mark.timed
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_player_does_not_notice(server: Balancer, attack: str) -> None:
    """While one client attacks, a player's redirects stay right and quick, and nothing is held that grows."""
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    with attacking(server.url, attack) as under_way:
        victim = play(server.url, SECONDS)
    assert victim.redirects > 20
    assert victim.p99 < 0.1
    assert not {status for status in under_way.statuses if status.startswith("5")}
    assert process.memory_info().rss - before < GROWTH
