"""What is said when a service does not do what it was asked: what is wrong, and what to do."""

from collections.abc import Callable

import yaml

from balancer.cli.endings import CONFLICT, DECLINED, FAILED, NOT_ALLOWED, NOT_FOUND, UNAVAILABLE, WRONG_USE, CannotPrint
from balancer_client import (
    ClientError,
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    ProblemError,
    RateLimited,
    ServerFault,
    StaleRevision,
    Unauthenticated,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
)


class CannotDo(Exception):
    """A command cannot do what it was asked; the message says why, and what to do.

    Args:
        line: One line.
        code: The exit code.
    """

    def __init__(self, line: str, code: int = WRONG_USE) -> None:
        self.code = code
        super().__init__(line)


class Declined(CannotDo):
    """Somebody said no, or nobody could be asked."""

    def __init__(self, line: str = "Nothing was changed.") -> None:
        super().__init__(line, DECLINED)


def _stale(error: ProblemError) -> str:
    now = f" Now it is at revision {error.revision}." if error.revision is not None else ""
    return f"Somebody has changed it since it was read, and nothing was done.{now} Look at it, and repeat the command."


def _limited(error: ProblemError) -> str:
    return f"Too many requests. Try again in {error.retry_after or 1:.0f} s."


def _advising(advice: str) -> Callable[[ClientError], str]:
    return lambda error: f"{error} {advice}"


_CONFLICTS = {
    "not-simple": "Change its targets, by --weight or --target.",
    "default-config": "",
    "config-in-use": "Change the rules first, by 'balancer rules set'.",
    "last-admin-key": "Make another one first.",
}


def _conflict(error: ProblemError) -> str:
    # What the service says names the calls of its API; here there are commands for them.
    kind = error.type.rpartition(":")[2]
    if kind == "not-simple":
        return f"A host and a rate cannot describe its targets. {_CONFLICTS[kind]}"
    return f"{error} {_CONFLICTS.get(kind, '')}".strip()


def _not_found(error: ProblemError) -> str:
    match error.type.rpartition(":")[2]:
        case "revision-not-found":
            # Both are of one type, and the sentence alone tells them apart.
            group = "rules" if error.detail.startswith("The rules") else "config"
            return f"{error} See 'balancer {group} history'."
        case "key-not-found":
            return f"{error} See 'balancer remote-keys list'."
        case _:
            return f"{error} See 'balancer config list' or 'balancer config show'."


_TOLD: list[tuple[type[ClientError], int, Callable[..., str]]] = [
    (StaleRevision, CONFLICT, _stale),
    (Conflict, FAILED, _conflict),
    (NotFound, NOT_FOUND, _not_found),
    (Unauthenticated, NOT_ALLOWED, _advising("Set BALANCER_API_KEY, or log in again by 'balancer login'.")),
    (Forbidden, NOT_ALLOWED, _advising("Use a key of that role.")),
    (RateLimited, UNAVAILABLE, _limited),
    (OutcomeUnknown, UNAVAILABLE, _advising("See by 'balancer config show' whether it was made.")),
    (Unavailable, UNAVAILABLE, _advising("Try again in a moment.")),
    (ServerFault, FAILED, _advising("See the log of the service, and of what stands before it.")),
    (Unreachable, UNAVAILABLE, _advising("See whether it runs, and whether BALANCER_URL or the profile is right.")),
    (UnexpectedAnswer, FAILED, _advising("See whether the URL is the service's, and of the release of this program.")),
]


def explained(error: Exception) -> tuple[str, int] | None:
    """Return a line for an error and the exit code, with a line for each field at fault; None for a bug."""
    if isinstance(error, CannotDo):
        return str(error), error.code
    if isinstance(error, InvalidRequest):
        return _fields(error), WRONG_USE
    for kind, code, told in _TOLD:
        if isinstance(error, kind):
            return _printable(told(error)), code
    if isinstance(error, yaml.YAMLError):
        return f"This is not YAML: {' '.join(str(error).split())}.", WRONG_USE
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}.", FAILED
    return (str(error), FAILED) if isinstance(error, CannotPrint) else None


def _fields(error: InvalidRequest) -> str:
    if not error.errors:
        return _printable(str(error))
    lines = [f"{fault.field} {fault.reason}." for fault in error.errors]
    return _printable(lines[0]) if len(lines) == 1 else "\n  ".join([f"{error.title}:", *map(_printable, lines)])


def _printable(text: str) -> str:
    """Return a line without what a terminal would obey."""
    return "".join(char if char.isprintable() else " " for char in text)
