"""The table of problems, and the OpenAPI document that describes them."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from litestar.testing import TestClient

from balancer.core.errors import BalancerError
from balancer.problems import TABLE
from tests.factories import VIDEO
from tests.unit.apps import make_test_app, test_client
from tests.unit.routes import ROUTES

SHOWN = [route for route in ROUTES if route.method != "head"]
"""The document says once that HEAD is there."""


def subclasses(kind: type[BalancerError]) -> Iterator[type[BalancerError]]:
    """Yield a class of errors and all below it."""
    yield kind
    for child in kind.__subclasses__():
        yield from subclasses(child)


def test_every_error_has_a_row() -> None:
    """Each error of the domain has a place in the table, and nothing else has."""
    assert set(subclasses(BalancerError)) == set(TABLE)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """Return the OpenAPI document as it is served."""
    with test_client(make_test_app()) as client:
        answer = client.get("/schema/openapi.json")
    assert 200 == answer.status_code
    return dict(answer.json())


def resolved(document: dict[str, Any], schema: dict[str, str]) -> dict[str, Any]:
    """Return the component that a schema refers to, with the others that it may refer to in turn."""
    name = schema["$ref"].removeprefix("#/components/schemas/")
    return {**document["components"]["schemas"][name], "components": document["components"]}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each operation with its path and method."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def test_document_version_and_operations(document: dict[str, Any]) -> None:
    """The document is OpenAPI 3.1 and has every operation of players and admins, each with a chosen id of its own."""
    assert "3.1.0" == document["openapi"]
    found = {(path, method): operation["operationId"] for path, method, operation in operations(document)}
    assert {(route.path, route.method): route.operation_id for route in SHOWN} == found
    assert len(set(found.values())) == len(found)


def test_errors_are_typed(document: dict[str, Any]) -> None:
    """Each error answer is problem details with a schema, and with examples that fit it."""
    expected = {(route.path, route.method): route.errors for route in SHOWN}
    found: dict[tuple[str, str], set[int]] = {}
    for path, method, operation in operations(document):
        errors = found.setdefault((path, method), set())
        for status, answer in operation["responses"].items():
            if status >= "400":
                errors.add(int(status))
                (media,) = answer["content"].items()
                if path == "/health/ready":
                    # It says what is missing in the shape in which it says what is there.
                    assert "application/json" == media[0]
                    continue
                assert "application/problem+json" == media[0]
                assert {"$ref": "#/components/schemas/Problem"} == media[1]["schema"]
                assert media[1]["examples"]
                for shown in media[1]["examples"].values():
                    schema = document["components"]["schemas"]["Problem"] | {"components": document["components"]}
                    jsonschema.validate(shown["value"], schema)
                    assert int(status) == shown["value"]["status"]
    assert expected == found


def test_bodies_are_described(document: dict[str, Any]) -> None:
    """Each body is described as strictly as it is read, and its example fits."""
    for _, _, operation in operations(document):
        media = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if media:
            schema = resolved(document, media["schema"])
            assert schema["additionalProperties"] is False
            jsonschema.validate(media["examples"]["example"]["value"], schema)


def test_redirect_is_described(document: dict[str, Any]) -> None:
    """The redirect's parameter and its Location are described, with an example that is redirected."""
    operation = document["paths"]["/"]["get"]
    (parameter,) = operation["parameters"]
    assert ("video", "query", True) == (parameter["name"], parameter["in"], parameter["required"])
    assert VIDEO == parameter["examples"]["playlist"]["value"]
    assert "location" in operation["responses"]["301"]["headers"]
    assert "content" not in operation["responses"]["301"]


def test_change_is_described(document: dict[str, Any]) -> None:
    """The body of a change is described as strictly as it is read, and the example fits."""
    media = document["paths"]["/config"]["patch"]["requestBody"]["content"]["application/json"]
    schema = resolved(document, media["schema"])
    assert ["id"] == schema["required"]
    assert schema["additionalProperties"] is False
    assert (0, 1_000_000) == tuple(schema["properties"]["distribution_rate"][edge] for edge in ("minimum", "maximum"))


def test_answers_fit_the_document(document: dict[str, Any]) -> None:
    """What the config API answers is what the document says."""
    schema = document["components"]["schemas"]["Config"]
    with test_client(make_test_app()) as client:
        assert isinstance(client, TestClient)
        jsonschema.validate(client.get("/config").json(), {**schema, "components": document["components"]})
