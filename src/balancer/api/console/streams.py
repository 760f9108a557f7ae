"""Streams of events (WHATWG HTML §9.2): how many there may be, and when they end."""

import asyncio
from collections.abc import AsyncIterator, Callable

from litestar.response.streaming import ASGIStreamingResponse
from litestar.types import Receive, Send
from typing_extensions import override

from balancer.core.errors import TooManyStreams

MAX_STREAMS = 32
"""Streams of one process at one time."""


class Streams:
    """The streams of one process."""

    def __init__(self) -> None:
        self._count = 0
        self._closing = asyncio.Event()

    def begin(self) -> None:
        """Count a stream that begins.

        Raises:
            TooManyStreams: When there are as many as there may be, or the process is about to end.
        """
        if self._count >= MAX_STREAMS or self._closing.is_set():
            raise TooManyStreams(MAX_STREAMS)
        self._count += 1

    def end(self) -> None:
        """Count a stream no more."""
        self._count -= 1

    def close(self) -> None:
        """Let all streams end, and none begin."""
        self._closing.set()

    async def is_closing(self, seconds: float) -> bool:
        """Wait, and tell whether the streams are to end, as soon as that is known."""
        try:
            await asyncio.wait_for(self._closing.wait(), seconds)
        except TimeoutError:
            return False
        return True


class EventStream(ASGIStreamingResponse):
    """Sends events as fast as the client reads them, until they or the client end.

    Args:
        events: What is sent.
        on_end: Called when it has ended, however it has.
    """

    def __init__(self, events: AsyncIterator[bytes], on_end: Callable[[], None]) -> None:
        # A proxy that gathers answers would hold back what is live.
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(iterator=events, media_type="text/event-stream", headers=headers)
        self._on_end = on_end

    @override
    async def send_body(self, send: Send, receive: Receive) -> None:
        try:
            await super().send_body(send, receive)
        finally:
            self._on_end()


def event(name: str, data: bytes) -> bytes:
    """Return one event, whose data are on one line."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)
