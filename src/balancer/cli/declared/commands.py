"""`balancer apply` and `balancer export`."""

import os
import tempfile
from pathlib import Path
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from balancer.cli.declared.applying import apply_steps
from balancer.cli.declared.files import read_file, written
from balancer.cli.declared.planning import Plan, look, plan
from balancer.cli.declared.steps import Delete, Work
from balancer.cli.endings import show
from balancer.cli.remote.asking import Asking, asks, connect, with_service
from balancer.cli.remote.changes import MUCH, Manner, change_options, confirm
from balancer.cli.remote.output import as_text, cell, percent
from balancer.cli.remote.profiles import Service
from balancer.cli.remote.rules import confirm_rest
from balancer.cli.remote.waiting import waiting


@click.command()
@click.option("-f", "--file", "path", required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True),
              help="What is to be; '-' is standard input.")  # fmt: skip
@click.option("--prune", is_flag=True, help="Delete configs that the file does not name, but never the default one.")
@change_options
@asks
def apply(asking: Asking, path: str, how: Manner, *, prune: bool) -> None:
    """Make configs and rules what a file says, and change only what differs.

    Everything is previewed before anything is changed. Where a step fails, those before it are taken back.
    """
    declared = read_file(path)
    with waiting("Comparing"):
        made = plan(asking.balancer, declared, look(asking.balancer), prune=prune)
    if not how.dry_run and made.steps:
        if not how.yes:
            _confirm(made)
        with waiting("Applying", len(made.steps)) as advance:
            apply_steps(made.steps, Work(asking.balancer, how.reason, {}), advance)
    asking.show({"dry_run": how.dry_run, "steps": _data(made)}, lambda: _table(made))


def _confirm(made: Plan) -> None:
    much = max([step for step in made.steps if step.moved() > MUCH], key=lambda step: step.moved(), default=None)
    deleted = [step.what for step in made.steps if isinstance(step, Delete)]
    reasons = [f"This sends {percent(much.moved())} of the requests of {much.what} elsewhere."] if much else []
    if deleted:
        reasons.append(f"This deletes {', '.join(deleted)}.")
    if reasons:
        click.echo(as_text(_table(made)), err=True, nl=False)
        confirm(" ".join(reasons))
    confirm_rest(made.before, made.after)


def _data(made: Plan) -> list[dict[str, Any]]:
    return [
        {
            "do": step.verb,
            "what": step.what,
            "changes": [dict(zip(("field", "before", "after"), row, strict=True)) for row in step.rows()],
            "moved": step.moved(),
        }
        for step in made.steps
    ]


def _table(made: Plan) -> RenderableType:
    if not made.steps:
        return Text("Everything is as the file says.")
    styles = {"create": "green", "delete": "red"}
    parts: list[RenderableType] = []
    for step in made.steps:
        parts.append(cell(f"{step.verb} {step.what}", styles.get(step.verb, "yellow")))
        parts += [cell(f"    {field}: {before} → {after}") for field, before, after in step.rows()]
    return Group(*parts)


@click.command()
@click.option(
    "-f", "--file", "path", type=click.Path(dir_okay=False), help="Where to write it, if not to standard output."
)
@with_service
def export(path: str | None, service: Service | None) -> None:
    """Write configs and rules as a file for 'apply', which would then change nothing."""
    with waiting("Reading"):
        found = look(connect(service))
    text = written(found.configs, found.rules.rules)
    if path is None:
        show(text, ends=False)
        return
    _put(Path(path), text)
    click.echo(f"{len(found.configs)} configs and {len(found.rules.rules)} rules are in {path}.", err=True)


def _put(path: Path, text: str) -> None:
    """Write a file as a whole, so that an old one is not lost half-way."""
    file, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    try:
        with os.fdopen(file, "w", encoding="utf-8") as opened:
            opened.write(text)
        # The usual mode of new files: this one holds no secrets.
        Path(made).chmod(0o644)
        Path(made).replace(path)
    except BaseException:
        Path(made).unlink(missing_ok=True)
        raise
