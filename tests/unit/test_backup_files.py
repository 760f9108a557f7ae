"""Files of backups: whole or refused, and for their owner alone."""

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from balancer.adapters.files.backups import BackupWriter, Layout, checked_backup, new_backup
from balancer.core.storage.backups import UnusableBackup

LAYOUT: Layout = {
    "t": {"id": "integer", "at": "time", "digest": "bytes", "document": "json", "share": "number", "on": "boolean"},
    "empty": {"name": "text"},
}
ROW = {
    "id": 2**31 - 1,
    "at": datetime(2026, 5, 4, 12, 30, 0, 250_000, tzinfo=UTC),
    "digest": bytes(range(32)),
    "document": {"a": [1, None, "ü\n"]},
    "share": 0.5,
    "on": True,
}
EMPTY_ROW = dict.fromkeys(ROW)


def write(path: Path) -> None:
    """Write a backup of two rows."""
    with new_backup(path) as writer:
        writer.add("t", ROW)
        writer.add("t", EMPTY_ROW)
        writer.write("1.2.3", "0003", datetime(2026, 6, 1, tzinfo=UTC), LAYOUT)


def read(path: Path) -> list[object]:
    """Return the rows of a backup."""
    with checked_backup(path) as (_, rows):
        return list(rows)


def test_round(tmp_path: Path) -> None:
    """What is written is read again, value by value, and the first line describes it."""
    write(tmp_path / "a")
    assert [("t", ROW), ("t", EMPTY_ROW)] == read(tmp_path / "a")
    with checked_backup(tmp_path / "a") as (backup, _):
        assert ("1.2.3", "0003", {"t": 2, "empty": 0}) == (backup.program, backup.schema, backup.rows)
        assert LAYOUT == {name: table.columns for name, table in backup.tables.items()}


def test_owner_alone(tmp_path: Path) -> None:
    """Only the owner can read the file, whatever the process grants else, and nothing is left beside it."""
    before = os.umask(0)
    try:
        write(tmp_path / "a")
    finally:
        os.umask(before)
    assert 0o600 == stat.S_IMODE((tmp_path / "a").stat().st_mode)
    assert ["a"] == [path.name for path in tmp_path.iterdir()]


def test_failure_leaves_nothing(tmp_path: Path) -> None:
    """A backup that fails halfway leaves no file."""

    def fail(writer: BackupWriter) -> None:
        writer.add("t", ROW)
        raise RuntimeError

    with pytest.raises(RuntimeError), new_backup(tmp_path / "a") as writer:
        fail(writer)
    assert [] == list(tmp_path.iterdir())


def test_is_not_overwritten(tmp_path: Path) -> None:
    """A file that is there stays as it is."""
    (tmp_path / "a").write_text("mine")
    with pytest.raises(UnusableBackup, match="exists already"):
        write(tmp_path / "a")
    assert "mine" == (tmp_path / "a").read_text()


def test_no_place(tmp_path: Path) -> None:
    """Where the file cannot be made, or read, the error names it and why."""
    with pytest.raises(UnusableBackup, match="cannot be written: No such file or directory"):
        write(tmp_path / "none" / "a")
    with pytest.raises(UnusableBackup, match="cannot be read: No such file or directory"):
        read(tmp_path / "none")


def test_every_damage_is_found(tmp_path: Path) -> None:
    """Whichever bit is turned, line is lost or byte is added, the file is refused."""
    write(tmp_path / "a")
    good = (tmp_path / "a").read_bytes()
    lines = good.splitlines(keepends=True)
    damaged = [good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :] for place in range(len(good))]
    damaged += [good + b"\n", good[:-1], b"".join(lines[:-1]), lines[0] + lines[2] + lines[1], b"", b"\n"]
    for content in damaged:
        (tmp_path / "b").write_bytes(content)
        with pytest.raises(UnusableBackup):
            read(tmp_path / "b")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"hello\n", "is not a backup of this program"),
        (b"\xff\xfe\n", "is not a backup of this program"),
        (b"[]\n", "is not a backup of this program"),
        (b'{"format":"video-balancer-backup","version":2}\n', "has the format 2, and this program reads 1"),
        (b'{"format":"video-balancer-backup","version":1}\n', "is damaged"),
    ],
)
def test_other_files(tmp_path: Path, content: bytes, fault: str) -> None:
    """A file of another kind, or of a later format, is refused by what it is."""
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(UnusableBackup, match=fault):
        read(tmp_path / "a")
