"""Every command that asks a service, and the doctor, against a real one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from balancer.cli import main
from balancer.cli.groups import SERVICE
from tests.documented import DOCUMENT, examples, run, steady
from tests.factories import KEY
from tests.inside import run_inside
from tests.integration.conftest import Start
from tests.integration.test_commands import Terminal
from tests.processes import wait_for
from tests.targets import TargetServer

PLACE = "http://s1.origin-cluster/live/1.m3u8"


def test_the_document(start: Start, tmp_path: Path) -> None:
    """Each command of docs/command-line.md, in its order and after a first start, prints what stands below it."""
    base = start().url
    for shown in examples(DOCUMENT.read_text()):
        if shown.command == "(file)":
            (tmp_path / "balancer.yaml").write_text(shown.output)
        else:
            assert steady(shown.output) == steady(run(shown.command, base, tmp_path)), shown.command


def test_each_command_is_documented() -> None:
    """The document names every command of the program, with its subcommands that ask a service."""
    text = DOCUMENT.read_text()
    assert [] == [name for name in main.entries if f"`{name}`" not in text and f"balancer {name}" not in text]
    (config,) = (entry.load() for name, entry in main.entries.items() if name == "config")
    names = {f"config {name}" for name in config.commands}  # type: ignore[attr-defined]  # it is a group
    assert set() == {name for name in names if f"balancer {name}" not in text}


@pytest.fixture
def service(start: Start) -> dict[str, str]:
    """Return the settings that name a service after a first start."""
    return {"URL": start().url, "API_KEY": KEY}


def test_by_the_program_itself(service: dict[str, str], tmp_path: Path) -> None:
    """As a program of its own, a command prints JSON, opens the console, and ends without a traceback."""
    environment = os.environ | {f"BALANCER_{name}": value for name, value in service.items()} | {"BROWSER": "true"}

    def call(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "balancer", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=60
        )

    assert 1 == json.loads(call("config", "show", "-o", "json").stdout)["id"]
    assert f"{service['URL']}/console\n" == call("open").stdout
    refused = call("config", "set", "--rate", "1")
    assert (7, False) == (refused.returncode, "Traceback" in refused.stderr)


@pytest.mark.long
def test_an_export_of_one_service_for_another(start: Start, tmp_path: Path) -> None:
    """What one service exports makes another one the same, and then changes nothing."""
    one, other = ({"URL": start().url, "API_KEY": KEY} for _ in range(2))
    run_inside(tmp_path, "config", "set", "--rate", "3", "--name", "main", "--policy", "sticky", "--yes", **one)
    run_inside(tmp_path, "config", "create", "--name", "live", "--add", "a=a.example", "--target", "a.tier=2", **one)
    (tmp_path / "rules.yaml").write_text("- {name: live, config_id: 2, when: {paths: [/live/]}}\n")
    assert 0 == run_inside(tmp_path, "rules", "set", "rules.yaml", **one).returncode
    run_inside(tmp_path, "export", "-f", "all.yaml", **one)
    made = run_inside(tmp_path, "apply", "-f", "all.yaml", "--yes", **other)
    assert (0, True) == (made.returncode, "create config 'live'" in made.stdout)
    again = run_inside(tmp_path, "apply", "-f", "all.yaml", "--prune", **other)
    assert "Everything is as the file says.\n" == again.stdout
    exports = [run_inside(tmp_path, "export", **service).stdout for service in (one, other)]
    assert exports[0] == exports[1]

    def decides() -> bool:
        explained = json.loads(run_inside(tmp_path, "explain", PLACE, "-o", "json", **other).stdout)
        return bool("http://a.example/s1/live/1.m3u8" == explained["location"])

    wait_for(decides, seconds=5)


def test_the_doctor(start: Start, shared: dict[str, object], tmp_path: Path) -> None:
    """With PostgreSQL, Redis and targets, the doctor finds what is well, and what is not with what to do."""
    with TargetServer() as well, TargetServer("127.0.0.2", tls=tmp_path) as short:
        url = start(**shared).url
        asked = {"URL": url, "API_KEY": KEY}
        added = [f"--add=well={well.host}", f"--add=short=https://{short.host}", "--add=gone=127.0.0.1:1"]
        done = run_inside(tmp_path, "config", "set", *added, "--remove=cdn", "--yes", **asked)
        assert 0 == done.returncode, done.stderr
        fields = ("url=/", "verify_tls=false", "expiry_warning=365")
        parts = [f"--target=short.check.{field}" for field in fields]
        assert 0 == run_inside(tmp_path, "config", "set", *parts, **asked).returncode
        settings = {**shared, "DATA_DIR": str(tmp_path / "data")}
        told = run_inside(tmp_path, "doctor", "-o", "json", **settings)
    found = {one["subject"]: one for one in json.loads(told.stdout)}
    assert 1 == told.returncode
    well_kept = ("settings", "database", "redis", "data folder", "schema", "clock of database", "clock of redis")
    assert {"ok"} == {found[name]["level"] for name in (*well_kept, "target well of config 1")}
    assert ("warn", "fail") == tuple(found[f"target {name} of config 1"]["level"] for name in ("short", "gone"))
    assert "Renew its certificate." == found["target short of config 1"]["advice"]
    assert not [line for line in told.stdout.splitlines() if str(shared["DATABASE_URL"]) in line]


def test_the_doctor_without_stores(tmp_path: Path) -> None:
    """Stores that do not answer are failures, and their passwords stay unsaid."""
    given = {"DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/d", "REDIS_URL": "redis://:hidden@127.0.0.1:1/0"}
    told = run_inside(tmp_path, "doctor", **given)
    assert 1 == told.returncode
    assert ("secret" in told.stdout, "hidden" in told.stdout, told.stdout.count("\nfail")) == (False, False, 2)
    assert max(map(len, told.stdout.splitlines())) <= 80


def test_every_remote_command_has_help(tmp_path: Path) -> None:
    """Each command that asks a service says in its help how the service is named."""
    for name, entry in main.entries.items():
        if entry.kind is SERVICE and not hasattr(entry.load(), "commands") and name not in {"login", "completion"}:
            assert "--profile" in run_inside(tmp_path, name, "--help").stdout, name


def test_at_a_terminal(service: dict[str, str], tmp_path: Path) -> None:
    """At a terminal a question is asked, and statistics are drawn in place; a no changes nothing."""
    for answer, code in (("n\n", 7), ("y\n", 0)):
        with Terminal(tmp_path, "config", "set", "--rate", "1", **service) as terminal:
            terminal.read_until(r"Do it\? \[y/N\]")
            terminal.type(answer)
            terminal.read_all()
            assert code == terminal.process.wait(60), terminal.text
    with Terminal(tmp_path, "stats", "--watch", "--count", "2", "--interval", "0.1", **service) as terminal:
        assert "0 redirects" in terminal.read_all()


@pytest.mark.parametrize(("variables", "is_coloured"), [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False)])  # fmt: skip  # noqa: E501
def test_colours(
    service: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    is_coloured: bool,
) -> None:
    """Colours are shown on a terminal, but not with `NO_COLOR`."""
    disable = ["config", "set", "--target", "cdn.enabled=false", "--yes"]
    assert 0 == run_inside(tmp_path, *disable, **service).returncode
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with Terminal(tmp_path, "config", "show", terminal=variables["TERM"], **service) as terminal:
        assert is_coloured == ("\x1b[33m" in terminal.read_all()), terminal.text


def test_login_at_a_terminal(service: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`balancer login` asks for what it is not told, and shows no key that is typed."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with Terminal(tmp_path, "login") as terminal:
        terminal.read_until("URL of the service")
        terminal.type(f"{service['URL']}\n")
        terminal.read_until("API key")
        terminal.type(f"{KEY}\n")
        assert (True, False) == ("is kept as the profile 'default'" in terminal.read_all(), KEY in terminal.text)
    assert "cdn" in run_inside(tmp_path, "config", "list").stdout
