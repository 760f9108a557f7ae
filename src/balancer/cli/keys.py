"""`balancer keys create | list | revoke`."""

from collections.abc import AsyncGenerator
from datetime import datetime

import click
import msgspec
from dishka import AsyncContainer

from balancer.api.access.keys import Key
from balancer.cli.endings import CannotPrint, check_output, show
from balancer.cli.program import run_on_record, sign
from balancer.core.access.authentication import KeyRing
from balancer.core.access.keys import ApiKey, Role, read_time
from balancer.core.access.ports import ApiKeys
from balancer.core.errors import InvalidInput, LastAdminKey

PAGE = 200
"""Keys that are read at a time."""


@click.group()
def keys() -> None:
    """Manage API keys, straight in the database: whoever reaches that needs no key."""


@keys.command("create")
@click.option("--name", required=True, help="What the key is for, or whose it is.")
@click.option("--role", required=True, type=click.Choice([role.label for role in Role]), help="What it may do.")
@click.option(
    "--expires",
    "expires_at",
    type=read_time,
    metavar="TIME",
    help="When it stops working: a date or a time, in UTC without an offset; else never.",
)
def create_key(name: str, role: str, expires_at: datetime | None) -> None:
    """Make an API key and print it. It is not shown again."""

    async def create(parts: AsyncContainer) -> tuple[ApiKey, str]:
        ring: KeyRing = await parts.get(KeyRing)
        return await ring.create(name, Role.of(role), expires_at, await sign(parts))

    check_output()
    try:
        key, secret = run_on_record(create)
    except InvalidInput as error:
        option = "--expires" if error.field == "expires_at" else f"--{error.field}"
        raise click.BadParameter(f"{error.fault}.", param_hint=f"'{option}'") from error
    click.echo(f"Key {key.id} '{key.name}' ({key.role.label}):", err=True)
    try:
        show(secret)
    except (BrokenPipeError, CannotPrint) as error:
        raise CannotPrint(
            f"Key {key.id} was made, but its secret could not be printed, and nobody knows it: "
            f"revoke it by 'balancer keys revoke {key.id}'."
        ) from error


@keys.command("list")
def list_keys() -> None:
    """Print all API keys without their secrets, as JSON Lines."""

    async def print_all(parts: AsyncContainer) -> None:
        async for key in _all(await parts.get(ApiKeys)):
            show(msgspec.json.encode(Key.of(key)))

    check_output()
    run_on_record(print_all)


async def _all(ring: ApiKeys) -> AsyncGenerator[ApiKey, None]:
    last = 0
    while page := await ring.page(last, PAGE):
        for key in page:
            yield key
        last = page[-1].id


@keys.command("revoke")
@click.argument("key_id", type=int)
def revoke_key(key_id: int) -> None:
    """Revoke the API key with this id; it stops working at once, everywhere."""

    async def revoke(parts: AsyncContainer) -> tuple[ApiKey, bool]:
        ring: ApiKeys = await parts.get(ApiKeys)
        signed = await sign(parts)
        try:
            key = await ring.revoke(key_id, signed)
        except LastAdminKey:
            click.echo("balancer: this was the last admin's key; make another by 'balancer keys create'", err=True)
            key = await ring.revoke(key_id, signed, even_last=True)
        return key, key.revoked_at == signed.at

    key, is_new = run_on_record(revoke)
    if is_new:
        click.echo(f"Key {key.id} '{key.name}' is revoked.")
    else:
        click.echo(f"Key {key.id} '{key.name}' was revoked already, on {_time(key.revoked_at)} by {key.revoked_by}.")


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else "an unknown day"
