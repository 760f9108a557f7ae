"""Connections to PostgreSQL: to which of several servers, over TLS, and when one is given up."""

import ssl
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import asyncpg
from sqlalchemy import URL, Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from balancer.store_urls.database_urls import NUMBERS, SYSTEM, TLS_OPTIONS

CONNECT_TIMEOUT = 3.0
"""Seconds to wait for a connection, a lock or a free place in the pool."""

COMMAND_TIMEOUT = 5.0
"""Seconds to wait for the answer to one statement."""

PROBE_TIMEOUT = 1.0
"""Seconds that the server of a pooled connection may take to show that it is still there."""

POOL_SIZE = 3
"""Connections that one process keeps: the redirect uses none."""

READ_ONLY = "25006"
"""SQLSTATE of a server that takes no writes (any more). Source: PostgreSQL, appendix A."""

_NO_NAMED_STATEMENTS = {"statement_cache_size": 0, "prepared_statement_cache_size": 0}


class Servers:
    """The servers of one URL, of which any may be the one that serves.

    The server that was connected to last is tried first: of one that is gone, some connections end in a time-out.
    """

    def __init__(self) -> None:
        self._last = 0

    async def connect(
        self,
        *,
        host: str | Sequence[str] | None = None,
        port: int | Sequence[int] | None = None,
        timeout: float,  # noqa: ASYNC109 - the driver's name for it, which SQLAlchemy passes on
        **options: Any,
    ) -> Any:
        """Return a connection of the driver to the first server that fits.

        Args:
            host: Of one server or of several.
            port: As many.
            timeout: Seconds for all of them together.
            options: Of the driver, as a URL has them.

        Raises:
            Exception: Whatever the driver raises, for the first server that did not just have another role.
        """
        hosts = [host] if host is None or isinstance(host, str) else list(host)
        ports = [port] if port is None or isinstance(port, int | str) else list(port)
        options = _typed(options)
        faults: list[Exception] = []
        for number in sorted(range(len(hosts)), key=lambda number: number != self._last):
            try:
                found = await asyncpg.connect(
                    host=hosts[number], port=ports[number], timeout=timeout / len(hosts), **options
                )
            except Exception as fault:  # whatever it is, the next server may do better
                faults.append(fault)
            else:
                self._last = number
                return found
        raise min(faults, key=lambda fault: isinstance(fault, asyncpg.TargetServerAttributeNotMatched))


def make_postgres_engine(url: URL, command_timeout: float | None = COMMAND_TIMEOUT) -> AsyncEngine:
    """Return an engine for a URL that `read_database_url` has read; it connects at its first use.

    Args:
        url: What it has returned.
        command_timeout: Seconds to wait for the answer to one statement, None for as long as it takes.
    """
    # Behind PgBouncer each transaction may have another connection to the server, which knows nothing of statements
    # that were prepared before. What we ask seldom is prepared without a name, in the transaction that needs it.
    statements = {name: size for name, size in _NO_NAMED_STATEMENTS.items() if name not in url.query}
    timeouts = {"timeout": CONNECT_TIMEOUT, "command_timeout": command_timeout}
    engine = create_async_engine(
        url,
        connect_args={**timeouts, **statements, "async_creator_fn": Servers().connect},
        pool_size=POOL_SIZE,
        pool_timeout=CONNECT_TIMEOUT,
        hide_parameters=True,
    )
    _give_up_in_time(engine.sync_engine)
    return engine


def _give_up_in_time(engine: Engine) -> None:
    @event.listens_for(engine, "checkout")
    def probe(connection: Any, _record: Any, _proxy: Any) -> None:
        # The library's own probe waits for a silent server as long as for a statement, and once for each connection.
        try:
            connection.run_async(lambda driver: driver.execute("SELECT 1", timeout=PROBE_TIMEOUT))
        except Exception as error:  # whatever it is, another connection is better
            raise InvalidatePoolError from error

    @event.listens_for(engine, "handle_error")
    def leave(context: ExceptionContext) -> None:
        # Of a server that takes no writes another one has taken the place. An error that is none of the database's own
        # leaves open what the connection is about.
        fault = context.original_exception
        if getattr(fault, "sqlstate", None) == READ_ONLY or context.sqlalchemy_exception is None:
            context.is_disconnect = True


def _typed(options: dict[str, Any]) -> dict[str, Any]:
    """Return options as the driver takes them: numbers, and those for TLS in a URL."""
    tls = {name: value for name, value in options.items() if name in TLS_OPTIONS}
    others: dict[str, Any] = {
        name: int(value) if name in NUMBERS else value for name, value in options.items() if name not in tls
    }
    if tls.get("sslrootcert") == SYSTEM:
        context = ssl.create_default_context()
        if "sslcert" in tls:
            context.load_cert_chain(tls["sslcert"], tls.get("sslkey"), lambda: tls.get("sslpassword", ""))
        others["ssl"] = context
    elif tls:
        others["dsn"] = f"postgresql://?{urlencode(tls)}"
    return others
