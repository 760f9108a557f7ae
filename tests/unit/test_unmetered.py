"""What the benchmark takes out of the fast lane is there to be taken out."""

import subprocess
import sys
from pathlib import Path


def test_counting_can_be_taken_out() -> None:
    """The program without its counting lines still starts: the lines are found, and nothing else needs them."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.unmetered", "--version"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (0, True) == (done.returncode, done.stdout.startswith("balancer")), done.stderr
