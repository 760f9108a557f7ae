"""`balancer stats`."""

import sys
import time

import click
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from balancer.cli.remote.asking import Asking, asks
from balancer.cli.remote.output import Format, bar, cell, console_of, percent, table
from balancer_client import ClientError, Unavailable, Unreachable
from balancer_client.models import StatsAnswer

_STYLES = {"healthy": "green", "unhealthy": "red"}


@click.command()
@click.option("--window", default="5m", show_default=True, help="How far back: 10s to 1h, in steps of ten seconds.")
@click.option("--watch", is_flag=True, help="Show it anew again and again, until Ctrl-C.")
@click.option("--interval", type=click.FloatRange(0.1, 3600), default=2.0, show_default=True, help="Seconds between.")
@click.option("--count", type=click.IntRange(1), help="Stop after so many times.")
@asks
def stats(asking: Asking, window: str, interval: float, count: int | None, *, watch: bool) -> None:
    """Show what each target gets, as numbers and bars."""
    if not watch:
        _show(asking, window)
    elif asking.form is Format.TABLE and sys.stdout.isatty():
        _watch(asking, window, interval, count)
    else:
        _repeat(asking, window, interval, count)


def _show(asking: Asking, window: str) -> None:
    found = asking.balancer.read_stats(window=window)
    asking.show(found.to_dict(), lambda: stats_table(found))


def _repeat(asking: Asking, window: str, interval: float, count: int | None) -> None:
    shown = 0
    while True:
        _show(asking, window)
        shown += 1
        if shown == count:
            return
        time.sleep(interval)


def _watch(asking: Asking, window: str, interval: float, count: int | None) -> None:
    """Show the table in place; while the service is away, say so and go on."""
    shown = 0
    last: RenderableType = Text("")
    with Live(last, console=console_of(is_terminal=True), auto_refresh=False) as live:
        while True:
            try:
                last = stats_table(asking.balancer.read_stats(window=window))
                live.update(last, refresh=True)
            except (Unavailable, Unreachable) as error:
                live.update(Group(last, _away(error)), refresh=True)
            shown += 1
            if shown == count:
                return
            time.sleep(interval)


def _away(error: ClientError) -> Text:
    return cell(f"{error} Trying again.", "yellow")


def stats_table(found: StatsAnswer) -> RenderableType:
    """Return statistics for people."""
    hosts = "this host" if found.scope.value == "host" else f"{found.hosts} hosts"
    refused = sum(found.refusals.additional_properties.values())
    limited = sum(found.rate_limited.additional_properties.values())
    head = f"{found.begin:%H:%M:%S} to {found.end:%H:%M:%S} UTC, {hosts}: {found.redirects} redirects"
    parts: list[RenderableType] = [cell(head + f", {refused} refused, {limited} rate-limited")]
    for one in found.configs:
        rows = [
            (
                target.target,
                target.redirects,
                percent(target.share),
                percent(target.configured),
                bar(target.share or 0.0),
                cell(verdict.value, _STYLES.get(verdict.value, "")) if (verdict := target.verdict) else None,
            )
            for target in one.targets
        ]
        headings = ("TARGET", "REDIRECTS", "SHARE", "CONFIGURED", "", "VERDICT")
        parts += [Text(""), cell(f"Config {one.id}", "bold")]
        parts.append(table(headings, rows, right=("REDIRECTS", "SHARE", "CONFIGURED")))
    if not found.configs:
        parts.append(Text("No target got anything in this time."))
    return Group(*parts)
