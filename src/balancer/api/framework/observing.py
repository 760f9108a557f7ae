"""Sees every request: gives it an id, counts it, times it, and says in one line how it went."""

from contextlib import ExitStack
from time import monotonic
from typing import cast

import structlog
from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from balancer.api.framework.notes import begin_note, note_of
from balancer.api.framework.strangers import Strangers, failing, refusing
from balancer.core.configs.documents import CdnConfig, ConfigDocument
from balancer.core.configs.revisions import Signature
from balancer.core.configs.simple import simple_view
from balancer.core.errors import RateLimited, Unauthenticated
from balancer.core.refusals import Refusal
from balancer.headers import REPORTS, is_players
from balancer.telemetry.metrics.meters import Meters
from balancer.telemetry.players import REQUEST_ID, PlayerWatch, milliseconds, request_id_of, shown
from balancer.telemetry.traces import Tracing

_UNTRACED = ("/health/", "/metrics")

logger = structlog.stdlib.get_logger(__name__)


class Observer:
    """Stands around the application.

    Args:
        app: The application.
        meters: Where requests are counted.
        watch: Sees those of players.
        tracing: None when there is none.
        strangers: Knows who asks, and who asks too often.
    """

    def __init__(
        self, app: ASGIApp, meters: Meters, watch: PlayerWatch, tracing: Tracing | None, strangers: Strangers
    ) -> None:
        self._app = app
        self._meters = meters
        self._watch = watch
        self._tracing = tracing
        self._strangers = strangers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and see how it is answered; nothing but HTTP is spoken here."""
        await self._observe(cast(HTTPScope, scope), receive, send)

    async def _observe(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        begun = monotonic()
        headers = Headers.from_scope(scope)
        request_id = request_id_of(headers.get(REQUEST_ID))
        note = begin_note(scope, self._strangers.client_of(scope, headers))
        refusal = self._strangers.refusal_of(scope, headers, note.client)
        app = self._app if refusal is None else refusing(refusal)
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # Redirects are the same on the fast lane, which has no ids.
                if note.decision is None and not note.is_steering:
                    MutableScopeHeaders.from_message(message)[REQUEST_ID] = request_id
            await send(message)

        with ExitStack() as around:
            around.enter_context(structlog.contextvars.bound_contextvars(request_id=request_id))
            span = None
            is_traced = refusal is None and not scope["path"].startswith(_UNTRACED) and not is_players(scope["path"])
            if self._tracing and is_traced:
                span = around.enter_context(self._tracing.request(scope["method"], headers))
            try:
                await app(scope, receive, answer)
            except Exception:  # outside of the framework's own handlers: the server would answer without a problem
                logger.exception("failed", method=scope["method"], path=_route(scope))
                if not status:
                    note.problem = "internal"
                    await failing(scope, receive, answer)
            finally:
                # A client that left early has no answer.
                if status:
                    self._saw(scope, status, begun, request_id if REQUEST_ID in headers else None)
                if span is not None and self._tracing:
                    self._tracing.answered(span, _route(scope) or "", status)

    def _saw(self, scope: HTTPScope, status: int, begun: float, given_id: str | None) -> None:
        note = note_of(scope)
        client, decision, error = note.client, note.decision, note.error
        if decision is not None:
            self._meters.redirected(decision.route, decision.choice.target_index, begun)
            self._watch.redirected(decision, client, given_id, begun)
            return
        if note.is_steering:
            self._meters.steered(note.steered)
            return
        surface = _surface(scope)
        self._meters.answered(surface, status)
        match error:
            case Refusal() if surface == "player":
                self._meters.refused(error.reason)
            case RateLimited():
                self._meters.limited(error.policy)
            case Unauthenticated() if error.tried:
                self._meters.failed_to_authenticate()
        if surface == "player":
            if status >= 400:  # noqa: PLR2004 - RFC 9110 §15.5
                code = error.reason if isinstance(error, Refusal) else note.problem or ""
                self._watch.refused(status, code, client, begun)
            return
        say = logger.info if surface in {"admin", "unknown"} else logger.debug
        more = {"method": scope["method"], "duration_ms": milliseconds(begun), "problem": note.problem}
        route = _route(scope)
        if note.identity is not None:
            say("request", path=route, status=status, client=client, actor=note.identity.actor, **more)
            return
        # What a client made up of a path makes no line another one.
        same: dict[str, object] = {"status": status} if route is None else {"path": route, "status": status}
        if route is None:
            more["path"] = shown(scope["path"])
        self._watch.repeats.tell(say, "request", client, same, actor=None, **more)


def tell_change(
    action: str, config_id: int, signed: Signature, config: CdnConfig | None = None, **more: object
) -> None:
    """Write the line of a change of a config; of a change that left it as it was there is nothing to tell.

    Args:
        action: What was done: `created`, `changed`, `rolled back`, `deleted`.
        config_id: Which config.
        signed: Who did it and why.
        config: What it is now, None when it is deleted.
        more: What else there is to say.
    """
    if config is not None and signed.at not in {config.created_at, config.updated_at}:
        return
    now = {"revision": config.revision, **_told(config.document)} if config else {}
    logger.info("config", action=action, config_id=config_id, actor=signed.actor, reason=signed.reason, **now, **more)


def _told(document: ConfigDocument) -> dict[str, object]:
    """Return what a line says of a config."""
    view = simple_view(document)
    return {
        **(view._asdict() if view else {}),
        "name": document.name,
        "policy": document.policy.value,
        "targets": ", ".join(
            f"{target.name} {target.weight}" if target.enabled else f"{target.name} disabled"
            for target in document.targets
        ),
    }


def _route(scope: HTTPScope) -> str | None:
    return scope.get("path_template")


def _surface(scope: HTTPScope) -> str:
    """Return what a request is about: one of a closed vocabulary, whatever the client asks for."""
    path = scope["path"]
    if is_players(path):
        return {"/steering": "steering", "/manifest": "manifest", REPORTS: "reports"}.get(path, "player")
    route = _route(scope)
    if route is None:
        return "unknown"
    first = route.split("/", 2)[1]
    return first if first in {"health", "metrics"} else "admin"
