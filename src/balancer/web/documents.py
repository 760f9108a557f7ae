"""What the OpenAPI document says that the framework cannot derive."""

from typing import Any

import msgspec
from litestar.handlers.http_handlers import HTTPRouteHandler
from litestar.openapi.spec import Schema
from litestar.types import Method, OperationIDCreator


def by_method(name: str) -> OperationIDCreator:
    """Return the operation ids of a handler for GET and HEAD: `readConfig` and `readConfigHead`."""

    def operation_id(_handler: HTTPRouteHandler, method: Method, _path: object) -> str:
        return f"{name}Head" if method == "HEAD" else name

    return operation_id


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
    }
    values = {known[name]: value for name, value in definition.items() if name in known}
    if properties := definition.get("properties"):
        values["properties"] = {name: _schema(value) for name, value in properties.items()}
    return Schema(**values)
