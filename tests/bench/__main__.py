"""`make bench`: compare this program with its peers on this machine, and write docs/benchmarks.md."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench import edge_report, load
from tests.bench.measure import measure
from tests.bench.report import as_text, page, plot, table

ROOT = Path(__file__).parents[2]


def prove_heads() -> str:
    """Run the property tests of the recogniser with many examples and return how they ended."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/unit/test_heads.py"],
        cwd=ROOT,
        env={**os.environ, "HYPOTHESIS_PROFILE": "bench"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout)
    return re.sub(r" in .*", "", done.stdout.strip().splitlines()[-1])


def main() -> None:
    """Measure and report."""
    load.require_wrk()
    seconds = float(os.environ.get("BENCH_SECONDS", "5"))
    rounds = int(os.environ.get("BENCH_ROUNDS", "5"))
    heads = prove_heads()
    print(f"property tests of the recogniser, 20,000 examples each: {heads}")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        measured = measure(Path(folder), seconds, rounds)
    print("\n" + as_text(table(measured)))
    if measured.missing:
        print(
            f"\nnot installed: {', '.join(measured.missing)} (Debian: apt-get install haproxy nginx libnginx-mod-http-js)"
        )
    (ROOT / "docs" / "benchmarks.md").write_text(page(measured, seconds, rounds, heads))
    (ROOT / "docs" / "benchmarks.svg").write_text(plot(measured))
    if measured.edges.single:
        (ROOT / "docs" / "edge.svg").write_text(edge_report.plot(measured.edges))
    print("\nwritten: docs/benchmarks.md, docs/benchmarks.svg, docs/edge.svg")


main()
