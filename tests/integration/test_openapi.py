"""The OpenAPI document against the running program: requests made up from it find nothing that it does not describe."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.conftest import Start
from tests.unit.routes import ROUTES
from tests.unit.tokens import AUDIENCE, ISSUER, Provider

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]


HOOKS = """
import schemathesis

schemathesis.serializer.alias("application/cmcd", "text/plain")

@schemathesis.hook
def before_call(context, case, kwargs):
    if case.operation.path == "/live" and str((case.query or {}).get("events", "1")).isdigit():
        case.query = {**(case.query or {}), "events": "1"}
"""
"""Says how a body of lines is sent, and lets a stream of events end."""


@pytest.mark.long
@pytest.mark.parametrize("stores", ["embedded", "shared"])
def test_requests_made_up_from_the_document(
    start: Start, tmp_path: Path, stores: str, request: pytest.FixtureRequest
) -> None:
    """Whatever is sent by the document, right or wrong, no answer is a 5xx or one that the document does not have."""
    provider = Provider(tmp_path / "jwks.json", "one")
    settings: dict[str, object] = request.getfixturevalue("shared") if stores == "shared" else {}
    identity = {"JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE, "JWT_JWKS": provider.path}
    rates = {"ADMIN_RATE": "off", "LOGIN_RATE": "off", "OPEN_RATE": "off"}
    url = start(**settings, **identity, **rates, MANIFESTS="true", CMCD="true").url
    # A token cannot be revoked by what is made up.
    token = provider.token(role="admin", exp=2**32)
    (tmp_path / "hooks.py").write_text(HOOKS)
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}/schema/openapi.json"),
            *("--header", f"Authorization: Bearer {token}", "--max-redirects", "0", "--max-examples", "10"),
            *("--checks", ",".join(CHECKS), "--seed", "1", "--no-color"),
        ],
        cwd=tmp_path,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "hooks"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert 0 == done.returncode, done.stdout
    assert f"Tested: {len([route for route in ROUTES if route.method != 'head'])}" in done.stdout
