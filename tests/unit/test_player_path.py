"""The player path over the real application."""

from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from balancer.core.urls.videos import MAX_VIDEO
from tests.factories import AT_CDN, VIDEO, ConfigFactory
from tests.unit.apps import make_test_app, test_client

PROBLEM = "application/problem+json"


@pytest.fixture
def client() -> Iterator[TestClient[Litestar]]:
    """Return a client of an application whose every third request goes to the origin."""
    with test_client(make_test_app(ConfigFactory.build(distribution_rate=3))) as client:
        client.follow_redirects = False
        yield client


@pytest.fixture(scope="module")
def still() -> Iterator[TestClient[Litestar]]:
    """Return a client of an application that the tests of a module share; nothing changes there."""
    with test_client(make_test_app()) as client:
        client.follow_redirects = False
        yield client


def test_redirect(client: TestClient[Litestar]) -> None:
    """A video is answered by a 301 that no cache keeps and every site may read, with an empty body."""
    answer = client.get(f"/?video={VIDEO}")
    assert 301 == answer.status_code
    assert b"" == answer.content
    assert {
        "location": AT_CDN,
        "cache-control": "no-store",
        "access-control-allow-origin": "*",
        "content-length": "0",
    } == dict(answer.headers)


def test_head_takes_a_ticket_and_a_preflight_does_not(client: TestClient[Litestar]) -> None:
    """HEAD is answered as GET and counts as one; OPTIONS is answered 204 and counts for nothing."""
    first = client.head(f"/?video={VIDEO}")
    preflight = client.options(f"/?video={VIDEO}")
    second = client.get(f"/?video={VIDEO}")
    third = client.head(f"/?video={VIDEO}")
    assert [AT_CDN, AT_CDN, VIDEO] == [answer.headers["location"] for answer in (first, second, third)]
    assert (301, b"") == (third.status_code, third.content)
    assert (204, b"") == (preflight.status_code, preflight.content)
    assert "*" == preflight.headers["access-control-allow-origin"]
    assert "GET, HEAD, OPTIONS" == preflight.headers["access-control-allow-methods"]


@pytest.mark.parametrize(
    ("query", "status", "detail", "code"),
    [
        pytest.param("", 422, "The query parameter 'video' is missing.", "video-missing", id="missing"),
        pytest.param("video=", 422, "The query parameter 'video' is empty.", "video-missing", id="empty"),
        pytest.param(
            "video=http://example.com/a",
            422,
            "The query parameter 'video' has the host 'example.com', which is not an allowed origin.",
            "host-not-allowed",
            id="not allowed",
        ),
        pytest.param(
            f"video={VIDEO}{'a' * MAX_VIDEO}",
            414,
            "The query parameter 'video' with the parameters beside it is longer than 8192 bytes.",
            "too-long",
            id="too long",
        ),
    ],
)
def test_refusal(still: TestClient[Litestar], query: str, status: int, detail: str, code: str) -> None:
    """What is refused is answered by problem details that name the part, which every site may read."""
    answer = still.get(f"/?{query}")
    assert (status, PROBLEM) == (answer.status_code, answer.headers["content-type"])
    assert "*" == answer.headers["access-control-allow-origin"]
    assert "location" not in answer.headers
    problem = answer.json()
    assert {"type", "title", "status", "detail", "errors"} == set(problem)
    assert (status, detail) == (problem["status"], problem["detail"])
    (error,) = problem["errors"]
    assert ("video", code) == (error["field"], error["code"])


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE"])
def test_other_methods(still: TestClient[Litestar], method: str) -> None:
    """Another method is answered 405 with those that there are."""
    answer = still.request(method, f"/?video={VIDEO}")
    assert (405, PROBLEM) == (answer.status_code, answer.headers["content-type"])
    assert {"GET", "HEAD", "OPTIONS"} == set(answer.headers["allow"].split(", "))
    assert "*" == answer.headers["access-control-allow-origin"]
    assert 405 == answer.json()["status"]


@pytest.mark.parametrize(
    "path", ["/nothing", "/config/1", "/schema/nothing", "/docs/..%2fplugin.py", "/docs/nothing.js"]
)
def test_unknown_paths(still: TestClient[Litestar], path: str) -> None:
    """An unknown path is answered 404 by problem details."""
    answer = still.get(path)
    assert (404, PROBLEM) == (answer.status_code, answer.headers["content-type"])
    assert (404, "about:blank", "Not Found") == tuple(answer.json()[name] for name in ("status", "type", "title"))


def test_invalid_host_header(client: TestClient[Litestar]) -> None:
    """A request with an impossible host header is answered 400 by problem details."""
    answer = client.get(f"/?video={VIDEO}", headers={"host": "a b"})
    assert (400, PROBLEM) == (answer.status_code, answer.headers["content-type"])


def test_liveness(client: TestClient[Litestar]) -> None:
    """The process tells that it lives."""
    answer = client.get("/health/live")
    assert (200, {"status": "ok"}) == (answer.status_code, answer.json())


def test_docs_need_no_internet(client: TestClient[Litestar]) -> None:
    """The interactive page is made of files that this server has, and names no other host."""
    page = client.get("/docs")
    assert (200, "text/html; charset=utf-8") == (page.status_code, page.headers["content-type"])
    assert "://" not in page.text
    for name, kind in [
        ("swagger-ui.css", "text/css"),
        ("swagger-ui-bundle.js", "text/javascript"),
        ("start.js", "text/javascript"),
    ]:
        assert f"docs/{name}" in page.text
        file = client.get(f"/docs/{name}")
        assert 200 == file.status_code
        assert file.headers["content-type"].startswith(kind)
    assert "://" not in client.get("/docs/start.js").text


@pytest.mark.parametrize("path", ["/config", "/health/live", "/docs", "/docs/start.js"])
def test_head_is_get_without_a_body(still: TestClient[Litestar], path: str) -> None:
    """Whatever can be got can be asked for by HEAD."""
    assert 200 == still.head(path).status_code


def test_options_of_the_config(client: TestClient[Litestar]) -> None:
    """OPTIONS names all that can be done with a config."""
    assert {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH"} == set(client.options("/config").headers["allow"].split(", "))
