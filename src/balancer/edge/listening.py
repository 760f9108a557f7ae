"""Where a server listens: the sockets of its workers, and what makes a connection of what comes in."""

import asyncio
import logging
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from typing_extensions import override
from uvicorn.config import STARTUP_FAILURE

from balancer.edge.answers import Answers
from balancer.edge.beats import INTERVAL, Beats
from balancer.edge.connection import LINGER, Connection, Port
from balancer.edge.exchange import Application
from balancer.edge.process import EdgeParts, Limits, Process
from balancer.edge.proxy_protocol import ProxiedConnection
from balancer.edge.tls import INTERVAL as CERTIFICATE_INTERVAL
from balancer.edge.tls import Certificate, CertificateFiles

BACKLOG = 2048
"""Connections that may wait to be taken, of each socket; the system may allow fewer."""

UNSENT = 64 * 1024
"""Bytes of a connection that the system keeps for a client that does not read, before it takes no more of them."""

logger = logging.getLogger("uvicorn.error")


class CannotListen(Exception):
    """An address cannot be listened on; the message names it and the reason."""


@dataclass(frozen=True)
class Listener:
    """An address with its sockets.

    Attributes:
        url: `http://127.0.0.1:8000`, or `unix:/run/balancer.sock`.
        sockets: One for each worker, among which the system spreads connections evenly; or one that all of them share.
        tls: Whether TLS is spoken there.
    """

    url: str
    sockets: Sequence[socket.socket]
    tls: bool = False

    def close(self) -> None:
        """Close this process's ends of the sockets."""
        for sock in self.sockets:
            sock.close()


def listen_on(host: str, port: int, workers: int, *, tls: bool = False) -> list[Listener]:
    """Listen on a TCP port of every address that a host has; 0 takes a free one.

    Raises:
        CannotListen: When that is not possible.
    """
    listeners: list[Listener] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((family, address[:2]) for family, _, _, _, address in found):
            # The second address gets the port that was free at the first.
            sockets = _bind(family, (str(address[0]), int(address[1]) or port), workers)
            port = sockets[0].getsockname()[1]
            shown = f"[{host}]" if ":" in host else host
            listeners.append(Listener(f"{'https' if tls else 'http'}://{shown}:{port}", sockets, tls))
    except OSError as error:
        for listener in listeners:
            listener.close()
        raise CannotListen(f"Port {port} of {host} cannot be listened on: {error.strerror or error}.") from None
    return listeners


def _bind(family: int, address: tuple[str, int], workers: int) -> list[socket.socket]:
    # Only Linux spreads connections over sockets that share a port.
    is_spread = workers > 1 and sys.platform == "linux"
    sockets: list[socket.socket] = []
    try:
        for _ in range(workers if is_spread else 1):
            sock = socket.socket(family, socket.SOCK_STREAM)
            sockets.append(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if is_spread:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            # Connections inherit it. Without it the system takes megabytes of what nobody reads. Not on Windows.
            if hasattr(socket, "TCP_NOTSENT_LOWAT"):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
            sock.bind(address)
            sock.listen(BACKLOG)
            sock.setblocking(False)
            address = (address[0], sock.getsockname()[1])
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def listen_at(path: Path) -> Listener:
    """Listen on a Unix socket, which everybody on the machine may connect to that may enter its folder.

    Raises:
        CannotListen: When that is not possible.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket():
            _refuse_living(path)
            path.unlink()
        sock.bind(str(path))
        path.chmod(0o666)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise CannotListen(f"{path} cannot be listened on: {error.strerror or error}.") from None
    return Listener(f"unix:{path}", [sock])


def _refuse_living(path: Path) -> None:
    """Leave a socket alone that a server still listens on; one that a killed server has left is in nobody's way."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return
    raise CannotListen(f"{path} cannot be listened on: another server does.")


@dataclass
class Edge:
    """What a server is to be, handed to each of its workers.

    Attributes:
        limits: What each connection is granted.
        proxy_protocol: Whether trusted proxies say first whom they speak for.
        certificate: Served where TLS is spoken.
        hsts: Seconds for which browsers are to ask by https alone; 0 says nothing of it.
        listeners: Where it listens.
        beats: The signs of life of its workers; None where there is one.
        parts: What the application has for the edge, None until it has started.
    """

    limits: Limits
    proxy_protocol: bool = False
    certificate: CertificateFiles | None = None
    hsts: int = 0
    listeners: list[Listener] = field(default_factory=list)
    beats: Beats | None = None
    parts: EdgeParts | None = None

    def open(self, parts: EdgeParts) -> None:
        """Take what the application has for the edge, once it has started."""
        self.parts = parts

    def close(self) -> None:
        """Listen no more."""
        for listener in self.listeners:
            listener.close()


class EdgeServer(uvicorn.Server):
    """uvicorn's server, with connections and sockets of our own.

    Each worker takes connections from its own socket of each listener. Where another worker is not well, the others
    take those of its sockets as well, until it is well again.

    Args:
        config: uvicorn's configuration.
        edge: What the server is to be.
        number: Of this worker, from 0.
    """

    def __init__(self, config: uvicorn.Config, edge: Edge, number: int = 0) -> None:
        super().__init__(config)
        self._edge = edge
        self._number = number
        self._makers: list[tuple[Listener, Callable[[], asyncio.Protocol], dict[str, Any]]] = []
        self._certificate: Certificate | None = None
        # By number, the servers on the sockets of workers that are not well.
        self._adopted: dict[int, list[asyncio.AbstractServer]] = {}
        self._watches: list[asyncio.Task[None]] = []

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self.lifespan.startup()
        if self.lifespan.should_exit or self._edge.parts is None:
            sys.exit(STARTUP_FAILURE)
        loop = asyncio.get_running_loop()
        # The first answer needs a date.
        await self.on_tick(0)
        application = Application(self.config, self.lifespan.state, self.server_state, loop)
        process = Process(self._edge.limits, self._edge.parts, application, self.server_state, loop)
        if self._edge.certificate:
            self._certificate = Certificate(self._edge.certificate)
            self._watches.append(loop.create_task(self._look_after_certificate(self._certificate)))
        self._makers = [self._maker(listener, process) for listener in self._edge.listeners]
        self.servers = await self._serve_sockets(self._number)  # type: ignore[assignment]  # any server
        if self._edge.beats:
            self._edge.beats.show(self._number)
            self._watches.append(loop.create_task(self._look_after_others(self._edge.beats)))
        self.started = True

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for watch in self._watches:
            watch.cancel()
        if self._edge.beats:
            self._edge.beats.stop(self._number)
        for servers in self._adopted.values():
            _close(servers)
        self._edge.close()
        await super().shutdown(sockets)

    def _maker(
        self, listener: Listener, process: Process
    ) -> tuple[Listener, Callable[[], asyncio.Protocol], dict[str, Any]]:
        """Return what makes the connections of a listener, and how its server speaks TLS."""
        certificate = self._certificate if listener.tls else None
        port = Port(
            Answers(self.server_state, self._edge.hsts if certificate else 0), "https" if certificate else "http"
        )
        if self._edge.proxy_protocol:
            context = (lambda: certificate.context) if certificate else None
            return listener, partial(ProxiedConnection, process, port, context), {}
        tls = (
            {
                "ssl": certificate.context,
                "ssl_handshake_timeout": self._edge.limits.head_time,
                "ssl_shutdown_timeout": LINGER,
            }
            if certificate
            else {}
        )
        return listener, partial(Connection, process, port), tls

    async def _serve_sockets(self, number: int) -> list[asyncio.AbstractServer]:
        """Take connections from the sockets of the worker of this number."""
        loop = asyncio.get_running_loop()
        servers: list[asyncio.AbstractServer] = []
        for listener, maker, tls in self._makers:
            if number != self._number and len(listener.sockets) == 1:
                # All workers take connections from it already.
                continue
            # A server closes its socket; ours must stay for whoever comes after it.
            sock = listener.sockets[number % len(listener.sockets)].dup()
            servers.append(await loop.create_server(maker, sock=sock, backlog=BACKLOG, **tls))
        return servers

    async def _look_after_certificate(self, certificate: Certificate) -> None:
        while True:
            await asyncio.sleep(CERTIFICATE_INTERVAL)
            certificate.look()

    async def _look_after_others(self, beats: Beats) -> None:
        others = [number for number in range(self.config.workers) if number != self._number]
        while True:
            beats.show(self._number)
            for number in others:
                is_well = beats.is_well(number)
                if is_well and number in self._adopted:
                    _close(self._adopted.pop(number))
                elif not is_well and number not in self._adopted:
                    # With too many files open already, the next look tries again.
                    with suppress(OSError):
                        self._adopted[number] = await self._serve_sockets(number)
            await asyncio.sleep(INTERVAL)


def _close(servers: Sequence[asyncio.AbstractServer]) -> None:
    for server in servers:
        server.close()
