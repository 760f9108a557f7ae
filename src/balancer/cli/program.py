"""What all commands have in common: settings, the parts of the program, and how they end."""

import asyncio
import difflib
import logging.config
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
import structlog
from dishka import AsyncContainer
from pydantic_settings import DotEnvSettingsSource
from typing_extensions import override

from balancer.cli.faults import explain
from balancer.core.clocks import Clock
from balancer.core.configs.revisions import Signature
from balancer.core.errors import BalancerError
from balancer.core.storage.backups import RecordNotEmpty, UnusableBackup
from balancer.core.storage.ports import Schema
from balancer.edge.sockets import CannotListen
from balancer.edge.tls import UnusableCertificate
from balancer.settings import PREFIX, Settings, WrongSettings, read_settings
from balancer.telemetry.logs import log_config, style_of
from balancer.telemetry.traces import TracingNotInstalled
from balancer.wiring import make_container

FAILED = 1
WRONG_SETTINGS = 2
INTERRUPTED = 130
"""As a shell tells of a command that Ctrl-C has ended: 128 and the number of the signal."""
NO_READER = 141
"""As a shell tells of a command whose output nobody reads any more, such as the first one of `… | head`."""

ACTOR = "command-line"
"""Signs what is done here."""

API_KEY = f"{PREFIX}API_KEY"
"""Where the greeting and the documents keep a client's key; no setting of the server."""

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


class CannotPrint(Exception):
    """Standard output takes nothing; the message says why."""


class Program(click.Group):
    """The command with its subcommands: whatever goes wrong in one is told in one line."""

    @override
    def invoke(self, ctx: click.Context) -> Any:
        if sys.stderr is None:
            # It was closed by whoever started this, and what is said there is to go nowhere.
            sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115  # open as long as the process
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            # What Python would still write at its end goes nowhere as well.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            sys.exit(NO_READER)
        except (*_KNOWN, CannotPrint, OSError) as error:
            fail(explain(error, ctx.obj))


def fail(line: str) -> NoReturn:
    """End the program with a line on standard error."""
    click.echo(f"balancer: {line}", err=True)
    sys.exit(FAILED)


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
        sys.exit(WRONG_SETTINGS)
    click.get_current_context().find_root().obj = settings
    logging.config.dictConfig(log_config(settings.log_level, style_of(settings.log_format), settings.secrets))
    _tell_of_unknown_settings()
    return settings


def _tell_of_unknown_settings() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    in_file = (name.upper() for name in DotEnvSettingsSource(Settings).env_vars)
    for name in sorted({*os.environ, *in_file} - known - {API_KEY}):
        if name.startswith(PREFIX) and not name.startswith(f"{PREFIX}TEST_"):
            nearest = difflib.get_close_matches(name, known, n=1)
            meant = {"did_you_mean": nearest[0]} if nearest else {}
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


async def sign(parts: AsyncContainer) -> Signature:
    """Return the signature of a change that is made here."""
    clock: Clock = await parts.get(Clock)
    return Signature(ACTOR, clock())


def check_output() -> None:
    """See that there is a standard output, before something is done whose only result goes there.

    Raises:
        CannotPrint: When it is closed.
    """
    if sys.stdout is None:
        raise CannotPrint("Standard output is closed, so that nothing can be printed.")


def show(line: str | bytes, *, ends: bool = True) -> None:
    """Print a line of what was asked for.

    Args:
        line: What is printed.
        ends: Whether a line break follows; what is no line is printed byte for byte.

    Raises:
        BrokenPipeError: When nobody reads it any more.
        CannotPrint: When standard output is closed or full.
    """
    check_output()
    try:
        click.echo(line, nl=ends)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CannotPrint(f"Standard output cannot be written: {error.strerror or error}.") from error
