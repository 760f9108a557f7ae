"""The real application over fakes."""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any

from dishka import Provider, Scope
from litestar import Litestar
from litestar.testing import TestClient

from balancer.app import create_app
from balancer.core.access.ports import ApiKeys
from balancer.core.clocks import Clock, Stopwatch
from balancer.core.configs.documents import CdnConfig
from balancer.core.configs.ports import CdnConfigs, ConfigHistory
from balancer.core.control.ports import ConfigNotices, PlanCopies
from balancer.core.health.ports import Dependency, PeerGroup, Prober, SharedStats
from balancer.core.manifests.ports import Manifests
from balancer.core.quality.known import KnownQuality
from balancer.core.quality.ports import SharedQuality
from balancer.core.rules.ports import RuleRecord
from balancer.settings import Settings
from balancer.wiring import make_container
from tests.factories import BEARER, CHANGED, ConfigFactory, KeyFactory
from tests.fakes import (
    FakeApiKeys,
    FakeCdnConfigs,
    FakeConfigHistory,
    FakeConfigNotices,
    FakeLeadership,
    FakeLease,
    FakeManifests,
    FakePlanCopies,
    FakeProber,
    FakeRuleRecord,
    FakeSharedLoops,
    FakeSharedQuality,
    FakeSharedStats,
    FakeSharedVerdicts,
)


def make_test_app(
    config: CdnConfig | None = None,
    configs: FakeCdnConfigs | None = None,
    keys: FakeApiKeys | None = None,
    shared_stats: FakeSharedStats | None = None,
    dependencies: Sequence[Dependency] = (),
    *,
    rules: FakeRuleRecord | None = None,
    prober: FakeProber | None = None,
    origins: FakeManifests | None = None,
    quality: KnownQuality | None = None,
    clock: Clock = lambda: CHANGED,
    stopwatch: Stopwatch = monotonic,
    **settings: Any,
) -> Litestar:
    """Return the application over fakes.

    Args:
        config: The default config.
        configs: The record, to steer it.
        keys: The API keys, to steer them; an admin's alone by default.
        shared_stats: What other hosts tell; there are none by default.
        dependencies: The stores that health asks.
        rules: The record of rules, to steer it.
        prober: What the targets say; by default that they work.
        origins: What the origins have; nothing by default.
        quality: What is known of the players.
        clock: Tells the time; it stands still by default.
        stopwatch: Tells seconds.
        settings: Settings that differ from the defaults.
    """
    if keys is None:
        keys = FakeApiKeys()
        keys.rows[1] = KeyFactory.build()
    fakes = Provider(scope=Scope.APP)
    record = configs or FakeCdnConfigs(config or ConfigFactory.build())
    copies: Sequence[PlanCopies] = [FakePlanCopies()]
    fakes.provide(lambda: record, provides=CdnConfigs)
    fakes.provide(lambda: FakeConfigHistory(record), provides=ConfigHistory)
    rule_record = rules or FakeRuleRecord(record)
    fakes.provide(lambda: rule_record, provides=RuleRecord)
    fakes.provide(lambda: copies, provides=Sequence[PlanCopies])
    fakes.provide(FakeConfigNotices, provides=ConfigNotices)
    fakes.provide(lambda: clock, provides=Clock)
    fakes.provide(lambda: stopwatch, provides=Stopwatch)
    fakes.provide(lambda: keys, provides=ApiKeys)
    fakes.provide(lambda: shared_stats, provides=SharedStats | None)
    fakes.provide(lambda: dependencies, provides=Sequence[Dependency])
    fakes.provide(lambda: prober or FakeProber(), provides=Prober)
    fakes.provide(lambda: origins or FakeManifests(), provides=Manifests)
    fakes.provide(FakeSharedQuality, provides=SharedQuality)
    if quality is not None:
        fakes.provide(lambda: quality, provides=KnownQuality)
    groups = [PeerGroup(FakeLeadership(FakeLease()), FakeSharedVerdicts(), FakeSharedLoops())]
    fakes.provide(lambda: groups, provides=Sequence[PeerGroup])
    # pydantic-settings takes the file beside the settings. Tests ask more often than an admin may.
    usual = {"_env_file": None, "admin_rate": None, "open_rate": None, "steering_key": "k" * 32}
    given: dict[str, Any] = {**usual, "manifests": True, "cmcd": True, **settings}
    chosen = Settings(**given)
    return create_app(chosen, make_container(chosen, fakes))


def test_client(app: Litestar) -> TestClient[Litestar]:
    """Return a client, an admin, that sees server errors as answers."""
    client = TestClient(app, raise_server_exceptions=False)
    client.headers.update(BEARER)
    return client


test_client.__test__ = False  # type: ignore[attr-defined]


@contextmanager
def direct_calls(app: Litestar) -> Generator["DirectCalls", None, None]:
    """Start the application and call it without an HTTP client between, for tests that ask thousands of times."""
    started, stop = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            started.set()
            await stop.wait()

    async def begin() -> asyncio.Task[None]:
        task = asyncio.create_task(live())
        await started.wait()
        return task

    async def end(task: asyncio.Task[None]) -> None:
        stop.set()
        await task

    with asyncio.Runner() as runner:
        task = runner.run(begin())
        try:
            yield DirectCalls(app, runner)
        finally:
            runner.run(end(task))


class DirectCalls:
    """Calls an application by its ASGI interface."""

    def __init__(self, app: Litestar, runner: asyncio.Runner) -> None:
        self._app = app
        self._runner = runner

    def get(self, query: bytes) -> tuple[int, dict[bytes, bytes]]:
        """Ask `GET /?<query>` and return the status and the headers."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/",
            "raw_path": b"/",
            "root_path": "",
            "query_string": query,
            "headers": [(b"host", b"balancer.example")],
            "client": ("192.0.2.1", 1234),
            "server": ("192.0.2.2", 80),
            "state": {},
        }
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        self._runner.run(self._app(scope, receive, send))  # type: ignore[arg-type]  # a scope as a server makes it
        return sent[0]["status"], dict(sent[0]["headers"])
