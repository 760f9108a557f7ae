"""How a worker takes connections from its sockets."""

import asyncio
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import pytest
import uvloop
from typing_extensions import override

from balancer.edge.listening import TAKEN_AT_ONCE, take_from
from balancer.edge.sockets import listen_on

CLIENTS = 2 * TAKEN_AT_ONCE
TURNS = 1_000


@pytest.fixture
def sock() -> Iterator[socket.socket]:
    """Return a socket at which clients wait."""
    (listener,) = listen_on("127.0.0.1", 0, 1)
    clients = [socket.create_connection(listener.sockets[0].getsockname()) for _ in range(CLIENTS)]
    yield listener.sockets[0]
    listener.close()
    for client in clients:
        client.close()


def test_several_connections_in_a_turn(sock: socket.socket) -> None:
    """Of connections that wait, several are taken in a turn of the event loop, and each of them once."""
    taken = uvloop.run(_take_from(sock))
    assert [1] * CLIENTS == list(Counter(client for _, client in taken).values())
    assert CLIENTS // TAKEN_AT_ONCE == len({turn for turn, _ in taken})
    assert sock.fileno() >= 0


def test_nothing_is_taken_when_not_all_can_be(sock: socket.socket) -> None:
    """Where one of several sockets cannot be listened on, connections stay at the others for whoever can take all."""
    closed = socket.socket()
    closed.close()
    assert not uvloop.run(_take_from(sock, closed))
    connection, _ = sock.accept()
    connection.close()


async def _take_from(*sockets: socket.socket) -> list[tuple[int, object]]:
    """Return in which turn of the event loop each connection was taken, and whose it is."""
    taken: list[tuple[int, object]] = []
    turn = 0

    class Connection(asyncio.Protocol):
        @override
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            taken.append((turn, transport.get_extra_info("peername")))
            transport.close()

    servers: list[asyncio.AbstractServer] = []
    with suppress(OSError):
        servers = await take_from((sock, Connection, TAKEN_AT_ONCE) for sock in sockets)
    while len(taken) < CLIENTS and turn < TURNS:
        turn += 1
        await asyncio.sleep(0)
    for server in servers:
        server.close()
    return taken
