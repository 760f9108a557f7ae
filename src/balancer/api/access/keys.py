"""The paths by which admins manage API keys: `/keys` and `/key`."""

from datetime import UTC
from enum import StrEnum

import msgspec
from dishka.integrations.litestar import FromDishka

from balancer.api.framework.endpoints import Endpoints
from balancer.api.framework.guards import signature
from balancer.api.framework.inputs import AnyRequest, read_body, read_cursor, read_limit, read_required
from balancer.api.framework.notes import note_of
from balancer.api.framework.parameters import CURSOR, LIMIT, required
from balancer.api.openapi.operations import Time
from balancer.core.access.authentication import KeyRing
from balancer.core.access.keys import ApiKey, Role
from balancer.core.access.ports import ApiKeys
from balancer.core.clocks import Clock
from balancer.core.errors import InvalidInput, KeyNotFound, LastAdminKey, Unauthenticated

ENDPOINTS = Endpoints("keys")


class RoleName(StrEnum):
    """What a key may do: a viewer reads, an operator changes configs as well, an admin manages keys as well."""

    VIEWER = Role.VIEWER.label
    OPERATOR = Role.OPERATOR.label
    ADMIN = Role.ADMIN.label


class Visitor(msgspec.Struct):
    """Who asks.

    Attributes:
        actor: As the history names them: `key:3 deployment`, `token:alice`.
        role: What they may do.
    """

    actor: str
    role: RoleName


class Key(msgspec.Struct):
    """An API key without its secret. Times are RFC 3339 in UTC.

    Attributes:
        id: Its number.
        name: What admins call it.
        role: What it may do.
        created_at: When it was created.
        created_by: Who created it, as the history names them.
        expires_at: When it stops working; null when it does not expire.
        last_used_at: When it was last used, to the minute; null when it never was.
        revoked_at: When it was revoked; null when it was not.
        revoked_by: Who revoked it; null when it was not.
    """

    id: int
    name: str
    role: RoleName
    created_at: Time
    created_by: str
    expires_at: Time | None
    last_used_at: Time | None
    revoked_at: Time | None
    revoked_by: str | None

    @classmethod
    def of(cls, key: ApiKey) -> "Key":
        """Return what clients see of a key."""
        values = {name: getattr(key, name) for name in cls.__struct_fields__}
        return cls(**{**values, "role": RoleName(key.role.label)})


class NewKey(Key):
    """A key that was just created, with its secret.

    Attributes:
        key: The secret. It is shown this once.
    """

    key: str


class KeyPage(msgspec.Struct):
    """Some of the keys, by id.

    Attributes:
        items: The keys.
        next: The `cursor` of the next page; null on the last one.
    """

    items: list[Key]
    next: str | None


class KeyRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A key to create.

    Attributes:
        name: What admins call it, at most 100 characters.
        role: What it may do.
        expires_at: When it stops working, as RFC 3339 with an offset from UTC; null for never.
    """

    name: str
    role: RoleName
    expires_at: Time | None = None


@ENDPOINTS.endpoint("GET /keys", Role.ADMIN, LIMIT, CURSOR, answer="A page of keys.")
async def list_keys(request: AnyRequest, keys: FromDishka[ApiKeys]) -> KeyPage:
    """List API keys.

    By id, expired and revoked ones too.
    """
    limit = read_limit(request)
    found = await keys.page(read_cursor(request) or 0, limit + 1)
    items = [Key.of(key) for key in found[:limit]]
    return KeyPage(items, str(items[-1].id) if len(found) > limit else None)


@ENDPOINTS.endpoint(
    "POST /keys",
    Role.ADMIN,
    body=KeyRequest,
    example={"name": "deployment", "role": "operator", "expires_at": "2027-06-30T00:00:00Z"},
    answer="The new key with its secret.",
    errors=[InvalidInput("expires_at", "must be in the future")],
)
async def create_key(request: AnyRequest, ring: FromDishka[KeyRing], clock: FromDishka[Clock]) -> NewKey:
    """Create an API key.

    The answer is the only place where its secret is ever shown.
    """
    body = await read_body(request, KeyRequest)
    expires_at = body.expires_at
    if expires_at is not None:
        if expires_at.tzinfo is None:
            raise InvalidInput("expires_at", "must have an offset from UTC, such as 'Z'")
        try:
            expires_at = expires_at.astimezone(UTC)
        except OverflowError:
            raise InvalidInput("expires_at", "must be a year from 1 to 9999 in UTC") from None
    key, secret = await ring.create(body.name, Role.of(body.role), expires_at, signature(request, clock, None))
    return NewKey(**msgspec.structs.asdict(Key.of(key)), key=secret)


@ENDPOINTS.endpoint(
    "DELETE /key",
    Role.ADMIN,
    required("id", "Which key."),
    answer="The key is revoked.",
    errors=[KeyNotFound(7), LastAdminKey(1)],
)
async def revoke_key(request: AnyRequest, keys: FromDishka[ApiKeys], clock: FromDishka[Clock]) -> None:
    """Revoke an API key.

    It stops working at once, everywhere, and stays in the list. The last admin's key is kept.
    """
    await keys.revoke(read_required(request, "id"), signature(request, clock, None))


@ENDPOINTS.endpoint("GET /identity", Role.VIEWER, answer="Who asks.")
async def read_identity(request: AnyRequest) -> Visitor:
    """Read who you are, and what you may do.

    By the credentials of the request: an API key, or a token of the identity provider.
    """
    identity = note_of(request.scope).identity
    if identity is None or identity.role is None:
        raise Unauthenticated("This needs a header 'Authorization: Bearer <key>'.", tried=False)
    return Visitor(identity.actor, RoleName(identity.role.label))
