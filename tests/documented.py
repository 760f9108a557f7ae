"""The commands of docs/command-line.md, run one after the other against a service.

`python -m tests.documented` writes what they print now into the document.
"""

import re
import shlex
import tempfile
from contextlib import chdir
from pathlib import Path
from typing import NamedTuple

from click.testing import CliRunner

from balancer.cli import main
from tests.factories import KEY
from tests.processes import Balancer

DOCUMENT = Path(__file__).parents[1] / "docs" / "command-line.md"

SHOWN = "http://127.0.0.1:8000"
"""Where the service is in the document."""

_BLOCK = re.compile(r"^```(console|yaml)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_CHANGING = re.compile(
    r"vbk_[\w-]++|\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?|\d\d:\d\d:\d\d|/\S++(?<=/balancer/profiles\.yaml\.)"
)


class Shown(NamedTuple):
    """A command of the document, with what it prints.

    Attributes:
        command: As it stands behind the prompt.
        output: What stands below it.
    """

    command: str
    output: str


def examples(text: str) -> list[Shown]:
    """Return the commands of a document in order; a block of YAML is a file that stands there from then on."""
    found = []
    for kind, block in _BLOCK.findall(text):
        if kind == "yaml":
            found.append(Shown("(file)", block))
            continue
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append(Shown(command, output))
    return found


def run(command: str, base: str, folder: Path) -> str:
    """Return what a command prints in a folder, on both outputs, with the exit code unless that is 0."""
    words = shlex.split(command.replace(SHOWN, base))
    given = None
    if "<" in words:
        words, given = words[: words.index("<")], f"{KEY}\n"
    variables = {
        "BALANCER_URL": None,
        "BALANCER_API_KEY": None,
        "BALANCER_PROFILE": None,
        "XDG_CONFIG_HOME": str(folder),
    }
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        variables[name] = value
    with chdir(folder):
        done = CliRunner(env=variables).invoke(main, words[1:], input=given, prog_name="balancer")
    ended = f"(exit code {done.exit_code})\n" if done.exit_code else ""
    return (done.output + ended).replace(base, SHOWN)


def steady(text: str) -> str:
    """Return what does not change from one run to the next: no times, keys and places."""
    return _CHANGING.sub("…", text).strip()


def rewrite(base: str, folder: Path) -> str:
    """Return the document with what its commands print now."""
    text, done = DOCUMENT.read_text(), 0
    for shown in examples(text):
        if shown.command == "(file)":
            (folder / "balancer.yaml").write_text(shown.output)
            continue
        printed = run(shown.command, base, folder)
        old = f"$ {shown.command}\n{shown.output}"
        new = old if steady(printed) == steady(shown.output) else f"$ {shown.command}\n{printed}"
        at = text.index(old, done)
        text = text[:at] + new + text[at + len(old) :]
        done = at + len(new)
    return text


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made, Balancer(Path(made)) as balancer:
        (Path(made) / "client").mkdir()
        DOCUMENT.write_text(rewrite(balancer.url, Path(made) / "client"))
