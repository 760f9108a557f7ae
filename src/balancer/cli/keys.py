"""`balancer keys create | list | revoke`."""

from collections.abc import AsyncGenerator
from datetime import datetime

import click
import msgspec
from dishka import AsyncContainer

from balancer.api.access.keys import Key
from balancer.cli.endings import CannotPrint, check_output, show
from balancer.cli.program import DRY_RUN, run_on_record, sign
from balancer.core.access.authentication import KeyRing, check_key
from balancer.core.access.keys import ApiKey, Role, read_time
from balancer.core.access.ports import ApiKeys
from balancer.core.errors import InvalidInput, KeyNotFound, LastAdminKey

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
@DRY_RUN
def create_key(name: str, role: str, expires_at: datetime | None, *, dry_run: bool) -> None:
    """Make an API key and print it. It is not shown again."""
    if dry_run:
        _say_creation(name, role, expires_at)
        return

    async def create(parts: AsyncContainer) -> tuple[ApiKey, str]:
        ring: KeyRing = await parts.get(KeyRing)
        return await ring.create(name, Role.of(role), expires_at, await sign(parts))

    check_output()
    try:
        key, secret = run_on_record(create)
    except InvalidInput as error:
        raise _bad_option(error) from error
    click.echo(f"Key {key.id} '{key.name}' ({key.role.label}):", err=True)
    try:
        show(secret)
    except (BrokenPipeError, CannotPrint) as error:
        raise CannotPrint(
            f"Key {key.id} was made, but its secret could not be printed, and nobody knows it: "
            f"revoke it by 'balancer keys revoke {key.id}'."
        ) from error


def _say_creation(name: str, role: str, expires_at: datetime | None) -> None:
    async def check(parts: AsyncContainer) -> None:
        check_key(name, expires_at, (await sign(parts)).at)

    try:
        run_on_record(check)
    except InvalidInput as error:
        raise _bad_option(error) from error
    end = f"until {_time(expires_at)}" if expires_at else "without an end"
    show(f"A key '{name}' ({role}) would be made, {end}.")


def _bad_option(error: InvalidInput) -> click.BadParameter:
    option = "--expires" if error.field == "expires_at" else f"--{error.field}"
    return click.BadParameter(f"{error.fault}.", param_hint=f"'{option}'")


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
@DRY_RUN
def revoke_key(key_id: int, *, dry_run: bool) -> None:
    """Revoke the API key with this id; it stops working at once, everywhere."""
    if dry_run:
        _say_revocation(key_id)
        return

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
    click.echo(f"Key {key.id} '{key.name}' is revoked." if is_new else _revoked_already(key))


def _say_revocation(key_id: int) -> None:
    async def look(parts: AsyncContainer) -> tuple[ApiKey, bool]:
        found = [key async for key in _all(await parts.get(ApiKeys))]
        now = (await sign(parts)).at
        admins = [key.id for key in found if key.role is Role.ADMIN and key.works_at(now)]
        for key in found:
            if key.id == key_id:
                return key, admins == [key_id]
        raise KeyNotFound(key_id)

    key, is_last = run_on_record(look)
    if key.revoked_at:
        show(_revoked_already(key))
        return
    last = "; it is the last admin's key" if is_last else ""
    show(f"Key {key.id} '{key.name}' ({key.role.label}) would be revoked{last}.")


def _revoked_already(key: ApiKey) -> str:
    return f"Key {key.id} '{key.name}' was revoked already, on {_time(key.revoked_at)} by {key.revoked_by}."


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else "an unknown day"
