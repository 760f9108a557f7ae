"""Making and deleting configs, their history, and going back, over the real application and a fake record."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from tests.factories import AT_CDN, VIDEO, ConfigFactory, simple_part
from tests.fakes import FakeCdnConfigs
from tests.unit.apps import make_test_app, test_client

AT = "2026-05-05T08:15:30.250000Z"
DOCUMENT = {"name": None, "cdn_host": "cdn.example.com", "distribution_rate": 10}


@pytest.fixture
def configs() -> FakeCdnConfigs:
    """Return a record with the default config alone."""
    return FakeCdnConfigs(ConfigFactory.build())


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
        yield client


def change(client: TestClient[Litestar], **fields: Any) -> Any:
    """Change config 1 and return the answer's JSON."""
    answer = client.patch("/config", json={"id": 1, **fields})
    assert 200 == answer.status_code, answer.text
    return answer.json()


def revisions(client: TestClient[Litestar], query: str = "id=1") -> list[int]:
    """Return the numbers of the revisions of a page of history."""
    return [item["revision"] for item in client.get(f"/config/history?{query}").json()["items"]]


def fields_at_fault(answer: Any, status: int = 422) -> set[str]:
    """Return the fields that a problem names."""
    assert (status, "application/problem+json") == (answer.status_code, answer.headers["content-type"]), answer.text
    return {error["field"] for error in answer.json()["errors"]}


def test_create_and_list(client: TestClient[Litestar]) -> None:
    """A new config is answered whole with its path, is listed after the others, and is not served by."""
    answer = client.post("/configs", json={"name": "evening", "cdn_host": "B.example", "distribution_rate": 1})
    made = {"id": 2, "name": "evening", "cdn_host": "b.example", "distribution_rate": 1, "revision": 1}
    assert (201, made | {"created_at": AT, "updated_at": None}) == (answer.status_code, simple_part(answer.json()))
    assert ("/config?id=2", '"2-1"') == (answer.headers["location"], answer.headers["etag"])
    assert answer.json() == client.get(answer.headers["location"]).json()
    for number in range(3):
        client.post("/configs", json={"cdn_host": f"c{number}.example", "distribution_rate": 0})
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/configs?limit=2{cursor and '&cursor=' + cursor}").json()
        seen.append([item["id"] for item in page["items"]])
        cursor = page["next"]
    assert [[1, 2], [3, 4], [5]] == seen
    assert AT_CDN == client.get(f"/?video={VIDEO}").headers["location"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param({"distribution_rate": 1}, "cdn_host", id="no host"),
        pytest.param({"cdn_host": "a.example"}, "distribution_rate", id="no rate"),
        pytest.param({"cdn_host": "a b", "distribution_rate": 1}, "cdn_host", id="bad host"),
        pytest.param({"cdn_host": "a.example", "distribution_rate": -1}, "distribution_rate", id="bad rate"),
        pytest.param({"cdn_host": "a.example", "distribution_rate": 1, "name": ""}, "name", id="empty name"),
        pytest.param({"cdn_host": "a.example", "distribution_rate": 1, "name": "a\nb"}, "name", id="two lines"),
        pytest.param({"cdn_host": "a.example", "distribution_rate": 1, "name": "a" * 101}, "name", id="long name"),
        pytest.param({"cdn_host": "a.example", "distribution_rate": 1, "reason": " "}, "reason", id="blank reason"),
        pytest.param({"cdn_host": "a.example", "distribution_rate": 1, "id": 9}, "id", id="own id"),
    ],
)
def test_create_wrongly(still: TestClient[Litestar], body: object, field: str) -> None:
    """What a config cannot be is refused by field, and nothing is recorded."""
    assert {field} == fields_at_fault(still.post("/configs", json=body))
    assert 1 == len(still.get("/configs").json()["items"])


def test_name(client: TestClient[Litestar]) -> None:
    """A name is given, kept when other fields change, and taken away by null."""
    assert "night" == change(client, name="night")["name"]
    assert "night" == change(client, distribution_rate=3)["name"]
    assert change(client, name=None)["name"] is None


def test_history(client: TestClient[Litestar]) -> None:
    """Each change is in the history once, the newest first, with what differs, who, when and why."""
    change(client, distribution_rate=20, reason="The origin is overloaded.")
    change(client, distribution_rate=20, reason="Again.")
    change(client, cdn_host="b.example", name="night")
    assert {
        "items": [
            {
                "id": 1,
                "revision": 3,
                "document": {"name": "night", "cdn_host": "b.example", "distribution_rate": 20},
                "changes": [
                    {"field": "cdn_host", "before": "cdn.example.com", "after": "b.example"},
                    {"field": "name", "before": None, "after": "night"},
                ],
                "actor": "key:1 first",
                "made_at": AT,
                "reason": None,
                "restored": None,
            },
            {
                "id": 1,
                "revision": 2,
                "document": DOCUMENT | {"distribution_rate": 20},
                "changes": [{"field": "distribution_rate", "before": 10, "after": 20}],
                "actor": "key:1 first",
                "made_at": AT,
                "reason": "The origin is overloaded.",
                "restored": None,
            },
        ],
        "next": "2",
    } == simple_part(client.get("/config/history?limit=2").json())
    first = client.get("/config/history?id=1&limit=2&cursor=2").json()
    # What `cursor` was called earlier.
    assert first == client.get("/config/history?id=1&limit=2&before=2").json()
    assert (1, None, 2) == (first["items"][0]["revision"], first["next"], len(first["items"][0]["changes"]))
    assert client.get("/config/revision?revision=1").json() == first["items"][0]
    differs = [
        {"field": "cdn_host", "before": "b.example", "after": "cdn.example.com"},
        {"field": "distribution_rate", "before": 20, "after": 10},
        {"field": "name", "before": "night", "after": None},
    ]
    assert {"id": 1, "from": 3, "to": 1, "changes": differs} == simple_part(
        client.get("/config/diff?id=1&from=3&to=1").json()
    )


def test_roll_back(client: TestClient[Litestar]) -> None:
    """A rollback makes a new revision of what was, is served by at once, and can itself be undone."""
    change(client, distribution_rate=1)
    assert VIDEO == client.get(f"/?video={VIDEO}").headers["location"]
    answer = client.post("/config/rollback", json={"id": 1, "revision": 1, "reason": "Too much."})
    assert (200, 3, 10) == (answer.status_code, answer.json()["revision"], answer.json()["distribution_rate"])
    assert '"1-3"' == answer.headers["etag"]
    assert AT_CDN == client.get(f"/?video={VIDEO}").headers["location"]
    latest = client.get("/config/revision?revision=3").json()
    assert (1, "Too much.") == (latest["restored"], latest["reason"])
    client.post("/config/rollback", json={"id": 1, "revision": 2})
    assert VIDEO == client.get(f"/?video={VIDEO}").headers["location"]
    # Going back to where it is changes nothing.
    assert 4 == client.post("/config/rollback", json={"id": 1, "revision": 2}).json()["revision"]
    assert [4, 3, 2, 1] == revisions(client)


def test_delete_and_bring_back(client: TestClient[Litestar]) -> None:
    """A deleted config is gone but for its history, by which it can be brought back."""
    client.post("/configs", json={"cdn_host": "b.example", "distribution_rate": 1})
    answer = client.delete("/config?id=2&reason=Unused")
    assert (204, b"") == (answer.status_code, answer.content)
    for gone in (
        client.get("/config?id=2"),
        client.delete("/config?id=2"),
        client.patch("/config", json={"id": 2, "distribution_rate": 1}),
    ):
        assert {"id"} == fields_at_fault(gone, 404)
    latest = client.get("/config/revision?id=2&revision=2").json()
    assert (None, "Unused") == (latest["document"], latest["reason"])
    assert {"after": None, "before": 1, "field": "distribution_rate"} in latest["changes"]
    assert {"revision"} == fields_at_fault(client.post("/config/rollback", json={"id": 2, "revision": 2}))
    assert 3 == client.post("/config/rollback", json={"id": 2, "revision": 1}).json()["revision"]
    assert "b.example" == client.get("/config?id=2").json()["cdn_host"]


def test_default_config_is_kept(client: TestClient[Litestar]) -> None:
    """The config that the redirect uses cannot be deleted."""
    assert {"id"} == fields_at_fault(client.delete("/config?id=1"), 409)
    assert [1] == revisions(client)


def test_stale_change(client: TestClient[Litestar]) -> None:
    """A change that expects another revision is refused with the present one, and changes nothing."""
    tag = client.get("/config").headers["etag"]
    assert '"1-1"' == tag
    change(client, distribution_rate=20)
    body = {"id": 1, "distribution_rate": 30}
    for answer in (
        client.patch("/config", json=body, headers={"if-match": tag}),
        client.post("/config/rollback", json={"id": 1, "revision": 1}, headers={"if-match": tag}),
        client.delete("/config?id=1", headers={"if-match": tag}),
    ):
        assert {"If-Match"} == fields_at_fault(answer, 412)
        assert (2, '"1-2"') == (answer.json()["revision"], answer.headers["etag"])
    assert [2, 1] == revisions(client)


@pytest.mark.parametrize(
    ("tags", "status"),
    [
        ('"1-1"', 200), ("*", 200), ('"1-9", "1-1"', 200), (',"1-1",', 200), ('"2-1"', 412), ('W/"1-1"', 412),
        ('""', 412), ('"1-"', 412), ('"1-01x"', 412), ('"' + "9" * 5000 + '"', 412), ("1-1", 422), ('"1-1', 422),
        ('"1-1" "1-2"', 422), ("*, *", 422), ('"01-1"', 412), ('"1-01"', 412),
        ('"1-1"' + "," * 5_000, 200), ('"1-1"' + "," * 5_000 + "x", 422), ('"a" , ' * 2_000 + '"1-1"', 200),
    ],
)  # fmt: skip
def test_if_match(still: TestClient[Litestar], tags: str, status: int) -> None:
    """If-Match is read as RFC 9110 has it: a list of tags, strongly compared, or a star."""
    answer = still.patch("/config", json={"id": 1, "distribution_rate": 10}, headers={"if-match": tags})
    assert status == answer.status_code


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/configs?limit=0", 422, "limit"), ("/configs?limit=201", 422, "limit"), ("/configs?limit=a", 422, "limit"),
        ("/configs?cursor=-1", 422, "cursor"), ("/configs?cursor=a", 422, "cursor"),
        ("/config/history?id=9", 404, "id"), ("/config/history?id=a", 422, "id"),
        ("/configs?cursor=1&cursor=2", 422, "cursor"), ("/configs?cursor=", 422, "cursor"),
        ("/config/history?cursor=x", 422, "cursor"), ("/config/history?cursor=2&before=2", 422, "before"),
        ("/config/history?before=0", 422, "before"), ("/config/history?limit=", 422, "limit"),
        ("/config/revision", 422, "revision"), ("/config/revision?revision=9", 404, "revision"),
        (f"/config/revision?revision={10**30}", 404, "revision"), ("/config/revision?id=9&revision=1", 404, "id"),
        ("/config/diff?to=1", 422, "from"), ("/config/diff?from=1", 422, "to"),
        ("/config/diff?from=1&to=7", 404, "revision"),
    ],
)  # fmt: skip
def test_wrong_questions(still: TestClient[Litestar], path: str, status: int, field: str) -> None:
    """What cannot be asked is refused by field."""
    assert {field} == fields_at_fault(still.get(path), status)


@pytest.mark.parametrize("query", ["", "?id=", "?id=1&id=2", "?id=2&reason=a&reason=b", "?id=2&reason="])
def test_delete_wrongly(still: TestClient[Litestar], query: str) -> None:
    """A deletion must say which config, and one reason at the most."""
    assert fields_at_fault(still.delete(f"/config{query}")) <= {"id", "reason"}


def test_record_away(client: TestClient[Litestar], configs: FakeCdnConfigs) -> None:
    """While the record is away all of it is answered 503, and redirects go on."""
    configs.down = True
    for answer in (
        client.get("/configs"),
        client.post("/configs", json={"cdn_host": "b.example", "distribution_rate": 1}),
        client.get("/config/history?id=1"),
        client.post("/config/rollback", json={"id": 1, "revision": 1}),
        client.delete("/config?id=2"),
    ):
        assert (503, "1") == (answer.status_code, answer.headers["retry-after"])
    assert 301 == client.get(f"/?video={VIDEO}").status_code
