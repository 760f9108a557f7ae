"""Errors as problem details (RFC 9457): one table from what the domain says to what a client sees."""

import math
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example

from balancer.core.errors import (
    BalancerError,
    ConfigNotFound,
    DefaultConfigKept,
    Forbidden,
    InvalidInput,
    InvalidVideo,
    KeyNotFound,
    NoConfig,
    QueryTooLong,
    RateLimited,
    Refusal,
    RevisionNotFound,
    SchemaMismatch,
    StaleRevision,
    StoreUnavailable,
    Unauthenticated,
)
from balancer.core.keys import Role
from balancer.web.inputs import etag

MEDIA_TYPE = "application/problem+json"

MAX_BODY = 64 * 1024
"""Bytes in a request's body."""

RETRY_AFTER = 1
"""Seconds after which a client may try again while a store is away."""

logger = structlog.stdlib.get_logger(__name__)


class FieldError(msgspec.Struct, omit_defaults=True):
    """One field of the request, what is wrong with it in words, and for a video the class of the fault as well."""

    field: str
    reason: str
    code: str = ""


class Problem(msgspec.Struct, omit_defaults=True):
    """Problem details as RFC 9457 §3.1 has them, with the fields at fault, and a config's revision where it matters."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = msgspec.field(default_factory=list)
    revision: int | None = None


class Row(NamedTuple):
    """How a class of errors looks to a client."""

    status: HTTPStatus
    name: str
    title: str


TABLE: dict[type[BalancerError], Row] = {
    BalancerError: Row(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "Internal error"),
    Refusal: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-video", "Invalid video"),
    InvalidVideo: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-video", "Invalid video"),
    QueryTooLong: Row(HTTPStatus.REQUEST_URI_TOO_LONG, "too-long", "Request too long"),
    InvalidInput: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-input", "Invalid input"),
    ConfigNotFound: Row(HTTPStatus.NOT_FOUND, "config-not-found", "Config not found"),
    RevisionNotFound: Row(HTTPStatus.NOT_FOUND, "revision-not-found", "Revision not found"),
    StaleRevision: Row(HTTPStatus.PRECONDITION_FAILED, "stale-revision", "Config has changed"),
    Unauthenticated: Row(HTTPStatus.UNAUTHORIZED, "unauthenticated", "Not authenticated"),
    Forbidden: Row(HTTPStatus.FORBIDDEN, "forbidden", "Not allowed"),
    KeyNotFound: Row(HTTPStatus.NOT_FOUND, "key-not-found", "API key not found"),
    RateLimited: Row(HTTPStatus.TOO_MANY_REQUESTS, "rate-limited", "Too many requests"),
    DefaultConfigKept: Row(HTTPStatus.CONFLICT, "default-config", "Default config"),
    NoConfig: Row(HTTPStatus.SERVICE_UNAVAILABLE, "no-config", "No config yet"),
    StoreUnavailable: Row(HTTPStatus.SERVICE_UNAVAILABLE, "store-unavailable", "Store not available"),
    SchemaMismatch: Row(HTTPStatus.SERVICE_UNAVAILABLE, "schema-mismatch", "Database schema does not fit"),
}


def problem_of(error: BalancerError) -> Problem:
    """Return the problem details of a domain error."""
    row = TABLE[type(error)]
    revision = error.current if isinstance(error, StaleRevision) else None
    return Problem(_type(row.name), row.title, row.status, str(error), _fields(error), revision)


def headers_of(error: BalancerError) -> dict[str, str]:
    """Return the headers that belong to a domain error."""
    match error:
        case Unauthenticated():
            # RFC 6750 §3: the error is named only where credentials were sent.
            return {"www-authenticate": 'Bearer realm="balancer"' + (', error="invalid_token"' if error.tried else "")}
        case Forbidden():
            needed = f'Bearer realm="balancer", error="insufficient_scope", scope="{error.needed}"'
            return {"www-authenticate": needed}
        case RateLimited():
            # draft-ietf-httpapi-ratelimit-headers-10 §3 and §4: what the policy allows, and what is left until when.
            wait = math.ceil(error.wait)
            return {
                "retry-after": str(wait),
                "ratelimit-policy": f'"{error.policy}";q={error.count};w={error.seconds}',
                "ratelimit": f'"{error.policy}";r=0;t={wait}',
            }
        case StaleRevision():
            return {"etag": etag(error.config_id, error.current)}
        case NoConfig() | StoreUnavailable() | SchemaMismatch():
            return {"retry-after": str(RETRY_AFTER)}
        case _:
            return {}


def as_response(problem: Problem, headers: dict[str, str] | None = None) -> Response[Problem]:
    """Return the answer for a problem."""
    return Response(problem, status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def on_domain_error(request: Request[Any, Any, Any], error: BalancerError) -> Response[Problem]:
    """Answer what the domain refused."""
    problem = problem_of(error)
    headers = _common_headers(request) | headers_of(error)
    # For whoever counts requests and writes their lines.
    request.state.error, request.state.problem = error, TABLE[type(error)].name
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        cause = str(error.__cause__).partition("\n")[0]
        logger.warning("unavailable", problem=str(error), cause=cause)
    return as_response(problem, headers)


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """Answer what the framework refused: unknown paths, wrong methods, parameters of the wrong type."""
    headers = _common_headers(request)
    if isinstance(error, ValidationException):
        request.state.problem = "invalid-input"
        faults = [FieldError(fault["key"], fault["message"]) for fault in _faults(error)]
        detail = " ".join(f"'{fault.field}': {fault.reason}." for fault in faults)
        return as_response(_generic(HTTPStatus.UNPROCESSABLE_ENTITY, detail, faults), headers)
    status = HTTPStatus(error.status_code)
    request.state.problem = status.phrase.lower().replace(" ", "-")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return on_unexpected(request, error)
    path = request.url.path
    match status:
        case HTTPStatus.NOT_FOUND:
            detail = f"There is nothing at {path}."
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = (error.headers or {}).get("allow", "").split(", ")
            headers["allow"] = ", ".join(sorted(allowed))
            detail = f"{request.method} is not possible at {path}, only {headers['allow']}."
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            detail = f"The body is longer than {MAX_BODY} bytes."
        case _:
            detail = f"{error.detail}."
    return as_response(_generic(status, detail), headers)


def on_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Answer a fault of ours: the traceback goes to the log, none of it to the client."""
    logger.error("failed", method=request.method, path=request.scope.get("path_template"), exc_info=error)
    request.state.problem = "internal"
    problem = _generic(HTTPStatus.INTERNAL_SERVER_ERROR, "The server failed to answer; the fault is in its log.")
    return as_response(problem, _common_headers(request))


def malformed(status: HTTPStatus, detail: str) -> Problem:
    """Return the problem of a request that breaks HTTP itself, before any path is known."""
    return _generic(status, detail)


def responses(*errors: BalancerError, **others: str) -> dict[int, ResponseSpec]:
    """Describe for OpenAPI the errors of an operation, each with its example.

    Args:
        errors: Examples of what the domain may say; those of one status stand together.
        others: Details of what HTTP itself may say, by status: `status_400="…"`.
    """
    problems = [(TABLE[type(error)].title, problem_of(error)) for error in errors]
    for name, detail in others.items():
        status = HTTPStatus(int(name.removeprefix("status_")))
        problems.append((status.phrase, _generic(status, detail)))
    by_status: dict[int, list[tuple[str, Problem]]] = {}
    for title, problem in problems:
        by_status.setdefault(problem.status, []).append((title, problem))
    return {
        status: ResponseSpec(
            Problem,
            generate_examples=False,
            description=HTTPStatus(status).phrase,
            media_type=MEDIA_TYPE,
            examples=[Example(summary=title, value=msgspec.to_builtins(problem)) for title, problem in examples],
        )
        for status, examples in by_status.items()
    }


def admin_responses(needed: Role, /, *errors: BalancerError, **others: str) -> dict[int, ResponseSpec]:
    """Describe the errors of an operation that needs a role, with those that come of that."""
    return responses(
        Unauthenticated("This needs a header 'Authorization: Bearer <key>'.", tried=False),
        Forbidden(needed.label, None),
        RateLimited("admin", 50, 1, 100, 0.02),
        *errors,
        **{
            "status_400": "Invalid host header.",
            "status_431": "The head of the request is longer than 16384 bytes.",
            **others,
        },
    )


def _type(name: str) -> str:
    return f"urn:video-balancer:problem:{name}"


def _generic(status: HTTPStatus, detail: str, errors: list[FieldError] | None = None) -> Problem:
    # RFC 9457 §4.2.1: with "about:blank" the title is the phrase of the status.
    return Problem("about:blank", status.phrase, status, detail, errors or [])


def _fields(error: BalancerError) -> list[FieldError]:
    match error:
        case Refusal():
            found = FieldError("video", error.fault, error.reason)
        case InvalidInput():
            found = FieldError(error.field, error.fault)
        case KeyNotFound():
            found = FieldError("id", "names no API key")
        case ConfigNotFound():
            found = FieldError("id", "names no config")
        case DefaultConfigKept():
            found = FieldError("id", "names the default config")
        case RevisionNotFound():
            found = FieldError("revision", f"names no revision of config {error.config_id}")
        case StaleRevision():
            found = FieldError("If-Match", f"does not name revision {error.current}")
        case _:
            return []
    return [found]


def _faults(error: ValidationException) -> list[dict[str, str]]:
    return [fault for fault in error.extra or [] if isinstance(fault, dict)]


def _common_headers(request: Request[Any, Any, Any]) -> dict[str, str]:
    headers = {"cache-control": "no-store"}
    if request.scope["path"] == "/":
        # After a cross-origin redirect a browser player reads even an error only with this.
        headers["access-control-allow-origin"] = "*"
    return headers
