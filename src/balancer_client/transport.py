"""Sends requests, again where that may help, and raises what the service says is wrong."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus

import httpx
from typing_extensions import override

from balancer_client.errors import ProblemError, problem_error
from balancer_client.retries import BROKEN, Retries, retry_after

_READINESS = "/health/ready"
"""Answers 503 with its own content: that is what was asked for."""


class Patient(httpx.BaseTransport):
    """Sends requests by another transport until they are answered, or until it is no use.

    Args:
        inner: Sends a request once.
        retries: How long to try.
        sleep: Waits for so many seconds.
    """

    def __init__(
        self, inner: httpx.BaseTransport, retries: Retries, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._inner = inner
        self._retries = retries
        self._sleep = sleep

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        begin = time.monotonic()
        attempt = 1
        while True:
            failure: ProblemError | httpx.TransportError
            try:
                response = self._inner.handle_request(request)
                if not _is_problem(request, response):
                    return response
                response.read()
                failure = _told(response)
            except BROKEN as error:
                failure = error
            wait = self._retries.wait(request, failure, attempt, time.monotonic() - begin)
            if wait is None:
                raise failure
            self._sleep(wait)
            attempt += 1

    @override
    def close(self) -> None:
        self._inner.close()


class AsyncPatient(httpx.AsyncBaseTransport):
    """`Patient`, awaited."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        retries: Retries,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._inner = inner
        self._retries = retries
        self._sleep = sleep

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        begin = time.monotonic()
        attempt = 1
        while True:
            failure: ProblemError | httpx.TransportError
            try:
                response = await self._inner.handle_async_request(request)
                if not _is_problem(request, response):
                    return response
                await response.aread()
                failure = _told(response)
            except BROKEN as error:
                failure = error
            wait = self._retries.wait(request, failure, attempt, time.monotonic() - begin)
            if wait is None:
                raise failure
            await self._sleep(wait)
            attempt += 1

    @override
    async def aclose(self) -> None:
        await self._inner.aclose()


def _is_problem(request: httpx.Request, response: httpx.Response) -> bool:
    return response.status_code >= HTTPStatus.BAD_REQUEST and not request.url.path.endswith(_READINESS)


def _told(response: httpx.Response) -> ProblemError:
    wait = retry_after(response.headers.get("retry-after"), datetime.now(UTC))
    return problem_error(response.status_code, response.content, wait)
