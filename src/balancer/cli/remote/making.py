"""`balancer config create`."""

from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text

from balancer.cli.remote.asking import Asking, asks
from balancer.cli.remote.changes import Manner, change_options, config_table, given, targets_table, told
from balancer.cli.remote.output import bar, cell, percent, table
from balancer.cli.remote.remedies import CannotDo
from balancer.cli.remote.setting import Fields, Wanted, config_options
from balancer.core.configs.simple import simple_document
from balancer.core.errors import InvalidInput
from balancer_client.models import Loop, LoopPatch, NewConfig, Outcome, PolicyName, PreviewRequest, Target

_DEFAULTS: Fields = {
    "name": None,
    "policy": PolicyName.EXACT,
    "sticky_key": "video",
    "panic_threshold": 0,
    "slow_start": 0.0,
    "loop": None,
}
"""What a new config is where nobody says otherwise."""


@click.command("create")
@config_options
@change_options
@asks
def create(asking: Asking, wanted: Wanted, how: Manner) -> None:
    """Make a config.

    It is made of --rate and --cdn-host, or of targets by --add, with weights by --weight. No player gets it until a
    rule names it.
    """
    made = wanted.of([], None)
    if "targets" not in made and not {"distribution_rate", "cdn_host"} <= made.keys():
        raise CannotDo("A new config needs --rate and --cdn-host, or targets by --add.")
    if how.dry_run:
        after = _preview(asking, made)
        asking.show({"before": None, "after": after.to_dict()}, lambda: _outcome_table(after))
        return
    if made.get("loop"):
        made["loop"] = Loop.from_dict(made["loop"].to_dict())
    done = asking.balancer.create_config(NewConfig(reason=given(how.reason), **made))
    asking.show(done.to_dict(), lambda: config_table(done))


def _preview(asking: Asking, made: Fields) -> Outcome:
    """Return what a new config would be.

    The service previews changes alone, so the default config is previewed with every field replaced.
    """
    fields = {**_DEFAULTS, **made}
    if "targets" not in made:
        fields["targets"] = _simple_targets(fields.pop("cdn_host"), fields.pop("distribution_rate"))
    if fields["loop"]:
        fields["loop"] = LoopPatch.from_dict({**Loop().to_dict(), "targets": [], **fields["loop"].to_dict()})
    current = asking.balancer.read_config()
    return asking.balancer.preview_config(PreviewRequest(id=current.id, **fields)).after


def _simple_targets(host: str, rate: int) -> list[Target]:
    try:
        made = simple_document(host, rate).targets
    except InvalidInput as error:
        raise CannotDo(f"{error}.") from None
    fields: list[dict[str, Any]] = [
        {"name": target.name, "kind": target.kind.value, "host": target.host, "weight": target.weight}
        for target in made
    ]
    return [Target.from_dict(target) for target in fields]


def _outcome_table(after: Outcome) -> RenderableType:
    config = after.config
    name = f" '{config.name}'" if config.name else ""
    rows = [(share.target, percent(share.share), bar(share.share)) for share in after.shares]
    return Group(
        cell(f"A config{name} would be made: {told(config)}"),
        Text(""),
        targets_table(config),
        Text(""),
        table(("TARGET", "SHARE", ""), rows, right=("SHARE",)),
    )
