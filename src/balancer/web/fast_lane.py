"""The fast lane for the one hot request, before the parser.

It answers a well-formed `GET /?video=…` where its bytes arrive. Everything else goes on, untouched, to the parser and
the application: errors, other methods and paths, pipelined requests, whatever the recogniser doubts. Both lanes ask the
same `Redirects`.
"""

import asyncio
import re
from http import HTTPStatus
from time import monotonic
from typing import Any

import msgspec
from typing_extensions import override
from uvicorn.config import Config
from uvicorn.server import ServerState

from balancer.core.addresses import client_key
from balancer.core.errors import BalancerError, RateLimited
from balancer.core.redirects import Decision
from balancer.web.heads import HeadRecognizer
from balancer.web.observing import REQUEST_ID, request_id_of
from balancer.web.problems import MEDIA_TYPE, TABLE, headers_of, problem_of
from balancer.web.protocol import LimitedProtocol, Limits, Process, ProcessParts

_FORWARDED_FOR = re.compile(rb"(?im)^x-forwarded-for:([^\r]*)\r$")
_REQUEST_ID = re.compile(rb"(?im)^x-request-id:([^\r]*)\r$")
_FORWARDED = re.compile(rb"(?im)^forwarded:([^\r]*)\r$")


class FastLaneProtocol(LimitedProtocol):
    """The same with the fast lane."""

    def __init__(self, process: Process, config: Config, app_state: dict[str, Any], loop: Any) -> None:
        super().__init__(process, config, app_state, loop)
        self._recognizer = HeadRecognizer()
        self._limiter = process.gate.limiter
        self._peer = ""
        # Who the requests of this connection are counted for; None where a proxy says it with each request.
        self._client: str | None = ""

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._peer = self.client[0] if self.client else ""
        if self._limiter:
            self._client = None if self.process.gate.proxies.trusts(self._peer) else client_key(self._peer)

    @override
    def data_received(self, data: bytes) -> None:
        begun = monotonic()
        process = self.process
        # Only while nothing else is under way, so that answers keep their order.
        if (
            self.quiet
            and len(data) <= process.limits.head_size
            and (query := self._recognizer.query_of(data)) is not None
        ):
            if limiter := self._limiter:
                client = self._client if self._client is not None else self._client_of_proxy()
                if (wait := limiter.wait(client, begun)) > 0:
                    self._refuse_client(limiter.refusal(wait), client, begun)
                    return
            try:
                # Its parts are had at less cost all at once than each by its name.
                decision = location, place, _, snapshot, _ = process.redirects.redirect(query)
            except BalancerError:
                pass  # The application says what is wrong, and counts the request.
            else:
                if limiter:
                    limiter.spend(client, begun)
                self.transport.write((process.redirect_head() + location + "\r\n\r\n").encode("latin-1"))
                self.waiting_since = process.now
                self.patience = process.limits.keep_alive
                self.server_state.total_requests += 1
                # `Meters.redirected`, without the cost of a call.
                meters = process.meters
                if snapshot is not meters.counted:
                    meters.begin(snapshot, begun)
                meters.counts[place] += 1
                if process.watch.is_on:
                    self._watch(decision, begun)
                return
        super().data_received(data)

    def _watch(self, decision: Decision, begun: float) -> None:
        given = self._given_id()
        request_id = request_id_of(given) if given else None
        self.process.watch.redirected(decision, self._client_of_proxy(), request_id, begun)

    def _given_id(self) -> str | None:
        found = _REQUEST_ID.search(self._recognizer.fields)
        return found[1].decode("ascii").strip() if found else None

    def _client_of_proxy(self) -> str:
        fields = self._recognizer.fields
        forwarded_for, forwarded = (
            b",".join(found.findall(fields)).decode("ascii") for found in (_FORWARDED_FOR, _FORWARDED)
        )
        return client_key(self.process.gate.proxies.client_of(self._peer, forwarded_for, forwarded))

    def _refuse_client(self, error: RateLimited, client: str, begun: float) -> None:
        """Answer a client that asks too often here, where it costs least, in the application's words."""
        problem = problem_of(error)
        body = msgspec.json.encode(problem)
        status = HTTPStatus(problem.status)
        fields = {**headers_of(error), "content-type": MEDIA_TYPE, REQUEST_ID: request_id_of(self._given_id())}
        self.transport.write(self._head(status, fields, body) + body)
        self.waiting_since = self.process.now
        self.patience = self.process.limits.keep_alive
        self.server_state.total_requests += 1
        self.process.meters.answered("player", status)
        self.process.meters.limited(error.policy)
        self.process.watch.refused(status, TABLE[type(error)].name, client, begun)


class Protocols:
    """Makes the protocols of a server; uvicorn takes it in place of a class, and hands it to its workers.

    Args:
        limits: What each connection is granted.
        fast_lane: Whether hot requests are answered where they arrive.
    """

    def __init__(self, limits: Limits, *, fast_lane: bool) -> None:
        self._limits = limits
        self._kind = FastLaneProtocol if fast_lane else LimitedProtocol
        self._process: Process | None = None

    def __call__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> LimitedProtocol:
        """Return the protocol of one connection."""
        loop = _loop or asyncio.get_running_loop()
        if self._process is None or self._process.state is not server_state:
            app: Any = config.loaded_app
            parts: ProcessParts = app.state.process_parts
            self._process = Process(self._limits, parts, server_state, loop)
        return self._kind(self._process, config, app_state, loop)
