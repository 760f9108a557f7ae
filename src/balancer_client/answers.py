"""What the methods of the clients have in common: a parsed answer, or an exception of this package."""

import uuid
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, TypeVar

import httpx

from balancer_client.errors import TimedOut, UnexpectedAnswer, Unreachable
from balancer_client.generated.client import AuthenticatedClient
from balancer_client.generated.types import Response, Unset

Kind = TypeVar("Kind")


class Answers:
    """Asks, and returns what was asked for."""

    _client: AuthenticatedClient

    def _one(self, kind: type[Kind], ask: Callable[[], Response[Any]]) -> Kind:
        """Return an answer of a kind."""
        with _translating():
            response = ask()
        return _parsed(kind, response)

    def _nothing(self, ask: Callable[[], Response[Any]]) -> None:
        """See that a request is answered by nothing."""
        with _translating():
            response = ask()
        _see_empty(response)

    @staticmethod
    def _key(given: str | Unset) -> str | Unset:
        return new_key() if isinstance(given, Unset) else given


class AsyncAnswers:
    """`Answers`, awaited."""

    _client: AuthenticatedClient

    async def _one(self, kind: type[Kind], ask: Callable[[], Awaitable[Response[Any]]]) -> Kind:
        """Return an answer of a kind."""
        with _translating():
            response = await ask()
        return _parsed(kind, response)

    async def _nothing(self, ask: Callable[[], Awaitable[Response[Any]]]) -> None:
        """See that a request is answered by nothing."""
        with _translating():
            response = await ask()
        _see_empty(response)

    @staticmethod
    def _key(given: str | Unset) -> str | Unset:
        return new_key() if isinstance(given, Unset) else given


def new_key() -> str:
    """Return an `Idempotency-Key` that no other change has, in its quotes."""
    return f'"{uuid.uuid4()}"'


@contextmanager
def _translating() -> Generator[None, None, None]:
    """Raise what is this package's for what is httpx's, and for an answer that cannot be parsed."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise TimedOut(f"{_place(error)} did not answer in time.") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unreachable(f"{_place(error)} cannot be reached: {str(error) or type(error).__name__}.") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # The generated code takes an answer's shape for granted.
        raise UnexpectedAnswer(f"The answer is not understood ({type(error).__name__}: {error}).") from error


def _place(error: Exception) -> str:
    request = error._request if isinstance(error, httpx.HTTPError) else None  # noqa: SLF001  the property raises
    return f"{request.url.scheme}://{request.url.netloc.decode()}" if request else "The service"


def _parsed(kind: type[Kind], response: Response[Any]) -> Kind:
    if not isinstance(response.parsed, kind):
        raise _unexpected(response)
    return response.parsed


def _see_empty(response: Response[Any]) -> None:
    if response.status_code != HTTPStatus.NO_CONTENT:
        raise _unexpected(response)


def _unexpected(response: Response[Any]) -> UnexpectedAnswer:
    status = response.status_code
    where = response.headers.get("location")
    to = f" to {where}" if where else ""
    return UnexpectedAnswer(f"The answer {status.value} {status.phrase}{to} is not one of this service's.")
