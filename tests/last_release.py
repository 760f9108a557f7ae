"""The program of the last release, built from the history of this repository, for tests of upgrades."""

import io
import subprocess
import sys
import tempfile
import zipfile
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, PathDistribution, version
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]

COMMIT = "ff7f62809f7d7633907983186d937ed0d7f62cef"
"""What was released last: before configs had targets."""

SCHEMA = "0004"
"""The revision of the database that it needs."""

CACHE = ROOT / "build" / "last-release"
"""Where what is built once stays. Coverage leaves it out by this name."""


def environment() -> dict[str, str]:
    """Return the environment in which `python -m balancer` is the last release.

    Raises:
        RuntimeError: When it cannot be built from this clone, or wants other libraries than those that are installed.
    """
    site = CACHE / COMMIT
    if not site.is_dir():
        _build(site)
    if missing := _unmet(site):
        raise RuntimeError(f"the last release wants {', '.join(missing)}, which the present libraries are not")
    return {"PYTHONPATH": str(site)}


def _build(site: Path) -> None:
    """Unpack the wheel of the last release."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        folder = Path(name)
        zipfile.ZipFile(io.BytesIO(_archive())).extractall(folder / "checkout")
        options = ["--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", *options, "-w", folder, folder / "checkout"], check=True, timeout=120
        )
        (wheel,) = folder.glob("video_balancer-*.whl")
        zipfile.ZipFile(wheel).extractall(folder / "site")
        # Of several that build it at once, the first one puts it there.
        with suppress(OSError):
            (folder / "site").rename(site)


def _archive() -> bytes:
    """Return the files of the commit as a zip archive.

    Raises:
        RuntimeError: When the commit is not there.
    """
    done = subprocess.run(
        ["git", "archive", "--format=zip", COMMIT], cwd=ROOT, capture_output=True, check=False, timeout=60
    )
    if done.returncode:
        raise RuntimeError(
            f"the last release is commit {COMMIT}, which this clone cannot give: {done.stderr.decode().strip()}. "
            "Fetch the whole history: git fetch --unshallow"
        )
    return done.stdout


def _unmet(site: Path) -> list[str]:
    """Return which requirements of the wheel in a folder the installed libraries do not meet."""
    (metadata,) = site.glob("video_balancer-*.dist-info")
    wanted = map(Requirement, PathDistribution(metadata).requires or [])
    return [str(one) for one in wanted if (not one.marker or one.marker.evaluate({"extra": ""})) and not _is_met(one)]


def _is_met(wanted: Requirement) -> bool:
    try:
        return wanted.specifier.contains(version(wanted.name), prereleases=True)
    except PackageNotFoundError:
        return False
