"""What the commands on the server's machine have in common: settings, and the parts of the program."""

import asyncio
import difflib
import logging.config
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click
import structlog
from dishka import AsyncContainer
from pydantic_settings import DotEnvSettingsSource

from balancer.cli.endings import FAILED, WRONG_USE, CannotPrint, fail
from balancer.cli.faults import explain
from balancer.core.clocks import Clock
from balancer.core.configs.revisions import Signature
from balancer.core.errors import BalancerError
from balancer.core.storage.backups import RecordNotEmpty, UnusableBackup
from balancer.core.storage.ports import Schema
from balancer.edge.certificates import UnusableCertificate
from balancer.edge.sockets import CannotListen
from balancer.settings import PREFIX, Settings, WrongSettings, read_settings
from balancer.telemetry.logs import log_config, style_of
from balancer.telemetry.traces import TracingNotInstalled
from balancer.wiring import make_container

ACTOR = "command-line"
"""Signs what is done here."""

API_KEY = f"{PREFIX}API_KEY"
"""Where clients' commands, the greeting and the documents have a key."""

OF_CLIENTS = {API_KEY, f"{PREFIX}URL", f"{PREFIX}PROFILE"}
"""What commands that ask a running service read; no settings of the server."""

_KNOWN = (
    BalancerError,
    CannotListen,
    RecordNotEmpty,
    TracingNotInstalled,
    UnusableBackup,
    UnusableCertificate,
)

logger = structlog.stdlib.get_logger(__name__)

Result = TypeVar("Result")


def explained(error: Exception) -> tuple[str, int] | None:
    """Return a line for what may go wrong on the server's machine, with its exit code; None for a bug."""
    if not isinstance(error, (*_KNOWN, CannotPrint, OSError)):
        return None
    context = click.get_current_context(silent=True)
    settings = context.find_root().obj if context else None
    return explain(error, settings), FAILED


def read(**given: Any) -> Settings:
    """Read the settings, and begin to log as they say; with wrong ones the program ends.

    Args:
        given: What the command line says, by the name of the setting; None counts as not given.
    """
    try:
        settings = read_settings(**given)
    except UnicodeDecodeError:
        fail("The file .env is not text in UTF-8.")
    except WrongSettings as wrong:
        click.echo(f"balancer: {len(wrong.faults)} wrong setting(s)\n{wrong}", err=True)
        sys.exit(WRONG_USE)
    click.get_current_context().find_root().obj = settings
    logging.config.dictConfig(log_config(settings.log_level, style_of(settings.log_format), settings.secrets))
    _tell_of_unknown_settings()
    return settings


def unknown_settings() -> list[tuple[str, str | None]]:
    """Return what looks like a setting and is none, each with the setting that may be meant."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    in_file = (name.upper() for name in DotEnvSettingsSource(Settings).env_vars)
    strange = sorted({*os.environ, *in_file} - known - OF_CLIENTS)
    return [
        (name, next(iter(difflib.get_close_matches(name, known, n=1)), None))
        for name in strange
        if name.startswith(PREFIX) and not name.startswith(f"{PREFIX}TEST_")
    ]


def _tell_of_unknown_settings() -> None:
    for name, nearest in unknown_settings():
        meant = {"did_you_mean": nearest} if nearest else {}
        logger.warning("there is no such setting; it has no effect", setting=name, **meant)


def run(settings: Settings, job: Callable[[AsyncContainer], Awaitable[Result]]) -> Result:
    """Do something with the parts of the program."""

    async def with_parts() -> Result:
        parts = make_container(settings)
        try:
            return await job(parts)
        finally:
            await parts.close()

    return asyncio.run(with_parts())


def run_on_record(job: Callable[[AsyncContainer], Awaitable[Result]]) -> Result:
    """Do something with a database that has the schema of this program."""

    async def checked(parts: AsyncContainer) -> Result:
        schema: Schema = await parts.get(Schema)
        await schema.check()
        return await job(parts)

    return run(read(), checked)


DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
"""The option of commands that change something here."""


async def sign(parts: AsyncContainer) -> Signature:
    """Return the signature of a change that is made here."""
    clock: Clock = await parts.get(Clock)
    return Signature(ACTOR, clock())
