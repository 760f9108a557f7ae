"""What endpoints read beside their bodies: how the OpenAPI description shows it, and what is said when it is wrong."""

from dataclasses import replace
from typing import Any, NamedTuple

from litestar.openapi.spec import Example, Parameter, Schema
from litestar.openapi.spec.enums import OpenAPIType

from balancer.api.framework.inputs import DEFAULT_LIMIT, MAX_LIMIT
from balancer.core.errors import BalancerError, IdempotencyKeyReused, InvalidInput, OutcomeUnknown, StaleRevision


class Input(NamedTuple):
    """A parameter of the query or a header, which `balancer.api.framework.inputs` reads.

    Attributes:
        parameter: As the OpenAPI description shows it.
        errors: Examples of the errors that it can lead to.
    """

    parameter: Parameter
    errors: tuple[BalancerError, ...] = ()

    def but(self, **fields: Any) -> "Input":
        """Return the same input with other fields of its description: `but(deprecated=True)`."""
        return Input(replace(self.parameter, **fields), self.errors)


def query(
    name: str, description: str, fault: str | None = None, kind: OpenAPIType = OpenAPIType.INTEGER, **schema: Any
) -> Input:
    """Describe a query parameter, which is read more strictly than the framework would.

    Args:
        name: Its name.
        description: What it means.
        fault: What is said of a wrong one: `must be one integer`.
        kind: Its type.
        schema: What else its JSON Schema says: `maximum=200`.
    """
    parameter = Parameter(name=name, param_in="query", description=description, schema=Schema(type=kind, **schema))
    return Input(parameter, (InvalidInput(name, fault),) if fault else ())


def text(name: str, description: str, fault: str | None = None, **schema: Any) -> Input:
    """Describe a query parameter that is text; the arguments are those of `query`."""
    return query(name, description, fault, OpenAPIType.STRING, **schema)


def required(name: str, description: str) -> Input:
    """Describe a query parameter that is an integer and must be given."""
    return query(name, description, "is required").but(required=True)


def header(name: str, description: str, *errors: BalancerError) -> Input:
    """Describe a header field.

    Args:
        name: Its name.
        description: What it means.
        errors: Examples of the errors that it can lead to.
    """
    schema = Schema(type=OpenAPIType.STRING)
    return Input(Parameter(name=name, param_in="header", description=description, schema=schema), errors)


VIDEOS = {
    "playlist": Example(summary="A playlist on server s1", value="http://s1.origin-cluster/video/1488/xcg2djHckad.m3u8")
}
"""Examples of an origin URL, by name; the interactive page begins with the first one."""

ID = query("id", "Which config; without it the default one, by which players are redirected.", "must be one integer")
LIMIT = query(
    "limit",
    "Items on a page at most.",
    f"must be from 1 to {MAX_LIMIT}",
    minimum=1,
    maximum=MAX_LIMIT,
    default=DEFAULT_LIMIT,
)
CURSOR = text("cursor", "Which page: `next` of the page before it; the first one without it.")
REASON = text("reason", "One line for the history.")

IF_MATCH = header(
    "If-Match",
    'The entity tag that the config was read with, such as `"1-7"`: with another revision, 412.',
    StaleRevision(1, 8),
)
IDEMPOTENCY_KEY = header(
    "Idempotency-Key",
    "A key that you choose for this change, such as a UUID in quotes. Sent again with the same key, the request "
    "changes nothing and returns what it made the first time.",
    IdempotencyKeyReused(),
    OutcomeUnknown("database"),
)
