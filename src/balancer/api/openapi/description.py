"""Completes the OpenAPI document: what the framework cannot say, or says in its own words.

Pure functions; `balancer.api.application` applies them once.
"""

import re
from collections.abc import Mapping, Sequence
from inspect import cleandoc
from typing import Any

import msgspec

from balancer.problems import MEDIA_TYPE, TYPES

Json = dict[str, Any]

METHODS = ("get", "post", "put", "patch", "delete", "options")
"""Operations that the document has. HEAD is left out: it is GET without a body, at every path."""

HEADERS: dict[str, Json] = {
    "WWW-Authenticate": {
        "description": "The scheme to authenticate by, and what was wrong with the credentials, if any were sent.",
        "schema": {"type": "string"},
    },
    "Retry-After": {"description": "Seconds to wait before the next try.", "schema": {"type": "integer", "minimum": 1}},
    "RateLimit": {
        "description": 'What is left of the quota, and seconds until it is full: `"admin";r=0;t=1`.',
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": 'The quota and its seconds: `"admin";q=50;w=1`.',
        "schema": {"type": "string"},
    },
    "ETag": {"description": 'The config\'s current revision: `"1-8"`.', "schema": {"type": "string"}},
}
"""Header fields of errors, by name."""

ERROR_HEADERS = {
    "401": ["WWW-Authenticate"],
    "403": ["WWW-Authenticate"],
    "412": ["ETag"],
    "429": ["Retry-After", "RateLimit", "RateLimit-Policy"],
    "503": ["Retry-After"],
}
"""Which of them a problem has, by status."""

PROBLEM_TYPE: Json = {
    "description": "What kind of problem it is; with `about:blank` the status says all.",
    "type": "string",
    "enum": TYPES,
}

_ATTRIBUTES = re.compile(r"(?<!\n)\n++Attributes:\n")
_ATTRIBUTE = re.compile(r"^ {4}(?P<name>\w+): (?P<text>.++(?:\n {8,}+.++)*+)", re.MULTILINE)


def reference(kind: str) -> str:
    """Return the reference to a schema of the components."""
    return f"#/components/schemas/{kind}"


def component_schemas(kinds: Sequence[type[msgspec.Struct]]) -> dict[str, Json]:
    """Return the JSON Schemas of structs and of all that they hold, by name; their docstrings describe each field.

    Args:
        kinds: Bodies of requests and answers.
    """
    _, schemas = msgspec.json.schema_components(kinds, ref_template=reference("{name}"))
    inherited = {kind.__name__: _attributes("\n".join(_docs(kind))) for kind in kinds}
    found = {name: _described(schema, inherited.get(name, {})) for name, schema in schemas.items()}
    if "Problem" in found:
        found["Problem"]["properties"]["type"] = {"$ref": reference("ProblemType")}
        found["ProblemType"] = PROBLEM_TYPE
    return dict(sorted(found.items()))


def complete(document: Json, schemas: Mapping[str, Json]) -> Json:
    """Return a document as it is served.

    Args:
        document: As the framework makes it.
        schemas: Take the place of the framework's own. Those of what this process does not serve are left out.
    """
    paths = {
        path: {method: _operation(operation) for method, operation in item.items() if method in METHODS}
        for path, item in document["paths"].items()
    }
    return {
        **document,
        "paths": paths,
        "components": {**document["components"], "schemas": _needed(paths, schemas), "headers": HEADERS},
    }


def _needed(paths: Json, schemas: Mapping[str, Json]) -> dict[str, Json]:
    """Return the schemas to which paths refer, by themselves or by another schema."""
    found: dict[str, Json] = {}
    waiting: list[Any] = [paths]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            name = str(node.get("$ref", "")).removeprefix(reference(""))
            if name in schemas and name not in found:
                found[name] = schemas[name]
                waiting.append(schemas[name])
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return dict(sorted(found.items()))


def _operation(operation: Json) -> Json:
    """Make the first line of the docstring the summary, and the rest the description."""
    summary, _, description = operation["description"].partition("\n\n")
    return {
        **operation,
        "summary": summary.removesuffix("."),
        "description": description or summary,
        "responses": {status: _response(status, answer) for status, answer in operation["responses"].items()},
    }


def _response(status: str, answer: Json) -> Json:
    headers = {name: {"schema": {"type": "string"}, **header} for name, header in answer.get("headers", {}).items()}
    if MEDIA_TYPE in answer.get("content", {}):
        headers |= {name: {"$ref": f"#/components/headers/{name}"} for name in ERROR_HEADERS.get(status, [])}
    return {**answer, "headers": headers} if headers else answer


def _described(schema: Json, inherited: Mapping[str, str]) -> Json:
    """Hand the parts of a docstring to the fields that they are about."""
    text = cleandoc(schema.get("description", ""))
    described = {**schema, "description": " ".join(_ATTRIBUTES.split(text)[0].split())}
    # The name of the component says it already.
    described.pop("title", None)
    if "properties" in schema:
        texts = {**inherited, **_attributes(text)}
        described["properties"] = {
            name: _typed({**value, "description": texts[name]} if name in texts else value)
            for name, value in schema["properties"].items()
        }
    return _typed(described)


def _typed(schema: Json) -> Json:
    """Say what a vocabulary is made of."""
    return {"type": "string", **schema} if "enum" in schema else schema


def _docs(kind: type[msgspec.Struct]) -> list[str]:
    return [
        cleandoc(base.__doc__) for base in reversed(kind.__mro__) if issubclass(base, msgspec.Struct) and base.__doc__
    ]


def _attributes(text: str) -> dict[str, str]:
    return {found["name"]: " ".join(found["text"].split()) for found in _ATTRIBUTE.finditer(text)}
