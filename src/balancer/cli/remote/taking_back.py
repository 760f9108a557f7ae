"""`balancer config delete` and `rollback`."""

from functools import partial

import click

from balancer.cli.remote.asking import Asking, asks
from balancer.cli.remote.changes import (
    Manner,
    change_options,
    config_table,
    confirm,
    given,
    id_option,
    make,
    read_config,
)
from balancer.cli.remote.output import cell
from balancer.cli.remote.remedies import CannotDo
from balancer_client import NotFound, etag
from balancer_client.models import Config, Document, PreviewRequest, Rollback

# What a preview takes of a document; the simple view follows from the targets.
_SIMPLE = {"cdn_host", "distribution_rate"}


@click.command("delete")
@click.argument("config_id", type=int, metavar="ID")
@change_options
@asks
def delete(asking: Asking, config_id: int, how: Manner) -> None:
    """Delete a config.

    Its history stays, and 'rollback' with its --id brings it back. The default config, and one that a rule names,
    cannot be deleted.
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
    """Make a config what it was before.

    It gets what it had at REVISION, by a new revision; one that was deleted comes back.
    """
    try:
        found = read_config(asking, config_id)
    except NotFound:
        if config_id is None:
            raise
        _bring_back(asking, config_id, revision, how)
        return
    then = asking.balancer.read_revision(id=found.id, revision=revision).document
    if not isinstance(then, Document):
        raise CannotDo(f"Revision {revision} of config {found.id} deleted it: there is nothing to go back to.")
    change = partial(_roll_back, asking, Rollback(id=found.id, revision=revision, reason=given(how.reason)))
    make(asking, as_preview(found.id, then), change, found, how)


def _bring_back(asking: Asking, config_id: int, revision: int, how: Manner) -> None:
    """Bring a deleted config back; no player gets it until a rule names it, so nothing moves."""
    # A config that never was has no history either.
    (latest,) = asking.balancer.read_history(id=config_id, limit=1).items
    if how.dry_run:
        text = f"Config {config_id}, which is deleted, would be again what it was at revision {revision}."
        asking.show(asking.balancer.read_revision(id=config_id, revision=revision).to_dict(), lambda: cell(text))
        return
    request = Rollback(id=config_id, revision=revision, reason=given(how.reason))
    done = _roll_back(asking, request, etag(latest))
    asking.show(done.to_dict(), lambda: config_table(done))


def _roll_back(asking: Asking, request: Rollback, tag: str) -> Config:
    return asking.balancer.roll_back_config(request, if_match=tag)


def as_preview(config_id: int, document: Document) -> PreviewRequest:
    """Return the request that previews a whole document."""
    fields = {name: value for name, value in document.to_dict().items() if name not in _SIMPLE}
    return PreviewRequest.from_dict({"id": config_id, **fields})
