"""Makes TypeScript's types of what the API says, for `make types`: `python -m tests.console.typescript`."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.client import LEFT_OUT
from tests.openapi import served

HERE = Path(__file__).parent

PLACE = HERE / "api.d.ts"
"""Where they stand: beside the tests, as browsers need none of them."""

GENERATOR = HERE / "node_modules" / "openapi-typescript" / "bin" / "cli.js"

OPTIONS = ["--default-non-nullable=false"]
"""What has a default may be left out of what is sent; `client.js` knows that answers have it all."""


def text() -> str:
    """Return the types of what admins can ask, and of all schemas of the OpenAPI document by name.

    Raises:
        subprocess.CalledProcessError: When the generator fails.
    """
    document = served(log_level="warning")
    done = subprocess.run(
        ["node", GENERATOR, *OPTIONS],
        input=json.dumps({**document, "paths": _short(document["paths"])}),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        # A configuration of another program there would count.
        cwd=HERE,
    )
    names = document["components"]["schemas"]
    whole = [f'export type {name} = import("./client.js").Whole<components["schemas"]["{name}"]>;' for name in names]
    # So scripts name them as `API.Config`, where a path that no browser asks for would stand.
    return "\n".join([done.stdout, *whole, "export as namespace API;\n"])


def _short(paths: dict[str, Any]) -> dict[str, Any]:
    """Return the paths without what players ask, each with the contents of good answers alone."""
    return {
        path: {
            method: {**one, "responses": dict(_good(one["responses"]))}
            for method, one in item.items()
            if not LEFT_OUT.intersection(one["tags"])
        }
        for path, item in paths.items()
    }


def _good(responses: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for code, one in responses.items():
        if code < "300":
            # Header fields are in another order each time.
            yield code, {name: part for name, part in one.items() if name != "headers"}


if __name__ == "__main__":
    PLACE.write_text(text())
