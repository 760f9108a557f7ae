"""Lints the OpenAPI document for `make check`: by its specification, and by the rules of Spectral's ruleset `oas`."""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.unit.apps import make_test_app, test_client

Json = dict[str, Any]

FORMATS = {"date-time", "uri", "int32", "int64", "float", "double"}
"""Formats of JSON Schema and of OpenAPI's registry that the document may use."""

SUMMARY = re.compile(r"[A-Z][a-z]+ .*[^.]")
"""A summary is a sentence without its full stop, not the name of a function."""

OPERATION_ID = re.compile(r"[A-Za-z0-9_-]+")


def served(log_level: str = "info", **settings: Any) -> Json:
    """Return the document as it is served by a process with these settings."""
    with test_client(make_test_app(log_level=log_level, **settings)) as client:
        return dict(client.get("/schema/openapi.json").json())


def findings(document: Json) -> Iterator[str]:
    """Yield all that is wrong with a document, in words."""
    if dangling := list(_dangling(document)):
        # Whoever follows them falls.
        yield from dangling
        return
    for error in OpenAPIV31SpecValidator(document).iter_errors():
        yield f"{'/'.join(map(str, error.absolute_path))}: {error.message.partition(chr(10))[0]}"
    yield from _about(document)
    yield from _operations(document)
    yield from _schemas(document)
    yield from _examples(document)
    yield from _unused(document)


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    """Yield each operation with its method and path."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def _dangling(document: Json) -> Iterator[str]:
    for place, node in nodes(document):
        if isinstance(reference := node.get("$ref"), str):
            target: Any = document
            for name in reference.removeprefix("#/").split("/"):
                target = target.get(name) if isinstance(target, dict) else None
            if target is None:
                yield f"{place}: {reference} leads nowhere"


def _about(document: Json) -> Iterator[str]:
    info, tags = document["info"], document.get("tags", [])
    for name in ("contact", "description", "license"):
        if not info.get(name):
            yield f"info: no {name}"
    if not document.get("servers"):
        yield "no servers"
    for server in document.get("servers", []):
        if re.search(r"./$|example\.com", server["url"]):
            yield f"servers: {server['url']} ends in a slash or is an example"
    for name, count in Counter(tag["name"] for tag in tags).items():
        if count > 1:
            yield f"tags: {name} stands {count} times"
    yield from (f"tags: {tag['name']} has no description" for tag in tags if not tag.get("description"))


def _operations(document: Json) -> Iterator[str]:
    tags = {tag["name"] for tag in document.get("tags", [])}
    ids = Counter(operation.get("operationId") for _, operation in operations(document))
    for path in document["paths"]:
        if re.search(r"./$|\?", path):
            yield f"{path}: ends in a slash or has a query"
    for place, operation in operations(document):
        name = operation.get("operationId", "")
        if not OPERATION_ID.fullmatch(name) or ids[name] > 1:
            yield f"{place}: operation id {name!r} is missing, not fit for a URL, or not unique"
        if place.startswith("HEAD"):
            yield f"{place}: doubles GET"
        if not SUMMARY.fullmatch(operation.get("summary", "")):
            yield f"{place}: summary {operation.get('summary')!r} is not a sentence"
        if not operation.get("description"):
            yield f"{place}: no description"
        if not operation.get("tags") or not tags.issuperset(operation["tags"]):
            yield f"{place}: no tag, or one that is not defined"
        yield from (f"{place}: {fault}" for fault in _parts(operation, document))


def _parts(operation: Json, document: Json) -> Iterator[str]:
    if not any(status[0] in "23" for status in operation["responses"]):
        yield "no success"
    for status, answer in operation["responses"].items():
        if not answer.get("description"):
            yield f"{status} has no description"
    for needed in operation.get("security", []):
        if not needed.keys() <= document["components"].get("securitySchemes", {}).keys():
            yield f"security scheme {needed} is not defined"
    parameters = operation.get("parameters", [])
    for key, count in Counter((parameter["name"], parameter["in"]) for parameter in parameters).items():
        if count > 1:
            yield f"parameter {key} stands {count} times"
    yield from (f"parameter {one['name']} has no description" for one in parameters if not one.get("description"))
    for kind, media in operation.get("requestBody", {}).get("content", {}).items():
        if kind == "application/json" and "$ref" not in media["schema"]:
            yield "its body has no name"


def nodes(value: Any, place: str = "#") -> Iterator[tuple[str, Json]]:
    """Yield each object of a document, from the outside in, with its place; examples are not looked into."""
    if isinstance(value, dict):
        yield place, value
        for name, child in value.items():
            if name not in {"example", "examples", "default"}:
                yield from nodes(child, f"{place}/{name}")
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield from nodes(child, f"{place}/{number}")


def _schemas(document: Json) -> Iterator[str]:
    for place, node in nodes(document):
        if node.get("type") == "array" and "items" not in node:
            yield f"{place}: an array of anything"
        if isinstance(choices := node.get("enum"), list):
            if len({*choices}) != len(choices):
                yield f"{place}: a choice stands twice"
            if all(isinstance(choice, str) for choice in choices) and node.get("type", "string") != "string":
                yield f"{place}: choices of another type"
        if isinstance(form := node.get("format"), str) and form not in FORMATS:
            yield f"{place}: unknown format {form}"
        above = place.rpartition("/")[0]
        # A property of that name is none.
        if (
            above.endswith("/headers")
            and not above.endswith("/properties/headers")
            and not ({"schema", "content", "$ref"} & set(node))
        ):
            yield f"{place}: a header without a schema"
        if re.fullmatch(r"#/components/schemas/\w+", place) and not node.get("description"):
            yield f"{place}: no description"


def _examples(document: Json) -> Iterator[str]:
    for place, node in nodes(document):
        schema = node.get("schema")
        if isinstance(schema, dict):
            shown = [example["value"] for example in node.get("examples", {}).values()]
            yield from _misfits(place, schema, shown + ([node["example"]] if "example" in node else []), document)
        if isinstance(given := node.get("examples"), list):
            yield from _misfits(place, node, given, document)
        if "default" in node and "type" in node:
            yield from _misfits(place, node, [node["default"]], document)


def _misfits(place: str, schema: Json, values: list[Any], document: Json) -> Iterator[str]:
    # So that references into the components lead somewhere.
    validator = Draft202012Validator({**schema, "components": document["components"]})
    for value in values:
        for error in validator.iter_errors(value):
            yield f"{place}: example {value!r}: {error.message}"


def _unused(document: Json) -> Iterator[str]:
    used = {node["$ref"] for _, node in nodes(document) if isinstance(node.get("$ref"), str)}
    for kind in ("schemas", "headers", "responses", "parameters", "requestBodies"):
        for name in document["components"].get(kind, {}):
            if f"#/components/{kind}/{name}" not in used:
                yield f"components: nothing uses {kind}/{name}"
    needed = {name for _, operation in operations(document) for one in operation.get("security", []) for name in one}
    for name in document["components"].get("securitySchemes", {}):
        if name not in needed:
            yield f"components: nothing needs the security scheme {name}"


if __name__ == "__main__":
    sys.exit("\n".join(findings(served(log_level="warning"))) or None)
