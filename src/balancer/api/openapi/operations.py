"""What the OpenAPI document says that the framework cannot derive."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from litestar import Response, route
from litestar.enums import HttpMethod
from litestar.handlers.http_handlers import HTTPRouteHandler
from litestar.openapi.spec import Example, OpenAPIMediaType, Operation, Parameter, Reference, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.status_codes import HTTP_204_NO_CONTENT
from litestar.types import Method, OperationIDCreator

from balancer.api.framework.guards import needs
from balancer.api.framework.inputs import DEFAULT_LIMIT, MAX_LIMIT
from balancer.api.framework.problems import MAX_BODY
from balancer.api.openapi.document import reference
from balancer.core.access.keys import Role

Time = Annotated[datetime, msgspec.Meta(extra_json_schema={"format": "date-time"})]
"""An aware time, RFC 3339 in JSON."""


def by_method(name: str) -> OperationIDCreator:
    """Return the operation ids of a handler for GET and HEAD: `readConfig` and `readConfigHead`."""

    def operation_id(_handler: HTTPRouteHandler, method: Method, _path: object) -> str:
        return f"{name}Head" if method == "HEAD" else name

    return operation_id


def query(
    name: str,
    description: str,
    *,
    integer: bool = True,
    required: bool = False,
    examples: dict[str, Example] | None = None,
    **schema: Any,
) -> Parameter:
    """Describe a query parameter, which is read more strictly than the framework would.

    Args:
        name: Its name.
        description: What it means.
        integer: Whether it is a number; text otherwise.
        required: Whether it must be given.
        examples: By name; the interactive page begins with the first one.
        schema: What else its JSON Schema says: `maximum=200`.
    """
    kind = OpenAPIType.INTEGER if integer else OpenAPIType.STRING
    return Parameter(
        name=name,
        param_in="query",
        description=description,
        required=required,
        schema=Schema(type=kind, **schema),
        examples=examples,
    )


VIDEO = {
    "playlist": Example(summary="A playlist on server s1", value="http://s1.origin-cluster/video/1488/xcg2djHckad.m3u8")
}
"""Examples of an origin URL."""


def one_of(*vocabularies: type[StrEnum]) -> msgspec.Meta:
    """Say of a string that it is a word of one of several closed vocabularies."""
    return msgspec.Meta(extra_json_schema={"enum": [word.value for words in vocabularies for word in words]})


IF_MATCH = Parameter(
    name="If-Match",
    param_in="header",
    description='The entity tag that the config was read with, such as `"1-7"`: with another revision, 412.',
    schema=Schema(type=OpenAPIType.STRING),
)


IDEMPOTENCY_KEY = Parameter(
    name="Idempotency-Key",
    param_in="header",
    description=(
        "A key that you choose for this change, such as a UUID in quotes. Sent again with the same key, the request "
        "changes nothing and returns what it made the first time."
    ),
    schema=Schema(type=OpenAPIType.STRING),
)


def operation(
    *parameters: Parameter, body: type[msgspec.Struct] | None = None, example: object = None
) -> type[Operation]:
    """Return the description of an operation whose parameters and body the framework does not read itself.

    Args:
        parameters: Of the query and the headers.
        body: The shape of its JSON body.
        example: One such body.
    """

    @dataclass
    class Described(Operation):
        def __post_init__(self) -> None:
            self.parameters = list(parameters)
            if body is not None:
                schema = Reference(reference(body.__name__))
                media = OpenAPIMediaType(schema=schema, examples={"example": Example(value=example)})
                self.request_body = RequestBody(content={"application/json": media}, required=True)

    return Described


def methods(path: str, *allowed: str) -> HTTPRouteHandler:
    """Return the handler of OPTIONS for a path: it names what can be done there.

    It must stand before the others: where a path has no OPTIONS yet, the framework adds one that knows only the first
    handler's methods.
    """

    @route(
        path,
        http_method=[HttpMethod.OPTIONS],
        status_code=HTTP_204_NO_CONTENT,
        include_in_schema=False,
        **needs(Role.VIEWER),
    )
    async def name_methods() -> Response[None]:
        return Response(None, headers={"allow": ", ".join(sorted({*allowed, "OPTIONS"}))})

    return name_methods


NO_STORE = {"cache-control": "no-store"}

ID = query("id", "Which config; without it the default one, by which players are redirected.")
LIMIT = query("limit", "Items on a page at most.", minimum=1, maximum=MAX_LIMIT, default=DEFAULT_LIMIT)
CURSOR = query("cursor", "Which page: `next` of the page before it; the first one without it.", integer=False)

BAD_BODY = {
    "status_400": "The body is not JSON: Input data was truncated.",
    "status_413": f"The body is longer than {MAX_BODY} bytes.",
}
