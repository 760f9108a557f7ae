"""Changes of a config: shown first, asked about where they move most of the traffic, and made to what was read."""

import functools
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import click
from rich.console import Group, RenderableType
from rich.text import Text

from balancer.cli.endings import CONFLICT
from balancer.cli.loops import bounds_lines, state
from balancer.cli.remote.asking import Asking
from balancer.cli.remote.output import as_text, bar, cell, percent, plain, table
from balancer.cli.remote.remedies import CannotDo, Declined
from balancer_client import UNSET, Unset, etag
from balancer_client.models import Config, Document, Preview, PreviewRequest

MUCH = 0.5
"""Share of a config's requests; a change that moves more is asked about."""

_PLACES = {"kind", "host", "scheme", "path"}
"""Fields of a target that say where its players are sent."""


def id_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option that names a config."""
    option = click.option(
        "--id", "config_id", type=int, metavar="ID", help="Which config; the default one if not given."
    )
    return option(command)


class Manner(NamedTuple):
    """How a change is made.

    Attributes:
        reason: One line for the history.
        yes: Whether nobody is asked.
        dry_run: Whether it is only shown.
    """

    reason: str | None
    yes: bool
    dry_run: bool


def change_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of all that change something; it gets a `how`."""

    @functools.wraps(command)
    def wrapped(*args: Any, reason: str | None, yes: bool, dry_run: bool, **named: Any) -> Any:
        return command(*args, how=Manner(reason, yes, dry_run), **named)

    for option in (
        click.option("--yes", is_flag=True, help="Do not ask, however much of the traffic moves."),
        click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing."),
        click.option("--reason", metavar="TEXT", help="One line for the history."),
    ):
        wrapped = option(wrapped)
    return wrapped


def given(value: Any) -> Any:
    """Return a value that was given, or what says that it was not."""
    return UNSET if value is None else value


def read_config(asking: Asking, config_id: int | None) -> Config:
    """Return a config, the default one without an id."""
    return asking.balancer.read_config(id=given(config_id))


def make(asking: Asking, request: PreviewRequest, change: Callable[[str], Config], config: Config, how: Manner) -> None:
    """Preview a change, ask about it where it moves much, make it, and print what it has made.

    Args:
        asking: Whom to ask.
        request: The change as it is previewed.
        change: Makes it, if the config still has the entity tag that it gets.
        config: As it was read.
        how: Whether it is only shown, and whether nobody is asked.

    Raises:
        CannotDo: When somebody has changed the config since it was read.
        Declined: When it is not wanted.
    """
    preview = asking.balancer.preview_config(request)
    see_same(config, preview)
    if how.dry_run:
        asking.show(preview.to_dict(), lambda: preview_table(preview))
        return
    if not preview.changes and not preview.target_changes:
        click.echo(f"Config {config.id} is like that already: nothing was changed.", err=True)
        done = config
    else:
        confirm_preview(preview, yes=how.yes)
        done = change(etag(config))
    asking.show(done.to_dict(), lambda: config_table(done))


def see_same(config: Config, preview: Preview) -> None:
    """See that a preview is of what was read.

    Raises:
        CannotDo: When it is not.
    """
    if preview.revision != config.revision:
        raise CannotDo(
            f"Somebody has changed config {config.id} since it was read: it is at revision {preview.revision}. "
            "Repeat the command.",
            CONFLICT,
        )


def moved(preview: Preview) -> float:
    """Return which share of a config's requests a change sends elsewhere, from 0 to 1.

    A target whose address changes sends all of its requests elsewhere.
    """
    after = {share.target: share.share for share in preview.after.shares}
    changed = {change.target for change in preview.target_changes if change.field in _PLACES}
    return sum(
        share.share if share.target in changed else max(0.0, share.share - after.get(share.target, 0.0))
        for share in preview.before.shares
    )


def confirm_preview(preview: Preview, *, yes: bool) -> None:
    """Ask about a change that moves much.

    Raises:
        Declined: When it is not wanted, or nobody can be asked.
    """
    share = moved(preview)
    if share <= MUCH or yes:
        return
    click.echo(as_text(preview_table(preview)), err=True, nl=False)
    confirm(f"This sends {percent(share)} of the requests of config {preview.id} elsewhere.")


def confirm(text: str) -> None:
    """Say what would happen, and go on only if somebody says so.

    Raises:
        Declined: When nobody does.
    """
    click.echo(text, err=True)
    if sys.stdin is None or not sys.stdin.isatty():
        raise Declined("Nothing was changed. Where nobody can be asked, such a change needs --yes.")
    if not click.confirm("Do it?", err=True):
        raise Declined


def preview_table(preview: Preview) -> RenderableType:
    """Return what a change would do."""
    head = f"Config {preview.id} at revision {preview.revision}"
    changes = change_rows(preview.changes, preview.target_changes)
    if not changes:
        return Text(f"{head}: nothing would change.")
    after = {share.target: share for share in preview.after.shares}
    before = {share.target: share for share in preview.before.shares}
    rows = [
        (name, percent(before[name].share if name in before else 0), percent(share), bar(share))
        for name in {**before, **after}
        for share in (after[name].share if name in after else 0.0,)
    ]
    return Group(
        Text(f"{head} would change:\n"),
        table(("FIELD", "BEFORE", "AFTER"), changes),
        Text(""),
        table(("TARGET", "SHARE NOW", "THEN", ""), rows, right=("SHARE NOW", "THEN")),
    )


def change_rows(changes: list[Any], target_changes: list[Any]) -> list[tuple[object, ...]]:
    """Return a row for each change of a config and of its targets."""
    rows: list[tuple[object, ...]] = [(one.field, plain(one.before), plain(one.after)) for one in changes]
    return rows + [(f"{one.target}.{one.field}", plain(one.before), plain(one.after)) for one in target_changes]


def config_table(config: Config) -> RenderableType:
    """Return a config for people."""
    name = f" '{config.name}'" if config.name else ""
    head = f"Config {config.id}{name} at revision {config.revision}: {told(config)}"
    return Group(cell(head), Text(""), targets_table(config))


def told(config: Config | Document) -> str:
    """Return what a config is apart from its targets: `policy exact, loop off`."""
    by = f" by {config.sticky_key}" if config.policy.value == "sticky" else ""
    more = f", panic threshold {config.panic_threshold} %" if config.panic_threshold else ""
    more += f", slow start {config.slow_start:g} s" if config.slow_start else ""
    loop = config.loop.to_dict() if config.loop else None
    return f"policy {config.policy.value}{by}{more}, loop {state(loop)}"


def targets_table(config: Config | Document) -> RenderableType:
    """Return the targets of a config for people, and the bounds of its loop."""
    rows = [
        (
            target.name,
            "origin"
            if _value(target.kind) == "origin"
            else f"{_scheme(target.scheme)}{target.host}{target.path or ''}",
            target.check.url if target.check else None,
            target.tier,
            target.weight if target.enabled else cell("disabled", "yellow"),
        )
        for target in config.targets
    ]
    shown = table(("TARGET", "WHERE", "CHECK", "TIER", "WEIGHT"), rows, right=("TIER", "WEIGHT"))
    bounds = [Text("\n".join(["", *bounds_lines(config.loop.to_dict())]))] if config.loop else []
    return Group(shown, *bounds)


def _value(kind: Any) -> str:
    return str(getattr(kind, "value", "cdn"))


def _scheme(scheme: Any) -> str:
    return "" if isinstance(scheme, Unset) or scheme.value == "keep" else f"{scheme.value}://"
