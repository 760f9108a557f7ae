"""Commands of the program run within the test's own process, where many are tried: each start takes a second."""

import logging
import os
import subprocess
from collections.abc import Generator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from balancer.cli import main


def run_inside(folder: Path, *arguments: str, **settings: Any) -> "subprocess.CompletedProcess[str]":
    """Run a command in a folder, with settings by name without the prefix, as `tests.processes.run_balancer` does."""
    others: dict[str, str | None] = {name: None for name in os.environ if name.startswith("BALANCER_")}
    given = {f"BALANCER_{name}": str(value) for name, value in settings.items()}
    with chdir(folder), _logging_kept():
        done = CliRunner(env={**others, **given}).invoke(main, arguments, prog_name="balancer")
    fault = done.exception
    if fault and not isinstance(fault, SystemExit):
        raise fault
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


@contextmanager
def _logging_kept() -> Generator[None, None, None]:
    """Leave the handlers of the log as they were."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        for handler in root.handlers:
            if handler not in handlers:
                handler.close()
        root.handlers, root.level = handlers, level
