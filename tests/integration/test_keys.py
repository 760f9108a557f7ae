"""API keys and tokens over real processes, and the commands that manage them."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from typing_extensions import override

from tests.factories import BEARER, KEY, VIDEO
from tests.integration.conftest import Start
from tests.processes import run_balancer, wait_for
from tests.unit.tokens import AUDIENCE, ISSUER, Provider


def bearer(secret: str) -> dict[str, str]:
    """Return the header that sends a key."""
    return {"authorization": f"Bearer {secret}"}


def test_given_first_key(start: Start) -> None:
    """A first start takes the key that the operator gives, and prints none."""
    balancer = start()
    assert 200 == httpx.get(f"{balancer.url}/keys", headers=BEARER).status_code
    assert not any("vbk_" in line for line in [*balancer.printed, *balancer.log])


@pytest.mark.long
def test_revoked_everywhere(start: Start, shared: dict[str, object]) -> None:
    """A key that was made at one process works at the others, and stops within a second of being revoked."""
    first, second = start(**shared).url, start(**shared, WORKERS=2).url
    made = httpx.post(f"{first}/keys", json={"name": "a", "role": "viewer"}, headers=BEARER).json()
    for url in (first, second):
        assert 200 == httpx.get(f"{url}/config", headers=bearer(made["key"])).status_code
    assert 204 == httpx.delete(f"{second}/key?id={made['id']}", headers=BEARER).status_code

    def refused(url: str) -> bool:
        return httpx.get(f"{url}/config", headers=bearer(made["key"])).status_code == 401

    for url in (first, second):
        wait_for(partial(refused, url), seconds=1)


@pytest.mark.long
def test_commands(start: Start) -> None:
    """Keys are made, listed and revoked by commands, and all that was changed is exported in order, without secrets."""
    balancer = start()
    run = partial(run_balancer, balancer.folder)
    made = run("keys", "create", "--name", "deployment", "--role", "operator", "--expires", "2999-01-01")
    secret = made.stdout.strip()
    change = {"id": 1, "distribution_rate": 7, "reason": "A test."}
    assert 200 == httpx.patch(f"{balancer.url}/config", json=change, headers=bearer(secret)).status_code
    listed = [json.loads(line) for line in run("keys", "list").stdout.splitlines()]
    assert [("first", "admin"), ("deployment", "operator")] == [(key["name"], key["role"]) for key in listed]
    assert "2999-01-01T00:00:00Z" == listed[1]["expires_at"]
    assert "is revoked" in run("keys", "revoke", str(listed[1]["id"])).stdout
    assert 401 == httpx.get(f"{balancer.url}/config", headers=bearer(secret)).status_code
    back = {"id": 1, "revision": 1}
    assert 200 == httpx.post(f"{balancer.url}/config/rollback", json=back, headers=BEARER).status_code
    exported = run("audit", "export").stdout
    entries = [json.loads(line) for line in exported.splitlines()]
    assert [
        ("config.created", "first-start"),
        ("key.created", "first-start"),
        ("key.created", "command-line"),
        ("config.changed", f"key:{listed[1]['id']} deployment"),
        ("key.revoked", "command-line"),
        ("config.rolled-back", "key:1 first"),
    ] == [(entry["action"], entry["actor"]) for entry in entries]
    assert "A test." == entries[3]["reason"]
    assert secret not in exported + run("keys", "list").stdout
    assert KEY not in exported


@pytest.mark.long
def test_last_key_by_command(start: Start) -> None:
    """Whoever reaches the database may revoke the last admin's key, is told so, and can make another one."""
    balancer = start()
    run = partial(run_balancer, balancer.folder)
    assert 409 == httpx.delete(f"{balancer.url}/key?id=1", headers=BEARER).status_code
    revoked = run("keys", "revoke", "1")
    assert "is revoked" in revoked.stdout
    assert "the last admin's key" in revoked.stderr
    assert 401 == httpx.get(f"{balancer.url}/keys", headers=BEARER).status_code
    made = run("keys", "create", "--name", "a", "--role", "admin", "--expires", "2999-01-01T02:00:00+02:00")
    listed = httpx.get(f"{balancer.url}/keys", headers=bearer(made.stdout.strip())).json()["items"]
    assert "2999-01-01T00:00:00Z" == listed[1]["expires_at"]


WRONG_COMMANDS = [
    (["keys", "revoke", "99"], 1, "no API key with id 99"),
    (["keys", "create", "--name", "a", "--role", "root"], 2, "root"),
    (["keys", "create", "--name", " ", "--role", "viewer"], 2, "'--name'"),
    (["keys", "create", "--name", "a", "--role", "viewer", "--expires", "2020-01-01"], 2, "in the future"),
    (["keys", "create", "--name", "a", "--role", "viewer", "--expires", "soon"], 2, "--expires"),
]


@pytest.mark.long
def test_wrong_commands(tmp_path: Path) -> None:
    """A wrong command says in one line what is wrong."""
    assert 0 == run_balancer(tmp_path, "migrate").returncode
    for arguments, code, word in WRONG_COMMANDS:
        done = run_balancer(tmp_path, *arguments, check=False)
        assert (code, True, False) == (done.returncode, word in done.stderr, "Traceback" in done.stderr)


@contextmanager
def published(folder: Path) -> Iterator[str]:
    """Serve a folder over HTTP and return its URL."""

    class Handler(SimpleHTTPRequestHandler):
        @override
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_identity_provider(start: Start, tmp_path: Path) -> None:
    """Tokens of a provider that publishes its keys are accepted; before it answers they are neither right nor wrong."""
    provider = Provider(tmp_path / "jwks.json", "one")
    with published(tmp_path) as address:
        balancer = start(JWT_ISSUER=ISSUER, JWT_AUDIENCE=AUDIENCE, JWT_JWKS=f"{address}/jwks.json")
        away = start(JWT_ISSUER=ISSUER, JWT_AUDIENCE=AUDIENCE, JWT_JWKS=f"{address}/nothing.json")
        change = {"id": 1, "distribution_rate": 3}
        operator = bearer(provider.token(role="operator"))
        assert 200 == httpx.patch(f"{balancer.url}/config", json=change, headers=operator).status_code
        assert "token:alice" == httpx.get(f"{balancer.url}/config/history", headers=BEARER).json()["items"][0]["actor"]
        assert 403 == httpx.get(f"{balancer.url}/keys", headers=operator).status_code
        assert 403 == httpx.get(f"{balancer.url}/config", headers=bearer(provider.token())).status_code
        assert 503 == httpx.get(f"{away.url}/config", headers=operator).status_code
        assert 301 == httpx.get(f"{away.url}/?video={VIDEO}").status_code
        health = [httpx.get(f"{one.url}/health/ready").json() for one in (balancer, away)]
        found = [(one["status"], {store["name"]: store["status"] for store in one["dependencies"]}) for one in health]
        assert [("ok", "ok"), ("degraded", "down")] == [
            (status, stores["identity provider"]) for status, stores in found
        ]


def test_no_secret_in_any_output(start: Start) -> None:
    """Neither keys, tried ones included, nor passwords are printed or logged."""
    balancer = start(LOG_LEVEL="debug")
    httpx.get(f"{balancer.url}/config", headers=bearer("vbk_planted"))
    httpx.get(f"{balancer.url}/config", headers=BEARER)
    balancer.stop()
    output = "".join([*balancer.printed, *balancer.log])
    assert "authentication failed" in output
    assert "planted" not in output
    assert KEY not in output
