"""What counts as a break of the API, shown on small documents."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.evolution import breaking

Json = dict[str, Any]
Edit = Callable[[Json], object]

THING: Json = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "kind": {"enum": ["a", "b"]},
        "host": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}},
        "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
        "at": {"type": "string", "format": "date-time"},
    },
    "required": ["id", "kind"],
}
ORDER: Json = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "minimum": 0, "maximum": 9},
        "kind": {"enum": ["a", "b"]},
        "name": {"type": ["string", "null"], "maxLength": 10},
        "of": {"oneOf": [{"type": "number"}, {"type": "string"}]},
    },
    "required": ["id"],
}
POST: Json = {
    "operationId": "order",
    "parameters": [
        {"name": "dry", "in": "query", "schema": {"type": "boolean"}},
        {"name": "If-Match", "in": "header", "required": True, "schema": {"type": "string"}},
    ],
    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}},
    "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}},
}
DOCUMENT: Json = {
    "paths": {"/things": {"post": POST}},
    "components": {"schemas": {"Thing": THING, "Order": ORDER}},
}


def found(edit: Edit, document: Json = DOCUMENT) -> list[str]:
    """Return the breaks of a document that an edit makes, without the place that all of them have."""
    new = copy.deepcopy(document)
    edit(new)
    return [one.removeprefix("POST /things: ") for one in breaking(document, new)]


def post(document: Json) -> Json:
    """Return the operation."""
    operation: Json = document["paths"]["/things"]["post"]
    return operation


def thing(document: Json) -> Json:
    """Return the fields of an answer."""
    fields: Json = document["components"]["schemas"]["Thing"]["properties"]
    return fields


def order(document: Json) -> Json:
    """Return the fields of a request."""
    fields: Json = document["components"]["schemas"]["Order"]["properties"]
    return fields


def required(document: Json, name: str) -> list[str]:
    """Return the required fields of a schema."""
    names: list[str] = document["components"]["schemas"][name]["required"]
    return names


OPERATIONS: list[tuple[Edit, str]] = [
    (lambda new: new["paths"].clear(), "POST /things is gone"),
    (lambda new: post(new).update(operationId="buy"), "operationId order is buy now"),
    (lambda new: post(new).update(security=[{"bearer": []}]), "needs bearer, where nothing was enough"),
    (lambda new: new.update(security=[{"bearer": []}]), "needs bearer, where nothing was enough"),
    (lambda new: post(new)["responses"].update({"200": {}}), "200 has no application/json any more"),
    (lambda new: post(new).update(responses={"201": {}}), "200 is gone"),
    (lambda new: post(new)["parameters"].pop(0), "query dry is gone"),
    (lambda new: post(new)["parameters"][0].update(required=True), "query dry became required"),
    (
        lambda new: post(new)["parameters"].append({"name": "x", "in": "query", "required": True}),
        "query x became required",
    ),
    (lambda new: post(new)["parameters"][0].update(schema={"enum": [True]}), "query dry takes only [True]"),
    (lambda new: post(new)["requestBody"].update(required=True), "body became required"),
    (lambda new: post(new).pop("requestBody"), "body takes no application/json any more"),
]

REQUESTS: list[tuple[Edit, str]] = [
    (lambda new: order(new).pop("name"), "body.name is gone"),
    (lambda new: required(new, "Order").append("name"), "body.name became required"),
    (lambda new: order(new).update(name={"type": "string"}), "body.name takes no null any more"),
    (lambda new: order(new).update(id={"type": "string"}), "body.id takes no integer any more"),
    (lambda new: order(new)["id"].update(maximum=8), "body.id: maximum is 8, and was 9"),
    (lambda new: order(new)["id"].update(minimum=1), "body.id: minimum is 1, and was 0"),
    (lambda new: order(new)["id"].update(multipleOf=2), "body.id: multipleOf is 2, and was None"),
    (lambda new: order(new)["kind"].update(enum=["a", "c"]), "body.kind takes no 'b' any more"),
    (lambda new: order(new)["name"].update(const=None), "body.name takes no string any more"),
    (lambda new: order(new)["of"]["oneOf"].pop(), "body.of takes no string any more"),
    (lambda new: order(new)["name"].update(format="uri"), "body.name: format uri is demanded"),
]

ANSWERS: list[tuple[Edit, str]] = [
    (
        lambda new: (thing(new).pop("kind"), new["components"]["schemas"]["Thing"].update(required=["id"])),
        "200.kind is gone",
    ),
    (lambda new: required(new, "Thing").remove("kind"), "200.kind is no longer required"),
    (lambda new: thing(new).update(id={"type": ["integer", "null"]}), "200.id may be null now"),
    (lambda new: thing(new).update(id={"type": "number"}), "200.id may be number now"),
    (lambda new: thing(new).update(id={}), "200.id may be anything now"),
    (lambda new: thing(new)["parts"].update(items={"type": "string"}), "200.parts[] may be string now"),
    (lambda new: thing(new)["parts"].pop("items"), "200.parts[] may be anything now"),
    (lambda new: thing(new)["counts"].update(additionalProperties=True), "200.counts.* may be anything now"),
    (lambda new: thing(new)["at"].pop("format"), "200.at: format date-time is not kept any more"),
]

EXTENSIONS: dict[str, Edit] = {
    "nothing": lambda _: None,
    "an operation": lambda new: new["paths"].update({"/others": {"get": {}}}),
    "another path's method": lambda new: new["paths"]["/things"].update(get={"security": [{"bearer": []}]}),
    "a status": lambda new: post(new)["responses"].update({"429": {}}),
    "a media type": lambda new: post(new)["responses"]["200"]["content"].update({"text/plain": {}}),
    "an optional parameter": lambda new: post(new)["parameters"].append({"name": "x", "in": "query"}),
    "a parameter that may be left out": lambda new: post(new)["parameters"][1].pop("required"),
    "a header of another case": lambda new: post(new)["parameters"][1].update(name="if-match"),
    "a key that may be left out": lambda new: post(new).update(security=[{}, {"bearer": []}]),
    "a field of a request": lambda new: order(new).update(reason={"type": "string"}),
    "a field that may be left out": lambda new: required(new, "Order").clear(),
    "a type of a request": lambda new: order(new)["kind"].update(enum=["a", "b", None]),
    "a wider number of a request": lambda new: order(new).update(id={"type": "number", "maximum": 10}),
    "an enum value of a request": lambda new: order(new)["kind"]["enum"].append("c"),
    "a field of an answer": lambda new: new["components"]["schemas"]["Thing"].update(
        properties={**thing(new), "more": {}}, required=["id", "kind", "more"]
    ),
    "an enum value of an answer": lambda new: thing(new)["kind"]["enum"].append("c"),
    "an enum value that no answer has": lambda new: thing(new)["kind"]["enum"].pop(),
    "a narrower answer": lambda new: thing(new).update(host={"type": "string"}),
    "an optional field that no answer has": lambda new: thing(new).pop("host"),
    "another name of a schema": lambda new: (
        new["components"]["schemas"].update(Other=THING),
        post(new)["responses"]["200"]["content"].update(
            {"application/json": {"schema": {"$ref": "#/components/schemas/Other"}}}
        ),
    ),
}


@pytest.mark.parametrize(("edit", "expected"), OPERATIONS + REQUESTS + ANSWERS)
def test_breaks(edit: Edit, expected: str) -> None:
    """Each kind of break is found, once, and told in words."""
    assert expected in found(edit)
    assert 1 == len(found(edit))


@pytest.mark.parametrize("edit", EXTENSIONS.values(), ids=EXTENSIONS)
def test_extensions(edit: Edit) -> None:
    """What only adds, or only promises more, breaks nothing."""
    assert [] == found(edit)


def test_a_key_of_another_kind() -> None:
    """A client that has one kind of key is broken when another one is needed, or one more."""
    old = copy.deepcopy(DOCUMENT)
    post(old)["security"] = [{"bearer": []}]
    assert ["needs basic, where bearer was enough"] == found(
        lambda new: post(new).update(security=[{"bearer": [], "basic": []}]), old
    )
    assert [] == found(lambda new: post(new).update(security=[{"basic": []}, {"bearer": []}]), old)


def test_a_schema_that_contains_itself() -> None:
    """A schema that is a choice within itself is compared to an end."""
    old = copy.deepcopy(DOCUMENT)
    order(old)["of"]["oneOf"][0] = {"$ref": "#/components/schemas/Order"}
    assert [] == found(lambda _: None, old)
    assert "body.name is gone" in found(lambda new: order(new).pop("name"), old)


def test_what_it_does_not_know() -> None:
    """A document with keywords that the comparison does not understand is refused, not waved through."""
    with pytest.raises(ValueError, match="no comparison for allOf"):
        found(lambda new: thing(new).update(id={"allOf": []}))
