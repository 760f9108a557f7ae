"""How an error looks to an HTTP client: problem details (RFC 9457), one table for everything that answers."""

import math
from http import HTTPStatus
from typing import NamedTuple

import msgspec

from balancer.core.errors import (
    BalancerError,
    ConfigInUse,
    ConfigNotFound,
    DefaultConfigKept,
    Forbidden,
    IdempotencyKeyReused,
    InvalidInput,
    KeyNotFound,
    LastAdminKey,
    NoConfig,
    NotSimple,
    NotSteerable,
    OutcomeUnknown,
    RateLimited,
    RevisionNotFound,
    RuleRevisionNotFound,
    SchemaMismatch,
    StaleRevision,
    StaleRules,
    StoreUnavailable,
    TargetNotFound,
    TooManyStreams,
    Unauthenticated,
    UnknownFormat,
)
from balancer.core.refusals import InvalidVideo, QueryTooLong, Refusal, RefusalReason

MEDIA_TYPE = "application/problem+json"

RETRY_AFTER = 1
"""Seconds after which a client may try again while a store is away."""


class FieldError(msgspec.Struct, omit_defaults=True):
    """One field of the request that is at fault.

    Attributes:
        field: Its name.
        reason: What is wrong with it, in words.
        code: Only for a video: the class of the fault.
    """

    field: str
    reason: str
    code: RefusalReason | None = None


class Problem(msgspec.Struct, omit_defaults=True):
    """Problem details (RFC 9457 §3.1).

    Attributes:
        type: What kind of problem it is.
        title: The kind in words.
        status: The status of the answer.
        detail: What happened, in one sentence.
        errors: The fields at fault.
        revision: Only of a stale revision: the config's current one.
    """

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
    TargetNotFound: Row(HTTPStatus.NOT_FOUND, "target-not-found", "Target not found"),
    NotSimple: Row(HTTPStatus.CONFLICT, "not-simple", "Config is not simple"),
    NotSteerable: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "not-steerable", "Manifest cannot be steered"),
    UnknownFormat: Row(HTTPStatus.SERVICE_UNAVAILABLE, "unknown-format", "Record of a newer release"),
    RevisionNotFound: Row(HTTPStatus.NOT_FOUND, "revision-not-found", "Revision not found"),
    RuleRevisionNotFound: Row(HTTPStatus.NOT_FOUND, "revision-not-found", "Revision not found"),
    StaleRules: Row(HTTPStatus.PRECONDITION_FAILED, "stale-revision", "Rules have changed"),
    StaleRevision: Row(HTTPStatus.PRECONDITION_FAILED, "stale-revision", "Config has changed"),
    Unauthenticated: Row(HTTPStatus.UNAUTHORIZED, "unauthenticated", "Not authenticated"),
    Forbidden: Row(HTTPStatus.FORBIDDEN, "forbidden", "Not allowed"),
    KeyNotFound: Row(HTTPStatus.NOT_FOUND, "key-not-found", "API key not found"),
    LastAdminKey: Row(HTTPStatus.CONFLICT, "last-admin-key", "Last admin key"),
    RateLimited: Row(HTTPStatus.TOO_MANY_REQUESTS, "rate-limited", "Too many requests"),
    TooManyStreams: Row(HTTPStatus.SERVICE_UNAVAILABLE, "too-many-streams", "Too many live streams"),
    DefaultConfigKept: Row(HTTPStatus.CONFLICT, "default-config", "Default config"),
    ConfigInUse: Row(HTTPStatus.CONFLICT, "config-in-use", "Config in use"),
    IdempotencyKeyReused: Row(HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency-key-reused", "Idempotency key reused"),
    NoConfig: Row(HTTPStatus.SERVICE_UNAVAILABLE, "no-config", "No config yet"),
    StoreUnavailable: Row(HTTPStatus.SERVICE_UNAVAILABLE, "store-unavailable", "Store not available"),
    OutcomeUnknown: Row(HTTPStatus.SERVICE_UNAVAILABLE, "outcome-unknown", "Outcome not known"),
    SchemaMismatch: Row(HTTPStatus.SERVICE_UNAVAILABLE, "schema-mismatch", "Database schema does not fit"),
}


def _type(name: str) -> str:
    return f"urn:video-balancer:problem:{name}"


TYPES = ["about:blank", *dict.fromkeys(_type(row.name) for row in TABLE.values())]
"""All types of problems."""


def problem_of(error: BalancerError) -> Problem:
    """Return the problem details of a domain error."""
    row = TABLE[type(error)]
    revision = error.current if isinstance(error, StaleRevision | StaleRules) else None
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
        case StaleRevision() | StaleRules():
            return {"etag": etag(error.config_id if isinstance(error, StaleRevision) else RULES, error.current)}
        case NoConfig() | StoreUnavailable() | SchemaMismatch() | UnknownFormat() | TooManyStreams():
            return {"retry-after": str(RETRY_AFTER)}
        case _:
            return {}


RULES = "rules"
"""Names the rules in an entity tag, where a config has its id."""


def etag(subject: int | str, revision: int) -> str:
    """Return the entity tag of a revision, of a config `"1-7"`, of the rules `"rules-7"`; strong (RFC 9110 §8.8.3)."""
    return f'"{subject}-{revision}"'


def generic(status: HTTPStatus, detail: str, errors: list[FieldError] | None = None) -> Problem:
    """Return a problem that is no more than its status.

    Args:
        status: Of the answer.
        detail: What happened, in one sentence.
        errors: The fields at fault.
    """
    # RFC 9457 §4.2.1: with "about:blank" the title is the phrase of the status.
    return Problem("about:blank", status.phrase, status, detail, errors or [])


FAILED = generic(HTTPStatus.INTERNAL_SERVER_ERROR, "The server failed to answer; the fault is in its log.")
"""The problem of a request at which the program failed."""


def not_found(path: str) -> Problem:
    """Return the problem of a path at which there is nothing."""
    return generic(HTTPStatus.NOT_FOUND, f"There is nothing at {path}.")


def not_allowed(method: str, path: str, allowed: str) -> Problem:
    """Return the problem of a method that a path does not have."""
    return generic(HTTPStatus.METHOD_NOT_ALLOWED, f"{method} is not possible at {path}, only {allowed}.")


_FAULTS: dict[type[BalancerError], FieldError] = {
    KeyNotFound: FieldError("id", "names no API key"),
    LastAdminKey: FieldError("id", "names the last admin's key that works"),
    TargetNotFound: FieldError("name", "names no target of this config"),
    ConfigNotFound: FieldError("id", "names no config"),
    DefaultConfigKept: FieldError("id", "names the default config"),
    RuleRevisionNotFound: FieldError("revision", "names no revision of the rules"),
    IdempotencyKeyReused: FieldError("Idempotency-Key", "was used for a different request"),
}
"""The fields at fault of errors whose values say no more about them."""


def _fields(error: BalancerError) -> list[FieldError]:
    match error:
        case Refusal():
            found = FieldError("video", error.fault, error.reason)
        case InvalidInput():
            found = FieldError(error.field, error.fault)
        case NotSimple():
            return [FieldError(field, "cannot say what the targets of this config are") for field in error.fields]
        case ConfigInUse():
            found = FieldError("id", f"names a config that the rule '{error.rule}' uses")
        case RevisionNotFound():
            found = FieldError("revision", f"names no revision of config {error.config_id}")
        case StaleRevision() | StaleRules():
            found = FieldError("If-Match", f"does not name revision {error.current}")
        case _:
            return [_FAULTS[type(error)]] if type(error) in _FAULTS else []
    return [found]
