"""A real Prometheus for tests: that of the machine, or Debian's package unpacked in the virtual environment.

It reads the rules of `docker/prometheus/` and asks the balancers that it is given once a second.
"""

import math
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx
import yaml

from tests.processes import free_port, wait_until_it_listens

ROOT = Path(__file__).parents[1]
DOCKER = ROOT / "docker"
RULES = DOCKER / "prometheus" / "rules.yml"

UNPACKED = Path(sys.prefix) / "debian" / "usr" / "bin"
"""Where `make` unpacks the package, where it can."""


def find(program: str) -> str | None:
    """Return the path of `prometheus` or `promtool`, None where there is none."""
    return shutil.which(program) or shutil.which(program, path=str(UNPACKED))


def promtool(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run Prometheus' own tool of checks and return how it ended and all that it said."""
    program = find("promtool")
    assert program
    return subprocess.run(
        [program, *arguments],
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )


class Series(NamedTuple):
    """A series of an answer: its labels, and its values as pairs of seconds since 1970 and number."""

    labels: dict[str, str]
    values: list[tuple[float, float]]


class Prometheus:
    """A Prometheus server on a loopback port.

    Args:
        folder: Where it keeps what it reads.
        urls: The balancers that it asks: `http://127.0.0.1:8000`, …
    """

    def __init__(self, folder: Path, urls: list[str]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        config = yaml.safe_load((DOCKER / "prometheus" / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["rule_files"] = [str(RULES)]
        (job,) = config["scrape_configs"]
        # The addresses are known here: all that differs from the job in containers.
        del job["dns_sd_configs"]
        job["static_configs"] = [{"targets": [url.removeprefix("http://") for url in urls]}]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        self._process: subprocess.Popen[str] | None = None

    def query(self, expression: str) -> list[Series]:
        """Return what an expression is now."""
        found = self._get("query", query=expression)["result"]
        return [Series(one["metric"], [_pair(one["value"])]) for one in found]

    def query_range(self, expression: str, start: float, end: float, step: float) -> list[Series]:
        """Return what an expression was from `start` to `end`, in seconds since 1970, each `step` seconds."""
        found = self._get("query_range", query=expression, start=start, end=end, step=step)["result"]
        return [Series(one["metric"], [_pair(pair) for pair in one["values"]]) for one in found]

    def has_data(self, expression: str) -> bool:
        """Return whether an expression has a finite value now."""
        return any(math.isfinite(value) for series in self.query(expression) for _, value in series.values)

    def rules(self) -> list[dict[str, Any]]:
        """Return all rules with their health and, of alerts, their state."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def state(self, alert: str) -> str:
        """Return `inactive`, `pending` or `firing`."""
        (rule,) = [rule for rule in self.rules() if rule["name"] == alert]
        return str(rule["state"])

    def _get(self, path: str, **parameters: Any) -> Any:
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=10).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def __enter__(self) -> Self:
        program = find("prometheus")
        assert program
        self._process = subprocess.Popen(
            [
                program,
                f"--config.file={self._folder}/prometheus.yml",
                f"--storage.tsdb.path={self._folder}/prometheus",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--log.level=warn",
            ],
            cwd=self._folder,
            text=True,
        )
        try:
            wait_until_it_listens(self.port, self._process)
        except OSError:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(30)


def _pair(pair: tuple[float, str]) -> tuple[float, float]:
    return pair[0], float(pair[1])
