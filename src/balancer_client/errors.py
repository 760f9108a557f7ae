"""What can go wrong with a request, as exceptions.

ClientError
├── Unreachable            no answer came
│   └── TimedOut           not in time
├── UnexpectedAnswer       an answer that this client does not understand
└── ProblemError           the service says what is wrong (RFC 9457)
    ├── InvalidRequest     400, 413, 414, 422, 431: `errors` names the fields
    ├── Unauthenticated    401
    ├── Forbidden          403
    ├── NotFound           404
    ├── Conflict           409
    ├── StaleRevision      412: somebody has changed it since; `revision` is the present one
    ├── RateLimited        429
    ├── Unavailable        503
    │   └── OutcomeUnknown 503: a change may have been made or not
    └── ServerFault        500 and others
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from typing_extensions import override

URN = "urn:video-balancer:problem:"
"""What the types of the service's own problems begin with."""

BLANK = "about:blank"
"""The type of a problem of which the status says all (RFC 9457 §4.2.1)."""


@dataclass(frozen=True)
class FieldFault:
    """One field of a request that is at fault.

    Attributes:
        field: Its place, such as `targets.cdn-a.weight`; a parameter or a header by its name.
        reason: What is wrong with it, in words.
        code: Only of a video: the class of the fault.
    """

    field: str
    reason: str
    code: str | None = None


class ClientError(Exception):
    """Whatever this client raises."""


class Unreachable(ClientError):
    """No answer came: the service is not there, or the connection broke.

    A change may have been made or not, unless the connection was never established.
    """


class TimedOut(Unreachable):
    """No answer came in time; a change may have been made or not."""


class UnexpectedAnswer(ClientError):
    """An answer that this client does not understand: of a proxy, or of a newer service."""


class ProblemError(ClientError):
    """The service has refused a request, or has failed.

    Attributes:
        status: That of the answer.
        type: What kind of problem it is: `urn:video-balancer:problem:not-simple`; also kinds newer than this client.
        title: The kind in words.
        detail: What happened, in one sentence.
        errors: The fields at fault.
        revision: Only of a stale revision: the present one.
        retry_after: Seconds after which the service wants to be asked again, None when it does not say.
    """

    def __init__(self, status: int, told: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.type = _text(told.get("type")) or BLANK
        self.title = _text(told.get("title")) or _phrase(status)
        self.detail = _text(told.get("detail")) or f"The answer was {status} {_phrase(status)}."
        self.errors = _faults(told.get("errors"))
        revision = told.get("revision")
        self.revision = revision if isinstance(revision, int) else None
        self.retry_after = retry_after
        super().__init__(status, told, retry_after)

    @override
    def __str__(self) -> str:
        return self.detail


class InvalidRequest(ProblemError):
    """A body, a parameter or a header cannot be what it is."""


class Unauthenticated(ProblemError):
    """No key, or not a valid one."""


class Forbidden(ProblemError):
    """The role of the key is too low."""


class NotFound(ProblemError):
    """There is no such config, target, revision or key."""


class Conflict(ProblemError):
    """What there is does not allow the change."""


class StaleRevision(ProblemError):
    """The config, or the list of rules, has been changed since it was read."""


class RateLimited(ProblemError):
    """Too many requests."""


class Unavailable(ProblemError):
    """The service, or a store that it needs, is not there at the moment."""


class OutcomeUnknown(Unavailable):
    """The database did not confirm a change, which may have been made or not."""


class ServerFault(ProblemError):
    """The service, or what stands before it, has failed."""


_BY_TYPE: dict[str, type[ProblemError]] = {f"{URN}outcome-unknown": OutcomeUnknown}

_BY_STATUS: dict[int, type[ProblemError]] = {
    HTTPStatus.UNAUTHORIZED: Unauthenticated,
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.PRECONDITION_FAILED: StaleRevision,
    HTTPStatus.TOO_MANY_REQUESTS: RateLimited,
    HTTPStatus.SERVICE_UNAVAILABLE: Unavailable,
}


def problem_error(status: int, content: bytes, retry_after: float | None = None) -> ProblemError:
    """Return the exception for an answer with a status from 400 on.

    Args:
        status: Its status.
        content: Its body; what is no JSON object, such as a proxy's page, says nothing.
        retry_after: Seconds after which it wants to be asked again.
    """
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        told = {}
    if not isinstance(told, dict):
        told = {}
    own = ServerFault if status >= HTTPStatus.INTERNAL_SERVER_ERROR else InvalidRequest
    kind = _BY_TYPE.get(_text(told.get("type")) or BLANK) or _BY_STATUS.get(status, own)
    return kind(status, told, retry_after)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown status"


def _faults(told: object) -> tuple[FieldFault, ...]:
    items = told if isinstance(told, list) else []
    return tuple(
        FieldFault(str(item.get("field", "")), str(item.get("reason", "")), _text(item.get("code")))
        for item in items
        if isinstance(item, dict)
    )
