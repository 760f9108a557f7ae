"""The files of `/docs` and clients that do not read them."""

import select
import socket
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from tests.certificates import write_certificate
from tests.factories import AT_CDN
from tests.integration.conftest import Start
from tests.integration.test_edge import NEVER, get
from tests.integration.test_tls import trusting
from tests.processes import Balancer, wait_for

BUNDLE = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: a\r\n\r\n"
CLIENTS = 50
MOST = 20_000_000
"""Bytes by which they may make the process grow, all together."""

MOST_SENT = 200 * 1024
"""Bytes of one of them that the system may have taken from the process."""


def connect(url: str) -> socket.socket:
    """Return a connection whose system takes little of what is not read."""
    parts = urlsplit(url)
    plain = socket.socket()
    plain.settimeout(10)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.connect((parts.hostname, parts.port))
    if parts.scheme == "http":
        return plain
    return trusting().wrap_socket(plain, server_hostname="balancer.example")


def read_what_is_there(client: socket.socket) -> bytes:
    """Return what comes without the server's doing, which is stopped."""
    data = b""
    client.settimeout(0.5)
    with suppress(TimeoutError):
        while True:
            data += client.recv(65536)
    client.settimeout(10)
    return data


def read_answer(client: socket.socket, data: bytes = b"") -> bytes:
    """Return an answer with its body, if it tells the length of one, and its beginning where that has come already."""
    while b"\r\n\r\n" not in data:
        data += client.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    (length,) = [int(line[16:]) for line in head.split(b"\r\n") if line.startswith(b"content-length: ")]
    while len(body) < length:
        body += client.recv(65536)
    return head + b"\r\n\r\n" + body


def played(balancer: Balancer) -> bool:
    """Return whether a player is redirected."""
    with connect(balancer.url) as player:
        player.send(get())
        return AT_CDN.encode() in read_answer(player)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_clients_that_do_not_read(start: Start, tmp_path: Path, scheme: str) -> None:
    """Fifty clients that do not read the largest file cost little memory, and a player beside them is answered."""
    settings: dict[str, object] = {**NEVER}
    if scheme == "https":
        write_certificate(tmp_path)
        settings |= {"TLS_CERT": tmp_path / "cert.pem", "TLS_KEY": tmp_path / "key.pem"}
    balancer = start(**settings)
    process = psutil.Process(balancer.process.pid)
    with ExitStack() as stack:
        reader = stack.enter_context(connect(balancer.url))
        reader.send(BUNDLE)
        assert len(read_answer(reader)) > 1_000_000
        before = process.memory_info().rss
        clients = [stack.enter_context(connect(balancer.url)) for _ in range(CLIENTS)]
        for client in clients:
            client.send(BUNDLE)
        for client in clients:
            # Its answer has begun.
            assert select.select([client], [], [], 10)[0]
        assert played(balancer)
        grown = process.memory_info().rss - before
        assert grown < MOST
        process.suspend()
        begun = read_what_is_there(clients[0])
        process.resume()
        assert len(begun) < MOST_SENT
        # One that begins to read gets all of it.
        assert len(read_answer(clients[0], begun)) > 1_000_000


@pytest.mark.long
def test_clients_that_never_read_are_closed(start: Start) -> None:
    """Who reads nothing of a file for as long as a connection may be idle is closed."""
    balancer = start(KEEP_ALIVE=1, **NEVER)
    process = psutil.Process(balancer.process.pid)

    def connections() -> int:
        return sum(one.status == psutil.CONN_ESTABLISHED and bool(one.raddr) for one in process.net_connections("tcp"))

    with connect(balancer.url) as client:
        client.send(BUNDLE)
        assert select.select([client], [], [], 10)[0]
        assert 1 == connections()
        wait_for(lambda: not connections(), 15)
        assert played(balancer)
