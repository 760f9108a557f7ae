"""Clients that mean no good, each on some connections, and a player beside them who must not notice."""

import socket
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.factories import BEARER
from tests.wire import GET, location_of

CLIENTS = 8
"""Connections of an attacker that sends all the time."""

UNREAD = 50
"""Connections of one that reads nothing."""

SLOW = 200
"""Connections of one that sends a byte now and then."""

_BEARER = BEARER["authorization"].encode()
_BODY = b'{"id":1,"distribution_rate":10}'


def _request(start: bytes, *fields: bytes, body: bytes = b"") -> bytes:
    lines = [start + b" HTTP/1.1", b"Host: balancer.example", *fields]
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


FLOODS = {
    "unknown paths": _request(b"GET /wp-login.php"),
    "methods that are not allowed": _request(b"DELETE /metrics"),
    "metrics": _request(b"GET /metrics"),
    "API documents": _request(b"GET /schema/openapi.json"),
    "no key": _request(b"GET /config"),
    "wrong keys": _request(b"GET /config", b"Authorization: Bearer vbk_wrong"),
    "hostile If-Match": _request(
        b"PATCH /config", b"Authorization: " + _BEARER, b'If-Match: "a"' + b"," * 42 + b"x", body=_BODY
    ),
    "refused videos": _request(b"GET /?video=http://example.com/a"),
    "pipelined requests": GET * 500,
    "broken requests": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
}
"""By name, what an attacker sends again and again."""


class Attack(NamedTuple):
    """An attack that is under way.

    Attributes:
        statuses: Of the answers so far, by their first bytes.
    """

    statuses: Counter[str]


Begin = Callable[[tuple[str, int], threading.Event, Counter[str]], list[threading.Thread]]


def _flood(sent: bytes) -> Begin:
    def begin(address: tuple[str, int], over: threading.Event, statuses: Counter[str]) -> list[threading.Thread]:
        def go_on() -> None:
            while not over.is_set():
                with suppress(OSError), socket.create_connection(address, timeout=5) as connection:
                    while not over.is_set():
                        connection.sendall(sent)
                        if not (answer := connection.recv(65536)):
                            break
                        if answer.startswith(b"HTTP/1.1 "):
                            statuses[answer[9:12].decode("latin-1")] += 1

        return [threading.Thread(target=go_on, daemon=True) for _ in range(CLIENTS)]

    return begin


def _unread(address: tuple[str, int], over: threading.Event, _statuses: Counter[str]) -> list[threading.Thread]:
    def hold() -> None:
        with ExitStack() as connections:
            for _ in range(UNREAD):
                connection = connections.enter_context(socket.create_connection(address, timeout=5))
                connection.sendall(_request(b"GET /docs/swagger-ui-bundle.js"))
            over.wait()

    return [threading.Thread(target=hold, daemon=True)]


def _slowly(address: tuple[str, int], over: threading.Event, _statuses: Counter[str]) -> list[threading.Thread]:
    def trickle() -> None:
        with ExitStack() as stack:
            connections = [stack.enter_context(socket.create_connection(address, timeout=5)) for _ in range(SLOW)]
            for byte in GET:
                for connection in connections:
                    with suppress(OSError):
                        connection.send(bytes([byte]))
                if over.wait(0.3):
                    return
            over.wait()

    return [threading.Thread(target=trickle, daemon=True)]


ATTACKS: dict[str, Begin] = {
    **{name: _flood(sent) for name, sent in FLOODS.items()},
    "files that are not read": _unread,
    "heads a byte at a time": _slowly,
}


@contextmanager
def attacking(url: str, name: str) -> Generator[Attack, None, None]:
    """Attack a server for the block."""
    over, statuses = threading.Event(), Counter[str]()
    threads = ATTACKS[name](_address(url), over, statuses)
    for thread in threads:
        thread.start()
    try:
        yield Attack(statuses)
    finally:
        over.set()
        for thread in threads:
            thread.join(10)


class Victim(NamedTuple):
    """How a player fared.

    Attributes:
        redirects: How many.
        median: Seconds.
        p99: Seconds.
        slowest: Seconds.
    """

    redirects: int
    median: float
    p99: float
    slowest: float


def play(url: str, seconds: float) -> Victim:
    """Ask for a video again and again on one connection, and return how long that took."""
    times = []
    with socket.create_connection(_address(url), timeout=20) as connection:
        end = time.monotonic() + seconds
        while (begun := time.monotonic()) < end:
            connection.sendall(GET)
            location_of(connection.recv(65536))
            times.append(time.monotonic() - begun)
            time.sleep(0.001)
    quantiles = statistics.quantiles(times, n=100)
    return Victim(len(times), quantiles[49], quantiles[98], max(times))


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return str(parts.hostname), int(parts.port or 0)
