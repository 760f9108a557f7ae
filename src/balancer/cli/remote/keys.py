"""`balancer remote-keys …`: what `balancer keys` does in the database, asked of a running service."""

from datetime import UTC, datetime

import click

from balancer.cli.endings import NOT_FOUND
from balancer.cli.remote.asking import Asking, asks
from balancer.cli.remote.changes import given
from balancer.cli.remote.output import Format, cell, table
from balancer.cli.remote.remedies import CannotDo
from balancer_client import each
from balancer_client.models import KeyRequest, RoleName

_DRY_RUN = click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")


@click.group()
def remote_keys() -> None:
    """Manage API keys of a running service.

    This needs an admin's key. 'balancer keys' needs none, but the database.
    """


@remote_keys.command("list")
@asks
def list_keys(asking: Asking) -> None:
    """List all API keys, without their secrets."""
    found = list(each(asking.balancer.list_keys))
    rows = [
        (one.id, one.name, one.role.value, _time(one.created_at), _time(one.expires_at), _time(one.revoked_at))
        for one in found
    ]
    headings = ("ID", "NAME", "ROLE", "MADE, UTC", "EXPIRES", "REVOKED")
    asking.show([one.to_dict() for one in found], lambda: table(headings, rows, right=("ID",)))


@remote_keys.command("create")
@click.option("--name", required=True, help="What the key is for, or whose it is.")
@click.option("--role", required=True, type=click.Choice([role.value for role in RoleName]), help="What it may do.")
@click.option(
    "--expires",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]),
    metavar="TIME",
    help="When it stops working: a date or a time, in UTC; else never.",
)
@_DRY_RUN
@asks
def create_key(asking: Asking, name: str, role: str, expires: datetime | None, *, dry_run: bool) -> None:
    """Make an API key and print it. It is not shown again."""
    until = expires.replace(tzinfo=UTC) if expires else None
    if dry_run:
        # Who may not list keys may not make any.
        asking.balancer.list_keys(limit=1)
        end = f"until {_time(until)} UTC" if until else "without an end"
        wanted = {"name": name, "role": role, "expires_at": until.isoformat() if until else None}
        asking.show({"created": wanted}, lambda: cell(f"A key '{name}' ({role}) would be made, {end}."))
        return
    made = asking.balancer.create_key(KeyRequest(name=name, role=RoleName(role), expires_at=given(until)))
    if asking.form is Format.TABLE:
        click.echo(f"Key {made.id} '{made.name}' ({made.role.value}):", err=True)
    # Whole, however narrow the terminal is.
    asking.show(made.to_dict(), lambda: cell(made.key))


@remote_keys.command("revoke")
@click.argument("key_id", type=int)
@_DRY_RUN
@asks
def revoke_key(asking: Asking, key_id: int, *, dry_run: bool) -> None:
    """Revoke the API key with this id; it stops working at once, everywhere."""
    if dry_run:
        _show_revocation(asking, key_id)
        return
    asking.balancer.revoke_key(id=key_id)
    asking.show({"revoked": key_id}, lambda: cell(f"Key {key_id} is revoked."))


def _show_revocation(asking: Asking, key_id: int) -> None:
    found = next((one for one in each(asking.balancer.list_keys) if one.id == key_id), None)
    if found is None:
        raise CannotDo(f"There is no API key {key_id}; 'balancer remote-keys list' lists them.", NOT_FOUND)
    revoked = _time(found.revoked_at)
    does = f"is revoked already, since {revoked} UTC" if revoked else "would be revoked"
    asking.show({"revoked": found.to_dict()}, lambda: cell(f"Key {key_id} '{found.name}' ({found.role.value}) {does}."))


def _time(at: object) -> str | None:
    return f"{at:%Y-%m-%d %H:%M}" if isinstance(at, datetime) else None
