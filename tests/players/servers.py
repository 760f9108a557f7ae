"""The servers around the balancer: an origin, two CDNs and a site with the players' pages, each on its own port."""

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from typing_extensions import override

ANSWER = 20.0
"""Seconds to wait for either side of a connection."""

TYPES = {
    "m3u8": "application/vnd.apple.mpegurl",
    "mpd": "application/dash+xml",
    "m4s": "video/mp4",
    "ts": "video/mp2t",
    "js": "text/javascript",
    "css": "text/css",
    "html": "text/html; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request, and how it was answered.

    Attributes:
        host: Of the server that was asked.
        session: Whose request it was, by the first segment of the path of the video.
        name: The rest of the path.
        method: `GET`, `OPTIONS`, …
        query: What stood behind the question mark.
        status: 200, 404, 503, …
    """

    host: str
    session: str
    name: str
    method: str
    query: str
    status: int

    @property
    def file(self) -> str:
        """The last segment of the path."""
        return self.name.rpartition("/")[2]


Content = Callable[[str, str], bytes | None]
"""Returns what there is, by the session and the rest of the path; None where there is nothing."""


class Site(ThreadingHTTPServer):
    """A server of files that any page may read, which logs what it is asked.

    Args:
        host: Its name.
        prefix: What stands before a video's path: `/s1` at a CDN.
        content: What it has.
        log: Where its exchanges go, in the order of the answers.

    Attributes:
        failing: The sessions for which it answers 503.
    """

    daemon_threads = True

    def __init__(self, host: str, prefix: str, content: Content, log: list[Exchange]) -> None:
        super().__init__(("127.0.0.1", 0), _SiteHandler)
        self.host = host
        self.prefix = prefix
        self.content = content
        self.log = log
        self.failing: set[str] = set()

    def answer(self, method: str, target: str) -> tuple[int, bytes]:
        """Return the status and the body for a request, and log it."""
        url = urlsplit(target)
        session, _, name = url.path.removeprefix(self.prefix).removeprefix("/").partition("/")
        body = b""
        if session in self.failing:
            status = HTTPStatus.SERVICE_UNAVAILABLE
        elif method == "OPTIONS":
            status = HTTPStatus.NO_CONTENT
        elif url.path.startswith(self.prefix) and (found := self.content(session, name)) is not None:
            status, body = HTTPStatus.OK, found
        else:
            status = HTTPStatus.NOT_FOUND
        # On record before it is sent: a player that has the answer may already be asking for the next thing.
        self.log.append(Exchange(self.host, session, name, method, url.query, status))
        return status, body

    @contextmanager
    def serving(self) -> Generator[int, None, None]:
        """Serve for as long as the block lasts, which gets the port."""
        with _serving(self) as port:
            yield port

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        # A page that is closed leaves its connections behind.
        return


class Proxy(ThreadingHTTPServer):
    """An HTTP proxy for players that take no other mapping of names.

    Args:
        ports: The port of each host on 127.0.0.1.
    """

    daemon_threads = True

    def __init__(self, ports: Mapping[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _ProxyHandler)
        self.ports = ports

    @contextmanager
    def serving(self) -> Generator[int, None, None]:
        """Serve for as long as the block lasts, which gets the port."""
        with _serving(self) as port:
            yield port

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        # A player that has enough closes its connection.
        return


@contextmanager
def _serving(server: ThreadingHTTPServer) -> Generator[int, None, None]:
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = ANSWER

    @override
    def log_message(self, format: str, *args: Any) -> None:
        return


class _SiteHandler(_Handler):
    server: Site

    def do_GET(self) -> None:
        status, body = self.server.answer(self.command, self.path)
        first, last = 0, len(body) - 1
        asked = self.headers.get("range", "")
        if status == HTTPStatus.OK and asked.startswith("bytes=") and body:
            begin, _, end = asked.removeprefix("bytes=").partition("-")
            first, last = int(begin or 0), min(int(end or last), last)
            status = HTTPStatus.PARTIAL_CONTENT
        self.send_response_only(status)
        if status == HTTPStatus.PARTIAL_CONTENT:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(body)}")
        self.send_header("Content-Type", TYPES.get(urlsplit(self.path).path.rpartition(".")[2], "text/plain"))
        # After a redirect to another site a browser names no site of its own, so that only the star lets it read.
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Headers", "*")
        self.send_header("Cache-Control", "no-store")
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(max(last + 1 - first, 0)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[first : last + 1])

    do_HEAD = do_GET  # noqa: N815  http.server's own names
    do_OPTIONS = do_GET  # noqa: N815


class _ProxyHandler(_Handler):
    server: Proxy

    def do_GET(self) -> None:
        # A proxy is asked for the whole URL (RFC 9112 §3.2.2).
        url = urlsplit(self.path)
        port = self.server.ports.get(url.hostname or "")
        if port is None:
            self.send_error(HTTPStatus.BAD_GATEWAY)
            return
        length = int(self.headers.get("content-length", "0"))
        hop = {"connection", "proxy-connection", "content-length", "transfer-encoding"}
        fields = {name: value for name, value in self.headers.items() if name.lower() not in hop}
        connection = HTTPConnection("127.0.0.1", port, timeout=ANSWER)
        try:
            target = url._replace(scheme="", netloc="").geturl() or "/"
            connection.request(self.command, target, self.rfile.read(length) if length else None, fields)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, HTTPException):
            self.send_error(HTTPStatus.BAD_GATEWAY)
            return
        finally:
            connection.close()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in hop:
                self.send_header(name, value)
        if answer.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815  as above
    do_POST = do_GET  # noqa: N815
    do_OPTIONS = do_GET  # noqa: N815


def now() -> float:
    """Return the time in Unix seconds, by which live streams go."""
    return time.time()
