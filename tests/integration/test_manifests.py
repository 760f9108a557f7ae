"""Manifests fetched from real origins on the loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from balancer.adapters import manifests as adapter
from balancer.adapters.manifests import HttpManifests
from balancer.core.manifests.refusing import MAX_MANIFEST

pytestmark = pytest.mark.anyio

BODY = b"#EXTM3U\n"


class Origin:
    """An origin that answers every request alike.

    Attributes:
        answer: What it answers; change it to steer it.
        heads: The requests that came.
        asked: Set by the first of them.
        gate: Answers wait until it is set.
    """

    def __init__(self) -> None:
        self.answer = ok()
        self.heads: list[bytes] = []
        self.asked, self.gate = asyncio.Event(), asyncio.Event()
        self.gate.set()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        try:
            while True:
                self.heads.append((await reader.readuntil(b"\r\n\r\n")).lower())
                self.asked.set()
                await self.gate.wait()
                writer.write(self.answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def ok(*fields: str, body: bytes = BODY, status: str = "200 OK") -> bytes:
    """Return an answer."""
    lines = "".join(f"{field}\r\n" for field in (*fields, f"content-length: {len(body)}"))
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Origin, HttpManifests]]:
    """Run an origin, and return it with what fetches from it."""
    origin = Origin()
    server = await asyncio.start_server(origin.serve, "127.0.0.1", 0)
    origin.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a.m3u8"
    found = HttpManifests("1.0")
    try:
        yield origin, found
    finally:
        await found.close()
        server.close()


async def test_one_fetch_for_all_who_wait() -> None:
    """A hundred players who ask at once for what nobody may keep cause one request, and the next one another."""
    async with running() as (origin, manifests):
        origin.answer = ok("Cache-Control: no-store")
        origin.gate.clear()
        waiting = [asyncio.create_task(manifests.fetch(origin.url)) for _ in range(100)]
        await origin.asked.wait()
        waiting[0].cancel()
        origin.gate.set()
        found = await asyncio.gather(*waiting[1:])
        assert {BODY} == {one.body for one in found if one}
        assert 1 == len(origin.heads)
        await manifests.fetch(origin.url)
        assert 2 == len(origin.heads)


async def test_fresh_by_its_own_word() -> None:
    """What is fresh is not asked for again, and is the same object."""
    async with running() as (origin, manifests):
        origin.answer = ok("Cache-Control: max-age=60")
        assert await manifests.fetch(origin.url) is await manifests.fetch(origin.url)
        assert 1 == len(origin.heads)


async def test_validators() -> None:
    """What is not fresh is asked for by its validators, and kept when it is still the same."""
    async with running() as (origin, manifests):
        origin.answer = ok('ETag: "1"', "Last-Modified: Tue, 24 Nov 2026 21:59:10 GMT")
        first = await manifests.fetch(origin.url)
        origin.answer = ok(body=b"", status="304 Not Modified")
        assert first is await manifests.fetch(origin.url)
        assert b'if-none-match: "1"\r\n' in origin.heads[1]
        assert b"if-modified-since: tue, 24 nov 2026 21:59:10 gmt\r\n" in origin.heads[1]
        origin.answer = ok('ETag: "2"', body=b"other")
        second = await manifests.fetch(origin.url)
        assert second
        assert b"other" == second.body


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda _: ok(status="404 Not Found"), id="not found"),
        pytest.param(lambda origin: ok(f"Location: {origin.url}", status="302 Found"), id="a redirect"),
        pytest.param(lambda _: ok(body=b"#" * (MAX_MANIFEST + 1)), id="too large"),
        pytest.param(lambda _: b"nonsense\r\n\r\n", id="not HTTP"),
        pytest.param(lambda _: ok()[:-3], id="cut off, and then silent"),
    ],
)
async def test_no_manifest(answer: Callable[[Origin], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else an origin does, there is no manifest, and the next one is fetched as ever."""
    monkeypatch.setattr(adapter, "TIMEOUT", 0.5)
    async with running() as (origin, manifests):
        good, origin.answer = origin.answer, answer(origin)
        assert await manifests.fetch(origin.url) is None
        origin.answer = good
        monkeypatch.undo()
        found = await manifests.fetch(origin.url)
        assert found
        assert BODY == found.body


async def test_nobody_there() -> None:
    """An origin that nobody listens at has no manifest."""
    async with running() as (origin, manifests):
        port = origin.url
    manifests = HttpManifests("1.0")
    assert await manifests.fetch(port) is None
    await manifests.close()


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many manifests, those that were not used for the longest time are fetched again."""
    monkeypatch.setattr(adapter, "MAX_KEPT", 3 * (1024 + 8 * len(BODY)))
    async with running() as (origin, manifests):
        origin.answer = ok("Cache-Control: max-age=60")
        for number in (0, 1, 2, 0, 3, 0, 1):
            await manifests.fetch(f"{origin.url}?{number}")
        asked = [head.split(b"?")[1].split()[0] for head in origin.heads]
        assert [b"0", b"1", b"2", b"3", b"1"] == asked
