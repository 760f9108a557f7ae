"""What admins do with the client for JavaScript, from Node.js."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from balancer.api.console.pages import PAGE
from balancer.problems import TYPES
from tests.client import LEFT_OUT
from tests.console.conftest import PACKAGES, package
from tests.factories import KEY
from tests.openapi import served
from tests.processes import Balancer

HERE = Path(__file__).parent

DOCUMENT = HERE.parents[1] / "docs" / "client.md"

UNAVAILABLE = "urn:video-balancer:problem:store-unavailable"
UNKNOWN = "urn:video-balancer:problem:outcome-unknown"

NO_GLOBAL = "Object.defineProperty(globalThis, 'crypto', {value: undefined});"
"""What Node.js 18 lacks."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of modules with the client among them; skip the test where there is no Node.js."""
    if not shutil.which("node"):
        missing = "no Node.js here (Debian: apt install nodejs)"
        if os.environ.get("BALANCER_TEST_CONSOLE") == "required":
            pytest.fail(missing)
        pytest.skip(missing)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "client.js").write_text((PAGE / "client.js").read_text())
    for name in ("walk.js", "tried.js"):
        (tmp_path / name).write_text((HERE / name).read_text())
    return tmp_path


def run(folder: Path, program: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a program of JavaScript as a module of a folder."""
    return subprocess.run(
        ["node", "--input-type=module", "--eval", program],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def tried(folder: Path, name: str, given: object, answers: list[Any], before: str = "") -> dict[str, Any]:
    """Ask a service that answers like this, and return what was sent and what came of it."""
    arguments = ", ".join(map(json.dumps, (name, given, answers)))
    done = run(
        folder,
        f"import {{tried}} from './tried.js'; {before} console.log(JSON.stringify(await tried({arguments})));",
    )
    assert "" == done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.timed
def test_walk(folder: Path, tmp_path: Path) -> None:
    """Everything that an admin can ask is asked, and a change of what has changed is refused."""
    with Balancer(tmp_path, None, ADMIN_RATE="off") as balancer:
        # As the service gives it to everybody.
        (folder / "client.js").write_text(httpx.get(f"{balancer.url}/console/client.js").text)
        done = run(folder, f"import {{walk}} from './walk.js'; await walk({balancer.url!r}, {KEY!r});")
    assert ("", "") == (done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("name", "given", "answers", "times", "status"),
    [
        pytest.param("GET /config", {}, [[429, {"retry-after": "0"}, {}]], 2, 200, id="asked-too-often"),
        pytest.param("GET /config", {}, [[503, {"retry-after": "0"}, {}]] * 9, 4, 503, id="four-times-at-most"),
        pytest.param("GET /config", {}, [[503, {"retry-after": "6"}, {}]], 1, 503, id="longer-than-it-has-patience"),
        pytest.param("GET /config", {}, [[500, {"retry-after": "0"}, {}]], 1, 500, id="another-fault"),
        pytest.param("GET /config", {}, [[503, {}, {}]], 2, 200, id="without-a-word"),
        pytest.param(
            "GET /config", {}, [[503, {"retry-after": "Thu, 01 Jan 2026 00:00:00 GMT"}, {}]], 2, 200, id="a-date"
        ),
        pytest.param(
            "PATCH /config", {"body": {"id": 1}}, [[503, {"retry-after": "0"}, {"type": UNKNOWN}]], 2, 200, id="change"
        ),
        pytest.param(
            "POST /keys", {"body": {}}, [[503, {"retry-after": "0"}, {"type": UNAVAILABLE}]], 2, 200, id="was-not-done"
        ),
        pytest.param(
            "POST /keys", {"body": {}}, [[503, {"retry-after": "0"}, {"type": UNKNOWN}]], 1, 503, id="may-be-done"
        ),
        pytest.param("POST /keys", {"body": {}}, [[503, {"retry-after": "0"}, {}]], 1, 503, id="a-proxys"),
    ],
)
def test_repeats(folder: Path, name: str, given: object, answers: list[Any], times: int, status: int) -> None:  # noqa: PLR0917 - the table has them
    """A request is sent again as `Retry-After` says, as often as it may, and only if that cannot do something twice."""
    found = tried(folder, name, given, answers)
    assert (times, status) == (len(found["keys"]), found["status"])
    assert 1 == len(set(found["keys"]))


def test_types_of_problems_are_the_services() -> None:
    """What decides about repetitions are types that the service has."""
    assert {UNAVAILABLE, UNKNOWN} <= set(TYPES)


@pytest.mark.parametrize("before", ["", NO_GLOBAL], ids=["now", "node-18"])
def test_each_change_has_a_key_of_its_own(folder: Path, before: str) -> None:
    """No change is given the key of another one, whatever the machine has for chance."""
    one, other = (tried(folder, "PUT /rules", {"body": {}}, [], before)["keys"] for _ in range(2))
    assert all(re.fullmatch(r'"[0-9a-f]{1,8}(-[0-9a-f]{1,8}){3}"', key) for key in one + other)
    assert one != other


def test_keys_are_sent_where_the_service_takes_them(folder: Path) -> None:
    """Just the operations that take an `Idempotency-Key` are given one."""
    takes = {
        f"{method.upper()} {path}": any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", []))
        for path, item in served(log_level="warning")["paths"].items()
        for method, operation in item.items()
        if not LEFT_OUT.intersection(operation["tags"])
    }
    program = f"""
        import {{tried}} from './tried.js';
        const found = {{}};
        for (const name of {json.dumps(list(takes))}) found[name] = (await tried(name, {{}}, [])).keys[0] !== null;
        console.log(JSON.stringify(found));
    """
    assert takes == json.loads(run(folder, program).stdout)


@pytest.mark.timed
def test_the_document(folder: Path, tmp_path: Path) -> None:
    """The commands and the program of docs/client.md get the files, fit the types, and print what stands below them."""
    compiler = package("typescript") / "bin" / "tsc"
    text = DOCUMENT.read_text().partition("## TypeScript and JavaScript")[2]
    blocks = dict(re.findall(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    (folder / "client.js").unlink()
    with Balancer(tmp_path, None) as balancer:
        for line in blocks["sh"].replace("http://127.0.0.1:8000", balancer.url).splitlines():
            words = shlex.split(line)
            if words[0] == "npx":
                words[:2] = ["node", str(PACKAGES / words[1] / "bin" / "cli.js")]
            subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=120)
        (folder / "example.js").write_text(blocks["js"])
        (folder / "node.d.ts").write_text("declare const process: {env: Record<string, string>};")
        options = ["--noEmit", "--checkJs", "--strict", "--target", "ES2022", "--module", "preserve"]
        checked = subprocess.run(
            ["node", compiler, *options, "--lib", "ES2023,DOM,DOM.Iterable", "node.d.ts", "example.js"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "" == checked.stdout
        done = run(folder, "await import('./example.js')", BALANCER_URL=balancer.url, BALANCER_API_KEY=KEY)
    assert (blocks["text"], "") == (done.stdout, done.stderr)
