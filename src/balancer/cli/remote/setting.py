"""`balancer config set` and `preview`: what a config is to be, by options."""

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

import click
from rich.console import Group
from rich.text import Text

from balancer.cli.remote.asking import Asking, asks
from balancer.cli.remote.bounds import STATES, LoopEdits
from balancer.cli.remote.changes import (
    Manner,
    change_options,
    given,
    id_option,
    make,
    preview_table,
    read_config,
    see_same,
)
from balancer.cli.remote.edits import Edits
from balancer.cli.remote.output import cell, table
from balancer.cli.remote.remedies import CannotDo
from balancer_client.models import ConfigPatch, Loop, PolicyName, Preview, PreviewRequest, Target

Fields = dict[str, Any]

_OPTIONS = (
    click.option("--rate", "distribution_rate", type=int, metavar="N", help="Every N-th request goes to the origin."),
    click.option("--cdn-host", metavar="HOST", help="Host of the only CDN."),
    click.option("--name", metavar="TEXT", help="What you call it; '' for no name."),
    click.option("--policy", type=click.Choice([name.value for name in PolicyName]), help="How targets are chosen."),
    click.option("--sticky-key", metavar="KEY", help="What sticky goes by: video, client or query:NAME."),
    click.option("--panic-threshold", type=int, metavar="PERCENT", help="Below so much health, health is ignored."),
    click.option("--slow-start", type=float, metavar="S", help="Seconds until a recovered target has all its weight."),
    click.option("--weight", "weights", metavar="NAME=N", help="Weight of a target.", multiple=True),
    click.option(
        "--target",
        "parts",
        metavar="NAME.FIELD=VALUE",
        help="A field of a target, such as host, path, tier or check.url.",
        multiple=True,
    ),
    click.option(
        "--add",
        "added",
        metavar="NAME[=[SCHEME://]HOST[/PATH]]",
        help="A new target; NAME alone is the origin.",
        multiple=True,
    ),
    click.option("--remove", "removed", metavar="NAME", help="A target that goes.", multiple=True),
    click.option(
        "--loop", "state", type=click.Choice(STATES), help="Whether shares follow quality, or stay as they are."
    ),
    click.option(
        "--bound",
        "bounds",
        metavar="[NAME.]FIELD=N",
        help="How far they may, such as slope=10, or cdn-a.min=5 for a target.",
        multiple=True,
    ),
)


class Wanted(NamedTuple):
    """What a config is to be.

    Attributes:
        fields: Of the config itself, by name.
        edits: Of its targets.
        loop: Of its loop.
    """

    fields: Fields
    edits: Edits
    loop: LoopEdits

    def of(self, targets: list[Target], loop: Loop | None) -> Fields:
        """Return all fields that change, the targets and the loop as they become from what there is."""
        changed = dict(self.fields)
        if any(self.edits):
            changed["targets"] = self.edits.apply(targets)
        if any(self.loop):
            changed["loop"] = self.loop.apply(loop)
        return changed


def config_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of what a config can be; it gets a `wanted`."""

    @wraps(command)
    def wrapped(*args: Any, **named: Any) -> Any:
        edits = Edits(*(named.pop(name) for name in Edits._fields))
        loop = LoopEdits(*(named.pop(name) for name in LoopEdits._fields))
        names = ("distribution_rate", "cdn_host", "name", "policy", "sticky_key", "panic_threshold", "slow_start")
        fields = {name: value for name in names if (value := named.pop(name)) is not None}
        if "policy" in fields:
            fields["policy"] = PolicyName(fields["policy"])
        if "name" in fields:
            fields["name"] = fields["name"] or None
        if any(edits) and {"distribution_rate", "cdn_host"} & fields.keys():
            raise CannotDo("--rate and --cdn-host change the targets: not together with options of single targets.")
        return command(*args, wanted=Wanted(fields, edits, loop), **named)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


@click.command("set")
@id_option
@config_options
@change_options
@asks
def set_config(asking: Asking, config_id: int | None, wanted: Wanted, how: Manner) -> None:
    """Change a config: what is not given stays as it is.

    All of it is one change, made only if nobody else has changed the config since it was read.
    """
    found = read_config(asking, config_id)
    changed = wanted.of(found.targets, found.loop)
    if not changed:
        raise CannotDo("Say what is to change, such as --rate 4; 'balancer config set --help' lists what can.")

    def change(tag: str) -> Any:
        return asking.balancer.change_config(
            ConfigPatch(id=found.id, reason=given(how.reason), **changed), if_match=tag
        )

    make(asking, PreviewRequest(id=found.id, **changed), change, found, how)


@click.command("preview")
@id_option
@config_options
@click.option("--requests", type=int, metavar="N", help="Split so many requests.")
@click.option("--video", "videos", multiple=True, metavar="URL", help="Show where a video would be, at each target.")
@asks
def preview(
    asking: Asking, config_id: int | None, wanted: Wanted, requests: int | None, videos: tuple[str, ...]
) -> None:
    """Show what 'set' would do.

    The options are the same. Nothing is changed.
    """
    found = read_config(asking, config_id)
    changed = wanted.of(found.targets, found.loop)
    request = PreviewRequest(id=found.id, videos=list(videos), requests=given(requests), **changed)
    shown = asking.balancer.preview_config(request)
    see_same(found, shown)
    asking.show(shown.to_dict(), lambda: Group(preview_table(shown), *_more(shown)))


def _more(shown: Preview) -> list[Any]:
    parts: list[Any] = []
    if any(share.requests for share in shown.after.shares):
        rows = [(share.target, share.requests) for share in shown.after.shares]
        parts += [Text(""), table(("TARGET", "REQUESTS THEN"), rows, right=("REQUESTS THEN",))]
    for video in shown.after.videos:
        places = [(place.target, place.location) for place in video.places or []]
        refusal = getattr(video.refusal, "value", None)
        parts += [Text(""), cell(video.video, "bold")]
        parts.append(table(("TARGET", "LOCATION"), places) if places else cell(f"refused: {refusal}"))
    return parts
