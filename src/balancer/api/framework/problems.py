"""Answers errors, whichever handler raised them, and describes them for OpenAPI."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example

from balancer.api.framework.notes import note_of
from balancer.core.errors import BalancerError
from balancer.headers import PLAYER, is_players
from balancer.problems import (
    FAILED,
    MEDIA_TYPE,
    TABLE,
    FieldError,
    Problem,
    generic,
    headers_of,
    not_allowed,
    not_found,
    problem_of,
)

MAX_BODY = 64 * 1024
"""Bytes in a request's body."""

logger = structlog.stdlib.get_logger(__name__)


def as_response(problem: Problem, headers: dict[str, str] | None = None) -> Response[Problem]:
    """Return the answer for a problem."""
    return Response(problem, status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def on_domain_error(request: Request[Any, Any, Any], error: BalancerError) -> Response[Problem]:
    """Answer what the domain refused."""
    problem = problem_of(error)
    headers = _common_headers(request) | headers_of(error)
    # For whoever counts requests and writes their lines.
    note = note_of(request.scope)
    note.error, note.problem = error, TABLE[type(error)].name
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        cause = getattr(error, "explained", None)
        logger.warning("unavailable", problem=str(error), cause=cause)
    return as_response(problem, headers)


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """Answer what the framework refused: unknown paths, wrong methods, parameters of the wrong type."""
    headers = _common_headers(request)
    if isinstance(error, ValidationException):
        note_of(request.scope).problem = "invalid-input"
        faults = [FieldError(fault["key"], fault["message"]) for fault in _faults(error)]
        detail = " ".join(f"'{fault.field}': {fault.reason}." for fault in faults)
        return as_response(generic(HTTPStatus.UNPROCESSABLE_ENTITY, detail, faults), headers)
    status = HTTPStatus(error.status_code)
    note_of(request.scope).problem = status.phrase.lower().replace(" ", "-")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return on_unexpected(request, error)
    path = request.url.path
    match status:
        case HTTPStatus.NOT_FOUND:
            problem = not_found(path)
        case HTTPStatus.METHOD_NOT_ALLOWED:
            headers["allow"] = ", ".join(sorted((error.headers or {}).get("allow", "").split(", ")))
            problem = not_allowed(request.method, path, headers["allow"])
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            handler: Any = request.scope["route_handler"]
            problem = generic(status, f"The body is longer than {handler.resolve_request_max_body_size()} bytes.")
        case _:
            problem = generic(status, f"{error.detail}.")
    return as_response(problem, headers)


def on_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Answer a fault of ours: the traceback goes to the log, none of it to the client."""
    logger.error("failed", method=request.method, path=request.scope.get("path_template"), exc_info=error)
    note_of(request.scope).problem = "internal"
    return as_response(FAILED, _common_headers(request))


def responses(errors: Iterable[BalancerError], details: Mapping[int, str]) -> dict[int, ResponseSpec]:
    """Describe for OpenAPI the errors of an operation by status, each with its example.

    Args:
        errors: Examples of what the domain may say; those of one status stand together.
        details: Details of what HTTP itself may say, by status.
    """
    problems = [(TABLE[type(error)].title, problem_of(error)) for error in errors]
    problems += [(HTTPStatus(status).phrase, generic(HTTPStatus(status), detail)) for status, detail in details.items()]
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
        for status, examples in sorted(by_status.items())
    }


def _faults(error: ValidationException) -> list[dict[str, str]]:
    return [fault for fault in error.extra or [] if isinstance(fault, dict)]


def _common_headers(request: Request[Any, Any, Any]) -> dict[str, str]:
    # After a cross-origin redirect a browser player reads even an error only with the second field of its own.
    return dict(PLAYER) if is_players(request.scope["path"]) else {"cache-control": "no-store"}
