"""`balancer drain` and `balancer undrain`."""

from typing import Any

import click

from balancer.cli.endings import NOT_FOUND
from balancer.cli.remote.asking import Asking, asks
from balancer.cli.remote.changes import Manner, change_options, given, id_option, make, read_config
from balancer.cli.remote.remedies import CannotDo
from balancer_client import each
from balancer_client.models import Config, PreviewRequest, Target, TargetEdit, TargetPatch


@click.command()
@click.argument("name")
@id_option
@change_options
@asks
def drain(asking: Asking, name: str, config_id: int | None, how: Manner) -> None:
    """Take all traffic from a target.

    NAME gets weight 0, and the others share what it had, in their own proportions. It stands by: it serves where no
    target with a weight can.
    """
    found, _ = _read(asking, config_id, name)
    _weigh(asking, found, name, 0, how)


@click.command()
@click.argument("name")
@id_option
@click.option("--weight", type=click.IntRange(1, 10_000), metavar="N", help="Another weight than it had.")
@change_options
@asks
def undrain(
    asking: Asking,
    name: str,
    config_id: int | None,
    *,
    weight: int | None,
    how: Manner,
) -> None:
    """Give a drained target its traffic back.

    NAME gets the weight that it had last, as the config's history says, or another one.
    """
    found, target = _read(asking, config_id, name)
    if weight is None:
        weight = target.weight or _last_weight(asking, found, name)
    _weigh(asking, found, name, weight, how)
    if not target.enabled:
        on = f"balancer config set --id {found.id} --target {name}.enabled=true"
        click.echo(f"balancer: '{name}' is disabled, so it gets nothing; '{on}' enables it.", err=True)


def _read(asking: Asking, config_id: int | None, name: str) -> tuple[Config, Target]:
    found = read_config(asking, config_id)
    for target in found.targets:
        if target.name == name:
            return found, target
    names = ", ".join(target.name for target in found.targets)
    raise CannotDo(f"Config {found.id} has no target '{name}'; it has: {names}.", NOT_FOUND)


def _last_weight(asking: Asking, config: Config, name: str) -> int:
    """Return the weight above 0 that a target had last."""
    for revision in each(asking.balancer.read_history, id=config.id):
        for target in revision.document.targets if revision.document else ():
            if target.name == name and target.weight:
                return int(target.weight)
    raise CannotDo(f"'{name}' has never had a weight above 0 in config {config.id}. Say which it gets: --weight 1")


def _weigh(asking: Asking, config: Config, name: str, weight: int, how: Manner) -> None:
    def change(tag: str) -> Any:
        request = TargetPatch(id=config.id, name=name, weight=weight, reason=given(how.reason))
        return asking.balancer.change_target(request, if_match=tag)

    make(asking, PreviewRequest(id=config.id, target=TargetEdit(name=name, weight=weight)), change, config, how)
