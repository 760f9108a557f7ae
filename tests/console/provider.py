"""An identity provider that people sign in at, with its endpoints on a loopback port."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlencode, urlsplit

from typing_extensions import override

from tests.unit.tokens import Provider

CLIENT = "console"

ENDPOINTS = ("authorization_endpoint", "token_endpoint")


class SigningIn:
    """A provider that signs everybody in as alice, with one role, and asks for no password.

    Args:
        folder: Where it shows its keys.
        role: Of alice.

    Attributes:
        url: Its issuer.
        asked: The parameters with which people were sent to it.
    """

    def __init__(self, folder: Path, role: str) -> None:
        self.keys = Provider(folder / "jwks.json", "one")
        self.role = role
        self.asked: list[dict[str, str]] = []
        self._challenges: dict[str, str] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            @override
            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                """Tell the endpoints, or send somebody back with a code."""
                parts = urlsplit(self.path)
                asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
                if parts.path == "/.well-known/openid-configuration":
                    found = {name: f"{provider.url}/{name.partition('_')[0]}" for name in ENDPOINTS}
                    self._answer(200, found)
                elif parts.path == "/authorization":
                    self.send_response(302)
                    self.send_header("location", provider.code(asked))
                    self.send_header("content-length", "0")
                    self.end_headers()
                else:
                    self._answer(404, {})

            def do_POST(self) -> None:
                """Change a code for a token."""
                given = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                token = provider.token({name: values[0] for name, values in given.items()})
                self._answer(200 if token else 400, {"access_token": token} if token else {"error": "invalid_grant"})

            def _answer(self, status: int, body: object) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("access-control-allow-origin", "*")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    def code(self, asked: dict[str, str]) -> str:
        """Return where somebody is sent back to."""
        self.asked.append(asked)
        code = f"code-{len(self.asked)}"
        self._challenges[code] = asked["code_challenge"]
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], 'iss': self.url})}"

    def token(self, given: dict[str, str]) -> str | None:
        """Return a token for a code that was not used yet, to whoever knows its verifier (RFC 7636 §4.6)."""
        challenge = self._challenges.pop(given["code"], None)
        digest = urlsafe_b64encode(sha256(given["code_verifier"].encode()).digest()).decode().rstrip("=")
        if digest != challenge or given["client_id"] != CLIENT:
            return None
        return self.keys.token(iss=self.url, role=self.role)

    @contextmanager
    def serving(self) -> Generator[None, None, None]:
        """Serve for the block."""
        self._thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
