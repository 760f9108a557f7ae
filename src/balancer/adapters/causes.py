"""Telling from what a driver raises why a store does not answer.

asyncpg gives SQLSTATE codes (PostgreSQL, appendix A), sqlite3 its result codes, redis-py classes, and all of them let
errors of the system through, some only as the context of their own.
"""

import errno
import re
import socket
import sqlite3
import ssl
from collections.abc import Iterator

from redis import exceptions as redis
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from balancer.core.errors import StoreFault

# The longest beginning of a code counts.
_BY_STATE = {
    "08": StoreFault.DISCONNECTED,
    "25006": StoreFault.READ_ONLY,
    "28": StoreFault.DENIED,
    "3D000": StoreFault.MISSING,
    "3F000": StoreFault.NO_TABLES,
    "40P01": StoreFault.LOCKED,
    "42501": StoreFault.FORBIDDEN,
    "42703": StoreFault.NO_TABLES,
    "42P01": StoreFault.NO_TABLES,
    "53": StoreFault.FULL,
    "53300": StoreFault.CROWDED,
    "55P03": StoreFault.LOCKED,
    "57014": StoreFault.TIMED_OUT,
    "57P": StoreFault.STARTING,
    "58": StoreFault.UNREADABLE,
    "XX001": StoreFault.DAMAGED,
    "XX002": StoreFault.DAMAGED,
}

_BY_SQLITE_CODE = {
    sqlite3.SQLITE_PERM: StoreFault.FORBIDDEN,
    sqlite3.SQLITE_BUSY: StoreFault.LOCKED,
    sqlite3.SQLITE_LOCKED: StoreFault.LOCKED,
    sqlite3.SQLITE_READONLY: StoreFault.READ_ONLY,
    sqlite3.SQLITE_IOERR: StoreFault.UNREADABLE,
    sqlite3.SQLITE_CORRUPT: StoreFault.DAMAGED,
    sqlite3.SQLITE_FULL: StoreFault.FULL,
    sqlite3.SQLITE_CANTOPEN: StoreFault.UNREADABLE,
    sqlite3.SQLITE_AUTH: StoreFault.FORBIDDEN,
    sqlite3.SQLITE_NOTADB: StoreFault.DAMAGED,
}

_BY_CLASS: tuple[tuple[type[BaseException], StoreFault], ...] = (
    (redis.AuthenticationError, StoreFault.DENIED),
    (redis.AuthorizationError, StoreFault.DENIED),
    (redis.AuthenticationWrongNumberOfArgsError, StoreFault.DENIED),
    (redis.NoPermissionError, StoreFault.FORBIDDEN),
    (redis.BusyLoadingError, StoreFault.STARTING),
    (redis.MaxConnectionsError, StoreFault.CROWDED),
    (redis.OutOfMemoryError, StoreFault.FULL),
    (redis.ReadOnlyError, StoreFault.READ_ONLY),
    (redis.TimeoutError, StoreFault.TIMED_OUT),
    (PoolTimeoutError, StoreFault.TIMED_OUT),
    (TimeoutError, StoreFault.TIMED_OUT),
    (socket.gaierror, StoreFault.UNKNOWN_HOST),
    (ssl.SSLError, StoreFault.TLS),
)

_BY_ERRNO = {
    errno.ECONNREFUSED: StoreFault.NOT_LISTENING,
    errno.ENOENT: StoreFault.NOT_LISTENING,
    errno.EHOSTUNREACH: StoreFault.UNREACHABLE,
    errno.ENETUNREACH: StoreFault.UNREACHABLE,
    errno.ETIMEDOUT: StoreFault.TIMED_OUT,
    errno.ECONNRESET: StoreFault.DISCONNECTED,
    errno.EPIPE: StoreFault.DISCONNECTED,
    errno.ENOSPC: StoreFault.FULL,
    errno.EDQUOT: StoreFault.FULL,
    errno.EROFS: StoreFault.READ_ONLY,
    errno.EACCES: StoreFault.FORBIDDEN,
    errno.EPERM: StoreFault.FORBIDDEN,
    errno.ENOTDIR: StoreFault.UNREADABLE,
    errno.EISDIR: StoreFault.UNREADABLE,
}

# What has only a text: the drivers' words, and asyncio's where a host has several addresses.
_BY_TEXT = (
    (re.compile(r"rejected SSL upgrade"), StoreFault.TLS),
    (re.compile(r"no such (table|column)"), StoreFault.NO_TABLES),
    (re.compile(r"DB index is out of range|Invalid Database"), StoreFault.MISSING),
    (re.compile(r"max number of clients reached"), StoreFault.CROWDED),
    (re.compile(r"NOAUTH|WRONGPASS"), StoreFault.DENIED),
    (re.compile(r"closed in the middle|Connection closed by server|Server closed"), StoreFault.DISCONNECTED),
)
_ERRNO = re.compile(r"\[Errno (\d+)\]")


def fault_of(error: BaseException) -> StoreFault:
    """Return why a store did not answer; `StoreFault.OTHER` when that cannot be told."""
    for one in _chain(error):
        fault = _fault_of_one(one)
        if fault is not None:
            return fault
    return StoreFault.OTHER


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came of, the nearest first."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    for one in waiting:
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            # SQLAlchemy keeps the driver's error in `orig`.
            waiting += [getattr(one, "orig", None), one.__cause__, one.__context__]


def _fault_of_one(error: BaseException) -> StoreFault | None:
    state = getattr(error, "sqlstate", None)
    if state:
        beginnings = (str(state)[:length] for length in range(len(state), 1, -1))
        return next((_BY_STATE[beginning] for beginning in beginnings if beginning in _BY_STATE), None)
    # Its lower eight bits are the class of an extended result code.
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in _BY_SQLITE_CODE:
        return _BY_SQLITE_CODE[code & 0xFF]
    for kind, fault in _BY_CLASS:
        if isinstance(error, kind):
            return fault
    if isinstance(error, OSError):
        number = error.errno or next(iter(map(int, _ERRNO.findall(str(error)))), 0)
        if number in _BY_ERRNO:
            return _BY_ERRNO[number]
    return next((fault for pattern, fault in _BY_TEXT if pattern.search(str(error))), None)
