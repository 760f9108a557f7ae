"""Where clients are, by databases in MaxMind's format, read anew when their files change."""

import asyncio
import os
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import maxminddb
import structlog
from maxminddb.const import MODE_FD
from typing_extensions import override

from balancer.core.rules.ports import PlaceFiles

_ASNS = ("ASN", "ISP", "Enterprise")
_COUNTRIES = ("Country", "City", "Enterprise")
"""What the type of a database says of its content: `GeoLite2-Country`."""

logger = structlog.stdlib.get_logger(__name__)

State = tuple[int, int, int]
"""What changes when a file does: when it was written, its size and its inode."""


class _Database(NamedTuple):
    """A database in memory."""

    reader: maxminddb.Reader
    type: str

    @property
    def has_asns(self) -> bool:
        return any(name in self.type for name in _ASNS)

    @property
    def has_countries(self) -> bool:
        # One of an unknown type is most likely one of countries.
        return not self.has_asns or any(name in self.type for name in _COUNTRIES)

    def find(self, address: str) -> Any:
        """Return what it knows of an address: a dictionary, as a rule."""
        try:
            return self.reader.get(address)
        except (ValueError, maxminddb.InvalidDatabaseError):
            # It is no address, one of IPv6 in a database of IPv4, or the database is damaged at this place.
            return None


class MaxMindPlaces(PlaceFiles):
    """Countries and autonomous systems from one database or several, each in memory.

    A file that cannot be used is reported once, and what was read from it before goes on.

    Args:
        paths: The files.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._edition = 0
        self._databases: dict[Path, _Database] = {}
        # Of each file, how it was when it was last taken or refused, and when it was last looked at.
        self._judged: dict[Path, State | None] = {}
        self._seen: dict[Path, State | None] = {path: _state_of(path) for path in paths}
        for path in paths:
            self._look(path)

    @property
    @override
    def edition(self) -> int:
        return self._edition

    @property
    @override
    def has_countries(self) -> bool:
        return any(database.has_countries for database in self._databases.values())

    @property
    @override
    def has_asns(self) -> bool:
        return any(database.has_asns for database in self._databases.values())

    @override
    def country(self, address: str) -> str | None:
        for database in self._databases.values():
            if database.has_countries:
                found = database.find(address)
                country = found.get("country") if isinstance(found, dict) else None
                code = country.get("iso_code") if isinstance(country, dict) else country
                if isinstance(code, str):
                    return code
        return None

    @override
    def asn(self, address: str) -> int | None:
        for database in self._databases.values():
            if database.has_asns:
                found = database.find(address)
                number = found.get("autonomous_system_number") if isinstance(found, dict) else None
                if isinstance(number, int):
                    return number
        return None

    @override
    async def look(self) -> None:
        for path in self._paths:
            await asyncio.to_thread(self._look, path)

    def _look(self, path: Path) -> None:
        """Take a file if it has changed, and is not being changed right now."""
        state = _state_of(path)
        is_at_rest = state == self._seen[path]
        self._seen[path] = state
        if not is_at_rest or (path in self._judged and state == self._judged[path]):
            return
        self._judged[path] = state
        try:
            database = _load(path)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            fault = error.strerror if isinstance(error, OSError) else str(error)
            logger.warning("a database of places is not taken", file=str(path), fault=fault)
            return
        # Whoever looks something up goes by one dictionary or the other.
        self._databases = {**self._databases, path: database}
        self._edition += 1
        logger.info("database of places taken", file=str(path), type=database.type)


def _state_of(path: Path) -> State | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _load(path: Path) -> _Database:
    """Read a database.

    The library maps a file into memory, where a process that reads what has been cut off meanwhile is killed. So it is
    given a copy, which nobody else can write to.

    Raises:
        OSError: When the file cannot be read.
        maxminddb.InvalidDatabaseError: When it is no such database, or not a whole one.
    """
    data = path.read_bytes()
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("places"), "wb") as copy:
            copy.write(data)
            copy.flush()
            reader = maxminddb.open_database(f"/proc/self/fd/{copy.fileno()}")
    else:
        reader = maxminddb.open_database(BytesIO(data), MODE_FD)
    return _Database(reader, reader.metadata().database_type)
