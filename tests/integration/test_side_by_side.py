"""The last release and this one side by side on one PostgreSQL and one Redis, as while an upgrade is under way."""

import asyncio
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import httpx
import pytest

from balancer.adapters.sql.engines import make_engine
from balancer.adapters.sql.migrations import AlembicSchema
from tests import last_release as last
from tests.factories import AT_CDN, BEARER, VIDEO
from tests.faults.players import Players
from tests.processes import Balancer, Postgres, Valkey, wait_for
from tests.wire import ask

pytestmark = [pytest.mark.timed, pytest.mark.long]

LIVE = "/?video=http://s1.origin-cluster/live/1.m3u8"
THREE = [
    {"name": "origin", "kind": "origin", "weight": 1},
    {"name": "cdn-a", "host": "a.example", "weight": 6},
    {"name": "cdn-b", "host": "b.example", "weight": 3},
]


class Pair(NamedTuple):
    """A process of each release.

    Attributes:
        old: Of the last one, which was there before the migration.
        new: Of this one.
        admin_of_old: Asks the old one.
        admin: Asks the new one.
        valkey: What they share beside the database.
    """

    old: Balancer
    new: Balancer
    admin_of_old: httpx.Client
    admin: httpx.Client
    valkey: Valkey

    def both_serve_by(self, config: dict[str, Any]) -> None:
        """Return when both serve by a revision of config 1."""
        for admin in (self.admin_of_old, self.admin):
            wait_for(partial(serves_by, admin, config["revision"]), seconds=10)

    def begin(self) -> None:
        """Give config 1 what both have words for."""
        simple = [THREE[0], {"name": "cdn", "host": "cdn.example.com", "weight": 9}]
        self.both_serve_by(done(self.admin.patch("/config", json={"id": 1, "targets": simple, "policy": "exact"})))


def done(answer: httpx.Response) -> Any:
    """Return the JSON of an answer that must be a success."""
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def serves_by(admin: httpx.Client, revision: int) -> bool:
    """Return whether a process serves by a revision."""
    return bool(revision == done(admin.get("/health/ready"))["config"]["revision"])


def lines(balancer: Balancer, event: str, **fields: object) -> int:
    """Return how many lines of a log have these fields."""
    expected = {"event": event, **fields}
    return sum(expected.items() <= line.items() for line in balancer.events())


def hosts(admin: httpx.Client, requests: int, query: str = f"/?video={VIDEO}") -> Counter[str]:
    """Return how many of so many requests were sent to each host."""
    return Counter(admin.get(query).headers["location"].split("/")[2] for _ in range(requests))


@contextmanager
def playing(*balancers: Balancer, expected: set[str]) -> Generator[None, None, None]:
    """Let players ask all the time, each of whom must always be redirected to where they may be sent."""
    players = [Players(balancer.url, expected) for balancer in balancers]
    try:
        yield
    finally:
        seen = [one.stop() for one in players]
    assert [(0, 0, {})] * len(players) == [(one.wrong, one.failed, dict(one.faults)) for one in seen]
    assert all(one.sent for one in seen)


@pytest.fixture(scope="module")
def pair(last_release: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Return both, after an old process has served and been asked throughout the migration."""
    folders = [tmp_path_factory.mktemp(name) for name in ("old", "new", "valkey")]
    with Postgres("side-by-side") as postgres, Valkey(folders[2]) as valkey:
        # Readiness is asked for without pause.
        stores = {"DATABASE_URL": postgres.url, "REDIS_URL": valkey.url, "OPEN_RATE": "10000/s"}
        schema = AlembicSchema(postgres.url, make_engine(postgres.url))
        schema.upgrade(last.SCHEMA)
        with Balancer(folders[0], last_release, **stores) as old:
            with playing(old, expected={VIDEO, AT_CDN}):
                schema.upgrade()
                new = Balancer(folders[1], None, **stores)
            with new, client(old) as admin_of_old, client(new) as admin:
                yield Pair(old, new, admin_of_old, admin, valkey)


def client(balancer: Balancer) -> httpx.Client:
    """Return a client of an admin."""
    return httpx.Client(base_url=balancer.url, headers=BEARER, timeout=20)


def test_shares(pair: Pair) -> None:
    """Each release counts by a sequence of its own, so that each has exact shares, and so have both together."""
    pair.begin()
    seen = asyncio.run(ask([pair.old.url], 1_003, at_once=1)), asyncio.run(ask([pair.new.url], 1_003, at_once=1))
    for one in seen:
        assert abs(one[VIDEO] - one.total() / 10) <= 1
    together = asyncio.run(ask([pair.old.url, pair.new.url], 3_001, at_once=8)) + seen[0] + seen[1]
    assert abs(together[VIDEO] - together.total() / 10) <= 2
    assert ["1", "1"] == [pair.valkey.say("EXISTS", f"balancer:tickets:{name}") for name in ("10", "1:10")]
    # What both have served is told by either.
    for admin in (pair.admin_of_old, pair.admin):
        wait_for(partial(has_counted, admin, together), seconds=5)


def has_counted(admin: httpx.Client, seen: Counter[str]) -> bool:
    """Return whether a process tells that the fleet has served at least so much."""
    told = done(admin.get("/stats?window=5m"))
    return bool(("fleet", 2) == (told["scope"], told["hosts"]) and told["redirects"] >= seen.total())


def test_what_both_have_words_for(pair: Pair) -> None:
    """A change at either release is followed by the other: at once by the new one, by polling by the old one."""
    pair.begin()
    with playing(pair.old, pair.new, expected={VIDEO, AT_CDN, AT_CDN.replace("cdn.", "b.", 1)}):
        changed = done(pair.admin_of_old.patch("/config", json={"id": 1, "distribution_rate": 4}))
        pair.both_serve_by(changed)
        told = done(pair.admin.get("/config"))
        assert (4, [1, 3]) == (told["distribution_rate"], [target["weight"] for target in told["targets"]])
        refused = {"source": "notice", "fault": "Object contains unknown field `document`"}
        before = lines(pair.old, "a copy of the config is refused", **refused)
        pair.both_serve_by(done(pair.admin.patch("/config", json={"id": 1, "cdn_host": "b.example.com"})))
        wait_for(lambda: lines(pair.old, "a copy of the config is refused", **refused) > before, seconds=5)
        assert 0 == lines(pair.new, "a copy of the config is refused")
        # What the old one has recorded since the migration, it can go back to as well.
        pair.both_serve_by(
            done(pair.admin_of_old.post("/config/rollback", json={"id": 1, "revision": changed["revision"]}))
        )
    for admin in (pair.admin_of_old, pair.admin):
        assert {"s1.origin-cluster": 5, "cdn.example.com": 15} == hosts(admin, 20)


def test_repeated_changes_and_keys(pair: Pair) -> None:
    """A change is made once, whichever release it is sent to again; keys work and are revoked at both."""
    pair.begin()
    for number, (first, second) in enumerate(((pair.admin_of_old, pair.admin), (pair.admin, pair.admin_of_old)), 2):
        once: dict[str, Any] = {
            "json": {"id": 1, "distribution_rate": number},
            "headers": {"idempotency-key": f"once-{number}"},
        }
        made = done(first.patch("/config", **once))
        repeated = done(second.patch("/config", **once))
        assert (number, made["revision"]) == (repeated["distribution_rate"], repeated["revision"])
        key = done(first.post("/keys", json={"name": f"key-{number}", "role": "viewer"}))
        headers = {"authorization": f"Bearer {key['key']}"}
        assert 200 == second.get("/config", headers=headers).status_code
        done(second.delete(f"/key?id={key['id']}"))
        wait_for(partial(is_refused, first, headers), seconds=5)


def is_refused(admin: httpx.Client, headers: dict[str, str]) -> bool:
    """Return whether a key is not taken."""
    return admin.get("/config", headers=headers).status_code == 401


def test_what_the_last_release_has_no_words_for(pair: Pair) -> None:
    """It goes on with what it has, says so once, and neither serves by half of such a config nor changes it."""
    pair.begin()

    def said(event: str) -> int:
        return lines(pair.old, event, fallback="last-config")

    lost, regained = said("store lost"), said("store regained")
    with playing(pair.old, expected={VIDEO, AT_CDN}):
        new = done(pair.admin.patch("/config", json={"id": 1, "targets": THREE}))
        wait_for(lambda: said("store lost") > lost, seconds=10)
        assert {"s1.origin-cluster": 2, "a.example": 12, "b.example": 6} == hosts(pair.admin, 20)
        assert {"s1.origin-cluster", "cdn.example.com"} == set(hosts(pair.admin_of_old, 20))
        ready = done(pair.admin_of_old.get("/health/ready"))
        assert ("degraded", ["last-config"]) == (ready["status"], ready["fallbacks"])
        assert new["revision"] - 1 == ready["config"]["revision"]
        assert -1 == done(pair.admin_of_old.get("/config"))["distribution_rate"]
        for fields in ({"distribution_rate": 2}, {"cdn_host": "x.example", "distribution_rate": 2, "name": "whole"}):
            assert 422 == pair.admin_of_old.patch("/config", json={"id": 1, **fields}).status_code
        assert new == done(pair.admin.get("/config"))
    simple = [THREE[0], {"name": "cdn", "host": "cdn.example.com", "weight": 1}]
    pair.both_serve_by(done(pair.admin.patch("/config", json={"id": 1, "targets": simple})))
    wait_for(lambda: said("store regained") == regained + 1, seconds=5)
    assert lost + 1 == said("store lost")
    assert {"s1.origin-cluster": 10, "cdn.example.com": 10} == hosts(pair.admin_of_old, 20)


def test_history_is_read_at_the_new_release(pair: Pair) -> None:
    """The last release fails to read revisions that are told in targets, and changes nothing when it is to go back."""
    pair.begin()
    new = done(pair.admin.get("/config"))
    number = new["revision"]
    for path in ("/config/history?id=1", f"/config/revision?id=1&revision={number}"):
        assert 500 == pair.admin_of_old.get(path).status_code
        assert 200 == pair.admin.get(path).status_code
    assert 500 == pair.admin_of_old.post("/config/rollback", json={"id": 1, "revision": number}).status_code
    assert new == done(pair.admin.get("/config"))


def test_a_config_deleted_at_the_last_release(pair: Pair) -> None:
    """That knows no rules, and deletes what one names: those requests get the default config, until it is back."""
    pair.begin()
    made = done(pair.admin.post("/configs", json={"cdn_host": "live.example", "distribution_rate": 0}))["id"]
    rules: dict[str, Any] = {"rules": [{"name": "live", "config_id": made, "when": {"paths": ["/live/"]}}]}
    done(pair.admin.put("/rules", json=rules))
    assert {"live.example": 20} == hosts(pair.admin, 20, LIVE)
    assert {"s1.origin-cluster": 2, "cdn.example.com": 18} == hosts(pair.admin_of_old, 20, LIVE)
    done(pair.admin_of_old.delete(f"/config?id={made}"))
    wait_for(lambda: "live.example" not in hosts(pair.admin, 1, LIVE), seconds=10)
    assert {"s1.origin-cluster": 2, "cdn.example.com": 18} == hosts(pair.admin, 20, LIVE)
    rules["rules"][0]["name"] = "renamed"
    assert 422 == pair.admin.put("/rules", json=rules).status_code
    done(pair.admin.post("/config/rollback", json={"id": made, "revision": 1}))
    wait_for(lambda: {"live.example": 1} == hosts(pair.admin, 1, LIVE), seconds=10)
    done(pair.admin.put("/rules", json={"rules": []}))
