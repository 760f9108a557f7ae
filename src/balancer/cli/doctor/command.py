"""`balancer doctor`."""

import asyncio
import logging.config
import sys

import click
from rich.console import RenderableType
from rich.text import Text

from balancer.cli.doctor.findings import Finding, Level
from balancer.cli.doctor.machine import free_space, open_files, settings_found
from balancer.cli.doctor.stores import stores
from balancer.cli.doctor.targets import targets
from balancer.cli.endings import FAILED, WARNED, check_output, show
from balancer.cli.faults import explain
from balancer.cli.remote.output import Format, as_data, as_text, cell, table
from balancer.cli.remote.waiting import waiting
from balancer.core.errors import BalancerError
from balancer.settings import Settings, WrongSettings, read_settings
from balancer.telemetry.logs import Scrubber, log_config, style_of
from balancer.wiring import make_container

_STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}
_CODES = {Level.OK: 0, Level.WARN: WARNED, Level.FAIL: FAILED}


@click.command()
@click.option(
    "-o", "--output", "form", type=click.Choice([form.value for form in Format]), default=Format.TABLE.value,
    show_default=True, help="How to print.",
)  # fmt: skip
def doctor(form: str) -> None:
    """See whether all is well on this machine: settings, stores, clocks, files, targets and their certificates.

    Nothing is changed. The exit code is 0 when all is well, 8 when there are warnings, and 1 when something fails.
    """
    check_output()
    with waiting("Looking"):
        found = examine()
    kind = Format(form)
    show(as_text(_table(found)) if kind is Format.TABLE else as_data(_data(found), kind), ends=False)
    sys.exit(_CODES[max(finding.level for finding in found)])


def examine() -> list[Finding]:
    """Return all that is found; with wrong settings, nothing but those."""
    try:
        settings = read_settings()
    except WrongSettings as wrong:
        return [Finding(Level.FAIL, name, fault, "Correct it.") for name, fault in wrong.faults]
    except UnicodeDecodeError:
        return [Finding(Level.FAIL, "settings", "the file .env is not text in UTF-8", "Write it anew.")]
    # What the parts log of a store that is down stands in the findings.
    logging.config.dictConfig(log_config("error", style_of(settings.log_format), settings.secrets))
    found = [*settings_found(), open_files(settings), free_space(settings.data_dir)]
    scrubber = Scrubber(settings.secrets)
    return [
        Finding(one.level, one.subject, scrubber.text(one.text), one.advice)
        for one in found + asyncio.run(_examine_outside(settings))
    ]


async def _examine_outside(settings: Settings) -> list[Finding]:
    parts = make_container(settings)
    try:
        found = await stores(parts, settings)
        if any(one.level is Level.FAIL for one in found if one.subject in {"database", "schema"}):
            return [*found, Finding(Level.WARN, "targets", "are not known without the database", "See above.")]
        try:
            return found + await targets(parts)
        except BalancerError as error:
            return [*found, Finding(Level.FAIL, "targets", explain(error, settings))]
    finally:
        await parts.close()


def _data(found: list[Finding]) -> list[dict[str, object]]:
    return [{**one._asdict(), "level": one.level.name.lower()} for one in found]


def _table(found: list[Finding]) -> RenderableType:
    rows = []
    for one in found:
        advice = [cell(one.advice, _STYLES[one.level])] if one.advice else []
        level = cell(one.level.name.lower(), _STYLES[one.level])
        rows.append((level, one.subject, Text("\n").join([cell(one.text), *advice])))
    return table(("", "WHAT", "FOUND, AND WHAT TO DO"), rows)
