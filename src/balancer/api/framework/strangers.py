"""What needs no key: how often one address may ask for it, and what it is told above that."""

import msgspec
from litestar import Litestar
from litestar.datastructures import Headers
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from balancer import headers
from balancer.api.framework.notes import note_of
from balancer.core.access.keys import Role
from balancer.core.clients.addresses import TrustedProxies
from balancer.core.clients.quotas import Throttle
from balancer.core.clocks import Stopwatch
from balancer.core.errors import RateLimited
from balancer.problems import FAILED, MEDIA_TYPE, TABLE, Problem, headers_of, problem_of

PLAYER = ("/", headers.PLAYER_METHODS.split(", "))
"""The path and the methods that have a limit of their own."""

REPORTS = (headers.REPORTS, headers.REPORT_METHODS.split(", "))
"""The same of reports."""

HEALTH = "/health/"


class Strangers:
    """Knows who asks, and turns away those who ask too often for what needs no key: before the framework sees them.

    A request that carries credentials, for something that needs some, is let through: whether they are right is not
    known here, and nobody may lock an admin out. It is counted when they prove wrong.

    Health has a bucket of its own for each address. So whoever shares an address with an orchestrator, as players
    behind a proxy that is not trusted do, cannot use up its probes by asking for other things.

    Args:
        throttle: None for no limit.
        proxies: Those whose word on their clients counts.
        stopwatch: The clock of the throttle.
    """

    def __init__(self, throttle: Throttle | None, proxies: TrustedProxies, stopwatch: Stopwatch) -> None:
        self._throttle = throttle
        self._proxies = proxies
        self._stopwatch = stopwatch
        # By path, the methods that need a key.
        self._closed: dict[str, set[str]] = {}

    def learn(self, app: Litestar) -> None:
        """Learn which paths there are, and which of their methods need a key."""
        for route in app.routes:
            closed = self._closed.setdefault(route.path, set())
            for handler in getattr(route, "route_handlers", ()):
                if handler.opt.get("needs", Role.ADMIN) is not None:
                    closed |= set(handler.http_methods)

    def client_of(self, scope: HTTPScope, fields: Headers) -> str:
        """Return the name under which the client of a request is counted."""
        peer = (scope["client"] or ("", 0))[0]
        return self._proxies.key_of(peer, lambda name: ",".join(fields.getall(name.decode(), [])))

    def refusal_of(self, scope: HTTPScope, fields: Headers, client: str) -> RateLimited | None:
        """Count a request that needs no key; return why it is refused, or None to let it through."""
        path, method = scope["path"], scope["method"]
        known = path.rstrip("/") or "/"
        at, methods = REPORTS if path == headers.REPORTS else PLAYER
        if (headers.is_players(path) and at in self._closed and method in methods) or (
            "authorization" in fields and method in self._closed.get(known, ())
        ):
            return None
        is_health = path in self._closed and path.startswith(HEALTH)
        error = self._count(f"health {client}" if is_health else client)
        if error is not None and known in self._closed:
            # What the framework would have found.
            scope["path_template"] = known
        return error

    def count_failure(self, client: str) -> None:
        """Count credentials that were wrong.

        Raises:
            RateLimited: When the client asks too often for what it needs no right ones for.
        """
        if (error := self._count(client)) is not None:
            raise error

    def _count(self, name: str) -> RateLimited | None:
        if self._throttle is None:
            return None
        now = self._stopwatch()
        wait = self._throttle.charge(name, now)
        if wait > 0:
            return self._throttle.refusal(wait)
        return None


def refusing(error: RateLimited) -> ASGIApp:
    """Return an application that answers every request with an error."""

    async def refuse(scope: Scope, _receive: Receive, send: Send) -> None:
        note = note_of(scope)
        note.error, note.problem = error, TABLE[RateLimited].name
        await _tell(scope, send, problem_of(error), headers_of(error))

    return refuse


async def failing(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer a request at which the program failed outside of the framework's own handlers."""
    await _tell(scope, send, FAILED, {})


async def _tell(scope: Scope, send: Send, problem: Problem, more: dict[str, str]) -> None:
    body = msgspec.json.encode(problem)
    is_player = headers.is_players(scope["path"])
    fields: dict[str, str] = {
        **(headers.PLAYER if is_player else {"cache-control": "no-store"}),
        **more,
        "content-type": MEDIA_TYPE,
        "content-length": str(len(body)),
        **({} if is_player else headers.SECURITY),
    }
    raw = [(name.encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": False})
