"""What happens when the application itself fails, outside of its own handlers."""

import asyncio
from typing import Any

from litestar.types import Receive, Scope, Send

from balancer.api.framework.observing import Observer
from balancer.api.framework.strangers import Strangers
from balancer.core.clients.addresses import TrustedProxies
from balancer.telemetry.metrics.board import Board
from balancer.telemetry.metrics.meters import Meters
from balancer.telemetry.players import AccessLog, PlayerWatch


async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Fail."""
    raise RuntimeError("a secret of the program")


def test_failures_are_answered_and_counted() -> None:
    """A request at which the program fails is answered by a problem that tells nothing of it, and counted as 5xx."""
    board = Board()
    strangers = Strangers(None, TrustedProxies(()), lambda: 0.0)
    observer = make_observer(board, strangers)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope: Any = {
        "type": "http", "method": "GET", "path": "/config", "headers": [], "client": ("192.0.2.1", 1), "state": {},
    }  # fmt: skip
    asyncio.run(observer(scope, receive, send))
    assert 500 == sent[0]["status"]
    assert (b"content-type", b"application/problem+json") in sent[0]["headers"]
    assert b"secret" not in sent[1]["body"]
    counted = {
        entry.labels: entry.values[0] for view in board.read() for entry in view.entries if entry.name == "answered"
    }
    assert 1 in [count for labels, count in counted.items() if labels[-1] == "5xx"]


def make_observer(board: Board, strangers: Strangers) -> Observer:
    """Return what stands around an application that fails."""
    watch = PlayerWatch(AccessLog(refused=False, part=0.0), None, 0)
    return Observer(broken, Meters(board.claim()), watch, None, strangers)
