"""The wheel, away from the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.factories import AT_CDN, VIDEO
from tests.processes import Balancer

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_installed_wheel_migrates_and_serves(tmp_path: Path) -> None:
    """Installed from its wheel, with no checkout in reach, the program migrates a database and serves."""
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", tmp_path, ROOT],
        check=True,
        timeout=120,
    )
    (wheel,) = tmp_path.glob("video_balancer-*.whl")
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    assert (site / "balancer" / "migrations" / "env.py").is_file()
    assert (site / "balancer_client" / "py.typed").is_file()

    where = "import balancer, sys; print(balancer.__file__)"
    environment = {"PYTHONPATH": str(site)}
    found = subprocess.run(
        [sys.executable, "-c", where], cwd=tmp_path, env=os.environ | environment, capture_output=True, check=True
    )
    assert str(site) in found.stdout.decode()
    subprocess.run(
        [sys.executable, "-m", "balancer", "migrate"],
        cwd=tmp_path,
        env=os.environ | environment,
        check=True,
        timeout=60,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    with Balancer(tmp_path, environment) as balancer:
        answer = httpx.get(f"{balancer.url}/?video={VIDEO}")
        assert (301, AT_CDN) == (answer.status_code, answer.headers["location"])
        assert 200 == httpx.get(f"{balancer.url}/docs").status_code


NOT_FOR_RUNNING = ("bs4", "faker", "hatchling", "litestar_htmx", "polyfactory", "rich_click", "soupsieve", "tomlkit")

REFUSING = f"""
import sys

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {NOT_FOR_RUNNING}:
            raise ImportError(name)

sys.meta_path.insert(0, Refusing())
"""


def test_nothing_is_installed_that_is_not_imported(tmp_path: Path) -> None:
    """The requirements for running leave out what only libraries' own tools need, and the program works without it."""
    pinned = (ROOT / "requirements.txt").read_text()
    assert [] == [name for name in NOT_FOR_RUNNING if f"\n{name.replace('_', '-')}==" in pinned]
    assert "\nbeautifulsoup4==" not in pinned
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(REFUSING)
    with Balancer(tmp_path, {"PYTHONPATH": str(tmp_path / "site")}) as balancer:
        assert 301 == httpx.get(f"{balancer.url}/?video={VIDEO}").status_code
        for path in ("/docs", "/docs/swagger-ui-bundle.js", "/schema/openapi.json", "/metrics", "/health/ready"):
            assert 200 == httpx.get(balancer.url + path).status_code
