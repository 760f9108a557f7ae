"""Commands that ask a service, run within the test's process against the application in it."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import httpx
from click.testing import CliRunner, Result
from litestar import Litestar
from typing_extensions import override

from balancer.cli import main
from tests.factories import KEY
from tests.unit.apps import test_client


class Commands:
    """Runs commands that ask one service.

    Args:
        transport: Reaches it.
    """

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._transport = transport

    def __call__(self, *arguments: str, code: int = 0, given: str | None = None, **variables: str | None) -> Result:
        """Run a command and return what it printed; it must end with a code, and never with a traceback.

        Args:
            arguments: Of the command.
            code: The exit code.
            given: On standard input.
            variables: Of the environment, beside the service's URL and key; None for none.
        """
        environment: dict[str, str | None] = {
            "BALANCER_URL": "http://balancer.example", "BALANCER_API_KEY": KEY, "XDG_CONFIG_HOME": "/nonexistent",
            "BALANCER_PROFILE": None, "COLUMNS": None, **variables,
        }  # fmt: skip
        done = CliRunner(env=environment).invoke(
            main, arguments, input=given, prog_name="balancer", obj=self._transport
        )
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        assert (code, False) == (done.exit_code, "Traceback" in done.output), done.output
        return done


@contextmanager
def commands(app: Litestar) -> Generator[Commands, None, None]:
    """Start an application, and return what runs commands against it."""
    with test_client(app) as client:
        yield Commands(Recorded(client._transport))


class Recorded(httpx.BaseTransport):
    """Lets an application answer, and keeps what it was asked; steer it by `refuse`.

    Args:
        inner: Reaches the application, which is no transport by its class.

    Attributes:
        asked: Method and path of each change.
        refuse: Answers in place of the application, by method and path.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.asked: list[str] = []
        self.refuse: dict[str, Any] = {}

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        place = f"{request.method} {request.url.path}"
        if request.method != "GET" and not request.url.path.endswith("/preview"):
            self.asked.append(place)
        if refused := self.refuse.get(place):
            if isinstance(refused, Exception):
                raise refused
            return httpx.Response(
                refused, json={"type": "about:blank", "title": "T", "status": refused, "detail": "No."}
            )
        answer: httpx.Response = self._inner.handle_request(request)
        return answer
