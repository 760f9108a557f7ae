"""What the commands that ask a service have in common: its options, its client, and how answers are printed."""

import functools
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import click
import httpx
from rich.console import RenderableType
from typing_extensions import override

from balancer.cli.endings import check_output, show
from balancer.cli.remote.output import Format, as_data, as_text
from balancer.cli.remote.profiles import API_KEY, PROFILE, URL, Service, find
from balancer.cli.remote.remedies import CannotDo
from balancer.cli.remote.waiting import PATIENCE, waiting
from balancer_client import Balancer, Retries


class _Shown(httpx.HTTPTransport):
    """Shows that it waits for an answer that takes long."""

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with waiting("Asking the service"):
            return super().handle_request(request)


class _Telling(Retries):
    """Tells that it asks again."""

    @override
    def wait(self, *given: Any) -> float | None:
        wait = super().wait(*given)
        if wait is not None and wait >= PATIENCE:
            click.echo(f"balancer: the service is busy; asking again in {wait:.0f} s", err=True)
        return wait


class Asking(NamedTuple):
    """A service to ask, and a form to answer in.

    Attributes:
        balancer: Asks it.
        url: Where it is.
        form: How answers are printed.
    """

    balancer: Balancer
    url: str
    form: Format

    def show(self, data: Any, table: Callable[[], RenderableType]) -> None:
        """Print an answer.

        Args:
            data: As JSON and YAML have it.
            table: Makes what people see.
        """
        show(as_text(table()) if self.form is Format.TABLE else as_data(data, self.form), ends=False)


_URL = click.option("--url", metavar="URL", help=f"Where the service is, with the key of {API_KEY}.  [{URL}]")
_PROFILE = click.option(
    "--profile", metavar="NAME", help=f"Which service, as 'balancer login' has kept it.  [{PROFILE}]"
)
_OUTPUT = click.option(
    "-o", "--output", "form", type=click.Choice([form.value for form in Format]), default=Format.TABLE.value,
    show_default=True, help="How to print.",
)  # fmt: skip


def with_service(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that name a service; it gets `service`, None where none is named."""

    @_URL
    @_PROFILE
    @functools.wraps(command)
    def wrapped(*given: Any, url: str | None, profile: str | None, **named: Any) -> Any:
        return command(*given, service=find(url, profile, os.environ), **named)

    return wrapped


def asks(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of all that ask a service; as its first argument it gets an `Asking`."""

    @with_service
    @_OUTPUT
    @functools.wraps(command)
    def wrapped(*given: Any, service: Service | None, form: str, **named: Any) -> Any:
        check_output()
        asking = Asking(connect(service), service.url if service else "", Format(form))
        return command(asking, *given, **named)

    return wrapped


def connect(service: Service | None) -> Balancer:
    """Return a client, which is closed with the command.

    The object of the program's context, if it is a transport, sends the requests: tests reach the application by it.

    Raises:
        CannotDo: When no service is named, or its URL or key cannot be.
    """
    if service is None:
        raise CannotDo(f"No service is named. Set {URL} and {API_KEY}, or log in by 'balancer login'.")
    context = click.get_current_context()
    other = context.find_root().obj
    try:
        transport = other if isinstance(other, httpx.BaseTransport) else _Shown()
        balancer = Balancer(service.url, service.api_key, transport=transport, retries=_Telling())
    except ValueError as error:
        raise CannotDo(f"{error} Correct {URL} and {API_KEY}, or log in again by 'balancer login'.") from None
    return context.with_resource(balancer)
