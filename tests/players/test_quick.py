"""Real players in a real browser play through the balancer, and move to another CDN while they play."""

import os

import pytest

from tests.demo.moves import are_as_promised, report_moves, run_moves
from tests.players.__main__ import quick
from tests.players.browser import what_is_missing
from tests.players.report import Row

pytestmark = pytest.mark.timed


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Play once for all facts; skipped where browser or players are missing, unless they are required."""
    if missing := what_is_missing():
        if os.environ.get("BALANCER_TEST_PLAYERS") == "required":
            pytest.fail(missing)
        pytest.skip(missing)
    return quick()


@pytest.mark.parametrize("player", ["hls.js", "dashjs"])
@pytest.mark.parametrize("scenario", ["Redirect to a CDN", "Steering: switch in mid-play"])
def test_players_play(rows: list[Row], player: str, scenario: str) -> None:
    """A player follows the redirect; and, with steering, goes on at the other CDN when its own is drained."""
    (row,) = [row for row in rows if (row.player, row.scenario) == (player, scenario)]
    assert row.plays, row.seen


def test_a_live_session_moves_there_and_back(rows: list[Row]) -> None:
    """What `make demo` shows: a live stream goes on at the other CDN and comes back, and its picture goes on."""
    assert rows
    moves = run_moves()
    assert are_as_promised(moves), report_moves(moves)
