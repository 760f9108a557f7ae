"""`balancer config …`: the commands, and those of them that only read."""

import importlib
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from balancer.cli.endings import WRONG_USE, fail
from balancer.cli.remote.asking import Asking, asks, connect, with_service
from balancer.cli.remote.changes import change_rows, config_table, given, id_option, read_config
from balancer.cli.remote.making import create
from balancer.cli.remote.output import Format, cell, table
from balancer.cli.remote.profiles import Service
from balancer.cli.remote.setting import preview, set_config
from balancer.cli.remote.taking_back import delete, rollback
from balancer_client import each
from balancer_client.models import ConfigRevision


@click.group()
def config() -> None:
    """Look at configs and change them."""


for _command in (set_config, create, preview, delete, rollback):
    config.add_command(_command)


@config.command("list")
@asks
def list_configs(asking: Asking) -> None:
    """List all configs; the first one is the default."""
    found = list(each(asking.balancer.list_configs))

    def shown() -> RenderableType:
        rows = [
            (one.id, one.name, one.policy.value, ", ".join(target.name for target in one.targets), one.revision,
             f"{one.updated_at or one.created_at:%Y-%m-%d %H:%M}")
            for one in found
        ]  # fmt: skip
        return table(("ID", "NAME", "POLICY", "TARGETS", "REVISION", "CHANGED, UTC"), rows, right=("ID", "REVISION"))

    asking.show([one.to_dict() for one in found], shown)


@config.command("show")
@id_option
@click.option("--table", "as_table", is_flag=True, hidden=True)
@click.option(
    "-o", "--output", "form", type=click.Choice([form.value for form in Format]),
    help="How to print.  [default: table; of the database: json]",
)  # fmt: skip
@with_service
def show_config(config_id: int | None, as_table: bool, form: str | None, service: Service | None) -> None:
    """Show a config with its targets.

    Where no service is named, it is read from the database of this machine, with the settings of the server.
    """
    if service is None:
        if form == Format.YAML.value:
            fail("A config of the database is printed as json or table.", WRONG_USE)
        on_record: Any = importlib.import_module("balancer.cli.reading")
        on_record.show_on_record(config_id, as_table=as_table or form == Format.TABLE.value)
        return
    asking = Asking(connect(service), service.url, Format(form or Format.TABLE.value))
    found = read_config(asking, config_id)
    asking.show(found.to_dict(), lambda: config_table(found))


@config.command("history")
@id_option
@click.option(
    "--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="Revisions, the newest first."
)
@asks
def history(asking: Asking, config_id: int | None, limit: int) -> None:
    """List what was changed, when, by whom and why."""
    page = asking.balancer.read_history(id=given(config_id), limit=limit)
    asking.show([one.to_dict() for one in page.items], lambda: history_table(page.items))


@config.command("diff")
@click.argument("before", type=int)
@click.argument("after", type=int)
@id_option
@asks
def diff(asking: Asking, config_id: int | None, before: int, after: int) -> None:
    """Compare revision BEFORE with revision AFTER."""
    found = asking.balancer.compare_revisions(id=given(config_id), from_=before, to=after)
    rows = change_rows(found.changes, found.target_changes)
    asking.show(
        found.to_dict(),
        lambda: (
            table(("FIELD", f"REVISION {before}", f"REVISION {after}"), rows) if rows else Text("They are the same.")
        ),
    )


def history_table(revisions: list[ConfigRevision]) -> RenderableType:
    """Return revisions for people, each with what it changed."""
    parts: list[RenderableType] = []
    for one in revisions:
        restored = f", back to revision {one.restored}" if one.restored is not None else ""
        head = f"{one.revision}  {one.made_at:%Y-%m-%d %H:%M:%S} UTC  {one.actor}{restored}"
        parts.append(cell(head, "bold"))
        parts += [cell(f"    {one.reason}")] if one.reason else []
        if one.document is None:
            parts.append(Text("    deleted"))
            continue
        rows = change_rows(one.changes, one.target_changes)
        parts += [cell(f"    {field}: {before} → {after}") for field, before, after in rows]
    return Group(*parts) if parts else Text("There is nothing.")
