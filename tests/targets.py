"""Servers that are targets in tests: they answer as a test says, and remember who has asked."""

import ssl
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from typing_extensions import override

from tests.certificates import write_certificate


class TargetServer:
    """A server of HTTP on a loopback address.

    Args:
        address: `127.0.0.1`, or another one for what is to be another host.
        tls: A folder for a certificate of its own, for a server that speaks TLS.

    Attributes:
        status: What it answers from now on.
        asked: The `User-Agent` and `Host` of each request so far.
    """

    def __init__(self, address: str = "127.0.0.1", tls: Path | None = None) -> None:
        self.status = 200
        self.asked: list[tuple[str, str]] = []
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                target.asked.append((self.headers["user-agent"], self.headers["host"]))
                self.send_response(target.status)
                self.send_header("content-length", "3")
                self.end_headers()
                self.wfile.write(b"ok\n")

            @override
            def log_message(self, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((address, 0), Handler)
        if tls:
            write_certificate(tls, valid=timedelta(days=60))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls / "cert.pem", tls / "key.pem")
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        self.host = f"{address}:{self.port}"
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(0.05))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
