"""URLs of databases: PostgreSQL as libpq and SQLAlchemy name it, and SQLite."""

import inspect
import os
import re
from collections.abc import Mapping
from pathlib import Path

import asyncpg
from asyncpg.connect_utils import SessionAttribute
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from balancer.store_urls.parts import (
    UNREADABLE,
    check_authorities,
    check_certificate,
    check_port,
    plain_and_escaped,
    read_hosts,
)

TLS_OPTIONS = frozenset(
    {
        "sslcert",
        "sslcrl",
        "sslkey",
        "sslnegotiation",
        "sslpassword",
        "sslrootcert",
        "ssl_max_protocol_version",
        "ssl_min_protocol_version",
    }
)
"""Options of libpq that the driver takes in a URL of its own alone.

Source: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""

NUMBERS = frozenset(
    {
        "max_cacheable_statement_size",
        "max_cached_statement_lifetime",
        "prepared_statement_cache_size",
        "statement_cache_size",
    }
)
"""Options of the driver that are numbers."""

SYSTEM = "system"
"""In place of a file of authorities: those that the machine trusts."""

_DRIVERS = {"postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg", "sqlite": "sqlite+aiosqlite"}
_DEFAULT_PORT = 5432

_SQLITE_OPTIONS = {"cached_statements", "check_same_thread", "detect_types", "isolation_level", "timeout", "uri"}
# Of those that the driver takes, what a text can say and we do not say ourselves.
_POSTGRES_OPTIONS = {*inspect.signature(asyncpg.connect).parameters, *NUMBERS, *TLS_OPTIONS} - {
    "command_timeout",
    "connection_class",
    "dsn",
    "loop",
    "record_class",
    "server_settings",
    "timeout",
}
_SSL_MODES = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}
_VERIFYING = {"verify-ca", "verify-full"}
_NOT_WITH_SYSTEM = TLS_OPTIONS - {"sslcert", "sslkey", "sslpassword", "sslrootcert"}
_SESSION_ATTRIBUTES = {attribute.value for attribute in SessionAttribute}

# Scheme and user info, hosts, and the rest of a URL in which all is escaped that must be.
_PARTS = re.compile(r"([\w+]+://(?:[^/?#@]*@)?)([^/?#@]*)((?:/[^?#@]*)?(?:\?.*)?)", re.DOTALL)


def read_database_url(given: str) -> URL:
    """Return the URL of a database with the driver that we talk to it by.

    Args:
        given: `postgresql://user:password@host1:5432,host2:5432/database?sslmode=verify-full&sslrootcert=/path` or
            `sqlite:///path`. Of several hosts, those of a URL of SQLAlchemy (`?host=a:1&host=b:2`) count as well.
            libpq's `sslmode` is returned as the driver's `ssl`, and several hosts as `?host=a,b&port=1,2`.

    Raises:
        ValueError: When it names another kind of database, cannot be read, or has options that the driver lacks.
    """
    if given.partition(":")[0].partition("+")[0] not in _DRIVERS:
        raise ValueError("must begin with postgresql:// or sqlite:///")
    try:
        url = _read(given)
    except ArgumentError:
        raise ValueError(UNREADABLE) from None
    if url.port is not None:
        check_port(url.port)
    url = url.set(drivername=_DRIVERS[url.get_backend_name()])
    if url.get_backend_name() == "sqlite":
        # With `uri` its options are SQLite's own, which passes over those that it does not know.
        unknown = set() if "uri" in url.query else set(url.query) - _SQLITE_OPTIONS
    else:
        url = _with_hosts(_with_ssl(url))
        unknown = set(url.query) - _POSTGRES_OPTIONS
    if unknown:
        raise ValueError(f"has options that the driver does not know: {', '.join(sorted(unknown))}")
    if url.get_backend_name() == "postgresql":
        _check_values(url)
    return url


def check_database_url(given: str) -> None:
    """See that a database can be connected to by a URL, as far as this machine can tell.

    Raises:
        ValueError: As `read_database_url` does, and when a file that it names cannot be used.
    """
    options = {name: str(value) for name, value in read_database_url(given).query.items()}
    mode, authorities = options.get("ssl"), options.get("sslrootcert")
    if authorities and mode not in {*_VERIFYING, "require"}:
        raise ValueError("has sslrootcert without sslmode=verify-full, so that no certificate would be checked")
    if authorities == SYSTEM and mode != "verify-full":
        raise ValueError(f"has sslrootcert={SYSTEM}, which needs sslmode=verify-full")
    if authorities == SYSTEM and (beside := sorted(_NOT_WITH_SYSTEM & set(options))):
        raise ValueError(f"has sslrootcert={SYSTEM}, which cannot be given together with {', '.join(beside)}")
    if mode in _VERIFYING and not authorities and not _has_own_authorities():
        raise ValueError(
            f"has sslmode={mode} without sslrootcert: the file of the authority, or {SYSTEM} for those of the machine"
        )
    for name in ("sslrootcert", "sslcrl"):
        if options.get(name, SYSTEM) != SYSTEM:
            check_authorities(name, options[name])
    # Without `sslkey` the driver takes the one in the home folder.
    if "sslcert" in options and "sslkey" in options:
        files = (options["sslcert"], options["sslkey"])
        check_certificate(("sslcert", "sslkey"), *files, options.get("sslpassword"))


def passwords_of_database(given: str) -> list[str]:
    """Return the passwords in the URL of a database, plain and escaped."""
    url = read_database_url(given)
    return plain_and_escaped([url.password, url.query.get("password"), url.query.get("sslpassword")])


def _read(given: str) -> URL:
    parts = _PARTS.fullmatch(given)
    if parts is None or "," not in parts[2]:
        try:
            return make_url(given)
        except ValueError:
            raise ArgumentError from None
    url = make_url(parts[1] + (parts[3] if parts[3].startswith("/") else f"/{parts[3]}"))
    if {"host", "port"} & set(url.query):
        raise ValueError("has hosts before the name of the database and in its options")
    return _set_hosts(url, read_hosts(parts[2], _DEFAULT_PORT))


def _with_ssl(url: URL) -> URL:
    if "sslmode" in url.query:
        url = url.difference_update_query(["sslmode"]).update_query_dict({"ssl": url.query["sslmode"]})
    elif url.query.get("sslrootcert") == SYSTEM and "ssl" not in url.query:
        # As libpq has it.
        url = url.update_query_dict({"ssl": "verify-full"})
    if url.query.get("ssl", "prefer") not in _SSL_MODES:
        raise ValueError(f"has an ssl that is none of {', '.join(sorted(_SSL_MODES))}")
    return url


def _with_hosts(url: URL) -> URL:
    given, ports = url.query.get("host", ""), url.query.get("port", "")
    hosts = ",".join([given] if isinstance(given, str) else given)
    if "," not in hosts:
        return url
    if ports:
        # Each has its own, or all have the same one (libpq §32.1.1.3).
        numbers = ",".join([ports] if isinstance(ports, str) else ports).split(",")
        names = hosts.split(",")
        numbers = numbers * len(names) if len(numbers) == 1 else numbers
        if len(numbers) != len(names) or not all(number.isdecimal() for number in numbers):
            raise ValueError(f"has {len(names)} hosts and other ports than one for each, or one for all")
        url = _set_hosts(url, [(name, check_port(int(number))) for name, number in zip(names, numbers, strict=True)])
    else:
        url = _set_hosts(url, read_hosts(hosts, _DEFAULT_PORT))
    # Whatever we ask of a database, the server that takes writes can answer.
    wanted = url.query.get("target_session_attrs", "read-write")
    if wanted == "prefer-standby":
        raise ValueError("has several hosts with target_session_attrs=prefer-standby, which takes no changes")
    return url.update_query_dict({"target_session_attrs": wanted})


def _set_hosts(url: URL, hosts: list[tuple[str, int]]) -> URL:
    names, ports = zip(*hosts, strict=True)
    return url.update_query_dict({"host": ",".join(names), "port": ",".join(map(str, ports))})


def _check_values(url: URL) -> None:
    query: Mapping[str, object] = url.query
    if repeated := sorted(name for name, value in query.items() if not isinstance(value, str)):
        raise ValueError(f"has options more than once: {', '.join(repeated)}")
    if wrong := sorted(name for name in NUMBERS & set(query) if not str(query[name]).isdecimal()):
        raise ValueError(f"has options that must be whole numbers: {', '.join(wrong)}")
    if query.get("target_session_attrs", "any") not in _SESSION_ATTRIBUTES:
        raise ValueError(f"has a target_session_attrs that is none of {', '.join(sorted(_SESSION_ATTRIBUTES))}")


def _has_own_authorities() -> bool:
    # Where libpq and the driver look when the URL has no file.
    return "PGSSLROOTCERT" in os.environ or (Path("~").expanduser() / ".postgresql" / "root.crt").is_file()
