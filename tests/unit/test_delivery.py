"""What builds, checks and releases: workflows, hooks and the check of a release, as far as files can tell."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text()


def load(name: str) -> dict[str, Any]:
    """Return a workflow by its file's name."""
    found: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())
    return found


def steps(job: dict[str, Any]) -> list[str]:
    """Return what a job runs: its commands and its actions without their versions."""
    return [step.get("run") or step["uses"].partition("@")[0] for step in job.get("steps", [])]


def test_every_supported_python_is_tested() -> None:
    """The workflow runs the command of CI on all Pythons that the package names, from the oldest one on."""
    job = load("ci")["jobs"]["test"]
    project = (ROOT / "pyproject.toml").read_text()
    named = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project)
    assert named == job["strategy"]["matrix"]["python"]
    assert f'requires-python = ">={named[0]}"' in project
    assert ".ci/run" in steps(job)
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    assert "required" == job["env"]["BALANCER_TEST_PROMETHEUS"]
    assert "required" == load("ci")["jobs"]["players"]["env"]["BALANCER_TEST_PLAYERS"]
    assert "required" == load("ci")["jobs"]["console"]["env"]["BALANCER_TEST_CONSOLE"]


@pytest.mark.parametrize("name", ["Makefile", "docker/Dockerfile", "docs/operating.md", "docs/systemd.md"])
def test_pins_are_installed_as_they_are(name: str) -> None:
    """No command lets pip resolve the pinned libraries anew, which a newer release of one of them could break."""
    lines = [line for line in (ROOT / name).read_text().splitlines() if re.search(r"--require-hashes -r", line)]
    assert lines
    assert [] == [line for line in lines if "--no-deps --require-hashes" not in line]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_run_what_there_is(path: Path) -> None:
    """Each command of make and each script exists, and each job ends sometime."""
    workflow = yaml.safe_load(path.read_text())
    for job in workflow["jobs"].values():
        assert "timeout-minutes" in job or job["uses"] == "./.github/workflows/ci.yml"
        for step in steps(job):
            for target in re.findall(r"\bmake ([a-z-]+)", step):
                assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)
            for script in re.findall(r"\.ci/[a-z-]+", step):
                assert (ROOT / script).stat().st_mode & 0o100


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_tests_have_the_whole_history(path: Path) -> None:
    """Each job that runs the tests fetches the history, from which they build the last release."""
    jobs = [job for job in yaml.safe_load(path.read_text())["jobs"].values() if ".ci/run" in steps(job)]
    checkouts = [step for job in jobs for step in job["steps"] if "actions/checkout" in step.get("uses", "")]
    assert [0] * len(jobs) == [checkout["with"]["fetch-depth"] for checkout in checkouts]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_may_do_little(path: Path) -> None:
    """By default a workflow may read the code alone, and only jobs that publish something may write."""
    workflow = yaml.safe_load(path.read_text())
    assert {"contents": "read"} == workflow["permissions"]
    writers = {name for name, job in workflow["jobs"].items() if "write" in job.get("permissions", {}).values()}
    assert writers <= {"wheel", "image", "offer"}
    assert not (writers and path.stem == "ci")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_named_by_commit(path: Path) -> None:
    """An action of others is the very commit that was looked at, with the release that it was in a comment."""
    used = re.findall(r"uses: (\S+@.*)", path.read_text())
    assert [] == [action for action in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[0-9.]+", action)]


def test_fresh_packages_cannot_write() -> None:
    """What runs the newest packages of the index has no token that can write, and what has one runs none of them."""
    jobs = load("dependencies")["jobs"]
    assert "permissions" not in jobs["try"]
    (checkout,) = [step for step in jobs["try"]["steps"] if "actions/checkout" in step.get("uses", "")]
    assert checkout["with"] == {"persist-credentials": False, "fetch-depth": 0}
    assert [] == [step for step in jobs["offer"]["steps"] if "run" in step]


def test_a_release_needs_everything() -> None:
    """Nothing is released before tag and changelog agree and all of CI has passed, and all of it has its provenance."""
    jobs = load("release")["jobs"]
    assert ".github/workflows/ci.yml" in jobs["passed"]["uses"]
    assert "agree" == jobs["passed"]["needs"]
    for name in ("wheel", "image"):
        assert ("passed", "release") == (jobs[name]["needs"], jobs[name]["environment"])
        assert "actions/attest-build-provenance" in steps(jobs[name])
    (build,) = [step for step in jobs["image"]["steps"] if "build-push-action" in step.get("uses", "")]
    assert (True, "mode=max") == (build["with"]["sbom"], build["with"]["provenance"])
    assert {"test", "long", "players", "console", "audit", "wheel", "image"} == set(load("ci")["jobs"])


def test_hooks_are_the_checks(tmp_path: Path) -> None:
    """The hooks are valid, and between them run the tools of `make check`."""
    config = ROOT / ".pre-commit-config.yaml"
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-config", str(config)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    (repository,) = yaml.safe_load(config.read_text())["repos"]
    entries = {
        hook["entry"].removeprefix(".venv/bin/").removesuffix(" --force-exclude") for hook in repository["hooks"]
    }
    (targets,) = re.findall(r"^check: .*\n\t\$\(MAKE\) .* --output-sync (.+)$", MAKEFILE, re.MULTILINE)
    recipes = [re.findall(rf"^{name}: .*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE) for name in targets.split()]
    lines = [line for (recipe,) in recipes for line in recipe.splitlines()]
    checks = {line.strip().removeprefix("$(BIN)/").removesuffix(" .") for line in lines}
    assert checks == entries


@pytest.mark.parametrize(
    ("user", "browser", "asked"),
    [
        (0, None, ["install", "update"]),
        (0, "google-chrome", []),
        (1000, None, []),
    ],
)
def test_a_browser_is_installed_once(tmp_path: Path, user: int, browser: str | None, asked: list[str]) -> None:
    """Where there is no browser, root asks apt for one, once; nothing fails where there is none to be had."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (tmp_path / "venv/bin").mkdir(parents=True)
    (tmp_path / "venv/bin/python").touch()
    log = tmp_path / "asked"
    fakes = {
        "id": f"echo {user}",
        "apt-get": f'echo "$@" >> {log}; exit 100',
        **({browser: "exit 0"} if browser else {}),
    }
    for name, script in fakes.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    for name in ("make", "touch"):
        (programs / name).symlink_to(str(shutil.which(name)))
    for _ in range(2):
        done = subprocess.run(
            [programs / "make", "chromium", f"VENV={tmp_path}/venv"],
            cwd=ROOT,
            env={"PATH": str(programs)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert 0 == done.returncode, done.stderr
        assert (browser is None) == ("are skipped" in done.stderr)
    words = log.read_text().split() if log.exists() else []
    assert asked == [word for word in words if word in {"install", "update"}]


def check_release(folder: Path, tag: str, version: str, changelog: str) -> subprocess.CompletedProcess[str]:
    """Run the check of a release in a folder that has a version and a changelog."""
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "check-release", folder / ".ci")
    (folder / "src" / "balancer").mkdir(parents=True)
    (folder / "src" / "balancer" / "__init__.py").write_text(f'"""The package."""\n\n__version__ = "{version}"\n')
    (folder / "CHANGELOG.md").write_text(changelog)
    return subprocess.run(
        [folder / ".ci" / "check-release", tag], capture_output=True, text=True, timeout=60, check=False
    )


CHANGELOG = """# Changelog

## [Unreleased]

## [1.2.3] - 2027-01-31

### Added

- Something.

## [1.2.2] - 2027-01-01

- Something else.
"""


def test_a_release_that_agrees_prints_its_notes(tmp_path: Path) -> None:
    """The notes are the section of the version, and nothing of another one."""
    done = check_release(tmp_path, "v1.2.3", "1.2.3", CHANGELOG)
    assert (0, "### Added\n\n- Something.") == (done.returncode, done.stdout.strip())


@pytest.mark.parametrize(
    ("tag", "version", "changelog", "reason"),
    [
        pytest.param("v1.2.4", "1.2.3", CHANGELOG, "the tag is v1.2.4", id="another version"),
        pytest.param("1.2.3", "1.2.3", CHANGELOG, "the tag is 1.2.3", id="without v"),
        pytest.param("v1.2.4", "1.2.4", CHANGELOG, "no dated section", id="not in the changelog"),
        pytest.param("v1.2.3", "1.2.3", CHANGELOG.replace(" - 2027-01-31", ""), "no dated section", id="no date"),
        pytest.param("v1.2.3", "1.2.3", "## [1.2.3] - 2027-01-31\n\n## [1.2.2]\n", "no dated section", id="empty"),
    ],
)
def test_a_release_that_does_not_agree(tmp_path: Path, tag: str, version: str, changelog: str, reason: str) -> None:
    """A tag that is not the version, or a version without notes, is refused with the reason."""
    done = check_release(tmp_path, tag, version, changelog)
    assert (1, "") == (done.returncode, done.stdout)
    assert reason in done.stderr


def test_forms_of_issues_are_forms() -> None:
    """Each form has a name, a description, and fields of which each has an id and a label of its own."""
    for path in sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")):
        form = yaml.safe_load(path.read_text())
        assert {"name", "description", "body"} <= set(form)
        fields = [field for field in form["body"] if field["type"] != "markdown"]
        assert len(fields) == len({field["id"] for field in fields}) == len({f["attributes"]["label"] for f in fields})


def test_threats_have_their_tests() -> None:
    """Each test that the page of threats names exists."""
    page = (ROOT / "docs" / "threats.md").read_text()
    named = {name for cell in re.findall(r"\| ([^|]*) \|\n", page) for name in re.findall(r"`([^`]+)`", cell)}
    assert len(named) > 20
    places = (ROOT, ROOT / "tests" / "unit", ROOT / "tests" / "integration")
    assert [] == [name for name in sorted(named) if not any((place / name).exists() for place in places)]
