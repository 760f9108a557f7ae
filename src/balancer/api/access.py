"""Who asks, and whether they may: every path is closed unless it says that it is open."""

from typing import Any

import structlog
from dishka import AsyncContainer
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from balancer.core.access import Authenticator, Stopwatch
from balancer.core.addresses import TrustedProxies, client_key
from balancer.core.configs import check_text
from balancer.core.errors import Unauthenticated
from balancer.core.keys import Identity, Role
from balancer.core.limits import Limiter
from balancer.core.ports import Clock
from balancer.core.revisions import MAX_REASON, Attempt, Signature

Connection = ASGIConnection[Any, Any, Any, Any]

logger = structlog.stdlib.get_logger(__name__)

OPEN: dict[str, Any] = {"opt": {"needs": None}}
"""Arguments of a route that anybody may ask."""

SECURITY = {"bearer": list[str]()}
"""Names the scheme by which the OpenAPI document says that a route needs credentials."""


class Limiters:
    """How much each client may ask; None for what is not limited.

    Attributes:
        player: The player path, by address.
        admin: Everything else, by key.
        login: Failed attempts to authenticate, by address.
    """

    def __init__(self, player: Limiter | None, admin: Limiter | None, login: Limiter | None) -> None:
        self.player = player
        self.admin = admin
        self.login = login

    def all(self) -> list[Limiter]:
        """Return those that there are."""
        return [limiter for limiter in (self.player, self.admin, self.login) if limiter]


def needs(role: Role) -> dict[str, Any]:
    """Return the arguments of a route that needs a role."""
    return {"opt": {"needs": role}, "security": [SECURITY]}


async def authorize(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let a request through if whoever makes it may; a route that says nothing of it is an admin's.

    Raises:
        Unauthenticated: When it does not say rightly who makes it.
        Forbidden: When whoever makes it may not.
        RateLimited: When they ask too often.
    """
    needed = handler.opt.get("needs", Role.ADMIN)
    if needed is None:
        return
    parts: AsyncContainer = connection.app.state.dishka_container
    authenticator, client = await parts.get(Authenticator), await client_of(connection)
    connection.scope["state"]["client"] = client
    try:
        identity = await authenticator.identify(connection.headers.get("authorization"), client)
    except Unauthenticated as error:
        if error.tried:
            path = connection.scope.get("path_template")
            logger.warning("authentication failed", client=client, path=path, fault=error.fault)
        raise
    if limiter := (await parts.get(Limiters)).admin:
        limiter.admit(identity.actor, (await parts.get(Stopwatch))())
    identity.check(needed)
    connection.scope["user"] = identity


async def limit_players(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Let a player's request through if its client does not ask too often.

    Raises:
        RateLimited: When it does.
    """
    parts: AsyncContainer = connection.app.state.dishka_container
    if limiter := (await parts.get(Limiters)).player:
        client = await client_of(connection)
        connection.scope["state"]["client"] = client
        limiter.admit(client, (await parts.get(Stopwatch))())


async def client_of(connection: Connection) -> str:
    """Return the name under which the client of a connection is counted."""
    parts: AsyncContainer = connection.app.state.dishka_container
    proxies = await parts.get(TrustedProxies)
    fields = connection.headers
    forwarded_for, forwarded = (",".join(fields.getall(name, [])) for name in ("x-forwarded-for", "forwarded"))
    peer = connection.client.host if connection.client else ""
    return client_key(proxies.client_of(peer, forwarded_for, forwarded))


def signature(
    request: Request[Any, Any, Any], clock: Clock, reason: str | None, attempt: Attempt | None = None
) -> Signature:
    """Return what signs a change that this request makes.

    Raises:
        InvalidInput: When the reason is not one line of text.
    """
    if reason is not None:
        check_text("reason", reason, MAX_REASON)
    identity: Identity = request.scope["user"]
    return Signature(identity.actor, clock(), reason, attempt)
