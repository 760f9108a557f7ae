"""TLS on one connection: records between the socket's transport and the protocol of the connection.

An event loop's own TLS suits clients and servers, streams and buffers, and pays for all of that with each connection.
Most connections here are one handshake, one request and one answer.
"""

import asyncio
import ssl

from typing_extensions import override

from balancer.edge.connection import DRAIN, Connection
from balancer.edge.descriptors import REFUSED_AT_ONCE
from balancer.edge.process import Process

RECORD = 16 * 1024
"""Bytes that one record holds at most (RFC 8446 §5.1)."""


class TlsStream(asyncio.Transport, asyncio.Protocol):
    """The TLS of a connection: to the socket its protocol, and to the connection its transport.

    While the handshake lasts, it stands among the connections of the process in the place of its own, and has as long
    as a request's head may take.

    Args:
        process: What it shares with the others.
        context: By which it is spoken.
        connection: What is made once the handshake is.

    Attributes:
        waiting_since: When it began to wait for the client's part of the handshake, by the process's clock.
        patience: Seconds that it may.
    """

    __slots__ = (
        *("_arriving", "_connection", "_is_busy", "_is_closing", "_is_draining", "_is_open", "_is_shut"),
        *("_leaving", "_process", "_socket", "_tls", "patience", "waiting_since"),
    )

    _socket: asyncio.Transport

    def __init__(self, process: Process, context: ssl.SSLContext, connection: Connection) -> None:
        super().__init__()
        self._process = process
        self._connection = connection
        self._arriving, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._arriving, self._leaving, server_side=True)
        self.waiting_since = process.now
        self.patience = process.limits.head_time
        # What is said goes out together once all that has come is read.
        self._is_busy = False
        # The handshake is made.
        self._is_open = False
        # The server ends.
        self._is_draining = False
        # Nothing more is said, but what comes is thrown away.
        self._is_shut = False
        self._is_closing = False

    # What the socket's transport calls.

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = transport  # type: ignore[assignment]  # a stream's
        process = self._process
        connections = process.state.connections
        connections.add(self)  # type: ignore[arg-type]  # the server calls no more of it than `shutdown`
        if len(connections) > process.limits.connections + REFUSED_AT_ONCE:
            # So many cannot be told that there is no room, as each would have to be shown a certificate first.
            process.meters.turned_away()
            self.abort()

    @override
    def data_received(self, data: bytes) -> None:
        if self._is_shut:
            self._connection.data_received(data)
            return
        self._arriving.write(data)
        self._is_busy = True
        if self._is_open or self._shake_hands():
            self._read()
        self._is_busy = False
        self._settle()

    @override
    def eof_received(self) -> bool:
        """Close: who ends without a word of it may have been cut off by somebody else."""
        return False

    @override
    def connection_lost(self, error: Exception | None) -> None:
        if self._is_open:
            self._connection.connection_lost(error)
        else:
            self._process.state.connections.discard(self)
        # They hold each other.
        del self._connection

    @override
    def pause_writing(self) -> None:
        if self._is_open:
            self._connection.pause_writing()

    @override
    def resume_writing(self) -> None:
        if self._is_open:
            self._connection.resume_writing()

    # What the server and the process's clock call while the handshake lasts.

    def shutdown(self) -> None:
        """Close soon, unless the client makes its handshake meanwhile."""
        self._is_draining = True
        self._process.loop.call_later(DRAIN, self._close_drained)

    def expire(self) -> None:
        """Close, as the handshake has taken too long."""
        self.abort()

    def _close_drained(self) -> None:
        if not self._is_open:
            self.abort()

    # What the connection calls.

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._is_closing or self._is_shut:
            return
        written = self._tls.write(data)
        while written < len(data):
            written += self._tls.write(memoryview(data)[written:])
        if not self._is_busy:
            self._settle()

    @override
    def write_eof(self) -> None:
        """Say that nothing follows; the connection is handed as it comes whatever the client still sends."""
        if not (self._is_closing or self._is_shut):
            self._say_goodbye()
            self._is_shut = True
            if not self._is_busy:
                self._settle()

    @override
    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            if not self._is_shut:
                self._say_goodbye()
            if not self._is_busy:
                self._settle()

    @override
    def abort(self) -> None:
        self._is_closing = True
        self._socket.abort()

    @override
    def is_closing(self) -> bool:
        return self._is_closing or self._socket.is_closing()

    @override
    def pause_reading(self) -> None:
        self._socket.pause_reading()

    @override
    def resume_reading(self) -> None:
        self._socket.resume_reading()

    @override
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._socket.set_write_buffer_limits(high, low)

    @override
    def get_extra_info(self, name: str, default: object = None) -> object:
        return self._socket.get_extra_info(name, default)

    # Records.

    def _shake_hands(self) -> bool:
        """Go on with the handshake, and tell whether it is made."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError:
            # Why is said in what goes out.
            self._is_closing = True
            return False
        self._is_open = True
        self._process.state.connections.discard(self)
        self._connection.connection_made(self)
        if self._is_draining:
            self._connection.shutdown()
        return not (self._is_shut or self._is_closing)

    def _read(self) -> None:
        """Hand over what whole records have brought."""
        tls, arriving = self._tls, self._arriving
        pieces: list[bytes] = []
        is_over = False
        try:
            # A read takes all of a record, so nothing waits elsewhere.
            while arriving.pending and not is_over:
                piece = tls.read(RECORD)
                if piece:
                    pieces.append(piece)
                else:
                    is_over = True
        except ssl.SSLWantReadError:
            # The rest of a record is on its way.
            pass
        except ssl.SSLError:
            # As above.
            self._is_closing = True
            return
        if pieces:
            self._connection.data_received(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if is_over and not self._is_closing:
            self._connection.eof_received()
            self.close()

    def _say_goodbye(self) -> None:
        """Say that nothing follows (RFC 8446 §6.1), so that nobody takes a cut for the end."""
        try:  # noqa: SIM105  it is raised for each connection, and `suppress` would cost more than all else here
            self._tls.unwrap()
        except ssl.SSLError:
            # The client has not said so itself yet, and nobody waits for that.
            pass

    def _settle(self) -> None:
        """Send what is said, and close where that is wanted."""
        socket = self._socket
        if socket.is_closing():
            return
        said = self._leaving.read()
        if said:
            socket.write(said)
        if self._is_closing:
            socket.close()
        elif self._is_shut:
            socket.write_eof()
