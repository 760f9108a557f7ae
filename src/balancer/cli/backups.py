"""`balancer backup` and `balancer restore`."""

import click
from dishka import AsyncContainer

from balancer.cli.endings import show
from balancer.cli.program import DRY_RUN, read, run
from balancer.cli.remote.waiting import waiting
from balancer.core.storage.backups import Backup, RecordNotEmpty, Restoration, told
from balancer.core.storage.ports import Backups

_FILE = click.Path(dir_okay=False)


@click.command()
@click.argument("file", type=_FILE)
def backup(file: str) -> None:
    """Write configs with all their revisions, and the keys' digests, to a new FILE. The service may run meanwhile.

    Only its owner can read the file: keep it as you keep the database.
    """

    async def save(parts: AsyncContainer) -> Backup:
        backups: Backups = await parts.get(Backups)
        return await backups.save(file)

    settings = read()
    with waiting("Saving"):
        made = run(settings, save)
    click.echo(f"Saved to {file} at schema {made.schema}: {told(made.rows)}.")


@click.command()
@click.argument("file", type=_FILE)
@click.option("--replace", is_flag=True, help="Delete first what is in the database.")
@DRY_RUN
def restore(file: str, replace: bool, *, dry_run: bool) -> None:
    """Put what a backup FILE holds into an empty database of either kind, migrated or not.

    All of it is restored or nothing. The file may be older than this program, but not newer.
    """

    async def load(parts: AsyncContainer) -> Backup:
        backups: Backups = await parts.get(Backups)
        return await backups.restore(file, replace=replace)

    async def look(parts: AsyncContainer) -> Restoration:
        backups: Backups = await parts.get(Backups)
        return await backups.plan(file, replace=replace)

    settings = read()
    try:
        if dry_run:
            with waiting("Reading"):
                way = run(settings, look)
            if way.lost:
                show(f"Would be deleted: {told(way.lost)}.")
            show(f"Would be restored {_told(file, way.backup)}")
            return
        with waiting("Restoring"):
            made = run(settings, load)
    except RecordNotEmpty as error:
        raise click.UsageError(f"{error} To delete that first, say --replace.") from error
    click.echo(f"Restored {_told(file, made)}")


def _told(file: str, made: Backup) -> str:
    return f"from {file}, made on {made.made_at:%Y-%m-%d %H:%M:%S} UTC: {told(made.rows)}."
