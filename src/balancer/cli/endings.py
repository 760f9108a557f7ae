"""How commands print and how they end; nothing here takes long to import."""

import sys
from typing import NoReturn

import click

FAILED = 1
WRONG_USE = 2
"""Options, settings or a file that cannot be; also what click itself ends with."""
CONFLICT = 3
"""Somebody has changed it since it was read."""
NOT_FOUND = 4
NOT_ALLOWED = 5
"""No valid key, or one whose role is too low."""
UNAVAILABLE = 6
"""The service cannot be reached, or cannot do it now."""
DECLINED = 7
"""Somebody said no, or nobody could be asked."""
WARNED = 8
"""`balancer doctor` has found nothing worse than warnings."""
INTERRUPTED = 130
"""As a shell tells of a command that Ctrl-C has ended: 128 and the number of the signal."""
NO_READER = 141
"""As a shell tells of a command whose output nobody reads any more, such as the first one of `… | head`."""


class CannotPrint(Exception):
    """Standard output takes nothing; the message says why."""


def fail(line: str, code: int = FAILED) -> NoReturn:
    """End the program with a line on standard error."""
    click.echo(f"balancer: {line}", err=True)
    sys.exit(code)


def check_output() -> None:
    """See that there is a standard output, before something is done whose only result goes there.

    Raises:
        CannotPrint: When it is closed.
    """
    if sys.stdout is None:
        raise CannotPrint("Standard output is closed, so that nothing can be printed.")


def show(line: str | bytes, *, ends: bool = True) -> None:
    """Print a line of what was asked for.

    Args:
        line: What is printed.
        ends: Whether a line break follows; what is no line is printed byte for byte.

    Raises:
        BrokenPipeError: When nobody reads it any more.
        CannotPrint: When standard output is closed or full.
    """
    check_output()
    try:
        click.echo(line, nl=ends)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CannotPrint(f"Standard output cannot be written: {error.strerror or error}.") from error
