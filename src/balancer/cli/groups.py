"""The command `balancer`: its subcommands are imported when they are used, as some take seconds."""

import importlib
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

import click
from typing_extensions import override

from balancer.cli.endings import INTERRUPTED, NO_READER, fail


class Kind(NamedTuple):
    """Commands that work in one way.

    Attributes:
        title: What `--help` says of them.
        explains: The module whose `explained` says in a line what has gone wrong in one, with an exit code.
    """

    title: str
    explains: str


MACHINE = Kind("On the server's machine", "balancer.cli.program")
SERVICE = Kind("Anywhere, with the URL and a key of a running service", "balancer.cli.remote.remedies")
KINDS = (SERVICE, MACHINE)


class Entry(NamedTuple):
    """A subcommand.

    Attributes:
        kind: How it works.
        place: Where it is: `balancer.cli.serve:serve`.
        text: What `--help` says of it; the first sentence of its own help.
    """

    kind: Kind
    place: str
    text: str

    def load(self) -> click.Command:
        """Import the command."""
        module, _, name = self.place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


class Program(click.Group):
    """The command with its subcommands: whatever goes wrong in one is told in one line.

    Attributes:
        entries: The subcommands by name.
    """

    entries: dict[str, Entry]

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for kind in KINDS for name, entry in self.entries.items() if entry.kind is kind]

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.entries.get(cmd_name)
        return entry.load() if entry else None

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for kind in KINDS:
            with formatter.section(kind.title):
                formatter.write_dl([(name, entry.text) for name, entry in self.entries.items() if entry.kind is kind])

    @override
    def invoke(self, ctx: click.Context) -> Any:
        if sys.stderr is None:
            # It was closed by whoever started this, and what is said there is to go nowhere.
            sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115  # open as long as the process
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            # What Python would still write at its end goes nowhere as well.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            sys.exit(NO_READER)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except Exception as error:
            entry = self.entries.get(ctx.invoked_subcommand or "")
            # Whatever was used has been imported, and knows its errors; the command's own kind comes first.
            for kind in sorted(KINDS, key=lambda kind: entry is None or kind is not entry.kind):
                module = sys.modules.get(kind.explains)
                if explained := module.explained(error) if module else None:
                    fail(*explained)
            if entry is None or entry.kind is MACHINE:
                raise
            # A bug, which the log of no server keeps; whoever asks a service is not the one to read a traceback.
            fail(f"This should not happen: {type(error).__name__}: {error}. Please report it, with the command.")
