"""What the OpenAPI description says that the framework cannot derive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from litestar.openapi.spec import Example, OpenAPIMediaType, Operation, Parameter, Reference, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from balancer.api.openapi.description import reference

Time = Annotated[datetime, msgspec.Meta(extra_json_schema={"format": "date-time"})]
"""An aware time, RFC 3339 in JSON."""


def one_of(*vocabularies: type[StrEnum]) -> msgspec.Meta:
    """Say of a string that it is a word of one of several closed vocabularies."""
    return msgspec.Meta(extra_json_schema={"enum": [word.value for words in vocabularies for word in words]})


def operation(
    parameters: Sequence[Parameter],
    body: type[msgspec.Struct] | None,
    example: Mapping[str, object] | None,
    text: tuple[str, str] | None = None,
) -> type[Operation]:
    """Return the description of an operation whose parameters and body the framework does not read itself.

    Args:
        parameters: Of the query and the headers.
        body: The shape of its JSON body.
        example: One such body.
        text: The media type of a body that is no JSON, and one such body.
    """

    @dataclass
    class Described(Operation):
        def __post_init__(self) -> None:
            self.parameters = list(parameters) or None
            if body is not None:
                schema = Reference(reference(body.__name__))
                media = OpenAPIMediaType(schema=schema, examples={"example": Example(value=example)})
                self.request_body = RequestBody(content={"application/json": media}, required=True)
            elif text is not None:
                media_type, sample = text
                media = OpenAPIMediaType(
                    schema=Schema(type=OpenAPIType.STRING), examples={"example": Example(value=sample)}
                )
                self.request_body = RequestBody(content={media_type: media}, required=True)

    return Described
