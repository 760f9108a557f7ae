"""`balancer remote-keys …`: what `balancer keys` does in the database, asked of a running service."""

from datetime import UTC, datetime

import click

from balancer.cli.remote.asking import Asking, asks
from balancer.cli.remote.changes import given
from balancer.cli.remote.output import Format, cell, table
from balancer_client import each
from balancer_client.models import KeyRequest, RoleName


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
@asks
def create_key(asking: Asking, name: str, role: str, expires: datetime | None) -> None:
    """Make an API key and print it. It is not shown again."""
    until = expires.replace(tzinfo=UTC) if expires else None
    made = asking.balancer.create_key(KeyRequest(name=name, role=RoleName(role), expires_at=given(until)))
    if asking.form is Format.TABLE:
        click.echo(f"Key {made.id} '{made.name}' ({made.role.value}):", err=True)
    # Whole, however narrow the terminal is.
    asking.show(made.to_dict(), lambda: cell(made.key))


@remote_keys.command("revoke")
@click.argument("key_id", type=int)
@asks
def revoke_key(asking: Asking, key_id: int) -> None:
    """Revoke the API key with this id; it stops working at once, everywhere."""
    asking.balancer.revoke_key(id=key_id)
    asking.show({"revoked": key_id}, lambda: cell(f"Key {key_id} is revoked."))


def _time(at: object) -> str | None:
    return f"{at:%Y-%m-%d %H:%M}" if isinstance(at, datetime) else None
