"""Endpoints by their declarations, on the real application."""

from collections import defaultdict
from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from tests.fakes import FakeApiKeys
from tests.unit.apps import make_test_app, test_client
from tests.unit.routes import ROUTES, Route


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    """Return an admin's client."""
    with test_client(make_test_app()) as client:
        yield client


def test_options_name_the_methods_of_a_path(client: TestClient[Litestar]) -> None:
    """OPTIONS names all that can be done at a path, whichever handlers that is spread over."""
    methods: dict[str, set[str]] = defaultdict(lambda: {"OPTIONS"})
    for route in ROUTES:
        methods[route.path].add(route.method.upper())
    assert methods == {path: set(client.options(path).headers["allow"].split(", ")) for path in methods}


def test_operations_are_named_for_their_handlers(client: TestClient[Litestar]) -> None:
    """Each operation has the id that clients are generated with: the handler's name, as JSON writes names."""
    paths = client.get("/schema/openapi.json").json()["paths"]
    shown = [route for route in ROUTES if route.method != "head"]
    assert [route.operation_id for route in shown] == [
        paths[route.path][route.method]["operationId"] for route in shown
    ]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_options_are_as_open_as_their_path(client: TestClient[Litestar], path: str) -> None:
    """Where anybody may ask, anybody may ask what can be done."""
    assert 204 == client.options(path, headers={"authorization": ""}).status_code


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.needs], ids=lambda route: f"{route[1]} {route[0]}"
)
def test_no_endpoint_lets_anybody_in_unseen(route: Route) -> None:
    """While the keys cannot be read, every endpoint that needs a role answers 503, and says so in its description."""
    keys = FakeApiKeys()
    keys.down = True
    with test_client(make_test_app(keys=keys)) as client:
        answer = client.request(route.method.upper(), route.url, json=route.body)
    assert 503 == answer.status_code
    assert 503 in route.errors
