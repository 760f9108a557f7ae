"""Broken and odd bytes get the same answers from both lanes of the edge, and none makes the server fail."""

from itertools import islice
from pathlib import Path

import pytest

from tests.attacks.fuzz import SETTINGS, Difference, Fuzzer, compare
from tests.processes import Balancer

SEEDS = (1, 20261125)

EACH = 250
"""Connections for each seed; `make fuzz` goes on for a minute with a new one."""


@pytest.mark.long
def test_lanes_answer_odd_bytes_alike(tmp_path: Path) -> None:
    """Whatever is sent, both lanes say the same, and nobody answers 500."""
    for name in ("fast", "plain"):
        (tmp_path / name).mkdir()
    with (
        Balancer(tmp_path / "fast", None, **SETTINGS) as fast,
        Balancer(tmp_path / "plain", None, FAST_LANE="off", **SETTINGS) as plain,
    ):
        statuses = set()
        for seed in SEEDS:
            for found in compare(fast, plain, islice(Fuzzer(seed).streams(), EACH)):
                assert not isinstance(found, Difference), found
                statuses |= {status[9:12] for status in found}
        assert {b"204", b"301", b"400", b"404", b"405", b"422"} <= statuses
        assert not {status for status in statuses if status.startswith(b"5")}
