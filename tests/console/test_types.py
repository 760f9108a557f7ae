"""The types of the console's scripts."""

import subprocess
from pathlib import Path

from tests.console import typescript
from tests.console.conftest import package

HERE = Path(__file__).parent

MOST_LINES = 400


def test_scripts_are_sound() -> None:
    """The compiler of TypeScript, strict, finds nothing in what the comments say of the scripts."""
    compiler = package("typescript") / "bin" / "tsc"
    done = subprocess.run(
        ["node", compiler, "--project", HERE], capture_output=True, text=True, timeout=120, check=False
    )
    assert "" == done.stdout


def test_types_are_those_of_the_api() -> None:
    """What the scripts take for the API's words was made from the present OpenAPI document: `make types` does that."""
    package("openapi-typescript")
    assert typescript.PLACE.read_text() == typescript.text()


def test_files_are_short() -> None:
    """Each script can be read in a few minutes."""
    folder = HERE.parents[1] / "src/balancer/api/console/page"
    lines = {path.name: len(path.read_text().splitlines()) for path in folder.glob("*.js")}
    assert {} == {name: count for name, count in lines.items() if count >= MOST_LINES}
