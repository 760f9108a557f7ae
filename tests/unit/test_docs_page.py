"""The interactive page at `/docs`: its script, run by a JavaScript engine, and its files."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from py_mini_racer import MiniRacer

from tests.openapi import operations, served
from tests.unit.apps import make_test_app, test_client

BROWSER = """
var kept = {}, questions = [], answer = false, authorized = [], outcome, page;
var window = {
  sessionStorage: {
    getItem: (name) => name in kept ? kept[name] : null,
    setItem: (name, value) => { kept[name] = value; },
    removeItem: (name) => { delete kept[name]; },
  },
  confirm: (question) => { questions.push(question); return answer; },
};
function SwaggerUIBundle(given) {
  page = given;
  return { authActions: { authorize: (value) => authorized.push(value) } };
}
function send(request) {
  outcome = null;
  (page.requestInterceptor(request).userFetch || (() => Promise.resolve("sent")))().then(
    (value) => { outcome = value; }, (error) => { outcome = error.message; });
}
function plugin(kind, wraps, name) {
  for (const make of page.plugins) {
    const found = ((make().statePlugins[kind] || {})[wraps] || {})[name];
    if (found) return found;
  }
}
"""
"""What the script needs of a browser and of Swagger UI."""


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    """Return a client that asks for what it is not sent."""
    with test_client(make_test_app()) as client:
        yield client


@pytest.fixture
def browser(client: TestClient[Litestar]) -> Iterator[MiniRacer]:
    """Return a JavaScript engine in which the page has started."""
    with MiniRacer() as engine:
        engine.eval(BROWSER)
        engine.eval(client.get("/docs/start.js").text)
        yield engine


def run(browser: MiniRacer, script: str) -> Any:
    """Return the value of an expression."""
    return json.loads(str(browser.eval(f"JSON.stringify({script})")))


def send(browser: MiniRacer, method: str, path: str, body: str | None = None) -> Any:
    """Have the page send a request, and return what comes of it: `sent`, or why it is not."""
    request = {"method": method, "url": f"http://balancer.example{path}", "body": body}
    browser.eval(f"send({json.dumps(request)})")
    return run(browser, "outcome")


def test_changes_are_confirmed(browser: MiniRacer) -> None:
    """Nothing that changes anything is sent before the reader has confirmed it, with all that is sent in sight."""
    places = [place for place, _ in operations(served())]
    asked = ("/", "/to/{url}", "/steering", "/manifest", "/cmcd")
    reads = {"POST /config/preview", *(f"OPTIONS {path}" for path in asked)}
    changes = [place for place in places if not place.startswith("GET ") and place not in reads]
    found = {place: send(browser, place.split()[0], place.split()[1], '{"id": 1}') for place in places}
    assert {place: "Not sent: it was not confirmed." if place in changes else "sent" for place in places} == found
    assert len(changes) == len(run(browser, "questions"))
    browser.eval("answer = true")
    assert "sent" == send(browser, "PATCH", "/config", '{"id": 1}')
    question = run(browser, "questions")[-1]
    assert question.endswith('PATCH http://balancer.example/config\n\n{"id": 1}')


def test_no_detour_around_the_question(browser: MiniRacer) -> None:
    """A change is confirmed whatever its query says, and however its method is written."""
    for method, path in (("delete", "/config?id=2&reason=/config/preview"), ("PATCH", "/config?a=/config/preview")):
        assert "sent" != send(browser, method, path)


def test_the_document_itself_is_loaded(browser: MiniRacer) -> None:
    """Loading the document asks nobody."""
    assert run(browser, 'page.requestInterceptor({url: "schema/openapi.json", loadSpec: true})')
    assert [] == run(browser, "questions")
    assert "schema/openapi.json" == run(browser, "page.url")


def test_redirect_is_not_tried_in_vain(browser: MiniRacer) -> None:
    """The main request has no button that could only fail; its text shows how to see the answer, here and with curl."""
    allows = 'plugin("spec", "wrapSelectors", "allowTryItOutFor")(() => true)({}, %s, %s)'
    found = {}
    for place, _ in operations(served()):
        method, path = place.split()
        found[place] = run(browser, allows % (json.dumps(path), json.dumps(method.lower())))
    assert ["GET /"] == [place for place, is_allowed in found.items() if not is_allowed]
    told = served()["paths"]["/"]["get"]["description"]
    assert "curl --include 'http://127.0.0.1:8000/?video=" in told
    assert "GET /explain" in told


def test_authorization_survives_a_reload(browser: MiniRacer, client: TestClient[Litestar]) -> None:
    """The key is there again after a reload of the tab, until it is logged out; it is never in local storage."""
    given = {"bearer": {"name": "bearer", "value": "vbk_secret"}}
    browser.eval("page.onComplete()")
    assert [] == run(browser, "authorized")
    wrap = 'plugin("auth", "wrapActions", "%s")((value) => value)(%s)'
    assert given == run(browser, wrap % ("authorize", json.dumps(given)))
    assert [json.dumps(given, separators=(",", ":"))] == run(browser, "Object.values(kept)")
    browser.eval("page.onComplete()")
    assert [given] == run(browser, "authorized")
    assert ["bearer"] == run(browser, wrap % ("logout", '["bearer"]'))
    assert {} == run(browser, "kept")
    assert "localStorage" not in client.get("/docs/start.js").text
    assert not run(browser, "!!page.persistAuthorization")


FILES = [
    ("/docs", "no-cache"),
    ("/docs/start.js", "no-cache"),
    ("/docs/swagger-ui.css", "max-age=86400"),
    ("/docs/swagger-ui-bundle.js", "max-age=86400"),
]


@pytest.mark.parametrize(("path", "cache_control"), FILES)
def test_files_are_sent_once(client: TestClient[Litestar], path: str, cache_control: str) -> None:
    """A client that has a file is answered 304 without it, by GET and HEAD, in every form of If-None-Match."""
    whole = client.get(path)
    tag = whole.headers["etag"]
    assert (200, cache_control, str(len(whole.content))) == (
        whole.status_code, whole.headers["cache-control"], whole.headers["content-length"],
    )  # fmt: skip
    head = client.head(path)
    assert {**whole.headers, "x-request-id": ""} == {**head.headers, "x-request-id": ""}
    assert b"" == head.content
    for method in ("GET", "HEAD"):
        for asked in (tag, f"W/{tag}", f'"a", {tag}', "*"):
            answer = client.request(method, path, headers={"if-none-match": asked})
            assert (304, b"", tag, cache_control) == (
                answer.status_code, answer.content, answer.headers["etag"], answer.headers["cache-control"],
            )  # fmt: skip
    for asked in ('"a"', tag.strip('"'), ""):
        assert 200 == client.get(path, headers={"if-none-match": asked}).status_code


def test_tags_tell_files_apart(client: TestClient[Litestar]) -> None:
    """Different files have different tags."""
    assert len(FILES) == len({client.head(path).headers["etag"] for path, _ in FILES})
