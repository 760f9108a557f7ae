"""The servers of the demonstration: the balancer as a process, and a proxy that plays everything around it by name."""

import os
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from re import search
from threading import Thread
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

from typing_extensions import override

BALANCER = "balancer.example"
ORIGIN = "s1.origin-cluster"
CDN = "cdn.example.com"

START = 30.0
"""Seconds that the balancer may take to start, and to stop."""

ANSWER = 10.0
"""Seconds to wait for either side of a connection."""


class BalancerNotStarted(Exception):
    """The process ended, or said nothing in time of serving; the message is its log."""


@contextmanager
def running_balancer(folder: Path, settings: Mapping[str, str] | None = None) -> Generator[int, None, None]:
    """Run `balancer serve`, and yield its port on 127.0.0.1.

    Args:
        folder: An empty folder for its data and its log.
        settings: Those that are not the default ones, by the names of their variables.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BALANCER_")}
    environment |= settings or {}
    log = folder / "balancer.log"
    command = [sys.executable, "-m", "balancer", "serve", "--port", "0"]
    with log.open("wb") as stderr, subprocess.Popen(command, cwd=folder, env=environment, stderr=stderr) as process:
        try:
            yield _port_of(process, log)
        finally:
            process.terminate()
            try:
                process.wait(START)
            except subprocess.TimeoutExpired:
                process.kill()


def _port_of(process: subprocess.Popen[bytes], log: Path) -> int:
    deadline = monotonic() + START
    while process.poll() is None and monotonic() < deadline:
        if found := search(r"Uvicorn running on http://127\.0\.0\.1:(\d+)", log.read_text()):
            return int(found[1])
        sleep(0.02)
    raise BalancerNotStarted(log.read_text())


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request that a player made, and how it was answered.

    Attributes:
        url: `http://cdn.example.com/s1/video/demo/segment0.ts`.
        status: 200, 301, …
        location: Where the answer sent the player, None when it did not.
    """

    url: str
    status: int
    location: str | None

    @property
    def host(self) -> str:
        """The name of the server that was asked."""
        return urlsplit(self.url).netloc


class Network(ThreadingHTTPServer):
    """An HTTP proxy on a loopback port: it answers for every server with files, and leads on to the balancer.

    Args:
        files: What there is, by URL.
        balancer_port: The port of the balancer on 127.0.0.1.

    Attributes:
        exchanges: All requests of players in the order of their answers.
        down: The servers that answer 503 to whatever they are asked.
    """

    daemon_threads = False  # The end waits for all connections to be closed.

    def __init__(self, files: Mapping[str, bytes], balancer_port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.balancer_port = balancer_port
        self.exchanges: list[Exchange] = []
        self.down: set[str] = set()

    @property
    def url(self) -> str:
        """`http://127.0.0.1:3128`, to be given to a player as its proxy."""
        return f"http://127.0.0.1:{self.server_port}"

    @contextmanager
    def serving(self) -> Generator["Network", None, None]:
        """Serve for as long as the block lasts."""
        with self:
            thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            try:
                yield self
            finally:
                self.shutdown()
                thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = ANSWER
    server: Network

    def do_GET(self) -> None:
        # A proxy is asked for the whole URL (RFC 9112 §3.2.2), and a player may spell out the default port in it.
        url = urlsplit(self.path)
        url = url._replace(netloc=url.netloc.removesuffix(":80"))
        self._url = url.geturl()
        if not url.netloc:
            # A probe, which names the server that it means.
            is_down = self.headers["host"] in self.server.down
            self._send(HTTPStatus.SERVICE_UNAVAILABLE if is_down else HTTPStatus.OK, {}, b"")
        elif url.netloc in self.server.down:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, {}, b"")
        elif url.netloc == BALANCER:
            self._relay(f"{url.path}?{url.query}")
        elif self._url in self.server.files:
            self._answer(HTTPStatus.OK, {}, self.server.files[self._url])
        else:
            self._answer(HTTPStatus.NOT_FOUND, {}, b"")

    def _relay(self, target: str) -> None:
        # Connections are each side's own (RFC 9110 §7.6.1).
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        connection = HTTPConnection("127.0.0.1", self.server.balancer_port, timeout=ANSWER)
        try:
            connection.request("GET", target, headers=headers)
            answer = connection.getresponse()
            own = {"connection", "content-length", "transfer-encoding"}
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in own}
            self._answer(answer.status, kept, answer.read())
        finally:
            connection.close()

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        location = {name.lower(): value for name, value in headers.items()}.get("location")
        # On record before it is sent: a player that has the answer may already be asking for the next thing.
        self.server.exchanges.append(Exchange(self._url, status, location))
        self._send(status, headers, body)

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        return
