"""uvicorn's HTTP protocol with the limits that it lacks: on heads, on idle time, and on connections."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NamedTuple

import httptools
import msgspec
from typing_extensions import override
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from balancer.core.addresses import TrustedProxies
from balancer.core.limits import Limiter
from balancer.core.redirects import Redirects
from balancer.metrics.meters import Meters
from balancer.web.observing import PlayerWatch
from balancer.web.player import REDIRECT_HEADERS
from balancer.web.problems import MEDIA_TYPE, RETRY_AFTER, malformed

SWEEP = 0.5
"""Seconds between two looks for connections that have waited too long; limits of time are kept to within this."""

DRAIN = 0.5
"""Seconds that an idle connection is kept at a shutdown, for a request that may be on its way."""

LINGER = 2.0
"""Seconds that a refused client has to read its answer and close; closing at once could destroy it on the way."""

LINGER_SIZE = 1024 * 1024
"""Bytes that a refused client may send meanwhile."""


@dataclass(frozen=True)
class Limits:
    """What one process grants its clients.

    Attributes:
        head_size: Bytes in a request's head; above it the answer is 431.
        head_time: Seconds from the first byte of a head to its last; then 408. As long again for a body.
        keep_alive: Seconds that an idle connection is kept.
        connections: Connections at one time; above it the answer is 503.
    """

    head_size: int
    head_time: float
    keep_alive: float
    connections: int


class PlayerGate(NamedTuple):
    """How often players may ask, and whose requests count together.

    Attributes:
        limiter: None for no limit.
        proxies: Those whose word on their clients counts.
    """

    limiter: Limiter | None
    proxies: TrustedProxies


@dataclass(frozen=True)
class ProcessParts:
    """What the protocols of a process need of its application.

    Attributes:
        redirects: Decides hot requests.
        gate: Says which clients ask too often.
        meters: Count what happens.
        watch: Sees the requests of players.
    """

    redirects: Redirects
    gate: PlayerGate
    meters: Meters
    watch: PlayerWatch


class Process:
    """What all connections of a process share: its limits, its decisions, and one clock instead of a timer for each.

    Args:
        limits: What each connection is granted.
        parts: Of the application.
        state: The server's, with its connections and the date of this second.
        loop: Runs the clock.
    """

    def __init__(
        self,
        limits: Limits,
        parts: ProcessParts,
        state: ServerState,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.limits = limits
        self.redirects = parts.redirects
        self.gate = parts.gate
        self.meters = parts.meters
        self.watch = parts.watch
        self.state = state
        self.now = loop.time()
        self._loop = loop
        self._dated: list[tuple[bytes, bytes]] | None = None
        self._head = ""
        loop.call_later(SWEEP, self._sweep)

    def redirect_head(self) -> str:
        """Return all of a redirect's head up to the location."""
        headers = self.state.default_headers
        if headers is not self._dated:
            # uvicorn makes a new list each second, with the date (RFC 9110 §6.6.1).
            lines = ["HTTP/1.1 301 Moved Permanently"]
            lines += [f"{name.decode('latin-1')}: {value.decode('latin-1')}" for name, value in headers]
            lines += [f"{name}: {value}" for name, value in REDIRECT_HEADERS.items()]
            self._head = "\r\n".join([*lines, "content-length: 0", "location: "])
            self._dated = headers
        return self._head

    def _sweep(self) -> None:
        self.now = self._loop.time()
        for connection in tuple(self.state.connections):
            if isinstance(connection, LimitedProtocol):
                connection.check_time()
        self.meters.show("connections", len(self.state.connections))
        self._loop.call_later(SWEEP, self._sweep)


class _HeadTooLarge(Exception):
    """Raised in a callback of the parser, which passes it on as the context of its own error."""


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits on the size and the time of a head, on idle time and on connections."""

    def __init__(self, process: Process, config: Config, app_state: dict[str, Any], loop: Any) -> None:
        super().__init__(config, process.state, app_state, loop)
        self.process = process
        # Nothing of a request is in the parser, nothing is being answered, and the client reads: the fast lane is free.
        self.quiet = False
        self.patience = process.limits.head_time
        self.waiting_since = process.now
        self._in_message = False
        self._in_head = False
        self._begun = False
        self._head_size = 0
        self._draining = False
        # The client was refused: whatever else it sends is not read.
        self._deaf = False

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        if len(self.connections) > self.process.limits.connections:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "This process serves as many connections as it may.")
        self._settle()

    @override
    def data_received(self, data: bytes) -> None:
        if self._deaf:
            self._head_size += len(data)
            if self._head_size > LINGER_SIZE:
                self.transport.abort()
            return
        self.quiet = False
        unfinished = self._in_head
        self._begun = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # No other protocol is spoken here: the request is answered as it is, and nothing can follow it.
            self._newest().keep_alive = False
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, _HeadTooLarge):
                self._refuse_head()
            else:
                self._refuse(HTTPStatus.BAD_REQUEST, "The request breaks the rules of HTTP.")
            return
        if unfinished and self._in_head and not self._begun:
            # All of it is a part of one field, which the parser hands out only when it is whole.
            self._head_size += len(data)
            if self._head_size > self.process.limits.head_size:
                self._refuse_head()
        if self._draining and self._is_answering():
            self._newest().keep_alive = False
        self._settle()

    @override
    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio has it: whether our side stays open
        """Answer a client that has closed its side behind whole requests; one that left within a request is gone."""
        if self._in_message or not self._is_answering():
            return False
        self._newest().keep_alive = False
        return True

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_message = self._in_head = self._begun = True
        self._head_size = 0
        self.waiting_since = self.process.now

    @override
    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + len(b": \r\n"))
        super().on_header(name, value)

    @override
    def on_headers_complete(self) -> None:
        self._in_head = False
        self.waiting_since = self.process.now
        super().on_headers_complete()

    @override
    def on_message_complete(self) -> None:
        self._in_message = False
        super().on_message_complete()

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.pipeline:
            # uvicorn reads on after each answer, however many requests are waiting.
            self.flow.pause_reading()
        # The process's clock closes idle connections.
        self._unset_keepalive_if_required()
        self.waiting_since = self.process.now
        self.patience = self.process.limits.keep_alive
        self._settle()

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self.waiting_since = self.process.now
        self._settle()

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self._settle()

    @override
    def shutdown(self) -> None:
        """Close when what is under way is answered, or after a moment for a request that may be on its way."""
        self._draining = True
        self._settle()
        if self._is_answering():
            self._newest().keep_alive = False
        else:
            self.loop.call_later(DRAIN, self._close_drained)

    def check_time(self) -> None:
        """Close the connection if it has waited too long, with 408 where a part of a head has come."""
        waited = self.process.now - self.waiting_since
        limit = self.process.limits.head_time
        if self._deaf and not self._is_answering():
            if waited > LINGER:
                self.transport.abort()
        elif self.flow.write_paused:
            if waited > self.process.limits.keep_alive:
                self.transport.abort()
        elif self._in_head:
            if waited > limit:
                self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"The head of the request took longer than {limit:g} seconds.")
        elif waited > (limit if self._in_message else self.patience) and (self._in_message or not self._is_answering()):
            self.transport.close()

    def _settle(self) -> None:
        self.quiet = not (
            self._in_message
            or self._draining
            or self._deaf
            or self.flow.write_paused
            or self._is_answering()
            or self.transport.is_closing()
        )

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return bool(self.pipeline) or (cycle is not None and not cycle.response_complete)

    def _newest(self) -> Any:
        return self.pipeline[0][0] if self.pipeline else self.cycle

    def _close_drained(self) -> None:
        if self._in_message:
            self.loop.call_later(DRAIN, self._close_drained)
        elif not self._is_answering():
            self.transport.close()

    def _count(self, size: int) -> None:
        self._head_size += size
        if self._head_size > self.process.limits.head_size:
            raise _HeadTooLarge

    def _refuse_head(self) -> None:
        limit = self.process.limits.head_size
        detail = f"The head of the request is longer than {limit} bytes."
        self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answer with a problem and close; behind requests that are being answered, only close after them."""
        self._deaf = True
        self._in_head = self._in_message = self.quiet = False
        self._head_size = 0
        self.waiting_since = self.process.now
        if self._is_answering():
            self._newest().keep_alive = False
            return
        if self.transport.is_closing():
            return
        self.process.meters.answered("broken", status)
        body = msgspec.json.encode(malformed(status, detail))
        headers = {"content-type": MEDIA_TYPE, "connection": "close"}
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            headers["retry-after"] = str(RETRY_AFTER)
        self.transport.write(self._head(status, headers, body) + body)
        self.transport.write_eof()

    def _head(self, status: HTTPStatus, headers: dict[str, str], body: bytes) -> bytes:
        lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
        lines += [name + b": " + value for name, value in self.server_state.default_headers]
        fields = {**REDIRECT_HEADERS, **headers, "content-length": str(len(body))}
        lines += [f"{name}: {value}".encode() for name, value in fields.items()]
        return b"\r\n".join([*lines, b"", b""])
