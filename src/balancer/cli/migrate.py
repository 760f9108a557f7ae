"""`balancer migrate`."""

import sys

import click
from dishka import AsyncContainer

from balancer.cli.endings import fail, show
from balancer.cli.program import DRY_RUN, read, run
from balancer.cli.remote.waiting import waiting
from balancer.core.storage.migrations import Migration, UnknownRevision
from balancer.core.storage.ports import LOCK_WAIT, Schema


@click.command()
@click.option(
    "--to",
    "revision",
    default="head",
    show_default=True,
    help="Schema revision: 0002, head, base, or steps such as +1 and -1; `--to=-1` takes one step back.",
)
@click.option("--yes", is_flag=True, help="Go back without a question, although data is lost.")
@click.option(
    "--wait",
    type=click.FloatRange(0.1, 24 * 3600),
    default=LOCK_WAIT,
    show_default=True,
    help="Seconds to wait while another program holds a lock. The migration itself may take as long as it needs.",
)
@DRY_RUN
def migrate(revision: str, yes: bool, wait: float, *, dry_run: bool) -> None:
    """Bring the database to the schema that this program needs, or back to an earlier one."""

    async def plan(parts: AsyncContainer) -> tuple[Schema, Migration]:
        schema: Schema = await parts.get(Schema)
        return schema, await schema.plan(revision)

    try:
        schema, way = run(read(), plan)
    except UnknownRevision as error:
        raise click.BadParameter(f"{error}.", param_hint="'--to'") from error
    if dry_run:
        show("\n".join(_said(way)))
        return
    if way.is_down and not yes:
        _ask(way)
    with waiting("Migrating"):
        if way.is_down:
            schema.downgrade(way.target or "base", wait)
        elif way.target:
            schema.upgrade(way.target, wait)
    click.echo("The database is migrated." if revision == "head" else f"The database is migrated to {revision}.")


def _said(way: Migration) -> list[str]:
    """Return what a migration would do, line by line."""
    found, target = way.found or "none", way.target or "none"
    if found == target:
        return [f"The database is at schema {found} already: nothing would change."]
    if not way.is_down:
        return [f"The database would be migrated from schema {found} to {target}."]
    return [f"The database would go back from schema {found} to {target}. This would be lost for good:", *_losses(way)]


def _losses(way: Migration) -> list[str]:
    return [f"  {loss.what}: {loss.rows} row{'' if loss.rows == 1 else 's'}" for loss in way.losses]


def _ask(way: Migration) -> None:
    """Say what is lost on the way back; go on only if somebody says so."""
    click.echo(f"From schema {way.found} back to {way.target or 'none'}, this is lost for good:", err=True)
    for line in _losses(way):
        click.echo(line, err=True)
    click.echo("'balancer backup' keeps a copy of all of it.", err=True)
    if sys.stdin is None or not sys.stdin.isatty():
        fail("Nothing was changed. Where nobody can be asked, going back needs --yes.")
    if not click.confirm("Go back?", err=True):
        fail("Nothing was changed.")
