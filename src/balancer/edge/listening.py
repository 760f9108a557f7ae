"""The server of a worker: takes connections from its sockets, and from those of workers that are not well."""

import asyncio
import logging
import multiprocessing
import os
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

import uvicorn
from typing_extensions import override
from uvicorn.config import STARTUP_FAILURE

from balancer.edge.answers import Answers
from balancer.edge.beats import INTERVAL, Beats
from balancer.edge.certificates import INTERVAL as CERTIFICATE_INTERVAL
from balancer.edge.certificates import Certificate, CertificateFiles
from balancer.edge.connection import Connection
from balancer.edge.endpoint import Port
from balancer.edge.exchange import Application
from balancer.edge.process import EdgeParts, Limits, Process
from balancer.edge.proxy_protocol import ProxiedConnection
from balancer.edge.sockets import BACKLOG, Listener
from balancer.edge.tls import TlsStream

HANDSHAKE = 0.2
"""Seconds in which connections that are begun when a server stops can still be made: a round trip to the client."""

TAKEN_AT_ONCE = 8
"""Connections that are taken from a socket in one turn of the event loop, where so many wait; with TLS it is one."""

LEAVE = 5.0
"""Seconds that a process has to end once its server has."""

logger = logging.getLogger("uvicorn.error")


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

    def hold_off(self) -> None:
        """Let nobody begin another connection."""
        for listener in self.listeners:
            listener.hold_off()

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

    Attributes:
        alive_at: When the event loop of one of several workers last turned, by the monotonic clock.
    """

    def __init__(self, config: uvicorn.Config, edge: Edge, number: int = 0) -> None:
        super().__init__(config)
        self.alive_at: float | None = None
        self._edge = edge
        self._number = number
        self._makers: list[tuple[Listener, Callable[[], asyncio.Protocol]]] = []
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
        if self._edge.parts and self._edge.parts.on_leaving:
            self._edge.parts.on_leaving()
        await self._take_last()
        await super().shutdown(sockets)
        _leave_in_time()

    def _maker(self, listener: Listener, process: Process) -> tuple[Listener, Callable[[], asyncio.Protocol]]:
        """Return what makes the protocols of a listener's connections."""
        context = self._certificate.context if listener.tls and self._certificate else None
        port = Port(Answers(self.server_state, self._edge.hsts if context else 0), "https" if context else "http")
        if self._edge.proxy_protocol:
            return listener, partial(ProxiedConnection, process, port, context)
        if context:
            return listener, lambda: TlsStream(process, context, Connection(process, port))
        return listener, partial(Connection, process, port)

    async def _serve_sockets(self, number: int) -> list[asyncio.AbstractServer]:
        """Take connections from the sockets of the worker of this number."""
        return await take_from(
            (listener.sockets[number % len(listener.sockets)], maker, 1 if listener.tls else TAKEN_AT_ONCE)
            for listener, maker in self._makers
            # From a socket that all workers share they take connections already.
            if number == self._number or len(listener.sockets) > 1
        )

    async def _take_last(self) -> None:
        """Take the connections that have been made already, and listen no more.

        Those of the other workers too, as whoever closes a socket last would reset what waits there.
        """
        if not self._edge.beats:
            self._edge.hold_off()
        await asyncio.sleep(HANDSHAKE)
        for servers in self._adopted.values():
            _close(servers)
        for server in self.servers:
            server.close()
        waiting = [(maker, connection) for listener, maker in self._makers for connection in listener.accept_waiting()]
        self._edge.close()
        loop = asyncio.get_running_loop()
        taken = [loop.connect_accepted_socket(maker, connection) for maker, connection in waiting]
        # A client that is gone is no fault of ours.
        await asyncio.gather(*taken, return_exceptions=True)

    async def _look_after_certificate(self, certificate: Certificate) -> None:
        while True:
            await asyncio.sleep(CERTIFICATE_INTERVAL)
            certificate.look()

    async def _look_after_others(self, beats: Beats) -> None:
        others = [number for number in range(self.config.workers) if number != self._number]
        supervisor = multiprocessing.parent_process()
        while True:
            beats.show(self._number)
            self.alive_at = monotonic()
            if supervisor and not supervisor.is_alive():
                # Nobody would replace this worker or end it, and it would hold the port.
                logger.error("the supervisor has been killed: worker %d ends", self._number)
                self.should_exit = True
                return
            for number in others:
                is_well = beats.is_well(number)
                if is_well and number in self._adopted:
                    _close(self._adopted.pop(number))
                elif not is_well and number not in self._adopted:
                    # With too many files open already, the next look tries again.
                    with suppress(OSError):
                        self._adopted[number] = await self._serve_sockets(number)
            await asyncio.sleep(INTERVAL)


async def take_from(
    places: Iterable[tuple[socket.socket, Callable[[], asyncio.Protocol], int]],
) -> list[asyncio.AbstractServer]:
    """Take connections from sockets, several of each in a turn of the event loop.

    libuv takes one from each descriptor in a turn, so a socket gets several: they share what a turn costs, and the same
    code runs for all of them while the processor has it at hand. With TLS a handshake costs far more than a turn.

    Args:
        places: Sockets that listen, and stay open for whoever comes later, as the servers close descriptors of their
            own; what makes the protocol of a connection; and how many are taken at once.

    Raises:
        OSError: When too many files are open; then nothing is taken.
    """
    loop = asyncio.get_running_loop()
    servers: list[asyncio.AbstractServer] = []
    try:
        for sock, maker, at_once in places:
            for _ in range(at_once):
                servers.append(await loop.create_server(maker, sock=sock.dup(), backlog=BACKLOG))  # noqa: PERF401  # a failure has to close those before it
    except OSError:
        _close(servers)
        raise
    return servers


def _leave_in_time() -> None:
    """End the process even if what a driver has left behind does not let go of its event loop or of a thread."""
    timer = threading.Timer(LEAVE, _leave)
    timer.daemon = True
    timer.start()


def _leave() -> None:
    stacks = ["".join(traceback.format_stack(frame)) for frame in sys._current_frames().values()]  # noqa: SLF001  # public, in spite of its name
    logger.error("this still runs %g seconds after the end of the server, which leaves without it: %s", LEAVE, stacks)
    for handler in logging.getLogger().handlers:
        handler.flush()
    os._exit(0)


def _close(servers: Sequence[asyncio.AbstractServer]) -> None:
    for server in servers:
        server.close()
