"""The config API over the real application and a fake record."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from tests.factories import VIDEO, ConfigFactory, simple_part
from tests.fakes import FakeCdnConfigs
from tests.unit.apps import make_test_app, test_client

PROBLEM = "application/problem+json"

FIRST = {
    "id": 1,
    "name": None,
    "cdn_host": "cdn.example.com",
    "distribution_rate": 10,
    "revision": 1,
    "created_at": "2026-05-04T12:30:00Z",
    "updated_at": None,
}


@pytest.fixture
def configs() -> FakeCdnConfigs:
    """Return a record with the default config and one more."""
    return FakeCdnConfigs(ConfigFactory.build(), ConfigFactory.build(id=5, cdn_host="b.example"))


@pytest.fixture
def client(configs: FakeCdnConfigs) -> Iterator[TestClient[Litestar]]:
    """Return a client of the application."""
    with test_client(make_test_app(configs=configs)) as client:
        client.follow_redirects = False
        yield client


@pytest.fixture(scope="module")
def still() -> Iterator[TestClient[Litestar]]:
    """Return a client of an application that the tests of a module share; nothing changes there."""
    with test_client(make_test_app()) as client:
        client.follow_redirects = False
        yield client


def where(client: TestClient[Litestar]) -> str:
    """Return where the next request for a video is sent."""
    return str(client.get(f"/?video={VIDEO}").headers["location"])


def test_read(client: TestClient[Litestar]) -> None:
    """Without an id the default config is read, with one that config; nothing but the documented fields."""
    answer = client.get("/config")
    assert (200, FIRST) == (answer.status_code, simple_part(answer.json()))
    assert FIRST | {"id": 5, "cdn_host": "b.example"} == simple_part(client.get("/config?id=5").json())


@pytest.mark.parametrize("config_id", ["7", "0", "-1", str(2**40), str(10**30)])
def test_read_unknown(still: TestClient[Litestar], config_id: str) -> None:
    """An id that no config has is answered 404, however great it is."""
    answer = still.get(f"/config?id={config_id}")
    assert (404, PROBLEM) == (answer.status_code, answer.headers["content-type"])
    assert f"There is no config with id {config_id}." == answer.json()["detail"]


@pytest.mark.parametrize("config_id", ["a", "", "1.5", "1.0", "%FF", "null", "1&id=2", "1_0", "٣"])
def test_read_by_a_wrong_id(still: TestClient[Litestar], config_id: str) -> None:
    """An id that is no number is answered 422 and named."""
    answer = still.get(f"/config?id={config_id}")
    assert (422, PROBLEM) == (answer.status_code, answer.headers["content-type"])
    assert "id" == answer.json()["errors"][0]["field"]


def test_change_one_field(client: TestClient[Litestar]) -> None:
    """A change touches the field that is given and no other, is dated, and the next redirect follows it."""
    answer = client.patch("/config", json={"id": 1, "distribution_rate": 1})
    changed = FIRST | {"distribution_rate": 1, "revision": 2, "updated_at": "2026-05-05T08:15:30.250000Z"}
    assert (200, changed) == (answer.status_code, simple_part(answer.json()))
    assert changed == simple_part(client.get("/config").json())
    assert VIDEO == where(client)
    client.patch("/config", json={"id": 1, "distribution_rate": 0, "cdn_host": "Bücher.example:8080"})
    assert "http://xn--bcher-kva.example:8080/s1/video/1488/xcg2djHckad.m3u8" == where(client)


def test_change_another_config(client: TestClient[Litestar]) -> None:
    """A change of a config that is not the default one leaves the redirect alone."""
    assert 200 == client.patch("/config", json={"id": 5, "cdn_host": "c.example"}).status_code
    assert "http://cdn.example.com/s1/video/1488/xcg2djHckad.m3u8" == where(client)


def test_change_nothing(client: TestClient[Litestar]) -> None:
    """A change to what is there already leaves the config as it is, its date included."""
    answer = client.patch("/config", json={"id": 1, "distribution_rate": 10, "cdn_host": "CDN.example.com"})
    assert (200, FIRST) == (answer.status_code, simple_part(answer.json()))


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        pytest.param({"id": 1}, 422, "cdn_host", id="neither field"),
        pytest.param({"distribution_rate": 1}, 422, "id", id="no id"),
        pytest.param({"id": "1", "distribution_rate": 1}, 422, "id", id="id in quotes"),
        pytest.param({"id": 1, "distribution_rate": "1"}, 422, "distribution_rate", id="rate in quotes"),
        pytest.param({"id": 1, "distribution_rate": 1.5}, 422, "distribution_rate", id="rate with a fraction"),
        pytest.param({"id": 1, "distribution_rate": True}, 422, "distribution_rate", id="rate true"),
        pytest.param({"id": 1, "distribution_rate": None}, 422, "distribution_rate", id="rate null"),
        pytest.param({"id": 1, "distribution_rate": -1}, 422, "distribution_rate", id="rate below"),
        pytest.param({"id": 1, "distribution_rate": 1_000_001}, 422, "distribution_rate", id="rate above"),
        pytest.param({"id": 1, "distribution_rate": 10**30}, 422, "distribution_rate", id="rate far above"),
        pytest.param({"id": 1, "cdn_host": 5}, 422, "cdn_host", id="host a number"),
        pytest.param({"id": 1, "cdn_host": None}, 422, "cdn_host", id="host null"),
        pytest.param({"id": 1, "cdn_host": ""}, 422, "cdn_host", id="host empty"),
        pytest.param({"id": 1, "cdn_host": "http://a.example"}, 422, "cdn_host", id="host with a scheme"),
        pytest.param({"id": 1, "cdn_host": "a.example", "rate": 5}, 422, "rate", id="unknown field"),
        pytest.param({"id": 1, "cdn_host": ["a.example"]}, 422, "cdn_host", id="host a list"),
        pytest.param([], 422, "body", id="a list"),
        pytest.param("text", 422, "body", id="a string"),
        pytest.param(None, 422, "body", id="null"),
        pytest.param({"id": 7, "distribution_rate": 1}, 404, "id", id="unknown id"),
        pytest.param({"id": 10**30, "distribution_rate": 1}, 404, "id", id="unknown great id"),
    ],
)
def test_wrong_changes(still: TestClient[Litestar], body: Any, status: int, field: str) -> None:
    """A wrong change is refused with the name of the field, and nothing has changed."""
    answer = still.patch("/config", content=json.dumps(body))
    assert (status, PROBLEM) == (answer.status_code, answer.headers["content-type"])
    problem = answer.json()
    assert status == problem["status"]
    assert field == problem["errors"][0]["field"]
    assert field in problem["detail"]
    assert FIRST == simple_part(still.get("/config").json())


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"id":1}x', b'{"id": 1, "cdn_host": "\\ud800"}', b"{" * 50_000])
def test_not_json(still: TestClient[Litestar], body: bytes) -> None:
    """A body that is not JSON is answered 400."""
    answer = still.patch("/config", content=body)
    assert (400, PROBLEM) == (answer.status_code, answer.headers["content-type"])
    assert "not JSON" in answer.json()["detail"]


def test_deep_and_large_bodies(client: TestClient[Litestar]) -> None:
    """A body of endless depth is refused, one that is too large is answered 413."""
    deep = b'{"id": 1, "cdn_host": ' + b"[" * 60_000
    assert client.patch("/config", content=deep).status_code in {400, 422}
    assert 413 == client.patch("/config", content=b" " * 70_000).status_code


def test_record_away(client: TestClient[Litestar], configs: FakeCdnConfigs) -> None:
    """While the database is away the API says so and when to try again, and redirects go on."""
    configs.down = True
    for answer in (client.get("/config"), client.patch("/config", json={"id": 1, "distribution_rate": 1})):
        assert (503, PROBLEM, "1") == (
            answer.status_code,
            answer.headers["content-type"],
            answer.headers["retry-after"],
        )
    assert "http://cdn.example.com/s1/video/1488/xcg2djHckad.m3u8" == where(client)


def test_unexpected_failure(
    client: TestClient[Litestar], configs: FakeCdnConfigs, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of ours is a 500 that tells nothing, and a traceback in the log."""
    configs.rows[1] = "no config"  # type: ignore[assignment]  # the fault
    answer = client.get("/config?id=1")
    assert (500, PROBLEM) == (answer.status_code, answer.headers["content-type"])
    assert "AttributeError" not in answer.text
    assert "AttributeError" in caplog.text


def test_repeated_change(client: TestClient[Litestar], configs: FakeCdnConfigs) -> None:
    """A PATCH that is sent again with its Idempotency-Key changes nothing and is answered alike, also with If-Match."""
    change = {"id": 1, "distribution_rate": 3}
    headers = {"idempotency-key": '"0b9a"', "if-match": '"1-1"'}
    first, again = (client.patch("/config", json=change, headers=headers) for _ in range(2))
    assert (200, first.json(), first.headers["etag"]) == (again.status_code, again.json(), again.headers["etag"])
    assert 2 == configs.rows[1].revision


def test_idempotency_key_of_another_request(client: TestClient[Litestar]) -> None:
    """A key that was used for another change is refused, by name."""
    headers = {"idempotency-key": "0b9a"}
    assert 200 == client.patch("/config", json={"id": 1, "distribution_rate": 3}, headers=headers).status_code
    answer = client.patch("/config", json={"id": 1, "distribution_rate": 4}, headers=headers)
    assert 422 == answer.status_code
    assert "Idempotency-Key" == answer.json()["errors"][0]["field"]


@pytest.mark.parametrize("key", ["", '"', '""', "a b", '"a', "x" * 256, "a\tb"])
def test_bad_idempotency_keys(client: TestClient[Litestar], key: str) -> None:
    """A key that is no string of structured fields is refused, by name."""
    answer = client.patch("/config", json={"id": 1, "distribution_rate": 3}, headers={"idempotency-key": key})
    assert (422, "Idempotency-Key") == (answer.status_code, answer.json()["errors"][0]["field"])
