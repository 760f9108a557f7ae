"""`balancer serve`."""

import logging
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import click
import structlog
import uvicorn
from dishka import AsyncContainer

from balancer.app import create_app
from balancer.cli.endings import FAILED
from balancer.cli.greeting import greet, make_first_key
from balancer.cli.program import read, run
from balancer.core.control.in_force import ConfigInForce
from balancer.core.errors import NoConfig, StoreUnavailable
from balancer.core.health.ports import LocalFolder
from balancer.core.routing.redirects import Redirects
from balancer.core.storage.ports import Schema
from balancer.edge.certificates import check_dates, load
from balancer.edge.descriptors import connections_within, raise_limit
from balancer.edge.listening import Edge, EdgeServer
from balancer.edge.process import Limits
from balancer.edge.sockets import CannotListen, Listener, listen_at, listen_on
from balancer.settings import Settings
from balancer.telemetry.metrics.board import Board
from balancer.workers import Patience, Supervisor

HANGUP = (
    "SIGHUP is ignored, as one worker alone has nobody to take its place: restart the service to change its settings, "
    "or set BALANCER_WORKERS to 2 or more to have workers replaced"
)

logger = structlog.stdlib.get_logger(__name__)


@click.command()
@click.option("--host", help="Address to listen on.  [BALANCER_HOST, default 127.0.0.1]")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes a free one.  [BALANCER_PORT, default 8000]",
)
@click.option(
    "--workers", type=click.IntRange(1, 1024), help="Processes that serve side by side.  [BALANCER_WORKERS, default 1]"
)
def serve(host: str | None, port: int | None, workers: int | None) -> None:
    """Serve players and admins until stopped.

    An embedded SQLite database is made and migrated by itself; a PostgreSQL database must have been migrated.
    """
    settings = read(host=host, port=port, workers=workers)
    if settings.workers == 1:
        _outlive_hangups()
    try:
        config, edge, on_record = run(settings, _prepared_server)
        # Every worker is made from these, also one that takes another's place later.
        config.app = partial(create_app, settings, board=Board(), edge=edge)
        edge.limits = _within_descriptors(edge.limits)
        edge.listeners = _listen(settings, edge)
        # Only now, as a key that is made and not shown is lost.
        greet(run(settings, make_first_key) if on_record else None, settings, edge.listeners)
        sys.exit(_serve(config, edge, Patience(settings.worker_start_time, settings.worker_silence)))
    except KeyboardInterrupt:
        sys.exit(0)


def _outlive_hangups() -> None:
    """Go on after a SIGHUP, which a supervisor would replace its workers on.

    A terminal sends it when it is closed: a process that logs to one ends, as whoever has closed it expects.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        signal.signal(signal.SIGHUP, lambda *_: logger.warning(HANGUP))


async def _prepared_server(parts: AsyncContainer) -> tuple[uvicorn.Config, Edge, bool]:
    """See that a worker will be able to start, so that what is wrong is said once and in one line.

    Returns:
        How to serve, and whether the config in force comes from the record.
    """
    settings, schema = await parts.get(Settings), await parts.get(Schema)
    try:
        await schema.make_ready()
    except StoreUnavailable as error:
        logger.warning("the schema of the database is not checked", fault=error.explained)
    try:
        await (await parts.get(LocalFolder)).ping()
    except StoreUnavailable as error:
        logger.warning("the data folder cannot be written", folder=str(settings.data_dir), fault=error.explained)
    in_force = await parts.get(ConfigInForce)
    on_record = await in_force.begin()
    if not on_record and not settings.wait_for_config and (await parts.get(Redirects)).plan is None:
        try:
            await in_force.refresh()
        except StoreUnavailable as error:
            raise NoConfig from error
    return await parts.get(uvicorn.Config), await parts.get(Edge), on_record


def _within_descriptors(limits: Limits) -> Limits:
    """Return limits that the system's limit on open files can keep."""
    files = raise_limit()
    room = connections_within(files)
    if room >= limits.connections:
        return limits
    logger.warning(
        "fewer connections than BALANCER_CONNECTIONS: the limit on open files is too low",
        connections=room,
        wanted=limits.connections,
        open_files=files,
    )
    return replace(limits, connections=room)


def _listen(settings: Settings, edge: Edge) -> list[Listener]:
    """Listen where the settings say.

    Raises:
        UnusableCertificate: When the one that is to be served there is not sound.
        CannotListen: When an address is not to be had.
    """
    if edge.certificate:
        _, leaf = load(edge.certificate)
        check_dates(edge.certificate, leaf, datetime.now(UTC))
    if settings.unix_socket:
        with _naming("BALANCER_UNIX_SOCKET"):
            listeners = [listen_at(settings.unix_socket)]
    else:
        with _naming("--port or BALANCER_PORT, or an address by --host or BALANCER_HOST"):
            listeners = listen_on(settings.host, settings.port, settings.workers, tls=edge.certificate is not None)
    if settings.plain_port is not None:
        with _naming("BALANCER_PLAIN_PORT"):
            listeners += listen_on(settings.host, settings.plain_port, settings.workers)
    for listener in listeners:
        # In uvicorn's words and by its logger, as those who wait for the line know it.
        logging.getLogger("uvicorn.error").info("Uvicorn running on %s (Press CTRL+C to quit)", listener.url)
    return listeners


@contextmanager
def _naming(names: str) -> Generator[None, None, None]:
    """Add to what is wrong with an address how another one is named."""
    try:
        yield
    except CannotListen as error:
        raise CannotListen(f"{error} Choose another by {names}.") from None
    except UnicodeError:
        # Python encodes the name before it asks for it.
        raise CannotListen(f"The address to listen on is no name of a host. Choose another by {names}.") from None


def _serve(config: uvicorn.Config, edge: Edge, patience: Patience) -> int:
    if config.workers > 1:
        supervisor = Supervisor(config, edge, patience)
        supervisor.run()
        return FAILED if supervisor.has_failed else 0
    # uvicorn raises the signal again once it has stopped gracefully; that is then a success.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = EdgeServer(config, edge)
    server.run()
    return 0 if server.started else FAILED
