"""Who asks, and whether they may: every path is closed unless it says that it is open."""

from typing import Any

import structlog
from dishka import AsyncContainer
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from balancer.api.framework.notes import note_of
from balancer.api.framework.strangers import Strangers
from balancer.core.access.authentication import Authenticator
from balancer.core.access.keys import Role
from balancer.core.clients.quotas import Throttle
from balancer.core.clocks import Clock, Stopwatch
from balancer.core.configs.documents import check_text
from balancer.core.configs.revisions import MAX_REASON, Attempt, Signature
from balancer.core.errors import Unauthenticated
from balancer.telemetry.repeats import Repeats

Connection = ASGIConnection[Any, Any, Any, Any]

logger = structlog.stdlib.get_logger(__name__)

OPEN: dict[str, Any] = {"opt": {"needs": None}}
"""Arguments of a route that anybody may ask."""

SECURITY = {"bearer": list[str]()}
"""Names the scheme by which the OpenAPI document says that a route needs credentials."""


class Throttles:
    """How much each client may ask; None for what is not limited.

    Attributes:
        player: The player path, by address.
        admin: What needs a key, by key.
        login: Failed attempts to authenticate, by address.
        strangers: Everything else, and what needs a key and has none that is right, by address.
    """

    def __init__(
        self, *, player: Throttle | None, admin: Throttle | None, login: Throttle | None, strangers: Throttle | None
    ) -> None:
        self.player = player
        self.admin = admin
        self.login = login
        self.strangers = strangers

    def all(self) -> list[Throttle]:
        """Return those that there are."""
        return [throttle for throttle in (self.player, self.admin, self.login, self.strangers) if throttle]


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
    authenticator, client = await parts.get(Authenticator), client_of(connection)
    try:
        identity = await authenticator.identify(connection.headers.get("authorization"), client)
    except Unauthenticated as error:
        if error.tried:
            same = {"path": connection.scope.get("path_template"), "fault": error.fault}
            (await parts.get(Repeats)).tell(logger.warning, "authentication failed", client, same)
            (await parts.get(Strangers)).count_failure(client)
        raise
    if throttle := (await parts.get(Throttles)).admin:
        throttle.admit(identity.actor, (await parts.get(Stopwatch))())
    identity.check(needed)
    note_of(connection.scope).identity = identity


async def limit_players(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Let a player's request through if its client does not ask too often.

    Raises:
        RateLimited: When it does.
    """
    parts: AsyncContainer = connection.app.state.dishka_container
    if throttle := (await parts.get(Throttles)).player:
        throttle.admit(client_of(connection), (await parts.get(Stopwatch))())


def client_of(connection: Connection) -> str:
    """Return the name under which the client of a connection is counted, as whoever observes the request found it."""
    return note_of(connection.scope).client


def signature(
    request: Request[Any, Any, Any], clock: Clock, reason: str | None, attempt: Attempt | None = None
) -> Signature:
    """Return what signs a change that this request makes.

    Raises:
        InvalidInput: When the reason is not one line of text.
        Unauthenticated: When the route is open, so that nobody is known to make it.
    """
    if reason is not None:
        check_text("reason", reason, MAX_REASON)
    identity = note_of(request.scope).identity
    if identity is None:
        raise Unauthenticated("A change needs credentials.", tried=False)
    return Signature(identity.actor, clock(), reason, attempt)
