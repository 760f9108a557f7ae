"""`balancer config delete` and `rollback`."""

from typing import Any

import click

from balancer.cli.remote.asking import Asking, asks
from balancer.cli.remote.changes import Manner, change_options, confirm, given, id_option, make, read_config
from balancer.cli.remote.output import cell
from balancer.cli.remote.remedies import CannotDo
from balancer_client import etag
from balancer_client.models import Document, PreviewRequest, Rollback

# What a preview takes of a document; the simple view follows from the targets.
_SIMPLE = {"cdn_host", "distribution_rate"}


@click.command("delete")
@click.argument("config_id", type=int, metavar="ID")
@change_options
@asks
def delete(asking: Asking, config_id: int, how: Manner) -> None:
    """Delete the config with this ID; its history stays, and a rollback brings it back.

    The default config, and one that a rule names, cannot be deleted.
    """
    found = read_config(asking, config_id)
    name = f" '{found.name}'" if found.name else ""
    text = f"Config {found.id}{name} at revision {found.revision} would be deleted."
    if how.dry_run:
        asking.show({"deleted": found.to_dict()}, lambda: cell(text))
        return
    if not how.yes:
        confirm(text)
    asking.balancer.delete_config(id=found.id, if_match=etag(found), reason=given(how.reason))
    asking.show({"deleted": found.to_dict()}, lambda: cell(f"Config {found.id}{name} is deleted."))


@click.command("rollback")
@click.argument("revision", type=int)
@id_option
@change_options
@asks
def rollback(asking: Asking, revision: int, config_id: int | None, how: Manner) -> None:
    """Make a config what it was at REVISION, by a new revision."""
    found = read_config(asking, config_id)
    then = asking.balancer.read_revision(id=found.id, revision=revision).document
    if not isinstance(then, Document):
        raise CannotDo(f"Revision {revision} of config {found.id} deleted it: there is nothing to go back to.")

    def change(tag: str) -> Any:
        request = Rollback(id=found.id, revision=revision, reason=given(how.reason))
        return asking.balancer.roll_back_config(request, if_match=tag)

    make(asking, as_preview(found.id, then), change, found, how)


def as_preview(config_id: int, document: Document) -> PreviewRequest:
    """Return the request that previews a whole document."""
    fields = {name: value for name, value in document.to_dict().items() if name not in _SIMPLE}
    return PreviewRequest.from_dict({"id": config_id, **fields})
