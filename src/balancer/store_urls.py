"""URLs of databases and of Redis as the operator gives them: read by the rules of the libraries that will use them.

No error repeats a URL, which may have a password in it.
"""

import inspect
from urllib.parse import quote

import asyncpg
from redis.asyncio.connection import ConnectionPool
from redis.exceptions import RedisError
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

_DRIVERS = {"postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg", "sqlite": "sqlite+aiosqlite"}

_SQLITE_OPTIONS = {"cached_statements", "check_same_thread", "detect_types", "isolation_level", "timeout", "uri"}
# Of those that the driver takes, what a text can say and we do not say ourselves.
_POSTGRES_OPTIONS = {*inspect.signature(asyncpg.connect).parameters, "prepared_statement_cache_size"} - {
    "command_timeout",
    "connection_class",
    "dsn",
    "loop",
    "record_class",
    "server_settings",
    "timeout",
}
_SSL_MODES = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}

_UNREADABLE = (
    "cannot be read; characters of a user or a password other than letters, digits and -._~ must be escaped (%40 for @)"
)


def read_database_url(given: str) -> URL:
    """Return the URL of a database with the driver that we talk to it by.

    Args:
        given: `postgresql://user:password@host:5432/database?ssl=require` or `sqlite:///path`. libpq's `sslmode` is
            understood as asyncpg's `ssl`.

    Raises:
        ValueError: When it names another kind of database, cannot be read, or has options that the driver lacks.
    """
    if given.partition(":")[0].partition("+")[0] not in _DRIVERS:
        raise ValueError("must begin with postgresql:// or sqlite:///")
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        raise ValueError(_UNREADABLE) from None
    if url.port is not None and not 0 < url.port <= 65535:  # noqa: PLR2004 - RFC 9293 §3.1: 16 bits
        raise ValueError("has a port that is not from 1 to 65535")
    url = url.set(drivername=_DRIVERS[url.get_backend_name()])
    if url.get_backend_name() == "sqlite":
        # With `uri` its options are SQLite's own, which passes over those that it does not know.
        unknown = set() if "uri" in url.query else set(url.query) - _SQLITE_OPTIONS
    else:
        if "sslmode" in url.query:
            url = url.difference_update_query(["sslmode"]).update_query_dict({"ssl": url.query["sslmode"]})
        if url.query.get("ssl", "prefer") not in _SSL_MODES:
            raise ValueError(f"has an ssl that is none of {', '.join(sorted(_SSL_MODES))}")
        unknown = set(url.query) - _POSTGRES_OPTIONS
    if unknown:
        raise ValueError(f"has options that the driver does not know: {', '.join(sorted(unknown))}")
    return url


def check_redis_url(given: str) -> None:
    """See that a client can be made for `redis://…`, `rediss://…` or `unix://…`.

    Raises:
        ValueError: When it has another scheme, cannot be read, or has options that the client lacks.
    """
    if given.partition(":")[0] not in {"redis", "rediss", "unix"}:
        raise ValueError("must begin with redis://, rediss:// or unix://")
    try:
        pool = ConnectionPool.from_url(given)
    except ValueError:
        raise ValueError(_UNREADABLE) from None
    try:
        # Connects at its first use, not here.
        pool.make_connection()  # type: ignore[no-untyped-call]  # the library's gap
    except (TypeError, RedisError):
        raise ValueError("has options that the client does not know") from None


def passwords_of_database(given: str) -> list[str]:
    """Return the passwords in the URL of a database, plain and escaped."""
    url = read_database_url(given)
    return _both([url.password, url.query.get("password")])


def passwords_of_redis(given: str) -> list[str]:
    """Return the password in the URL of a Redis, plain and escaped."""
    return _both([ConnectionPool.from_url(given).connection_kwargs.get("password")])


def _both(found: list[object]) -> list[str]:
    plain = [str(password) for password in found if password]
    return [*plain, *(quote(password, safe="") for password in plain)]
