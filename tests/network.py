"""A network that fails: between a client and a server, it goes dead, resets connections, and speaks TLS."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

from tests.processes import START_TIMEOUT

_SSL_REQUEST = (80877103).to_bytes(4, "big")
"""What a client of PostgreSQL begins with that wants TLS. Source: PostgreSQL, §53.2.10."""


class Wire:
    """A network between a client and a server: it can go dead without a word, and speak TLS to the client.

    Args:
        port: Of the server, on the loopback address.
        tls: What it speaks to the client; without it the bytes go through as they are.
        asks_for_tls: Whether the client first asks for TLS as one of PostgreSQL does.

    Attributes:
        handshakes: How many have succeeded.
    """

    def __init__(self, port: int, tls: ssl.SSLContext | None = None, *, asks_for_tls: bool = False) -> None:
        self._target = port
        self._tls = tls
        self._asks_for_tls = asks_for_tls
        self.handshakes = 0
        self._alive = threading.Event()
        self._alive.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._end_by = socket.SHUT_RDWR

    def cut(self) -> None:
        """Go dead: connections stay open, new ones are taken, and no byte goes through any more."""
        self._alive.clear()

    def drop(self, tls: ssl.SSLContext) -> None:
        """End all connections, and speak TLS in another way to new ones."""
        self._tls = tls
        self._end()

    def reset(self) -> None:
        """Reset all connections, as a firewall does that has forgotten them."""
        # Without the FIN of an orderly end, and closed without waiting for what was sent (socket(7), SO_LINGER), they
        # send RST.
        self._end_by = socket.SHUT_RD
        for one in list(self._sockets):
            with suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._end()

    def _end(self) -> None:
        for one in list(self._sockets):
            _shut(one, self._end_by)

    def _start(self, work: Callable[..., None], *arguments: socket.socket) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _take(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.add(client)
                self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), self._held(client):
            self._alive.wait()
            if self._asks_for_tls:
                asked = client.recv(8, socket.MSG_WAITALL)
                if not asked.endswith(_SSL_REQUEST):
                    return
                client.sendall(b"S")
            # The sockets of two threads each; that of TLS takes the place of the other.
            with (
                self._held(self._tls.wrap_socket(client, server_side=True) if self._tls else client) as outer,
                self._held(socket.create_connection(("127.0.0.1", self._target))) as inner,
            ):
                self.handshakes += self._tls is not None
                back = self._start(self._pump, inner, outer)
                self._pump(outer, inner)
                back.join()

    @contextmanager
    def _held(self, one: socket.socket) -> Iterator[socket.socket]:
        self._sockets.add(one)
        with one:
            yield one
        self._sockets.discard(one)

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._alive.wait()
                target.sendall(data)
        # The other direction ends as well, and closes both.
        _shut(source, self._end_by)
        _shut(target, self._end_by)

    def __enter__(self) -> Self:
        self._start(self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _shut(self._listener, socket.SHUT_RDWR)
        self._listener.close()
        self._end()
        self._alive.set()
        for thread in self._threads:
            thread.join(START_TIMEOUT)


def _shut(one: socket.socket, how: int) -> None:
    with suppress(OSError):
        one.shutdown(how)
