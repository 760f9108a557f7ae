"""Content steering over real HTTP: workers, hosts, changes, and manifests from a real origin."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.factories import BEARER
from tests.integration.conftest import Start

TWO = [{"name": "cdn-a", "host": "a.example", "weight": 50}, {"name": "cdn-b", "host": "b.example", "weight": 50}]
KEY = "a-key-of-sessions-for-all-hosts-of-a-fleet"


@pytest.fixture(params=["sqlite", "postgres"])
def stores(request: pytest.FixtureRequest) -> dict[str, object]:
    """Return the settings of each kind of store."""
    return dict(request.getfixturevalue("shared")) if request.param == "postgres" else {}


def told(client: httpx.Client, url: str = "/steering") -> dict[str, Any]:
    """Return what a session is told at a URL, whatever host that names."""
    found = urlsplit(url)
    answer = client.get(f"{found.path}?{found.query}")
    assert (200, "application/json") == (answer.status_code, answer.headers["content-type"])
    assert ("no-store", "*") == (answer.headers["cache-control"], answer.headers["access-control-allow-origin"])
    body: dict[str, Any] = answer.json()
    assert 10 <= body["TTL"] <= 33
    return body


def test_sessions_move_as_few_as_must(start: Start, stores: dict[str, object]) -> None:
    """Sessions have exact shares, a change of a tenth moves a tenth, and a drained target is left at once."""
    with httpx.Client(base_url=start(**stores).url, headers=BEARER) as client:
        assert 200 == client.patch("/config", json={"id": 1, "targets": TWO}).status_code
        sessions = [told(client) for _ in range(200)]
        assert sessions[0]["RELOAD-URI"].startswith(f"{client.base_url}/steering?config=1&session=")

        def reloaded() -> list[str]:
            for number, session in enumerate(sessions):
                sessions[number] = told(client, session["RELOAD-URI"])
            return [session["PATHWAY-PRIORITY"][0] for session in sessions]

        before = reloaded()
        assert {"cdn-a": 100, "cdn-b": 100} == Counter(before)
        changed = [{**TWO[0], "weight": 60}, {**TWO[1], "weight": 40}]
        assert 200 == client.patch("/config", json={"id": 1, "targets": changed}).status_code
        # A first answer agrees with the manifest; the next one need not.
        reloaded()
        after = reloaded()
        assert 20 == pytest.approx(sum(one != other for one, other in zip(before, after, strict=True)), abs=2)
        assert 120 == pytest.approx(after.count("cdn-a"), abs=2)
        moves = sum(one != other for one, other in zip(before, after, strict=True)) + after.count("cdn-a")
        drained = client.patch("/config/target", json={"id": 1, "name": "cdn-a", "weight": 0})
        assert 200 == drained.status_code
        assert {"cdn-b": 200} == Counter(reloaded())
        reloaded()
        metrics = httpx.get(f"{client.base_url}/metrics").text
        assert 'balancer_steering_answers_total{config="1",event="new",target="cdn-a"} 100.0' in metrics
        assert moves == sum(map(float, re.findall(r'_answers_total\{config="1",event="moved",.*} (.*)', metrics)))


@pytest.mark.long
def test_any_worker_of_any_host(start: Start, shared: dict[str, object]) -> None:
    """A session goes on at every worker of every host with the same key, and begins anew where there is another."""
    hosts = [start(**shared, WORKERS=2, STEERING_KEY=KEY), start(**shared, STEERING_KEY=KEY)]
    stranger = start(**shared)
    with httpx.Client(base_url=hosts[0].url, headers=BEARER) as client:
        assert 200 == client.patch("/config", json={"id": 1, "targets": TWO}).status_code
        url = told(client)["RELOAD-URI"]
    token = url.partition("session=")[2]
    for host in hosts:
        for _ in range(8):
            # A connection each, so that every worker has its turn.
            with httpx.Client(base_url=host.url) as client:
                assert token == told(client, url)["RELOAD-URI"].partition("session=")[2]
    with httpx.Client(base_url=stranger.url) as client:
        assert token != told(client, url)["RELOAD-URI"].partition("session=")[2]


@pytest.mark.long
def test_key_of_a_host(start: Start, tmp_path: Path) -> None:
    """Workers of a host without a setting share a key, which is kept for the next start and is nobody else's."""
    folder = tmp_path / "data"
    with httpx.Client(base_url=start(WORKERS=2, DATA_DIR=folder).url) as client:
        url = told(client)["RELOAD-URI"]
    file = folder / "steering.key"
    assert (32, 0o600) == (file.stat().st_size, file.stat().st_mode & 0o777)
    again = start(DATA_DIR=folder)
    with httpx.Client(base_url=again.url) as client:
        assert url.partition("session=")[2] == told(client, url)["RELOAD-URI"].partition("session=")[2]


def test_public_url(start: Start) -> None:
    """The URL that a session asks next has the address by which players know the service."""
    behind = start(TRUSTED_PROXIES="127.0.0.1")
    with httpx.Client(base_url=behind.url) as client:
        fields = {"host": "video.example.com", "x-forwarded-proto": "https"}
        url = client.get("/steering", headers=fields).json()["RELOAD-URI"]
        assert url.startswith("https://video.example.com/steering?")
    fixed = start(PUBLIC_URL="https://v.example.com:8443/")
    with httpx.Client(base_url=fixed.url) as client:
        assert told(client)["RELOAD-URI"].startswith("https://v.example.com:8443/steering?")


def test_without_the_fast_lane(start: Start) -> None:
    """The application answers with the same bytes as the edge, but for the date, the state and the time."""
    found = []
    for lane in ("on", "off"):
        with httpx.Client(base_url=start(FAST_LANE=lane, STEERING_KEY=KEY).url) as client:
            for path in ("/steering?config=1", "/to/http/s1.origin-cluster/a.m3u8?x=1", "/to/http/example.com/a"):
                answer = client.get(path, headers={"x-request-id": "1"}, follow_redirects=False)
                fields = {name: value for name, value in answer.headers.items() if name != "date"}
                text = re.sub(r'"TTL":\d+|:\d+/steering|session=[\w-]+', "", answer.text)
                found.append((lane, answer.status_code, fields, text))
    edge, application = ([one[1:] for one in found if one[0] == lane] for lane in ("on", "off"))
    assert edge == application


def test_sessions_survive_json(start: Start) -> None:
    """Whatever is sent in place of a token is a new session."""
    with httpx.Client(base_url=start().url) as client:
        for query in ("session=", "session=%00", "session=" + "A" * 3000, "config=-1", "config=99", "&&&", "session=ü"):
            assert ["cdn", "origin"] == sorted(json.loads(client.get(f"/steering?{query}").text)["PATHWAY-PRIORITY"])
