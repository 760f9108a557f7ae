"""Makes TypeScript's types of what the API says, for `make types`: `python -m tests.console.typescript`."""

import json
import subprocess
from pathlib import Path

from tests.openapi import served

HERE = Path(__file__).parent

PLACE = HERE / "api.d.ts"
"""Where they stand: beside the tests, as browsers need none of them."""

GENERATOR = HERE / "node_modules" / "openapi-typescript" / "bin" / "cli.js"


def text() -> str:
    """Return the types of all schemas of the OpenAPI document, each by its name.

    Raises:
        subprocess.CalledProcessError: When the generator fails.
    """
    # The console names its paths with their queries, so those of the document would be of no use to it.
    document = {**served(log_level="warning"), "paths": {}}
    done = subprocess.run(
        ["node", GENERATOR, "--root-types", "--root-types-no-schema-prefix"],
        input=json.dumps(document),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        # A configuration of another program there would count.
        cwd=HERE,
    )
    # So scripts name them as `API.Config`, where a path that no browser asks for would stand.
    return f"{done.stdout}export as namespace API;\n"


if __name__ == "__main__":
    PLACE.write_text(text())
