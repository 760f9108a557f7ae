"""A connection: its bytes in and out, and which lane answers each of its requests.

Three lanes, each for what the one before it leaves:

1. A whole request for a path of the edge's own, recognised in its bytes (`heads`).
2. Any other head: cut out of the bytes at its empty line and parsed (`parser`). Bad ones, and those for a path of the
   edge's own, are answered here as well.
3. What is left is answered by the application (`exchange`), one request at a time.

So answers keep their order, and no request is begun before the one before it is answered.
"""

import asyncio
from http import HTTPStatus
from math import inf

from typing_extensions import override

from balancer.core.clients.addresses import client_key
from balancer.edge.answers import tell_player
from balancer.edge.bodies import CONTINUE, BodyReader, WantedBody, body_of, is_too_long
from balancer.edge.descriptors import REFUSED_AT_ONCE
from balancer.edge.endpoint import Endpoint, Port
from balancer.edge.exchange import Exchange
from balancer.edge.heads import VERSION, Head, RecognizedHead, Start, recognize_start
from balancer.edge.inbox import HeadTooLong, Inbox
from balancer.edge.parser import MalformedHead, ParsedHead
from balancer.edge.process import Process, Stage
from balancer.problems import RETRY_AFTER, generic

DRAIN = 0.5
"""Seconds that an idle connection is kept at a shutdown, for a request that may be on its way."""

LINGER = 2.0
"""Seconds that a refused client has to read its answer and close; closing at once could destroy it on the way."""

LINGER_SIZE = 1024 * 1024
"""Bytes that a refused client may send meanwhile."""

BURST = 16
"""Requests of one connection that are answered before others come to their turn."""


class Connection(Endpoint, asyncio.Protocol):
    """One connection.

    Mostly it is made for one request; hence so little is done before a byte has come.

    Args:
        process: What it shares with the others.
        port: Where it came in.
        source: Address and port of the client, where a proxy has told them before everything else.

    Attributes:
        waiting_since: When it began to wait for what it waits for, by the process's clock.
        patience: Seconds that it may.
    """

    __slots__ = (
        *("_body", "_counted", "_exchange", "_has_served", "_head", "_inbox", "_is_deaf", "_is_draining"),
        *("_is_ended", "_is_free", "_is_held", "_is_put_off", "_process", "_stage"),
        *("_thrown_away", "patience", "waiting_since"),
    )

    def __init__(self, process: Process, port: Port, source: tuple[str, int] | None = None) -> None:
        super().__init__(port, source)
        self._process = process
        self.waiting_since = process.now
        self.patience = process.limits.head_time
        # Of the request before, where others send it too and it is in memory anyway.
        self._head: RecognizedHead | None = None
        # Nothing has come but what is answered, and nothing keeps the next request from being answered at once.
        self._is_free = process.players is not None
        self._stage = Stage.REQUEST
        self._has_served = False
        # What waits to be answered, once something has had to wait.
        self._inbox: Inbox | None = None
        self._exchange: Exchange | None = None
        self._body: BodyReader | None = None
        # Under which name it counts against the limit of one client's connections.
        self._counted: str | None = None
        # The client does not read what is sent to it.
        self._is_held = False
        # The client was refused: whatever else it sends is not read.
        self._is_deaf = False
        self._thrown_away = 0
        # The client sends nothing more, but reads.
        self._is_ended = False
        self._is_draining = False
        self._is_put_off = False

    # What the transport calls.

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # a stream's
        process = self._process
        connections = process.state.connections
        connections.add(self)  # type: ignore[arg-type]  # the server calls no more of it than `shutdown`
        if len(connections) > process.limits.connections:
            self._turn_away(len(connections) - process.limits.connections)
        elif process.limits.client_connections:
            self._count()

    @override
    def data_received(self, data: bytes) -> None:
        process = self._process
        players = process.players
        if self._is_free and players is not None and len(data) <= process.quick_size:
            head = self._head
            # A client mostly sends the head that it has sent before, and most heads are known; others are worth a call.
            start = data if head is None else data.removesuffix(head.rest)
            if start is data:
                end = data.find(VERSION)
                start, rest = data[:end], data[end:]
                self._head = process.heads.get(rest)
                head = self._head or process.head_of(rest)
            if head is not None:
                answer = players.answer_quickly(start, head, self)
                if answer is None:
                    answer = process.answer_recognized(start, head, self)
                if answer is not None:
                    self.transport.write(answer)
                    if head.keep_alive:
                        self._has_served = True
                        self.waiting_since = process.now
                        self.patience = process.keep_alive
                    else:
                        self._is_free = False
                        self.transport.close()
                    return
            elif data.startswith(b"POST ") and (answer := process.answer_report(data, self)) is not None:
                self.transport.write(answer)
                self._has_served = True
                self.waiting_since = process.now
                self.patience = process.keep_alive
                return
        self._take(data)

    @override
    def eof_received(self) -> bool:
        """Answer a client that has closed its side behind whole requests; one that left within a request is gone."""
        self._is_ended = True
        self._is_free = False
        is_answering = self._exchange or self._is_put_off or (self._is_held and self._inbox)
        if self.scheme == "https" or self._body is not None or not is_answering:
            return False
        if self._exchange and not self._inbox:
            self._exchange.close_after()
        return True

    @override
    def connection_lost(self, error: Exception | None) -> None:
        process = self._process
        process.state.connections.discard(self)
        self._is_free = False
        if self._counted is not None:
            process.release(self._counted)
        if self._exchange is not None:
            self._exchange.disconnect()
        if self._flow is not None:
            self._flow.resume_writing()

    @override
    def pause_writing(self) -> None:
        self._is_held = True
        self.flow.pause_writing()
        self._settle()

    @override
    def resume_writing(self) -> None:
        self._is_held = False
        self.flow.resume_writing()
        if self._inbox:
            self._put_off()
        self._settle()

    # What the server, the process's clock and its turns call.

    def shutdown(self) -> None:
        """Close when what is under way is answered, or after a moment for a request that may be on its way."""
        self._is_draining = True
        self._is_free = False
        if self._exchange and not self._inbox:
            self._exchange.close_after()
        elif not self._exchange:
            self._process.loop.call_later(DRAIN, self._close_drained)

    def expire(self) -> None:
        """End what has taken too long, with 408 where a part of a head has come."""
        if self._stage in {Stage.GOODBYE, Stage.READER}:
            self.transport.abort()
        elif self._stage is Stage.REST_OF_HEAD:
            limit = self._process.limits.head_time
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"The head of the request took longer than {limit:g} seconds.")
        else:
            self.transport.close()

    def advance(self) -> None:
        """Answer some more of what has come."""
        self._is_put_off = False
        self._work(BURST)

    # One request after another.

    def _take(self, data: bytes) -> None:
        if self._is_deaf:
            self._thrown_away += len(data)
            if self._thrown_away > LINGER_SIZE:
                self.transport.abort()
            return
        if self._inbox is None:
            self._inbox = Inbox(self._process.limits.head_size)
        self._inbox.add(data)
        if not self._is_put_off:
            self._work(1 if self._process.is_behind else BURST)

    def _work(self, burst: int) -> None:
        """Answer what has come: at most so many requests, and as far as the client reads the answers."""
        try:
            while burst and self._inbox and not (self._is_deaf or self._is_held or self.transport.is_closing()):
                if self._body is not None:
                    self._take_body(self._body, self._inbox)
                elif self._exchange is not None or (head := self._inbox.next_head()) is None:
                    break
                else:
                    burst -= 1
                    self.waiting_since = self._process.now
                    self._serve(head)
        except MalformedHead as fault:
            self._refuse(HTTPStatus.BAD_REQUEST, str(fault))
        except HeadTooLong:
            limit = self._process.limits.head_size
            detail = f"The head of the request is longer than {limit} bytes."
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)
        if not burst and self._inbox:
            self._put_off()
        self._settle()

    def _serve(self, head: bytes) -> None:
        """Answer one request, or let the application begin to.

        Raises:
            MalformedHead: When it breaks the rules of HTTP.
        """
        process = self._process
        # What is posted has a body, and is never recognised.
        end = -1 if head.startswith(b"POST ") else head.find(VERSION)
        if process.players is not None and end > 0 and (rest := process.head_of(head[end:])) is not None:
            asked = recognize_start(head[:end])
            if asked and process.is_own(asked):
                self._answer(asked, rest)
                return
        parsed = process.parse(head)
        self._body = body_of(parsed.body, head)
        if not process.is_own(parsed.start):
            self._begin_exchange(parsed)
        elif is_too_long(parsed.body):
            parsed.keep_alive = False
            self._answer(parsed.start, parsed, None)
        elif self._body is not None and process.wants_body(parsed.start):
            self._body = WantedBody(parsed, self._body)
            if self._body.is_held_back and not self._inbox:
                self.transport.write(CONTINUE)
        else:
            self._answer(parsed.start, parsed)

    def _answer(self, start: Start, head: Head, body: bytes | None = b"") -> None:
        keep_alive = head.keep_alive and not self._is_last
        self.transport.write(self._process.answer(start, head, self, body, keep_alive=keep_alive))
        self._has_served = True
        if keep_alive:
            return
        if self._body is None:
            self.transport.close()
        else:
            self._become_deaf()

    def _begin_exchange(self, head: ParsedHead) -> None:
        exchange = self._exchange = Exchange(self._process.application, head, self, self._on_answered)
        if self._is_last:
            exchange.close_after()

    def _on_answered(self) -> None:
        self._exchange = None
        self._has_served = True
        self.waiting_since = self._process.now
        if self._inbox and not self.transport.is_closing():
            self._put_off()
        self._settle()

    @property
    def _is_last(self) -> bool:
        """Whether nothing can follow the request at hand."""
        return (self._is_draining or self._is_ended) and not self._inbox

    def _take_body(self, body: BodyReader, inbox: Inbox) -> None:
        data = inbox.take_body(body)
        if body.is_done:
            self._body = None
        if self._exchange is not None:
            self._exchange.feed(data, is_last=body.is_done)
        elif isinstance(body, WantedBody) and (body.is_done or body.is_too_long):
            self._answer(body.head.start, body.head, body.whole)

    def _put_off(self) -> None:
        if not self._is_put_off:
            self._is_put_off = True
            self._process.put_off(self)

    def _settle(self) -> None:
        """See what the connection waits for now, and for how long it may."""
        if self.transport.is_closing():
            self._is_free = False
            return
        stage, patience = self._now_waiting()
        if self._is_ended and stage in {Stage.REQUEST, Stage.REST_OF_HEAD}:
            self.transport.close()
        if stage is not self._stage:
            self._stage = stage
            self.waiting_since = self._process.now
        self.patience = patience
        self._is_free = (
            stage is Stage.REQUEST and self._process.players is not None and not (self._is_draining or self._is_ended)
        )
        self._hold_back()

    def _now_waiting(self) -> tuple[Stage, float]:
        limits = self._process.limits
        if self._is_deaf:
            return Stage.GOODBYE, LINGER
        if self._is_held:
            return Stage.READER, limits.keep_alive
        if self._body is not None:
            return Stage.REST_OF_BODY, limits.head_time
        if self._exchange is not None or self._is_put_off:
            return Stage.OUR_ANSWER, inf
        if self._inbox:
            return Stage.REST_OF_HEAD, limits.head_time
        return Stage.REQUEST, limits.keep_alive if self._has_served else limits.head_time

    def _hold_back(self) -> None:
        """Read no more than what waits already, unless it is a body that the application takes as it can."""
        if self._exchange is not None and self._body is not None:
            return
        if self._inbox and self._stage in {Stage.OUR_ANSWER, Stage.READER}:
            self.flow.pause_reading()
        elif self._flow is not None:
            self._flow.resume_reading()

    # The end.

    def _count(self) -> None:
        """Count the connection for its client, unless that is a proxy, which has many."""
        if self._process.proxies.trusts(self.peer):
            return
        self._counted = client_key(self.peer)
        if not self._process.admit(self._counted):
            self._refuse(HTTPStatus.TOO_MANY_REQUESTS, "This address has as many connections as it may.")

    def _turn_away(self, above: int) -> None:
        """Say that there is no room; so many are above the limit, of whom only some have time to read it."""
        self._process.meters.turned_away()
        self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "This process serves as many connections as it may.")
        if above > REFUSED_AT_ONCE:
            self.transport.close()

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answer with a problem and close; behind a request that is being answered, only close after that."""
        is_answering = self._exchange is not None
        if self._exchange is not None:
            self._exchange.close_after()
        elif not self.transport.is_closing():
            self._process.meters.answered("broken", status)
            is_full = status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}
            told = tell_player(generic(status, detail), {"retry-after": str(RETRY_AFTER)} if is_full else {})
            self.transport.write(self.answers.problem(told, None, keep_alive=False))
        self._become_deaf(is_answering=is_answering)

    def _become_deaf(self, *, is_answering: bool = False) -> None:
        """Read nothing of what else the client sends, and close when it has had time to read its answer."""
        self._is_deaf = True
        self._is_free = False
        self._stage = Stage.GOODBYE
        self._inbox = self._body = None
        self.waiting_since, self.patience = self._process.now, LINGER
        if not (is_answering or self.transport.is_closing()):
            self.transport.write_eof()

    def _close_drained(self) -> None:
        if self._body is not None or (self._inbox and not self._is_put_off):
            self._process.loop.call_later(DRAIN, self._close_drained)
        elif self._exchange is None and not self._is_put_off:
            self.transport.close()
