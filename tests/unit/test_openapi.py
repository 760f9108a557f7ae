"""The OpenAPI document, and the linter that `make check` runs on it."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, cast

import msgspec
import pytest

from balancer.api.openapi.description import complete, component_schemas
from balancer.core.refusals import RefusalReason
from balancer.core.routing.reasons import RoutingReason
from balancer.problems import TYPES
from tests.openapi import findings, nodes, operations, served

Json = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Json:
    """Return the document as it is served."""
    return served()


def test_no_findings(document: Json) -> None:
    """The document is valid OpenAPI 3.1, and the linter finds nothing in it."""
    assert [] == list(findings(document))


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"cmcd": False, "manifests": False}, id="as by default"),
        pytest.param({"role": "admin"}, id="without players"),
    ],
)
def test_no_findings_where_less_is_served(settings: dict[str, Any]) -> None:
    """The document of a service that does less has nothing that is left of the rest."""
    assert [] == list(findings(served(**settings)))


def _set(*path: str, to: Any) -> Callable[[Json], None]:
    def spoil(document: Json) -> None:
        node = document
        for name in path[:-1]:
            node = node[name]
        if to is None:
            del node[path[-1]]
        else:
            node[path[-1]] = to

    return spoil


READ = ("paths", "/config", "get")
CHANGE = ("paths", "/config", "patch")
BODY = (*CHANGE, "requestBody", "content", "application/json")
SCHEMAS = ("components", "schemas")


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        pytest.param(_set("info", "title", to=None), '"title" is a required property', id="not valid"),
        pytest.param(_set(*BODY, "schema", "$ref", to="#/nowhere"), "leads nowhere", id="reference to nothing"),
        pytest.param(_set("info", "contact", to=None), "info: no contact", id="no contact"),
        pytest.param(_set("servers", to=[]), "no servers", id="no servers"),
        pytest.param(_set("servers", to=[{"url": "/a/"}]), "ends in a slash", id="slash of a server"),
        pytest.param(_set("tags", to=[{"name": "a"}] * 2), "stands 2 times", id="tag twice"),
        pytest.param(_set("paths", "/a/", to={}), "ends in a slash", id="slash of a path"),
        pytest.param(_set(*READ, "operationId", to="changeConfig"), "not unique", id="id twice"),
        pytest.param(_set(*READ, "operationId", to="a b"), "not fit for a URL", id="id with a space"),
        pytest.param(_set(*READ, "summary", to="ReadConfig"), "not a sentence", id="name for a summary"),
        pytest.param(_set(*READ, "description", to=None), "no description", id="no description"),
        pytest.param(_set(*READ, "tags", to=["unknown"]), "no tag", id="unknown tag"),
        pytest.param(_set(*READ, "security", to=[{"basic": []}]), "is not defined", id="unknown scheme"),
        pytest.param(_set(*READ, "responses", "200", to=None), "no success", id="no success"),
        pytest.param(_set(*READ, "responses", "200", "description", to=""), "no description", id="nameless answer"),
        pytest.param(
            _set(*READ, "parameters", to=[{"name": "a", "in": "query", "schema": {}}] * 2), "2 times", id="twice"
        ),
        pytest.param(_set(*BODY, "schema", to={"type": "object"}), "has no name", id="inline body"),
        pytest.param(_set(*BODY, "examples", "example", "value", to={"id": "1"}), "not of type", id="wrong example"),
        pytest.param(
            _set(*READ, "responses", "200", "headers", "etag", "schema", to=None), "without a schema", id="bare header"
        ),
        pytest.param(_set(*SCHEMAS, "Unused", to={"description": "A."}), "nothing uses schemas/Unused", id="unused"),
        pytest.param(_set(*SCHEMAS, "Config", "description", to=""), "no description", id="undescribed schema"),
        pytest.param(_set(*SCHEMAS, "RoleName", "enum", to=["a", "a"]), "stands twice", id="choice twice"),
        pytest.param(_set(*SCHEMAS, "RoleName", "type", to="integer"), "another type", id="mistyped choices"),
        pytest.param(_set(*SCHEMAS, "Config", "properties", "id", to={"type": "array"}), "array of any", id="array"),
        pytest.param(_set(*SCHEMAS, "Config", "properties", "id", "format", to="url"), "format url", id="format"),
        pytest.param(
            _set(*SCHEMAS, "Config", "properties", "id", "default", to="a"), "not of type", id="wrong default"
        ),
        pytest.param(_set("paths", "/config", "head", to={"responses": {}}), "doubles GET", id="HEAD"),
    ],
)
def test_each_rule_finds_its_fault(document: Json, spoil: Callable[[Json], None], found: str) -> None:
    """The linter is not blind: a document with a fault is told so."""
    spoiled = deepcopy(document)
    spoil(spoiled)
    assert any(found in finding for finding in findings(spoiled))


def test_head_is_told_once(document: Json) -> None:
    """HEAD is not listed beside every GET; one sentence says that it is there."""
    assert not [place for place, _ in operations(document) if place.startswith("HEAD")]
    assert "Every `GET` also answers `HEAD`" in document["info"]["description"]


def test_bodies_have_names(document: Json) -> None:
    """Each body of JSON is a component with a name, so that generated clients have a type for it."""
    references = {
        media["schema"].get("$ref")
        for _, operation in operations(document)
        for part in (operation.get("requestBody", {}), *operation["responses"].values())
        for kind, media in part.get("content", {}).items()
        # A body of lines has no shape.
        if "json" in kind
    }
    assert None not in references
    bodies = {"ConfigPatch", "NewConfig", "PreviewRequest", "Rollback", "KeyRequest"}
    assert {f"#/components/schemas/{name}" for name in bodies} <= references
    assert "RoleName" in document["components"]["schemas"]
    roles = [place for place, node in nodes(document) if "operator" in node.get("enum", [])]
    assert ["#/components/schemas/RoleName"] == roles


def test_vocabularies_are_closed(document: Json) -> None:
    """Types of problems, classes of refusals and reasons are enums with every word that the program says."""
    schemas = document["components"]["schemas"]
    assert set(TYPES) == set(schemas["ProblemType"]["enum"])
    assert set(RefusalReason) == set(schemas["RefusalReason"]["enum"])
    assert {"$ref": "#/components/schemas/RefusalReason"} in schemas["FieldError"]["properties"]["code"]["anyOf"]
    assert {"$ref": "#/components/schemas/RefusalReason"} in schemas["VideoRoute"]["properties"]["refusal"]["anyOf"]
    (reason, _) = schemas["Explained"]["properties"]["reason"]["anyOf"]
    assert {*RoutingReason, *RefusalReason} == set(reason["enum"])
    assert set(RefusalReason) == set(schemas["StatsAnswer"]["properties"]["refusals"]["propertyNames"]["enum"])


def test_times_are_told(document: Json) -> None:
    """Whatever is a time is described as one."""
    schemas = document["components"]["schemas"]
    times = {
        (name, field)
        for name, schema in schemas.items()
        for field, shown in schema.get("properties", {}).items()
        if "date-time" in {shown.get("format"), *(choice.get("format") for choice in shown.get("anyOf", []))}
    }
    assert {
        *(("Config", field) for field in ("created_at", "updated_at")),
        ("ConfigRevision", "made_at"),
        *(
            (name, f"{what}_at")
            for name in ("Key", "NewKey")
            for what in ("created", "expires", "last_used", "revoked")
        ),
        ("KeyRequest", "expires_at"),
        ("LoopEvent", "at"),
        *(("LoopShare", field) for field in ("worse_since", "good_since")),
        ("Live", "at"),
        ("QualityAnswer", "end"),
        *((name, "made_at") for name in ("Rules", "RulesEntry", "RulesRevision")),
        *(("StatsAnswer", field) for field in ("begin", "end")),
        *(("TargetState", field) for field in ("since", "probed_at")),
        ("TargetList", "unreliable_since"),
    } == times


def test_cursors_are_text_both_ways(document: Json) -> None:
    """Each list is paged by `cursor`, which is text as `next` is."""
    lists = ("/configs", "/keys", "/config/history", "/rules/history")
    for path in lists:
        operation = document["paths"][path]["get"]
        (cursor,) = (one for one in operation["parameters"] if one["name"] == "cursor")
        assert "string" == cursor["schema"]["type"]
        page = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        shown = document["components"]["schemas"][page]["properties"]["next"]
        assert [{"type": "string"}, {"type": "null"}] == shown["anyOf"]
    found = {
        place
        for place, operation in operations(document)
        for one in operation.get("parameters", [])
        if one["name"] == "cursor"
    }
    assert {f"GET {path}" for path in lists} == found


class Inner(msgspec.Struct):
    """What is inside."""

    text: str


class Outer(msgspec.Struct):
    """What is outside.

    Attributes:
        inner: What it holds; told
            on two lines.
        more: How many.
    """

    inner: Inner
    more: int = 0


class Later(Outer):
    """What comes later.

    Attributes:
        more: How many more.
    """


def test_docstrings_describe_fields() -> None:
    """A struct's docstring describes the component and its fields, also those that it inherits."""
    schemas = component_schemas([Outer, Later])
    assert ["Inner", "Later", "Outer"] == list(schemas)
    assert {
        "description": "What comes later.",
        "type": "object",
        "properties": {
            "inner": {"$ref": "#/components/schemas/Inner", "description": "What it holds; told on two lines."},
            "more": {"type": "integer", "default": 0, "description": "How many more."},
        },
        "required": ["inner"],
    } == schemas["Later"]


def test_complete() -> None:
    """HEAD is dropped, docstrings become summary and description, headers get schemas; unused components go."""
    thing = "#/components/schemas/Thing"
    problem: Json = {"description": "Too Many Requests", "content": {"application/problem+json": {}}}
    operation: Json = {
        "summary": "ReadThing",
        "description": "Read a thing.\n\nOr not.",
        "responses": {
            "200": {"description": "A thing.", "headers": {"etag": {"description": "Its tag."}}},
            "429": problem,
            "503": {"description": "Not ready.", "content": {"application/json": {"schema": {"$ref": thing}}}},
        },
    }
    given: Json = {
        "openapi": "3.1.0",
        "paths": {"/": {"get": operation, "head": operation, "options": {**operation, "description": "Allow."}}},
        "components": {"securitySchemes": {}},
    }
    before = deepcopy(given)
    found = complete(given, {"Other": {}, "Part": {}, "Thing": {"items": [{"$ref": "#/components/schemas/Part"}]}})
    assert before == given
    assert {"get", "options"} == set(found["paths"]["/"])
    read = found["paths"]["/"]["get"]
    assert ("Read a thing", "Or not.") == (read["summary"], read["description"])
    assert ("Allow", "Allow.") == tuple(found["paths"]["/"]["options"][name] for name in ("summary", "description"))
    assert {"etag": {"schema": {"type": "string"}, "description": "Its tag."}} == read["responses"]["200"]["headers"]
    limited = {"Retry-After", "RateLimit", "RateLimit-Policy"}
    assert limited == set(cast(Json, read["responses"]["429"]["headers"]))
    assert "headers" not in read["responses"]["503"]
    assert ["Part", "Thing"] == list(found["components"]["schemas"])
