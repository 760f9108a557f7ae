"""The command line: `balancer serve | migrate | config show | keys … | audit export`."""

import asyncio
import logging.config
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import click
import msgspec
import structlog
import uvicorn
from dishka import AsyncContainer

from balancer import __version__
from balancer.api.config import Config
from balancer.api.keys import Key
from balancer.app import create_app
from balancer.core.access import KeyRing
from balancer.core.changes import FIRST_START, ConfigInForce
from balancer.core.configs import CdnConfig
from balancer.core.errors import BalancerError, LastAdminKey, NoConfig, StoreUnavailable
from balancer.core.keys import ApiKey, Role, read_time
from balancer.core.ports import ApiKeys, AuditTrail, CdnConfigs, Clock, LocalFolder, Schema
from balancer.core.redirects import Redirects
from balancer.core.revisions import Signature
from balancer.edge.descriptors import connections_within, raise_limit
from balancer.edge.listening import Edge, EdgeServer
from balancer.edge.process import Limits
from balancer.edge.sockets import CannotListen, Listener, listen_at, listen_on
from balancer.edge.tls import UnusableCertificate, check_dates, load
from balancer.settings import PREFIX, Settings, WrongSettings, read_settings
from balancer.telemetry.logs import log_config, style_of
from balancer.telemetry.metrics.board import Board
from balancer.telemetry.traces import TracingNotInstalled
from balancer.wiring import make_container
from balancer.workers import Patience, Supervisor

WRONG_SETTINGS = 2
FAILED = 1

ACTOR = "command-line"
"""Signs what is done here."""

PAGE = 200
"""Keys that are read at a time."""

logger = structlog.stdlib.get_logger(__name__)

Result = TypeVar("Result")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="balancer")
def main() -> None:
    """Redirect video players to an origin cluster or to a CDN, by rules that change while traffic flows.

    Every setting is an environment variable that begins with BALANCER_, or a line in a file .env; see .env.example.
    """


@main.command()
@click.option("--host", help="Address to listen on.  [BALANCER_HOST, default 127.0.0.1]")
@click.option("--port", type=int, help="Port to listen on; 0 takes a free one.  [BALANCER_PORT, default 8000]")
@click.option("--workers", type=int, help="Processes that serve side by side.  [BALANCER_WORKERS, default 1]")
def serve(host: str | None, port: int | None, workers: int | None) -> None:
    """Serve players and admins until stopped.

    An embedded SQLite database is made and migrated by itself; a PostgreSQL database must have been migrated.
    """
    settings = _settings(host=host, port=port, workers=workers)
    with _reporting():
        config, edge = _run(settings, _prepared_server)
        # Every worker is made from these, also one that takes another's place later.
        config.app = partial(create_app, settings, board=Board(), edge=edge)
        edge.limits = _within_descriptors(edge.limits)
        edge.listeners = _listen(settings, edge)
        sys.exit(_serve(config, edge, Patience(settings.worker_start_time, settings.worker_silence)))


@main.command()
@click.option("--to", "revision", default="head", show_default=True, help="Schema revision; -1 takes one step back.")
def migrate(revision: str) -> None:
    """Bring the database to the schema that this program needs."""
    settings = _settings()
    with _reporting():
        schema = _run(settings, lambda parts: parts.get(Schema))
        if revision.startswith("-") or revision == "base":
            schema.downgrade(revision)
        else:
            schema.upgrade(revision)
    click.echo("The database is migrated." if revision == "head" else f"The database is migrated to {revision}.")


@main.group()
def config() -> None:
    """Look at configs."""


@config.command()
@click.option("--id", "config_id", type=int, help="Which one; without it the default one, which the redirect uses.")
def show(config_id: int | None) -> None:
    """Print a config as JSON."""

    async def read(parts: AsyncContainer) -> CdnConfig:
        configs: CdnConfigs = await parts.get(CdnConfigs)
        return await (configs.default() if config_id is None else configs.get(config_id))

    settings = _settings()
    with _reporting():
        found = _run(settings, read)
    click.echo(msgspec.json.format(msgspec.json.encode(Config.of(found)), indent=2))


@main.group()
def keys() -> None:
    """Manage API keys, straight in the database: whoever reaches that needs no key."""


@keys.command("create")
@click.option("--name", required=True, help="What the key is for, or whose it is.")
@click.option("--role", required=True, type=click.Choice([role.label for role in Role]), help="What it may do.")
@click.option(
    "--expires",
    type=read_time,
    metavar="TIME",
    help="When it stops working: a date or a time, in UTC without an offset.",
)
def create_key(name: str, role: str, expires: datetime | None) -> None:
    """Make an API key and print it. It is not shown again."""

    async def create(parts: AsyncContainer) -> tuple[ApiKey, str]:
        ring: KeyRing = await parts.get(KeyRing)
        return await ring.create(name, Role.of(role), expires, await _signature(parts))

    settings = _settings()
    with _reporting():
        key, secret = _run(settings, create)
    click.echo(f"Key {key.id} '{key.name}' ({key.role.label}):", err=True)
    click.echo(secret)


@keys.command("list")
def list_keys() -> None:
    """Print all API keys without their secrets, as JSON Lines."""

    async def read(parts: AsyncContainer) -> list[ApiKey]:
        ring: ApiKeys = await parts.get(ApiKeys)
        found: list[ApiKey] = []
        while page := await ring.page(found[-1].id if found else 0, PAGE):
            found += page
        return found

    settings = _settings()
    with _reporting():
        found = _run(settings, read)
    for key in found:
        click.echo(msgspec.json.encode(Key.of(key)))


@keys.command("revoke")
@click.argument("key_id", type=int)
def revoke_key(key_id: int) -> None:
    """Revoke the API key with this id; it stops working at once, everywhere."""

    async def revoke(parts: AsyncContainer) -> ApiKey:
        ring: ApiKeys = await parts.get(ApiKeys)
        try:
            return await ring.revoke(key_id, await _signature(parts))
        except LastAdminKey:
            click.echo("balancer: this was the last admin's key; make another by 'balancer keys create'", err=True)
            return await ring.revoke(key_id, await _signature(parts), even_last=True)

    settings = _settings()
    with _reporting():
        key = _run(settings, revoke)
    click.echo(f"Key {key.id} '{key.name}' is revoked.")


@main.group()
def audit() -> None:
    """Look at who changed what."""


@audit.command("export")
def export_audit() -> None:
    """Print every change of configs and keys, the oldest first, as JSON Lines."""

    async def export(parts: AsyncContainer) -> None:
        trail: AuditTrail = await parts.get(AuditTrail)
        async for entry in trail.read():
            values = entry._asdict()
            click.echo(msgspec.json.encode({**values, **values.pop("details")}))

    settings = _settings()
    with _reporting():
        _run(settings, export)


async def _signature(parts: AsyncContainer) -> Signature:
    clock: Clock = await parts.get(Clock)
    return Signature(ACTOR, clock())


def _settings(**given: Any) -> Settings:
    try:
        settings = read_settings(**given)
    except WrongSettings as wrong:
        click.echo(f"balancer: {len(wrong.faults)} wrong setting(s)\n{wrong}", err=True)
        sys.exit(WRONG_SETTINGS)
    logging.config.dictConfig(log_config(settings.log_level, style_of(settings.log_format), settings.secrets))
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known and not name.startswith(f"{PREFIX}TEST_"):
            logger.warning("there is no such setting; it has no effect", setting=name)
    return settings


def _run(settings: Settings, job: Callable[[AsyncContainer], Awaitable[Result]]) -> Result:
    async def with_parts() -> Result:
        parts = make_container(settings)
        try:
            return await job(parts)
        finally:
            await parts.close()

    return asyncio.run(with_parts())


async def _prepared_server(parts: AsyncContainer) -> tuple[uvicorn.Config, Edge]:
    """See that a worker will be able to start, so that what is wrong is said once and in one line."""
    settings, schema = await parts.get(Settings), await parts.get(Schema)
    try:
        await schema.make_ready()
    except StoreUnavailable as error:
        logger.warning("the schema of the database is not checked", fault=str(error))
    try:
        await (await parts.get(LocalFolder)).ping()
    except StoreUnavailable as error:
        logger.warning("the data folder cannot be written", folder=str(settings.data_dir), fault=str(error.__cause__))
    in_force = await parts.get(ConfigInForce)
    if await in_force.begin():
        await _make_first_key(parts)
    elif (await parts.get(Redirects)).config is None and not settings.wait_for_config:
        raise NoConfig
    return await parts.get(uvicorn.Config), await parts.get(Edge)


async def _make_first_key(parts: AsyncContainer) -> None:
    settings, ring, clock = await parts.get(Settings), await parts.get(KeyRing), await parts.get(Clock)
    given = settings.bootstrap_api_key.get_secret_value() if settings.bootstrap_api_key else None
    secret = await ring.create_first(given, Signature(FIRST_START, clock()))
    if secret:
        # Not by the log, which is kept and sent elsewhere.
        click.echo(f"The first API key, for an admin; it is not shown again:\n{secret}")


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
        listeners = [listen_at(settings.unix_socket)]
    else:
        listeners = listen_on(settings.host, settings.port, settings.workers, tls=edge.certificate is not None)
    if settings.plain_port is not None:
        listeners += listen_on(settings.host, settings.plain_port, settings.workers)
    for listener in listeners:
        # In uvicorn's words and by its logger, as those who wait for the line know it.
        logging.getLogger("uvicorn.error").info("Uvicorn running on %s (Press CTRL+C to quit)", listener.url)
    return listeners


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


@contextmanager
def _reporting() -> Generator[None, None, None]:
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(0)
    except (BalancerError, CannotListen, UnusableCertificate, TracingNotInstalled) as error:
        cause = str(error.__cause__).splitlines()[0] if error.__cause__ else ""
        click.echo(f"balancer: {error}" + (f" ({cause})" if cause else ""), err=True)
        sys.exit(FAILED)
