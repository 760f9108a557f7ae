"""The command line: `balancer serve | migrate | config show`."""

import asyncio
import logging.config
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
import msgspec
import uvicorn
from dishka import AsyncContainer
from uvicorn.supervisors import Multiprocess

from balancer import __version__
from balancer.core.changes import ConfigInForce
from balancer.core.configs import CdnConfig
from balancer.core.errors import BalancerError, StoreUnavailable
from balancer.core.ports import CdnConfigs, Schema
from balancer.logs import log_config
from balancer.settings import PREFIX, Settings, WrongSettings, read_settings
from balancer.web.config import Config
from balancer.wiring import make_container

WRONG_SETTINGS = 2
FAILED = 1

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
        server = _run(settings, _prepared_server)
        sys.exit(_serve(server))


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


def _settings(**given: Any) -> Settings:
    try:
        settings = read_settings(**given)
    except WrongSettings as wrong:
        click.echo(f"balancer: {len(wrong.faults)} wrong setting(s)\n{wrong}", err=True)
        sys.exit(WRONG_SETTINGS)
    logging.config.dictConfig(log_config(settings.log_level))
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known and not name.startswith(f"{PREFIX}TEST_"):
            logging.getLogger(__name__).warning("There is no setting %s; it has no effect", name)
    return settings


def _run(settings: Settings, job: Callable[[AsyncContainer], Awaitable[Result]]) -> Result:
    async def with_parts() -> Result:
        parts = make_container(settings)
        try:
            return await job(parts)
        finally:
            await parts.close()

    return asyncio.run(with_parts())


async def _prepared_server(parts: AsyncContainer) -> uvicorn.Config:
    """See that a worker will be able to start, so that what is wrong is said once and in one line."""
    schema = await parts.get(Schema)
    try:
        await schema.make_ready()
    except StoreUnavailable as error:
        logging.getLogger(__name__).warning("%s Its schema is not checked.", error)
    in_force = await parts.get(ConfigInForce)
    await in_force.begin(await parts.get(CdnConfig))
    return await parts.get(uvicorn.Config)


def _serve(config: uvicorn.Config) -> int:
    if config.workers > 1:
        Multiprocess(config, sockets=[config.bind_socket()]).run()
        return 0
    # uvicorn raises the signal again once it has stopped gracefully; that is then a success.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = uvicorn.Server(config)
    server.run()
    return 0 if server.started else FAILED


@contextmanager
def _reporting() -> Generator[None, None, None]:
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(0)
    except BalancerError as error:
        cause = str(error.__cause__).splitlines()[0] if error.__cause__ else ""
        click.echo(f"balancer: {error}" + (f" ({cause})" if cause else ""), err=True)
        sys.exit(FAILED)
