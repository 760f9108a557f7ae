"""One request that the application answers, over ASGI: uvicorn's own cycle of request and response."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import unquote

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from balancer.edge.answers import Answers
from balancer.edge.parser import ParsedHead

_logger = logging.getLogger("uvicorn.error")


class Caller(Protocol):
    """Who asks, as the connection knows it.

    Attributes:
        transport: Where the answer goes.
        flow: Holds back what is read and written too fast.
        answers: Knows the fields of every answer.
        scheme: `http` or `https`.
        address: Of the client, with its port; None on a Unix socket.
        server: The address that was asked, with its port; on a Unix socket its path.
    """

    transport: asyncio.Transport
    answers: Answers
    scheme: str

    @property
    def flow(self) -> FlowControl:
        """Hold back what is read and written too fast."""
        ...

    @property
    def address(self) -> tuple[str, int] | None:
        """The address of the client."""
        ...

    @property
    def server(self) -> tuple[str, int | None] | None:
        """The address that was asked."""
        ...


class Application:
    """What answers the requests that the edge does not.

    Args:
        config: uvicorn's, with the loaded application.
        app_state: What its lifespan left for its requests.
        state: The server's, with the tasks that a shutdown waits for.
        loop: Runs it.
    """

    def __init__(
        self, config: Config, app_state: dict[str, Any], state: ServerState, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.asgi_version = config.asgi_version
        self.app = config.loaded_app
        self.app_state = app_state
        self.state = state
        self.loop = loop


class Exchange:
    """A request that is being answered by the application.

    Args:
        application: Answers it.
        head: Of the request.
        caller: Who asks.
        on_answered: Called when the whole answer has been written.
    """

    def __init__(
        self, application: Application, head: ParsedHead, caller: Caller, on_answered: Callable[[], None]
    ) -> None:
        self._flow = caller.flow
        self._cycle = RequestResponseCycle(
            scope=_scope(application, head, caller),  # type: ignore[arg-type]  # as uvicorn makes it
            transport=caller.transport,
            flow=caller.flow,
            logger=_logger,
            access_logger=_logger,
            access_log=False,
            default_headers=caller.answers.own,
            message_event=asyncio.Event(),
            expect_100_continue=head.joined(b"expect").lower() == "100-continue",
            keep_alive=head.keep_alive,
            on_response=on_answered,
        )
        if not head.body:
            self._cycle.more_body = False
            self._cycle.message_event.set()
        task = application.loop.create_task(self._cycle.run_asgi(application.app))
        task.add_done_callback(application.state.tasks.discard)
        application.state.tasks.add(task)

    @property
    def is_answered(self) -> bool:
        """Whether the whole answer has been written."""
        return self._cycle.response_complete

    def close_after(self) -> None:
        """Close the connection behind this answer, and say so in it if it has not begun."""
        self._cycle.keep_alive = False

    def feed(self, body: bytes, *, is_last: bool) -> None:
        """Hand the application a piece of the body."""
        if self._cycle.response_complete:
            return
        self._cycle.body += body
        self._cycle.more_body = not is_last
        if len(self._cycle.body) > HIGH_WATER_LIMIT:
            self._flow.pause_reading()
        self._cycle.message_event.set()

    def disconnect(self) -> None:
        """Tell the application that the client is gone."""
        if not self._cycle.response_complete:
            self._cycle.disconnected = True
        self._cycle.message_event.set()


def _scope(application: Application, head: ParsedHead, caller: Caller) -> dict[str, Any]:
    """Return the connection scope (ASGI HTTP 2.3)."""
    return {
        "type": "http",
        "asgi": {"version": application.asgi_version, "spec_version": "2.3"},
        "http_version": head.version,
        "server": caller.server,
        "client": caller.address,
        "scheme": caller.scheme,
        "method": head.start.method.decode("ascii"),
        "root_path": "",
        "path": unquote(head.start.path.decode("ascii")),
        "raw_path": head.start.path,
        "query_string": head.start.query,
        "headers": head.fields,
        "state": application.app_state.copy(),
    }
