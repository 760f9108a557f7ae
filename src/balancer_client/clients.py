"""The clients: `Balancer`, and `AsyncBalancer`, which is awaited."""

import re
import ssl
from types import TracebackType
from typing import Self

import httpx

from balancer_client.generated.client import AuthenticatedClient
from balancer_client.generated.operations import AsyncOperations, Operations
from balancer_client.retries import Retries
from balancer_client.transport import AsyncPatient, Patient

TIMEOUT = 10.0
"""Seconds for a connection, and between two pieces of an answer."""

Verify = ssl.SSLContext | bool
"""How the server's certificate is checked: by the usual authorities, by a context of your own, or not at all."""

MAX_PORT = 65535

_HOST = re.compile(rb"[A-Za-z0-9._-]++|[0-9a-f:.]++")

_TRIES = Retries()


class Balancer(Operations):
    """Talks to a running service as an admin.

    It can be used from several threads. Close it, or use it as a context manager.

    Args:
        url: Where the service is, with the path that a proxy adds, if any: `https://video.example.com`.
        api_key: A key, or a token of the identity provider.
        timeout: Seconds for a connection, and between two pieces of an answer.
        retries: How long a request is tried; see `balancer_client.retries` for when.
        verify: How the server's certificate is checked.
        transport: Sends the requests; by default over the network, as `verify` says.

    Raises:
        ValueError: When the URL is no absolute one of `http` or `https`.
    """

    def __init__(  # noqa: PLR0913  options, which have names
        self,
        url: str,
        api_key: str,
        *,
        timeout: float | httpx.Timeout = TIMEOUT,
        retries: Retries = _TRIES,
        verify: Verify = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        base = _checked(url)
        self._http = httpx.Client(
            base_url=base,
            headers=_headers(api_key),
            timeout=timeout,
            transport=Patient(transport or httpx.HTTPTransport(verify=verify), retries),
        )
        # The key stays in the client of httpx, which does not print it.
        self._client = AuthenticatedClient(base_url=base, token="").set_httpx_client(self._http)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncBalancer(AsyncOperations):
    """`Balancer`, awaited; the arguments are the same.

    Raises:
        ValueError: When the URL is no absolute one of `http` or `https`.
    """

    def __init__(  # noqa: PLR0913  options, which have names
        self,
        url: str,
        api_key: str,
        *,
        timeout: float | httpx.Timeout = TIMEOUT,
        retries: Retries = _TRIES,
        verify: Verify = True,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        base = _checked(url)
        self._http = httpx.AsyncClient(
            base_url=base,
            headers=_headers(api_key),
            timeout=timeout,
            transport=AsyncPatient(transport or httpx.AsyncHTTPTransport(verify=verify), retries),
        )
        self._client = AuthenticatedClient(base_url=base, token="").set_async_httpx_client(self._http)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _checked(url: str) -> str:
    # What stands before an @ may be a password, and is not repeated.
    shown = f"'{url}'" if "@" not in url else "This"
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(f"{shown} is no URL: {error}.") from None
    if parsed.scheme not in {"http", "https"} or not parsed.host or not _HOST.fullmatch(parsed.raw_host):
        raise ValueError(f"{shown} is no URL that begins with http:// or https://.")
    if (parsed.port or 1) > MAX_PORT:
        raise ValueError(f"{shown} is no URL: there is no port {parsed.port}.")
    if parsed.query or parsed.fragment or parsed.userinfo:
        raise ValueError("The service's URL has no user, query or fragment.")
    return url


def _headers(api_key: str) -> dict[str, str]:
    if not api_key.isascii() or not api_key.isprintable() or not api_key or " " in api_key:
        # httpx would name what it cannot send.
        raise ValueError("The API key has characters that no key has.")
    return {"authorization": f"Bearer {api_key}", "user-agent": "balancer-client"}
