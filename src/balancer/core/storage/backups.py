"""What a backup says of itself, and why one may be of no use."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

FORMAT = "video-balancer-backup"
"""Begins every backup."""

VERSION = 1
"""Of the format; a program reads this one and all before it."""

Kind = Literal["integer", "number", "boolean", "text", "time", "json", "bytes"]
"""What a column holds. In a backup times are RFC 3339 in UTC and bytes are base64 (RFC 4648 §4)."""


class UnusableBackup(Exception):
    """A backup cannot be written or read; the message names the file and says why."""

    def __init__(self, path: str, fault: str) -> None:
        super().__init__(f"The backup {path} {fault}.")
        self.path = path
        self.fault = fault


class RecordNotEmpty(Exception):
    """Something is on record where a backup is to be restored.

    Attributes:
        rows: How many rows each table has.
    """

    def __init__(self, rows: Mapping[str, int]) -> None:
        super().__init__(f"The database is not empty: it holds {told(rows)}.")
        self.rows = rows


@dataclass(frozen=True, slots=True)
class BackupTable:
    """One table of a backup.

    Attributes:
        rows: How many there are.
        columns: Their kinds, by name.
    """

    rows: int
    columns: Mapping[str, Kind]


@dataclass(frozen=True, slots=True)
class Backup:
    """The first line of a backup.

    Attributes:
        format: `FORMAT`.
        version: Of the format.
        program: The version of the program that made it.
        schema: The schema revision of the database at that time.
        made_at: Aware, in UTC: the moment whose state it holds.
        tables: By name, in the order in which they can be filled.
        sha256: Of the whole file with zeros in this place, in hexadecimal.
    """

    format: str
    version: int
    program: str
    schema: str
    made_at: datetime
    tables: Mapping[str, BackupTable]
    sha256: str

    @property
    def rows(self) -> Mapping[str, int]:
        """How many rows each table has."""
        return {name: table.rows for name, table in self.tables.items()}


@dataclass(frozen=True, slots=True)
class Restoration:
    """What it would do to restore a backup.

    Attributes:
        backup: What would be on record.
        lost: How many rows of each table would be deleted before; empty where there are none.
    """

    backup: Backup
    lost: Mapping[str, int]


def told(rows: Mapping[str, int]) -> str:
    """Return counts as people write them: `3 rows in cdn_configs, 1 row in api_keys`."""
    return ", ".join(f"{count} row{'' if count == 1 else 's'} in {name}" for name, count in rows.items())
