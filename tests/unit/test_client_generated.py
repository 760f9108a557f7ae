"""The generated part of the client is that of the OpenAPI document, and a user's program can rely on its types."""

import subprocess
import sys
from pathlib import Path

from tests.client import GENERATED, for_admins, generate

USER = """
from balancer_client import AsyncBalancer, Balancer, StaleRevision, each, etag
from balancer_client.models import Config, NewConfig, Target, TargetPatch


def drain(url: str, key: str, name: str) -> int:
    with Balancer(url, key) as balancer:
        config: Config = balancer.read_config()
        try:
            config = balancer.change_target(TargetPatch(id=config.id, name=name, weight=0), if_match=etag(config))
        except StaleRevision as conflict:
            return conflict.revision or 0
        names: list[str | None] = [one.name for one in each(balancer.list_configs)]
        balancer.create_config(NewConfig(targets=[Target(name=names[0] or "cdn")]))
        return config.revision


async def weights(url: str, key: str) -> dict[str, int | object]:
    async with AsyncBalancer(url, key) as balancer:
        return {target.name: target.weight for target in (await balancer.read_config()).targets}
"""

WRONG = {
    "balancer.read_config(id='1')": "arg-type",
    "balancer.read_config().revisions": "attr-defined",
    "balancer.change_config(1)": "arg-type",
    "balancer.drain()": "attr-defined",
}


def sources(folder: Path) -> dict[str, str]:
    """Return the modules below a folder by their place in it."""
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*.py"))}


def test_it_is_generated_anew(tmp_path: Path) -> None:
    """What `make client` would write is what is there: the document has not changed since."""
    generate(tmp_path / "generated")
    assert sources(tmp_path / "generated") == sources(GENERATED), "run `make client`"


def test_players_are_left_out() -> None:
    """Of a document only what admins ask is kept, and the schemas that it leads to."""
    chain = {"A": {"$ref": "#/components/schemas/B"}, "B": {"$ref": "#/components/schemas/A"}, "C": {}}
    for_player, for_admin = ({"tags": [tag], "schema": {"$ref": f"#/components/schemas/{name}"}} for tag, name in [("player", "C"), ("config", "A")])  # fmt: skip  # noqa: E501
    made = for_admins({"paths": {"/": {"get": for_player}, "/a": {"get": for_admin, "options": for_player}}, "components": {"schemas": chain}})  # fmt: skip  # noqa: E501
    assert {"/a": {"get": for_admin}} == made["paths"]
    assert {"A", "B"} == made["components"]["schemas"].keys()


def test_a_users_program_is_checked(tmp_path: Path) -> None:
    """By `mypy --strict`, a program that uses the client passes, and each mistake in one is found."""
    (tmp_path / "user.py").write_text(USER)
    lines = ["from balancer_client import Balancer", "balancer = Balancer('http://b.example', 'k')", *WRONG]
    (tmp_path / "wrong.py").write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "user.py", "wrong.py"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=240)
    expected = [("wrong.py", number, code) for number, code in enumerate(WRONG.values(), 3)]
    told = [line.split(": ") for line in found.stdout.splitlines() if ": error: " in line]
    heads = [place.partition(":") for place, *_ in told]
    codes = [parts[-1].rpartition("[")[2].rstrip("]") for parts in told]
    assert expected == [(file, int(line), code) for (file, _, line), code in zip(heads, codes, strict=True)], found
