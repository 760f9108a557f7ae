"""`balancer drain` and `balancer undrain`."""

from typing import Any

import click

from balancer.cli.remote.asking import Asking, asks
from balancer.cli.remote.changes import Manner, change_options, given, id_option, make, read_config
from balancer.cli.remote.remedies import CannotDo
from balancer_client.models import PreviewRequest, TargetEdit, TargetPatch


@click.command()
@click.argument("name")
@id_option
@change_options
@asks
def drain(asking: Asking, name: str, config_id: int | None, how: Manner) -> None:
    """Take a target out; its weight is kept.

    The others share what NAME had, in their own proportions. It is no standby either, until 'undrain' brings it back.
    """
    _change(asking, config_id, name, {"enabled": False}, how)


@click.command()
@click.argument("name")
@id_option
@click.option("--weight", type=click.IntRange(0, 10_000), metavar="N", help="Another weight than it has.")
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
    """Bring a target back that was drained.

    NAME has the weight that it had, or another one.
    """
    fields = {"enabled": True} | ({} if weight is None else {"weight": weight})
    _change(asking, config_id, name, fields, how)


def _change(asking: Asking, config_id: int | None, name: str, fields: dict[str, Any], how: Manner) -> None:
    found = read_config(asking, config_id)
    target = next((target for target in found.targets if target.name == name), None)
    if target is None:
        names = ", ".join(target.name for target in found.targets)
        raise CannotDo(f"Config {found.id} has no target '{name}'; it has: {names}.", 4)
    if fields["enabled"] and not fields.get("weight", target.weight):
        raise CannotDo(f"The weight of '{name}' is 0, so it would get nothing. Say which: --weight 1")

    def change(tag: str) -> Any:
        request = TargetPatch(id=found.id, name=name, reason=given(how.reason), **fields)
        return asking.balancer.change_target(request, if_match=tag)

    request = PreviewRequest(id=found.id, target=TargetEdit(name=name, **fields))
    make(asking, request, change, found, how)
