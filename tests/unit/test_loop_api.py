"""The loop over HTTP: what players report moves shares of redirects, and admins see and stop it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient
from prometheus_client.parser import text_string_to_metric_families as read_text

from balancer.jobs import heeding, looping, pooling, probing, rounds
from balancer.telemetry.metrics import exposition
from tests.factories import BEARER, VIDEO
from tests.unit.apps import make_test_app, test_client

pytestmark = pytest.mark.anyio

NETWORKS = [f"198.51.{number}.7" for number in range(8)]
SESSIONS = 10
"""Of each network and target."""

TARGETS = [{"name": "cdn-a", "host": "a.example"}, {"name": "cdn-b", "host": "b.example"}]
LOOP = {"slope": 50, "min_sessions": 20, "worse_for": 0, "targets": [{"name": "cdn-a", "min": 20}]}


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what waits for seconds wait for milliseconds."""
    for job in (heeding, looping, pooling):
        monkeypatch.setattr(job, "INTERVAL", 0.005)
    monkeypatch.setattr(probing, "TURN", 0.01)
    monkeypatch.setattr(rounds, "LOOK", 0.005)
    monkeypatch.setattr(exposition, "LIFETIME", 0.0)


class Service:
    """A service that runs, by a clock that the test turns, and players of eight networks.

    Attributes:
        starving: Targets at whose hosts nearly all sessions starve.
        networks: Addresses of the players.
    """

    def __init__(self) -> None:
        # Reports are dated by the clock of the machine, and those of the past count for the step that is open.
        self.begin = datetime.now(UTC)
        self.seconds = 0.0
        self.starving = {"a"}
        self.networks = NETWORKS
        self.app = make_test_app(
            clock=self._clock, stopwatch=lambda: self.seconds, trusted_proxies="127.0.0.1", player_rate=None
        )
        asgi: Any = self.app
        transport = httpx.ASGITransport(asgi, client=("127.0.0.1", 1))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://balancer.example", headers=BEARER)

    def _clock(self) -> datetime:
        return self.begin + timedelta(seconds=self.seconds)

    async def get(self, path: str) -> Any:
        """Return what an admin is answered."""
        answer = await self.client.get(path)
        assert 200 == answer.status_code, answer.text
        return answer.json()

    async def change(self, **fields: Any) -> None:
        """Change the config."""
        answer = await self.client.patch("/config", json={"id": 1, **fields})
        assert 200 == answer.status_code, answer.text

    async def report(self) -> None:
        """Let each session of each network say how it fares."""
        for address in self.networks:
            events = [
                f'{"bs," if name in self.starving else ""}e=t,sid="{name}{number}{address}",'
                f'url="http://{name}.example/a.ts",v=2\n'
                for name in "ab"
                for number in range(SESSIONS)
            ]
            answer = await self.client.post("/cmcd", content="".join(events), headers={"x-forwarded-for": address})
            assert 204 == answer.status_code, answer.text

    async def turn(self, times: int = 1) -> None:
        """Let ten seconds pass, and wait until that has been told."""
        for _ in range(times):
            await self.report()
            self.seconds += 10
            await self.until(lambda: self._age_is(0.0))

    async def _age_is(self, age: float) -> bool:
        return bool(age == (await self.get("/loop"))["age_seconds"])

    async def until(self, fact: Any) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(20):
            while not await fact():  # noqa: ASYNC110  HTTP tells nobody when it is so
                await asyncio.sleep(0.005)

    async def served(self, requests: int = 100) -> Counter[str]:
        """Return how many players were sent to each host."""
        answers = [await self.client.get(f"/?video={VIDEO}") for _ in range(requests)]
        return Counter(httpx.URL(answer.headers["location"]).host for answer in answers)

    async def part(self) -> float | None:
        """Return which part of its weight cdn-a has."""
        part: float | None = (await self.get("/targets"))["targets"][0]["loop_part"]
        return part


@asynccontextmanager
async def serving() -> AsyncIterator[Service]:
    """Run a service with two CDNs and bounds."""
    service = Service()
    async with service.app.lifespan(), service.client:
        await service.change(targets=TARGETS, loop=LOOP)
        yield service


async def test_what_players_report_moves_redirects() -> None:
    """A CDN whose players starve gets fewer redirects, not fewer than its bound; admins see by how much, and why."""
    async with serving() as service:
        await service.turn()
        assert {"a.example": 50, "b.example": 50} == await service.served()
        await service.turn(12)
        served = await service.served()
        assert {"a.example": 20, "b.example": 80} == served
        loop = await service.get("/loop")
        (found,) = loop["configs"]
        assert (1, "at-bounds") == (found["config"], found["idle"])
        assert [(0.5, 0.2), (0.5, 0.8)] == [(row["configured"], row["share"]) for row in found["targets"]]
        assert [(True, False), (False, True)] == [
            (row["worse_since"] is not None, row["good_since"] is not None) for row in found["targets"]
        ]
        assert pytest.approx(30) == sum(event["points"] for event in loop["events"])
        event = loop["events"][0]
        assert ("cdn-a", "cdn-b", "starvation", 8) == (
            *(event["source"], event["to"], event["why"]),
            event["source_seen"]["networks"],
        )
        first, second = (await service.get("/targets"))["targets"]
        assert [(0.25, "at-bounds"), (1.0, "at-bounds")] == [
            (target["loop_part"], target["loop_why"]) for target in (first, second)
        ]
        explained = await service.get(f"/explain?video={VIDEO}")
        assert {"cdn-a": 0.25, "cdn-b": 1.0} == explained["loop_parts"]
        steps = {step["step"]: step["finding"] for step in explained["steps"]}
        assert "The loop leaves cdn-a 25.0% of its weight." == steps["loop"]
        metrics = {
            (sample.name, *sample.labels.values()): sample.value
            for family in read_text((await service.client.get("/metrics")).text)
            for sample in family.samples
        }
        assert 0.25 == metrics["balancer_loop_part_ratio", "1", "cdn-a"]
        assert 4 <= metrics["balancer_loop_moves_total", "1", "starvation"]


async def test_an_operator_freezes_it() -> None:
    """One call freezes shares as they are, another one lets the loop go on, and a third one ends it at once."""
    async with serving() as service:
        await service.turn(4)
        held = await service.part()
        assert held is not None
        assert 1 > held
        await service.change(loop={"is_frozen": True})
        await service.turn(4)
        loop = await service.get("/loop")
        assert ("frozen", held) == (loop["configs"][0]["idle"], await service.part())
        assert "frozen" == (await service.get("/targets"))["targets"][0]["loop_why"]
        await service.change(loop={"is_frozen": False})
        await service.turn(2)
        assert held > (await service.part() or 1)
        await service.change(loop=None)

        async def is_off() -> bool:
            return {"a.example": 5, "b.example": 5} == await service.served(10)

        await service.until(is_off)
        assert ([], None) == ((await service.get("/loop"))["configs"], await service.part())


async def test_liars_from_one_network() -> None:
    """Whoever makes up sessions from one network moves nothing, however many they are."""
    async with serving() as service:
        service.starving = set()
        for _ in range(8):
            lies = "".join(f'bs,e=t,sid="{number}",url="http://a.example/a.ts",v=2\n' for number in range(100))
            await service.client.post("/cmcd", content=lies, headers={"x-forwarded-for": "203.0.113.9"})
            await service.turn()
        assert (1.0, "alike") == (await service.part(), (await service.get("/loop"))["configs"][0]["idle"])
        assert {"a.example": 50, "b.example": 50} == await service.served()


async def test_few_networks() -> None:
    """Players of too few networks move nothing, and admins see that."""
    async with serving() as service:
        service.networks = NETWORKS[:3]
        await service.turn(6)
        assert (1.0, "few-networks") == (await service.part(), (await service.get("/loop"))["configs"][0]["idle"])


def test_players_are_not_heard() -> None:
    """Without CMCD bounds do nothing, and admins are told so."""
    with test_client(make_test_app(cmcd=False)) as client:
        assert 200 == client.patch("/config", json={"id": 1, "loop": {}}).status_code
        _check_idle(client, "no-cmcd")
    with test_client(make_test_app()) as client:
        assert 200 == client.patch("/config", json={"id": 1, "loop": {}, "policy": "failover"}).status_code
        _check_idle(client, "failover")


def _check_idle(client: TestClient[Any], idle: str) -> None:
    found = client.get("/loop").json()
    assert [(1, idle)] == [(row["config"], row["idle"]) for row in found["configs"]]
    assert [None, None] == [row["share"] for row in found["configs"][0]["targets"]]
    target = client.get("/targets").json()["targets"][0]
    assert (None, idle) == (target["loop_part"], target["loop_why"])
