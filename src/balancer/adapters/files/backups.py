"""The files of backups: JSON Lines, the first of which describes the others; see docs/operating.md.

{"format": "video-balancer-backup", "version": 1, "program": "1.2.3", "schema": "0003", "made_at": "…",
 "tables": {"cdn_configs": {"rows": 1, "columns": {"id": "integer", …}}, …}, "sha256": "…"}
{"table": "cdn_configs", "row": {"id": 1, …}}
"""

import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import msgspec

from balancer.core.storage.backups import FORMAT, VERSION, Backup, BackupTable, Kind, UnusableBackup

_UNSET = b"0" * 64
_CHECKSUM = re.compile(rb'"sha256":"([0-9a-f]{64})"\}\n\Z')

_BLOCK = 1024 * 1024
_MAX_HEADER = 1024 * 1024

_TYPES: dict[Kind, Any] = {
    "integer": int,
    "number": float,
    "boolean": bool,
    "text": str,
    "time": datetime,
    "json": Any,
    "bytes": bytes,
}

Row = dict[str, Any]
"""Values by the names of columns."""

Layout = Mapping[str, Mapping[str, Kind]]
"""The kinds of the columns, by name, of tables by name."""


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    table: str
    row: msgspec.Raw


class BackupWriter:
    """Collects rows, and writes them behind a line that describes them.

    Args:
        path: Where the backup is to be.
        rows: Where they wait for that line.
        file: What becomes the backup.
    """

    def __init__(self, path: Path, rows: IO[bytes], file: IO[bytes]) -> None:
        self._path = path
        self._rows = rows
        self._file = file
        self._counts: Counter[str] = Counter()

    def add(self, table: str, row: Mapping[str, Any]) -> None:
        """Take one row of a table.

        Raises:
            UnusableBackup: When there is no space for it.
        """
        with _reporting(self._path, "cannot be written"):
            self._rows.write(msgspec.json.encode({"table": table, "row": row}) + b"\n")
        self._counts[table] += 1

    def write(self, program: str, schema: str, made_at: datetime, layout: Layout) -> Backup:
        """Write the whole backup.

        Args:
            program: The version of this program.
            schema: The schema revision of the database.
            made_at: The moment whose state this is.
            layout: All tables, also those without a row.

        Raises:
            UnusableBackup: When there is no space for it.
        """
        tables = {name: BackupTable(self._counts[name], columns) for name, columns in layout.items()}
        unset = Backup(FORMAT, VERSION, program, schema, made_at, tables, _UNSET.decode())
        first = msgspec.json.encode(unset) + b"\n"
        with _reporting(self._path, "cannot be written"):
            self._rows.seek(0)
            digest = _digest(first, self._rows)
            self._file.write(first.replace(_UNSET, digest.encode()))
            self._rows.seek(0)
            shutil.copyfileobj(self._rows, self._file)
            self._file.flush()
            os.fsync(self._file.fileno())
        return replace(unset, sha256=digest)


@contextmanager
def new_backup(path: Path) -> Generator[BackupWriter, None, None]:
    """Make a file, which is there whole when the block ends well, and else not at all.

    Only the owner can read it, as the digests of keys are in it.

    Raises:
        UnusableBackup: When there is such a file already, or it cannot be written.
    """
    if path.exists():
        raise UnusableBackup(str(path), "exists already; name another file")
    with _reporting(path, "cannot be written"):
        waiting = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115  # closed below, where its errors are not ours
    with waiting:
        with _reporting(path, "cannot be written"):
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield BackupWriter(path, waiting, file)
            with _reporting(path, "cannot be written"):
                Path(name).rename(path)
        finally:
            Path(name).unlink(missing_ok=True)


@contextmanager
def checked_backup(path: Path) -> Generator[tuple[Backup, Iterator[tuple[str, Row]]], None, None]:
    """Open a backup that is whole; give what it says of itself, and its rows with the names of their tables.

    Raises:
        UnusableBackup: When it cannot be read, is damaged, or is none of ours.
    """
    with _reporting(path, "cannot be read"):
        file = path.open("rb")
    with file:
        with _reporting(path, "cannot be read"):
            first = file.readline(_MAX_HEADER)
            backup = _read_first(path, first)
            found = _CHECKSUM.search(first)
            if not found or _digest(first[: found.start(1)] + _UNSET + first[found.end(1) :], file) != backup.sha256:
                raise UnusableBackup(str(path), "is damaged: its checksum is wrong")
            file.seek(len(first))
        yield backup, _rows(path, backup, file)


@contextmanager
def _reporting(path: Path, fault: str) -> Generator[None, None, None]:
    try:
        yield
    except OSError as error:
        raise UnusableBackup(str(path), f"{fault}: {error.strerror or error}") from error


def _read_first(path: Path, line: bytes) -> Backup:
    try:
        said = msgspec.json.decode(line)
        is_ours = isinstance(said, dict) and said.get("format") == FORMAT
    except (msgspec.DecodeError, UnicodeDecodeError):
        is_ours = False
    if not is_ours:
        raise UnusableBackup(str(path), "is not a backup of this program")
    if said.get("version") != VERSION:
        raise UnusableBackup(str(path), f"has the format {said.get('version')}, and this program reads {VERSION}")
    try:
        return msgspec.convert(said, Backup)
    except msgspec.ValidationError as error:
        raise UnusableBackup(str(path), f"is damaged: {error}") from error


def _rows(path: Path, backup: Backup, file: IO[bytes]) -> Iterator[tuple[str, Row]]:
    decoders = {name: msgspec.json.Decoder(_row_type(table)) for name, table in backup.tables.items()}
    lines = msgspec.json.Decoder(_Line)
    counts: Counter[str] = Counter()
    number = 1
    while line := _next_line(path, file):
        number += 1
        try:
            read = lines.decode(line)
            row = msgspec.structs.asdict(decoders[read.table].decode(read.row))
        except (msgspec.MsgspecError, KeyError, UnicodeDecodeError) as error:
            raise UnusableBackup(str(path), f"is damaged in line {number}: {error}") from error
        counts[read.table] += 1
        yield read.table, row
    if counts != Counter(backup.rows):
        raise UnusableBackup(str(path), "has other numbers of rows than it says")


def _next_line(path: Path, file: IO[bytes]) -> bytes:
    with _reporting(path, "cannot be read"):
        return file.readline()


def _row_type(table: BackupTable) -> type[msgspec.Struct]:
    fields = [(name, _TYPES[kind] | None) for name, kind in table.columns.items()]
    return msgspec.defstruct("Row", fields, forbid_unknown_fields=True)


def _digest(first: bytes, rest: IO[bytes]) -> str:
    """Return the checksum of a first line, with zeros in it, and of all that follows."""
    digest = sha256(first)
    while block := rest.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()
