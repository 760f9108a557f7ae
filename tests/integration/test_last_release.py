"""From the last release to this one and back: its own program makes the history, over HTTP, on both databases."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import last_release as last
from tests.factories import BEARER, VIDEO, simple_part
from tests.processes import Balancer, Postgres, Valkey, run_balancer, wait_for

QUERY = f"/?video={VIDEO}"
ONCE = {"idempotency-key": "once"}
DAY = {"id": 1, "cdn_host": "c.example", "name": "day"}
THREE = [
    {"name": "origin", "kind": "origin", "weight": 1},
    {"name": "cdn-a", "host": "a.example", "weight": 6},
    {"name": "cdn-b", "host": "b.example", "weight": 3},
]
PATHS = [
    *("/config", "/config?id=3", "/configs", "/keys"),
    *(f"/config/history?id={number}&limit=3" for number in (1, 2, 3)),
    *(f"/config/revision?id=1&revision={number}" for number in (1, 2, 3, 4)),
    *("/config/diff?id=1&from=1&to=4", "/config/diff?id=2&from=1&to=3"),
]
"""What both releases are asked for, of the configs that `make_history` leaves."""


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Return what ends with the test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def valkey(stack: ExitStack, tmp_path: Path) -> Valkey:
    """Return a Redis-protocol server of this test's own."""
    (tmp_path / "valkey").mkdir()
    return stack.enter_context(Valkey(tmp_path / "valkey"))


@pytest.fixture
def postgres(stack: ExitStack) -> Postgres:
    """Return a PostgreSQL server of this test's own, which one that fails may leave at any schema."""
    return stack.enter_context(Postgres("last-release"))


@pytest.fixture(params=["sqlite", "postgres"])
def stores(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the settings of each kind of store."""
    if request.param == "sqlite":
        return {}
    return {
        "DATABASE_URL": request.getfixturevalue("postgres").url,
        "REDIS_URL": request.getfixturevalue("valkey").url,
    }


def client(balancer: Balancer, key: str | None = None) -> httpx.Client:
    """Return a client of an admin."""
    headers = {"authorization": f"Bearer {key}"} if key else BEARER
    return httpx.Client(base_url=balancer.url, headers=headers, timeout=20)


def done(answer: httpx.Response) -> Any:
    """Return the JSON of an answer that must be a success."""
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def make_history(admin: httpx.Client) -> str:
    """Change, create, delete and roll back configs by the API of the last release; return the key of an operator."""
    made: str = done(admin.post("/keys", json={"name": "deployment", "role": "operator"}))["key"]
    night = {"cdn_host": "b.example:8443", "distribution_rate": 0, "name": "Ünïcode '🎬'", "reason": "Night."}
    for number in (2, 3):
        assert number == done(admin.post("/configs", json=night))["id"]
    done(admin.patch("/config", json={"id": 1, "distribution_rate": 3, "reason": "More."}))
    done(admin.patch("/config", json=DAY, headers=ONCE))
    done(admin.patch("/config", json={"id": 2, "distribution_rate": 1_000_000}))
    done(admin.delete("/config?id=2"))
    done(admin.patch("/config", json={"id": 3, "distribution_rate": 1}))
    done(admin.post("/config/rollback", json={"id": 3, "revision": 1}))
    done(admin.post("/config/rollback", json={"id": 1, "revision": 2}))
    return made


def told(admin: httpx.Client) -> dict[str, tuple[str | None, Any]]:
    """Return what there is to read, with its entity tags, in the words of the last release."""
    found = {path: admin.get(path) for path in PATHS}
    answers = {path: (answer.headers.get("etag"), simple_part(done(answer))) for path, answer in found.items()}
    for key in answers["/keys"][1]["items"]:
        del key["last_used_at"]
    return answers


def hosts(admin: httpx.Client, requests: int) -> Counter[str]:
    """Return how many of so many requests were sent to each host."""
    return Counter(admin.get(QUERY).headers["location"].split("/")[2] for _ in range(requests))


def use_what_is_new(admin: httpx.Client) -> None:
    """Leave in config 1, and in the rules, what the last release has no words for."""
    done(admin.post("/config/rollback", json={"id": 2, "revision": 2, "reason": "Back from deletion."}))
    done(admin.patch("/config", json={"id": 1, "targets": THREE, "name": "three"}))
    done(admin.put("/rules", json={"rules": [{"name": "live", "config_id": 3, "when": {"paths": ["/live/"]}}]}))
    assert {"s1.origin-cluster": 3, "a.example": 18, "b.example": 9} == hosts(admin, 30)


def histories(admin: httpx.Client) -> list[Any]:
    """Return the latest revisions of all configs, in the words of the last release."""
    return [simple_part(done(admin.get(f"/config/history?id={number}")))["items"] for number in (1, 2, 3)]


@pytest.mark.long
def test_upgrade_and_rollback(
    stack: ExitStack, last_release: dict[str, str], stores: dict[str, Any], tmp_path: Path
) -> None:
    """What was recorded before the upgrade reads the same after it and can be gone back to; so on the way back."""
    if stores:
        run_balancer(tmp_path, "migrate", environment=last_release, **stores)
    with Balancer(tmp_path, last_release, **stores) as old, client(old) as admin:
        operator = make_history(admin)
        before = told(admin)
        assert {"s1.origin-cluster": 10, "cdn.example.com": 20} == hosts(admin, 30)

    run_balancer(tmp_path, "migrate", **stores)
    new = stack.enter_context(Balancer(tmp_path, None, **stores))
    refused = run_balancer(tmp_path, "serve", check=False, environment=last_release, **stores)
    assert (1, True) == (refused.returncode, f"is older and knows schemas up to {last.SCHEMA}" in refused.stderr)
    with client(new) as admin, client(new, operator) as deployment:
        assert before == told(admin)
        # A change of before the upgrade is made once, also when it is sent again after that.
        repeated = done(admin.patch("/config", json=DAY, headers=ONCE))
        assert ("c.example", 3) == (repeated["cdn_host"], repeated["revision"])
        assert before == told(admin)
        tag = {"if-match": str(before["/config"][0])}
        assert 403 == deployment.get("/keys").status_code
        done(deployment.post("/config/rollback", json={"id": 1, "revision": 1}, headers=tag))
        assert {"s1.origin-cluster": 3, "cdn.example.com": 27} == hosts(admin, 30)
        use_what_is_new(deployment)
        later = done(admin.post("/keys", json={"name": "later", "role": "operator"}))["key"]
        expected = histories(admin)

    # What the last release cannot say is told before it is lost.
    asked = run_balancer(tmp_path, "migrate", f"--to={last.SCHEMA}", check=False, **stores)
    for loss in ("targets and policy in config_revisions.document: 1 row", "table rule_revisions: 1 row"):
        assert (1, True) == (asked.returncode, loss in asked.stderr)
    if not stores:
        new.stop()
    run_balancer(tmp_path, "migrate", f"--to={last.SCHEMA}", "--yes", **stores)
    old = stack.enter_context(Balancer(tmp_path, last_release, **stores))
    if stores:
        # The one that is still there goes on with what it has.
        with client(new) as admin:
            assert {"s1.origin-cluster": 3, "a.example": 18, "b.example": 9} == hosts(admin, 30)
            assert 503 == admin.get("/config").status_code
        new.stop()
    with client(old, later) as admin:
        check_the_way_back(admin, expected)


def check_the_way_back(admin: httpx.Client, expected: list[Any]) -> None:
    """The last release has the whole history, with what comes nearest to what it has no words for, and goes on."""
    # The first of three targets, and the origin's share of them.
    near = {"cdn_host": "a.example", "distribution_rate": 10}
    assert near.items() <= done(admin.get("/config")).items()
    assert {"s1.origin-cluster": 3, "a.example": 27} == hosts(admin, 30)
    found = histories(admin)
    assert {"name": "three", **near} == found[0][0]["document"]
    for history in (expected, found):
        del history[0][0]["document"], history[0][0]["changes"]
    assert expected == found
    back = done(admin.post("/config/rollback", json={"id": 1, "revision": 3}))
    assert ("c.example", 3, "day") == (back["cdn_host"], back["distribution_rate"], back["name"])
    assert {"s1.origin-cluster": 10, "c.example": 20} == hosts(admin, 30)


@pytest.mark.long
def test_backup_of_the_last_release(last_release: dict[str, str], postgres: Postgres, tmp_path: Path) -> None:
    """A backup that the last release has made is restored by this one, with its history and its keys."""
    stores: dict[str, Any] = {"DATABASE_URL": postgres.url}
    run_balancer(tmp_path, "migrate", environment=last_release, **stores)
    with Balancer(tmp_path, last_release, **stores) as old, client(old) as admin:
        operator = make_history(admin)
        before = told(admin)
    run_balancer(tmp_path, "backup", "before.jsonl", environment=last_release, **stores)
    run_balancer(tmp_path, "restore", "before.jsonl", DATA_DIR="restored")
    with (
        Balancer(tmp_path, None, DATA_DIR="restored") as new,
        client(new) as admin,
        client(new, operator) as deployment,
    ):
        assert before == told(admin)
        done(deployment.post("/config/rollback", json={"id": 3, "revision": 2}))


@pytest.mark.long
@pytest.mark.parametrize("copy", ["file", "redis"])
def test_copies_of_the_last_release(
    last_release: dict[str, str], postgres: Postgres, valkey: Valkey, tmp_path: Path, copy: str
) -> None:
    """While the database is away, a first start of this release serves by the copy that the last one has left."""
    stores: dict[str, Any] = {"DATABASE_URL": postgres.url} | ({"REDIS_URL": valkey.url} if copy == "redis" else {})
    run_balancer(tmp_path, "migrate", environment=last_release, **stores)
    with Balancer(tmp_path, last_release, **stores) as old, client(old) as admin:
        done(admin.patch("/config", json={"id": 1, "cdn_host": "c.example", "distribution_rate": 4}))
    if copy == "redis":
        (tmp_path / "data" / "config.json").unlink()
    run_balancer(tmp_path, "migrate", **stores)
    postgres.stop()
    with Balancer(tmp_path, None, **stores) as new, client(new) as admin:
        assert {"s1.origin-cluster": 10, "c.example": 30} == hosts(admin, 40)
        postgres.start()
        wait_for(lambda: admin.get("/config").status_code == 200, seconds=20)
        assert {"s1.origin-cluster": 10, "c.example": 30} == hosts(admin, 40)


@pytest.mark.long
def test_a_replaced_worker_of_the_last_release(
    stack: ExitStack, last_release: dict[str, str], postgres: Postgres, tmp_path: Path
) -> None:
    """After the migration it starts; not while a config has what it has no words for: the others serve for it then."""
    stores: dict[str, Any] = {"DATABASE_URL": postgres.url}
    run_balancer(tmp_path, "migrate", environment=last_release, **stores)
    old = stack.enter_context(Balancer(tmp_path, last_release, WORKERS=2, **stores))
    run_balancer(tmp_path, "migrate", **stores)
    new = stack.enter_context(Balancer(tmp_path, None, **stores))
    with client(old) as players, client(new) as admin:
        old.workers()[0].kill()
        wait_for(lambda: old.starts == 3, seconds=60)
        done(admin.patch("/config", json={"id": 1, "targets": THREE}))
        wait_for(lambda: old.has_said(event="store lost", fallback="last-config"), seconds=10)
        old.workers()[0].kill()
        wait_for(lambda: old.has_said(event="Application startup failed. Exiting."), seconds=60)
        assert {"s1.origin-cluster", "cdn.example.com"} == set(hosts(players, 20))
        done(admin.post("/config/rollback", json={"id": 1, "revision": 1}))
        wait_for(lambda: old.starts == 4, seconds=60)
        assert {"s1.origin-cluster", "cdn.example.com"} == set(hosts(players, 20))


def test_a_clone_without_its_history(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the history lacks the last release, its tests fail, and say what to fetch."""
    monkeypatch.setattr(last, "COMMIT", "0" * 40)
    monkeypatch.setattr(last, "CACHE", tmp_path)
    with pytest.raises(RuntimeError, match=r"this clone cannot give.*git fetch --unshallow"):
        last.environment()


def test_libraries_that_do_not_fit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the last release wants other libraries than those that are installed, its tests fail, and name them."""
    metadata = tmp_path / last.COMMIT / "video_balancer-0.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    wanted = ["redis>=9999", "nobody-has-this", "pytest>=1", 'absent; extra == "tracing"']
    metadata.write_text("\n".join(f"Requires-Dist: {name}" for name in wanted))
    monkeypatch.setattr(last, "CACHE", tmp_path)
    with pytest.raises(RuntimeError, match="wants redis>=9999, nobody-has-this, which"):
        last.environment()
