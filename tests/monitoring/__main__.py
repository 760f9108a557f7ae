"""`make dashboard`: four minutes of load and trouble, seen by a real Prometheus; writes docs/dashboard.svg."""

import asyncio
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import httpx

from balancer.adapters.sql.engines import make_engine
from balancer.adapters.sql.migrations import AlembicSchema
from tests.factories import BEARER
from tests.monitoring.plot import draw
from tests.processes import Balancer, Postgres, Valkey, wait_for
from tests.prometheus import ROOT, Prometheus, find
from tests.wire import ask

PAUSE = 0.02
"""Seconds of the players between two hundred requests."""

SECONDS = 240

BAD = "/?video=http://elsewhere.example/video/1/a.m3u8"


def main() -> None:
    """Run the balancer with four workers, do something to it now and then, and draw."""
    if not find("prometheus"):
        raise SystemExit("dashboard: no Prometheus; on Debian: apt-get install prometheus")
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        folder = Path(name)
        postgres = running.enter_context(Postgres("dashboard"))
        AlembicSchema(postgres.url, make_engine(postgres.url)).upgrade()
        valkey = running.enter_context(Valkey(folder))
        settings = {"DATABASE_URL": postgres.url, "REDIS_URL": valkey.url, "WORKERS": 4, "LOGIN_RATE": "1/s"}
        balancer = running.enter_context(Balancer(folder, None, **settings))
        prometheus = running.enter_context(Prometheus(folder, [balancer.url]))
        over = threading.Event()

        def play() -> None:
            while not over.wait(PAUSE):
                asyncio.run(ask([balancer.url], 100, at_once=8))

        players = threading.Thread(target=play)
        players.start()
        running.callback(players.join)
        running.callback(over.set)
        start = time.time()
        events: list[tuple[float, str]] = []
        for second, text, do in plan(balancer, valkey):
            over.wait(start + second - time.time())
            events.append((time.time(), text))
            print(f"{second:4d} s  {text}", flush=True)
            do()
        over.wait(start + SECONDS - time.time())
        wait_for(lambda: prometheus.state("BalancerStoreDown") == "inactive", seconds=60)
        picture = ROOT / "docs" / "dashboard.svg"
        picture.write_text(draw(prometheus, start, time.time(), 2.0, events))
        print(f"written: docs/{picture.name}")


def plan(balancer: Balancer, valkey: Valkey) -> list[tuple[int, str, Callable[[], object]]]:
    """Return what is done after how many seconds."""

    def half_to_the_origin() -> None:
        change = {"id": 1, "distribution_rate": 2, "reason": "half to the origin"}
        httpx.patch(f"{balancer.url}/config", json=change, headers=BEARER).raise_for_status()

    def refused() -> None:
        with httpx.Client() as client:
            for _ in range(1_000):
                client.get(balancer.url + BAD)
            for _ in range(20):
                client.get(f"{balancer.url}/config", headers={"Authorization": "Bearer vbk_wrong"})

    def kill_a_worker() -> None:
        balancer.workers()[0].kill()

    return [
        (40, "half to the origin", half_to_the_origin),
        (80, "a thousand bad requests and twenty bad keys", refused),
        (120, "Redis is killed", valkey.kill),
        (180, "Redis is back", valkey.start),
        (210, "a worker is killed", kill_a_worker),
    ]


main()
