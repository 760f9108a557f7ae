"""What the OpenAPI document says that the framework cannot derive."""

from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Response, route
from litestar.enums import HttpMethod
from litestar.handlers.http_handlers import HTTPRouteHandler
from litestar.openapi.spec import Example, OpenAPIMediaType, Operation, Parameter, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.status_codes import HTTP_204_NO_CONTENT
from litestar.types import Method, OperationIDCreator

from balancer.api.access import needs
from balancer.core.keys import Role


def by_method(name: str) -> OperationIDCreator:
    """Return the operation ids of a handler for GET and HEAD: `readConfig` and `readConfigHead`."""

    def operation_id(_handler: HTTPRouteHandler, method: Method, _path: object) -> str:
        return f"{name}Head" if method == "HEAD" else name

    return operation_id


def query(name: str, description: str, *, integer: bool = True, required: bool = False) -> Parameter:
    """Describe a query parameter, which is read more strictly than the framework would."""
    kind = OpenAPIType.INTEGER if integer else OpenAPIType.STRING
    return Parameter(name=name, param_in="query", description=description, required=required, schema=Schema(type=kind))


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
                media = OpenAPIMediaType(schema=schema_of(body), examples={"example": Example(value=example)})
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


def schema_of(kind: type[msgspec.Struct]) -> Schema:
    """Return the JSON Schema of a body for the OpenAPI document, in the framework's form."""
    (definition,) = msgspec.json.schema_components([kind])[1].values()
    return _schema(definition)


def _schema(definition: dict[str, Any]) -> Schema:
    known = {
        "type": "type",
        "description": "description",
        "minimum": "minimum",
        "maximum": "maximum",
        "required": "required",
        "additionalProperties": "additional_properties",
        "maxItems": "max_items",
        "enum": "enum",
        "format": "format",
    }
    values = {known[name]: value for name, value in definition.items() if name in known}
    if properties := definition.get("properties"):
        values["properties"] = {name: _schema(value) for name, value in properties.items()}
    if items := definition.get("items"):
        values["items"] = _schema(items)
    if choices := definition.get("anyOf"):
        values["any_of"] = [_schema(choice) for choice in choices]
    return Schema(**values)
