"""A TCP proxy before a store, which can be told to misbehave as networks and servers do."""

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable
from contextlib import suppress
from enum import Enum, auto
from types import TracebackType
from typing import Self

SLOW = 0.2
"""Seconds that each piece of an answer takes under `Mode.SLOW`."""

CUT = 20
"""Bytes of an answer that come through under `Mode.TRUNCATING`."""


class Mode(Enum):
    """How the proxy behaves."""

    PASSING = auto()
    REFUSING = auto()
    """Nobody listens, and what was open is closed."""
    HANGING = auto()
    """Connections are taken, and nothing goes through."""
    RESETTING = auto()
    """Connections are reset, those that are open as well."""
    SLOW = auto()
    TRUNCATING = auto()
    """Each answer breaks off, and its connection is closed."""
    DEAF = auto()
    """Requests go through, and their answers are lost."""
    LOSING_COMMITS = auto()
    """The answer to the commit of a change is lost, and all that comes behind it."""


class Change:
    """What a connection to PostgreSQL has been told of a change of a config.

    Attributes:
        is_committed: Whether its commit was sent.
    """

    def __init__(self) -> None:
        self._is_made = False
        self.is_committed = False

    def see(self, data: bytes) -> None:
        """See what the client sends."""
        self._is_made = self._is_made or b"INSERT INTO config_revisions" in data
        self.is_committed = self.is_committed or (self._is_made and b"COMMIT" in data)


class Proxy:
    """Stands before a server on a loopback port of its own.

    Args:
        target: The server: a loopback port, or the path of a Unix socket.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, target: int | str) -> None:
        self._target = target
        self._mode = Mode.PASSING
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._changed = asyncio.Event()
        self.port = 0
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.behave(Mode.REFUSING)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def behave(self, mode: Mode) -> None:
        """Behave so from now on, also on the connections that are open."""
        self._run(self._behave(mode))

    def _run(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            await work

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    async def _behave(self, mode: Mode) -> None:
        self._mode = mode
        self._changed.set()
        self._changed = asyncio.Event()
        if mode in {Mode.REFUSING, Mode.RESETTING}:
            self._end_all(reset=mode is Mode.RESETTING)
        if mode is Mode.REFUSING:
            if self._server:
                self._server.close()
                self._server = None
        elif self._server is None:
            await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def _end_all(self, *, reset: bool) -> None:
        for writer in list(self._writers):
            if reset:
                _reset(writer)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode is Mode.RESETTING:
            _reset(writer)
            writer.close()
            return
        self._writers.add(writer)
        try:
            there, back = await self._connect()
        except OSError:
            writer.close()
            return
        finally:
            self._writers.discard(writer)
        self._writers |= {writer, back}
        change = Change()
        try:
            await asyncio.gather(self._pump(reader, back, change), self._pump(there, writer, change, answers=True))
        finally:
            for end in (writer, back):
                self._writers.discard(end)
                end.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._target, str):
            return await asyncio.open_unix_connection(self._target)
        return await asyncio.open_connection("127.0.0.1", self._target)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: "Change", *, answers: bool = False
    ) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while data := await reader.read(65536):
                if not answers:
                    change.see(data)
                elif self._mode is Mode.LOSING_COMMITS and change.is_committed:
                    continue
                while self._mode is Mode.HANGING:
                    await self._changed.wait()
                if answers and self._mode is Mode.DEAF:
                    continue
                if answers and self._mode is Mode.SLOW:
                    await asyncio.sleep(SLOW)
                if answers and self._mode is Mode.TRUNCATING:
                    writer.write(data[:CUT])
                    break
                writer.write(data)
                await writer.drain()
        writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Let closing the connection reset it (SO_LINGER of zero seconds, socket(7))."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.family == socket.AF_INET:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
