"""Dry runs of the commands on the server's machine, and what a terminal shows while they work."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.inside import run_inside
from tests.integration.test_commands import Terminal


def state(folder: Path) -> dict[str, str]:
    """Return what a folder holds: a digest of each file and of each row of the database in it."""
    files = {str(path): path for path in folder.rglob("*") if path.is_file()}
    found = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items() if ".db" not in name}
    for name in (name for name in files if name.endswith(".db")):
        with closing(sqlite3.connect(name)) as database:
            found[name] = "\n".join(database.iterdump())
    return found


@pytest.fixture
def migrated(tmp_path: Path) -> Path:
    """Return a folder with a database that has two keys, of which the first one is an admin's."""
    run_inside(tmp_path, "migrate")
    run_inside(tmp_path, "keys", "create", "--name", "first", "--role", "admin")
    run_inside(tmp_path, "keys", "create", "--name", "second", "--role", "viewer")
    return tmp_path


def said(folder: Path, *command: str, code: int = 0) -> str:
    """Return what a dry run says on standard output, or on the other one where it fails; it changes nothing."""
    before = state(folder)
    done = run_inside(folder, *command, "--dry-run")
    assert (code, before) == (done.returncode, state(folder)), done.stderr
    return done.stderr if code else done.stdout


def test_keys(migrated: Path) -> None:
    """It is said which key would be made or revoked; what cannot be is refused as by the command itself."""
    create = ["keys", "create", "--name", "a", "--role", "viewer"]
    assert "A key 'a' (viewer) would be made, without an end.\n" == said(migrated, *create)
    end = said(migrated, *create, "--expires", "2999-01-01")
    assert "A key 'a' (viewer) would be made, until 2999-01-01 00:00:00 UTC.\n" == end
    assert "'--expires'" in said(migrated, *create, "--expires", "2001-01-01", code=2)
    assert "Key 2 'second' (viewer) would be revoked.\n" == said(migrated, "keys", "revoke", "2")
    last = "Key 1 'first' (admin) would be revoked; it is the last admin's key.\n"
    assert last == said(migrated, "keys", "revoke", "1")
    assert "There is no API key with id 7" in said(migrated, "keys", "revoke", "7", code=1)
    run_inside(migrated, "keys", "revoke", "2")
    assert said(migrated, "keys", "revoke", "2").startswith("Key 2 'second' was revoked already, on ")


def test_migrations(tmp_path: Path) -> None:
    """It is said from which schema to which, and what would be lost; no file is made."""
    first = said(tmp_path, "migrate")
    assert first.startswith("The database would be migrated from schema none to 0")
    assert [] == list(tmp_path.iterdir())
    run_inside(tmp_path, "migrate")
    run_inside(tmp_path, "keys", "create", "--name", "first", "--role", "admin")
    newest = first.removesuffix(".\n").rpartition(" ")[2]
    assert f"The database is at schema {newest} already: nothing would change.\n" == said(tmp_path, "migrate")
    back = said(tmp_path, "migrate", "--to=0002").splitlines()
    assert f"The database would go back from schema {newest} to 0002. This would be lost for good:" == back[0]
    assert "  table api_keys: 1 row" in back
    assert "'--to'" in said(tmp_path, "migrate", "--to=banana", code=2)


def test_restorations(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """It is said what would be restored, and what would be deleted before."""
    file = str(tmp_path_factory.mktemp("backups") / "backup.jsonl")
    run_inside(migrated, "backup", file)
    assert "say --replace" in said(migrated, "restore", file, code=2)
    lines = said(migrated, "restore", file, "--replace").splitlines()
    assert "Would be deleted: 2 rows in api_keys." == lines[0]
    assert lines[1].startswith(f"Would be restored from {file}, made on 2")
    empty = tmp_path_factory.mktemp("empty")
    assert said(empty, "restore", file).startswith("Would be restored from ")
    assert [] == list(empty.iterdir())
    assert "cannot be read" in said(empty, "restore", "nothing", code=1)


@pytest.mark.parametrize(
    ("command", "shown"),
    [(["migrate"], "Migrating"), (["restore", "backup.jsonl", "--replace"], "Restoring")],
)
def test_a_terminal_shows_that_something_takes_long(migrated: Path, command: list[str], shown: str) -> None:
    """What waits for another program is seen to be at work, and its result stands alone in the end."""
    run_inside(migrated, "backup", "backup.jsonl")
    run_inside(migrated, "migrate", "--to=-1", "--yes")
    with closing(sqlite3.connect(migrated / "data" / "balancer.db", isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        with Terminal(migrated, *command, terminal="xterm") as terminal:
            terminal.read_until(shown)
            database.execute("ROLLBACK")
            terminal.read_until(r"The database is migrated|Restored from")
            terminal.read_all()
            assert 0 == terminal.process.wait(60), terminal.text
