"""The command line, as people and scripts use it."""

import json
import os
import pty
import re
import select
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from tests.certificates import write_certificate
from tests.factories import BEARER
from tests.inside import run_inside
from tests.integration.conftest import Start
from tests.integration.test_readme import curl
from tests.processes import START_TIMEOUT, Balancer, run_balancer, start_command

MANY = 3000
"""Lines of an export, which are more than a pipe holds."""


@pytest.fixture(scope="module")
def populated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a database that has many keys, of which the second one is revoked."""
    folder = tmp_path_factory.mktemp("populated")
    run_inside(folder, "migrate")
    run_inside(folder, "keys", "create", "--name", "first", "--role", "admin")
    run_inside(folder, "keys", "create", "--name", "second", "--role", "viewer")
    run_inside(folder, "keys", "revoke", "2")
    with closing(sqlite3.connect(folder / "data" / "balancer.db")) as database, database:
        database.executemany(
            "INSERT INTO api_keys (name, role, digest, created_at, created_by) VALUES ('x', 'viewer', ?, ?, 'test')",
            [(number.to_bytes(32, "big"), "2026-05-04 12:30:00.000000") for number in range(MANY)],
        )
    return folder


CHECK = {"url": "/health"}

TABLE = """\
Config 1 'three' at revision 2: policy exact, panic threshold 50 %, loop off

TARGET  KIND    HOST          SCHEME  PATH             CHECK    TIER  WEIGHT  SHARE
origin  origin  -             keep    -                -        0     1       25 %
cdn-a   cdn     a.example     https   /vod{path}       /health  0     3       75 %
cdn-b   cdn     b.example:81  keep    /{server}{path}  -        0     6       disabled
cdn-c   cdn     c.example     keep    /{server}{path}  -        1     1       later-tier
"""


@pytest.mark.long
def test_a_config_as_a_table(tmp_path: Path) -> None:
    """`config show --table` prints the policy and a line for each target, with its share or why it has none."""
    targets = [
        {"name": "origin", "kind": "origin"},
        {"name": "cdn-a", "host": "a.example", "scheme": "https", "path": "/vod{path}", "weight": 3, "check": CHECK},
        {"name": "cdn-b", "host": "b.example:81", "weight": 6, "enabled": False},
        {"name": "cdn-c", "host": "c.example", "tier": 1},
    ]
    change = {"id": 1, "name": "three", "targets": targets, "panic_threshold": 50}
    with Balancer(tmp_path) as balancer:
        assert 200 == httpx.patch(f"{balancer.url}/config", json=change, headers=BEARER).status_code
    assert TABLE == run_balancer(tmp_path, "config", "show", "--table").stdout


@pytest.mark.parametrize("command", [["audit", "export"], ["keys", "list"]], ids=" ".join)
def test_reader_that_goes_away(populated: Path, command: list[str]) -> None:
    """A command whose output is not read to its end stops as other programs do, and says nothing of it."""
    with start_command(populated, *command) as process:
        assert process.stdout
        assert process.stderr
        assert "{" == process.stdout.readline()[0]
        process.stdout.close()
        log = process.stderr.read()
        assert (141, "") == (process.wait(60), log)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["audit", "export"], 1),
        (["keys", "list"], 1),
        (["keys", "create", "--name", "a", "--role", "viewer"], 1),
        (["migrate"], 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_closed_output(populated: Path, command: list[str], code: int) -> None:
    """Without a standard output a command that is there to print fails, before it makes a key that nobody sees."""
    before = run_inside(populated, "keys", "list").stdout
    shell = [
        "sh",
        "-c",
        f"exec {' '.join(json.dumps(part) for part in [sys.executable, '-m', 'balancer', *command])} >&-",
    ]
    done = subprocess.run(shell, cwd=populated, capture_output=True, text=True, timeout=60, check=False)
    assert (code, False) == (done.returncode, "Traceback" in done.stderr)
    assert ("Standard output is closed" in done.stderr) == bool(code)
    assert before == run_inside(populated, "keys", "list").stdout


def test_closed_log(populated: Path) -> None:
    """Without a standard error a command does what it is asked."""
    shell = ["sh", "-c", f"exec {sys.executable} -m balancer migrate 2>&-"]
    done = subprocess.run(shell, cwd=populated, stdout=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (0, "The database is migrated.\n") == (done.returncode, done.stdout)


def test_full_output(populated: Path) -> None:
    """Where standard output takes no more, the line says so; and what to do with a key that could not be shown."""
    with Path("/dev/full").open("w") as full:
        with start_command(populated, "audit", "export", stdout=full.fileno()) as process:
            assert "Standard output cannot be written: No space left on device" in process.communicate(timeout=60)[1]
        assert 1 == process.returncode
        command = ["keys", "create", "--name", "lost", "--role", "viewer"]
        with start_command(populated, *command, stdout=full.fileno()) as process:
            log = process.communicate(timeout=60)[1]
    (number,) = re.findall(r"revoke it by 'balancer keys revoke (\d+)'", log)
    assert "is revoked" in run_inside(populated, "keys", "revoke", number).stdout


def test_revoking_again(populated: Path) -> None:
    """A key that was revoked already is said to be so, with when and by whom."""
    done = run_inside(populated, "keys", "revoke", "2")
    assert re.fullmatch(
        r"Key 2 'second' was revoked already, on \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC by command-line\.",
        done.stdout.strip(),
    )


def test_audit_has_one_shape(start: Start) -> None:
    """Each line of the export has the same fields, each once, and what it holds is named and looks as in the API."""
    balancer = start()
    with httpx.Client(base_url=balancer.url, headers=BEARER) as client:
        client.patch("/config", json={"id": 1, "distribution_rate": 7, "reason": "A test."})
        made = client.post("/keys", json={"name": "a", "role": "viewer"}).json()
        client.delete(f"/key?id={made['id']}")
        rules = [{"name": "live", "when": {"paths": ["/live/"]}, "config_id": 1}]
        put = client.put("/rules", json={"rules": rules, "reason": "Another one."}).json()
        client.post("/rules/rollback", json={"revision": 0})
        revision = client.get("/config/revision?revision=2").json()
        (_, key) = client.get("/keys").json()["items"]
    lines = run_balancer(balancer.folder, "audit", "export").stdout.splitlines()
    entries: list[dict[str, Any]] = [json.loads(line, object_pairs_hook=_once) for line in lines]
    assert {("made_at", "actor", "action", "reason", "config", "key", "rules")} == {tuple(entry) for entry in entries}
    changed, revoked = entries[2], entries[4]
    fields = ("id", "revision", "document", "restored")
    assert {name: revision[name] for name in fields} == changed["config"]
    assert [revision[name] for name in ("made_at", "actor", "reason")] == [
        changed[name] for name in ("made_at", "actor", "reason")
    ]
    replaced, restored = entries[5:]
    assert ("rules.replaced", "rules.rolled-back") == (replaced["action"], restored["action"])
    assert {name: put[name] for name in ("revision", "rules", "restored")} == replaced["rules"]
    assert {name: put[name] for name in ("made_at", "actor", "reason")}.items() <= replaced.items()
    assert {"revision": 2, "rules": [], "restored": 0} == restored["rules"]
    assert {name: key[name] for name in ("id", "name", "role", "expires_at")} == revoked["key"]
    assert (key["revoked_at"], key["revoked_by"], None) == (revoked["made_at"], revoked["actor"], revoked["config"])


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    assert len(pairs) == len(found)
    return found


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (["migrate", "--to", "banana"], 2, ["'--to'", "'banana'", "base, 0001", "head"]),
        (["migrate", "--to=-99"], 2, ["'--to'", "'-99'"]),
        (["migrate", "--wait", "0"], 2, ["'--wait'"]),
        (["serve", "--port", "99999"], 2, ["'--port'", "99999", "65535"]),
        (["serve", "--workers", "0"], 2, ["'--workers'"]),
        (["serve", "--host", "a..b"], 1, ["no name of a host", "--host or BALANCER_HOST"]),
        (["keys", "revoke", "two"], 2, ["'KEY_ID'", "'two'"]),
        (["keys", "revoke", "0"], 1, ["no API key with id 0"]),
        (["keys", "revoke", "99999999999999999999"], 1, ["no API key with id 99999999999999999999"]),
        (["keys", "create", "--name", "a", "--role", "viewer", "--expires", "soon"], 2, ["'--expires'", "'soon'"]),
        (
            ["keys", "create", "--name", "a", "--role", "viewer", "--expires", "0001-01-01"],
            2,
            ["'--expires'", "future"],
        ),
        (["keys", "create", "--name", "a\nb", "--role", "viewer"], 2, ["'--name'"]),
        (["config", "show", "--id", "one"], 2, ["'--id'", "'one'"]),
        (["config", "show", "--id", "-1"], 1, ["no config with id -1"]),
        (["restore", "none"], 1, ["The backup none cannot be read: No such file or directory."]),
        (["restore", "."], 2, ["FILE", "directory"]),
        (["backup", "/dev/null/a"], 1, ["The backup /dev/null/a cannot be written: Not a directory."]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_words(populated: Path, command: list[str], code: int, words: list[str]) -> None:
    """What is wrong on the command line is named by its option, without a traceback."""
    done = run_inside(populated, *command)
    assert (code, False) == (done.returncode, "Traceback" in done.stderr), done.stderr
    said = " ".join(done.stderr.replace("│", " ").split())
    assert [] == [word for word in words if word not in said], said


@contextmanager
def taken() -> Iterator[int]:
    """Give a port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def _by_option(port: int, _: Path) -> tuple[list[str], dict[str, Any]]:
    return ["--port", str(port)], {}


def _by_setting(port: int, _: Path) -> tuple[list[str], dict[str, Any]]:
    return [], {"PORT": port}


def _plain(port: int, folder: Path) -> tuple[list[str], dict[str, Any]]:
    write_certificate(folder)
    return ["--port", "0"], {"PLAIN_PORT": port, "TLS_CERT": folder / "cert.pem", "TLS_KEY": folder / "key.pem"}


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (_by_option, "--port or BALANCER_PORT"),
        (_by_setting, "--port or BALANCER_PORT"),
        (_plain, "BALANCER_PLAIN_PORT"),
    ],
)
def test_taken_port(
    tmp_path: Path, arguments: Callable[[int, Path], tuple[list[str], dict[str, Any]]], name: str
) -> None:
    """A port that another program listens on is named, with the setting that can name another one."""
    with taken() as port:
        options, settings = arguments(port, tmp_path)
        done = run_balancer(tmp_path, "serve", *options, check=False, **settings)
    line = done.stderr.splitlines()[-1]
    assert (1, False) == (done.returncode, "Traceback" in done.stderr)
    assert f"Port {port} of 127.0.0.1 cannot be listened on: Address already in use. Choose another by {name}" in line


@pytest.mark.long
def test_taken_socket(tmp_path: Path) -> None:
    """A Unix socket that another server has, and one that cannot be, are named with their setting."""
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "taken"))
        other.listen()
        done = run_balancer(tmp_path, "serve", check=False, UNIX_SOCKET=tmp_path / "taken")
    assert f"{tmp_path}/taken cannot be listened on: another server does. Choose another by BALANCER_UNIX_SOCKET" in (
        done.stderr
    )
    done = run_balancer(tmp_path, "serve", check=False, UNIX_SOCKET="none/a")
    assert (
        "none/a cannot be listened on: No such file or directory. Choose another by BALANCER_UNIX_SOCKET" in done.stderr
    )


def test_key_of_a_start_that_fails(tmp_path: Path) -> None:
    """Where no address can be listened on, no key has been made that was not shown."""
    with taken() as port:
        run_balancer(tmp_path, "serve", "--port", str(port), check=False)
    assert "" == run_inside(tmp_path, "keys", "list").stdout


def test_misspelt_settings(tmp_path: Path) -> None:
    """A setting with a letter wrong, in the environment or in `.env`, is named with the one that was meant."""
    (tmp_path / ".env").write_text("BALANCER_DISTRIBUTON_RATE=3\nOTHER=1\n")
    done = run_balancer(tmp_path, "migrate", CDN_HSOT="a.example", API_KEY="vbk_x", LOG_FORMAT="json")
    said = {
        event["setting"]: event.get("did_you_mean")
        for event in map(json.loads, done.stderr.splitlines())
        if "setting" in event
    }
    assert {
        "BALANCER_CDN_HSOT": "BALANCER_CDN_HOST",
        "BALANCER_DISTRIBUTON_RATE": "BALANCER_DISTRIBUTION_RATE",
    } == said


def test_unreadable_env_file(tmp_path: Path) -> None:
    """A file `.env` that is no text is named in one line."""
    (tmp_path / ".env").write_bytes(b"BALANCER_CDN_HOST=b\xfccher.example\n")
    done = run_balancer(tmp_path, "migrate", check=False)
    assert (1, "balancer: The file .env is not text in UTF-8.") == (done.returncode, done.stderr.strip())


class Terminal:
    """A command of the program on a terminal of its own.

    Args:
        folder: Where it runs.
        arguments: Of the command.
        terminal: What kind of terminal it is; a dumb one has no colours.
        settings: By name without the prefix.
    """

    def __init__(self, folder: Path, *arguments: str, terminal: str = "dumb", **settings: object) -> None:
        own = {name: value for name, value in os.environ.items() if not name.startswith("BALANCER_")}
        given = {f"BALANCER_{name}": str(value) for name, value in settings.items()}
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "balancer", *arguments],
            cwd=folder,
            env={**own, **given, "TERM": terminal, "COLUMNS": "1000"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.text = ""

    def read_until(self, pattern: str) -> re.Match[str]:
        """Return where a pattern stands in what is shown; fail when the command ends before."""
        while not (found := re.search(pattern, self.text)):
            assert self._read(), f"{pattern!r} is not shown in:\n{self.text}"
        return found

    def read_all(self) -> str:
        """Return all that is shown until the command ends."""
        while self._read():
            pass
        return self.text

    def _read(self) -> bool:
        """Take what is shown next, and return whether there was anything."""
        assert select.select([self._ours], [], [], START_TIMEOUT)[0], f"nothing more is shown after:\n{self.text}"
        try:
            read = os.read(self._ours, 65536)
        except OSError:
            # The command has ended.
            return False
        self.text += read.decode().replace("\r\n", "\n")
        return True

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._ours, text.encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.read_all()
            self.process.wait(60)
        os.close(self._ours)


def test_first_start_at_a_terminal(tmp_path: Path) -> None:
    """Who starts it at a terminal is shown the address, console and docs, and once a key with a request that works."""
    with Terminal(tmp_path, "serve", "--port", "0") as terminal:
        address = terminal.read_until(r"serves at (http://127\.0\.0\.1:\d+)\n")[1]
        assert f"{address}/console" == terminal.read_until(r"\n  Console: (\S+)\n")[1]
        assert f"{address}/docs" == terminal.read_until(r"\n  API: +(\S+)\n")[1]
        secret = terminal.read_until(r"\n  export BALANCER_API_KEY=(vbk_[\w-]{43})\n")[1]
        request = terminal.read_until(r"\n  (curl [^\n]+)\n")[1]
        terminal.read_until("Application startup complete")
        assert f'curl -H "Authorization: Bearer $BALANCER_API_KEY" {address}/config' == request
        shown = curl(request.replace("$BALANCER_API_KEY", secret), address)
        assert ("cdn.example.com", 1) == (json.loads(shown)["cdn_host"], json.loads(shown)["revision"])
        assert {200} == {httpx.get(f"{address}/{page}").status_code for page in ("console", "docs")}
    assert 1 == terminal.text.count(secret)
    with Terminal(tmp_path, "serve", "--port", "0", API_KEY=secret) as terminal:
        address = terminal.read_until(r"serves at (http://127\.0\.0\.1:\d+)\n")[1]
        assert f"{address}/console" == terminal.read_until(r"\n  Console: (\S+)\n")[1]
        terminal.read_until("balancer keys create --name <name> --role admin\n")
        terminal.read_until("Application startup complete")
    assert ("vbk_" in terminal.text, "no such setting" in terminal.text) == (False, False)


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.long)])
def test_first_start_without_a_terminal(tmp_path: Path, workers: int) -> None:
    """Where nobody reads it, no key is made, and the log says how to make one; that one then works."""
    with Balancer(tmp_path, None, BOOTSTRAP_API_KEY="", WORKERS=workers) as balancer:
        (event,) = [event for event in balancer.events() if event["event"] == "there is no API key yet"]
        assert "balancer keys create --name <name> --role admin" == event["make_one_by"]
        assert "" == run_inside(tmp_path, "keys", "list").stdout
        secret = run_inside(tmp_path, "keys", "create", "--name", "me", "--role", "admin").stdout.strip()
        bearer = {"authorization": f"Bearer {secret}"}
        assert 200 == httpx.get(f"{balancer.url}/keys", headers=bearer).status_code
    assert not any("vbk_" in line for line in [*balancer.printed, *balancer.log])
    with Balancer(tmp_path, None, BOOTSTRAP_API_KEY="", WORKERS=workers) as balancer:
        assert not balancer.has_said(event="there is no API key yet")


@pytest.mark.long
def test_other_addresses_at_a_terminal(tmp_path: Path) -> None:
    """The request that is shown fits where the program listens: a Unix socket, or every address."""
    with Terminal(tmp_path, "serve", UNIX_SOCKET=tmp_path / "a b") as terminal:
        request = terminal.read_until(r"\n  (curl [^\n]+)\n")[1]
        terminal.read_until("Application startup complete")
    key = '-H "Authorization: Bearer $BALANCER_API_KEY"'
    assert f"curl --unix-socket '{tmp_path}/a b' {key} http://localhost/config" == request
    assert "Console" not in terminal.text
    with Terminal(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0", DATA_DIR="other") as terminal:
        request = terminal.read_until(r"\n  (curl [^\n]+)\n")[1]
        terminal.read_until("Application startup complete")
    assert re.fullmatch(re.escape(f"curl {key} http://127.0.0.1:") + r"\d+/config", request)


@pytest.mark.long
def test_going_back_is_asked_about(populated: Path, tmp_path: Path) -> None:
    """A migration back says what is lost; it needs a yes at a terminal, and `--yes` elsewhere."""
    url = f"sqlite:///{populated}/data/balancer.db"
    keys = len(run_inside(populated, "keys", "list").stdout.splitlines())
    lost = f"table api_keys: {keys} rows"
    refused = run_inside(tmp_path, "migrate", "--to=0002", DATABASE_URL=url)
    assert (1, True, True) == (refused.returncode, lost in refused.stderr, "--yes" in refused.stderr)
    for answer, code in (("n\n", 1), ("\n", 1), ("\n", 130)):
        with Terminal(tmp_path, "migrate", "--to=0002", DATABASE_URL=url) as terminal:
            terminal.read_until(re.escape(lost))
            terminal.read_until(r"Go back\? \[y/N\]: ")
            if code == 130:
                terminal.process.send_signal(signal.SIGINT)
            # Where the signal comes before the line is read, Python looks at it behind the line.
            terminal.type(answer)
            terminal.read_all()
            assert code == terminal.process.wait(60)
            assert "Traceback" not in terminal.text
    assert keys == len(run_inside(tmp_path, "keys", "list", DATABASE_URL=url).stdout.splitlines())
    run_inside(tmp_path, "backup", "backup.jsonl", DATABASE_URL=url)
    with Terminal(tmp_path, "migrate", "--to=0002", DATABASE_URL=url) as terminal:
        terminal.read_until(r"Go back\? \[y/N\]: ")
        terminal.type("y\n")
        terminal.read_all()
        assert 0 == terminal.process.wait(60)
    old = run_inside(tmp_path, "keys", "list", DATABASE_URL=url)
    assert "at schema 0002" in old.stderr
    run_inside(tmp_path, "migrate", "--to=base", "--yes", DATABASE_URL=url)
    run_inside(tmp_path, "restore", "backup.jsonl", DATABASE_URL=url)
    assert keys == len(run_inside(tmp_path, "keys", "list", DATABASE_URL=url).stdout.splitlines())
