"""How a worker takes connections from its sockets."""

import asyncio
import socket
from collections import Counter

import uvloop
from typing_extensions import override

from balancer.edge.listening import TAKEN_AT_ONCE, take_from
from balancer.edge.sockets import listen_on

CLIENTS = 2 * TAKEN_AT_ONCE


def test_several_connections_in_a_turn() -> None:
    """Of connections that wait, several are taken in a turn of the event loop, and each of them once."""
    (listener,) = listen_on("127.0.0.1", 0, 1)
    clients = [socket.create_connection(listener.sockets[0].getsockname()) for _ in range(CLIENTS)]
    made = uvloop.run(_take_those_that_wait(listener.sockets[0]))
    assert Counter(client.getsockname() for client in clients) == Counter(name for _, name in made)
    assert CLIENTS // TAKEN_AT_ONCE == len({turn for turn, _ in made})
    assert listener.sockets[0].fileno() >= 0
    listener.close()
    for client in clients:
        client.close()


async def _take_those_that_wait(sock: socket.socket) -> list[tuple[int, object]]:
    """Return in which turn each was taken, and whose it is."""
    made: list[tuple[int, object]] = []
    turn = 0

    class Connection(asyncio.Protocol):
        @override
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            made.append((turn, transport.get_extra_info("peername")))
            transport.close()

    servers = await take_from(sock, Connection)
    while len(made) < CLIENTS and turn < 10_000:
        turn += 1
        await asyncio.sleep(0)
    for server in servers:
        server.close()
    return made
