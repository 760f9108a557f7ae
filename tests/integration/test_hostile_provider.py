"""An identity provider that does everything to be waited for, over real sockets."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from balancer.adapters.identity import provider_keys
from balancer.adapters.identity.tokens import JwtTokens
from balancer.core.access.keys import Role
from balancer.core.errors import StoreUnavailable, Unauthenticated
from tests.unit.tokens import AUDIENCE, ISSUER, Provider

pytestmark = [pytest.mark.anyio, pytest.mark.timed]

SOON = provider_keys.TIMEOUT / 2
"""Seconds within which what waits for nothing is done, on a busy machine too."""

LATEST = provider_keys.TIMEOUT + 5
"""Seconds within which everything is."""

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Hostile:
    """A server that answers by what a test says last in `answer`; `asked` counts."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        self.asked += 1
        try:
            await reader.readuntil(b"\r\n\r\n")
            await self.answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def whole(body: bytes) -> Answer:
    """Return an answer that is sent at once."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()

    return answer


async def drip(writer: asyncio.StreamWriter) -> None:
    """Answer byte by byte, so that each of them comes in time."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.2)


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[tuple[Hostile, JwtTokens]]:
    """Run a server for the block, with the reader of its tokens."""
    hostile = Hostile(answer)
    server = await asyncio.start_server(hostile.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks.json"
    async with server:
        yield hostile, JwtTokens(ISSUER, AUDIENCE, url, "role", {"viewer": Role.VIEWER})


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    """Return what signs the tokens."""
    return Provider(tmp_path / "jwks.json", "one")


async def test_known_keys_wait_for_nothing(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the provider sends a byte now and then, known keys are taken at once, and others refused in time."""
    now = 1_000.0
    monkeypatch.setattr(provider_keys, "monotonic", lambda: now)
    async with serving(whole(provider.path.read_bytes())) as (hostile, check):
        good = provider.token(role="viewer")
        await check.identify(good)
        hostile.answer = drip
        now += provider_keys.KEYS_LIFETIME + 1
        begun = time.monotonic()
        for _ in range(100):
            await check.identify(good)
        provider.rotate("one", "two")
        new = provider.token(key="two")
        waiting = [asyncio.create_task(check.identify(new)) for _ in range(20)]
        await asyncio.sleep(0)
        await check.identify(good)
        assert time.monotonic() - begun < SOON
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert time.monotonic() - begun < LATEST
        assert {Unauthenticated} == {type(one) for one in found}
        # One reading was under way for all of them.
        assert 2 == hostile.asked
        hostile.answer = whole(provider.path.read_bytes())
        now += provider_keys.KEYS_INTERVAL + 1
        assert Role.VIEWER == (await check.identify(provider.token(key="two", role="viewer"))).role


async def test_a_provider_that_never_ends_its_first_answer(provider: Provider) -> None:
    """Without any keys a token is neither right nor wrong, and that is told in time."""
    async with serving(drip) as (_, check):
        begun = time.monotonic()
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await check.identify(provider.token())
        assert time.monotonic() - begun < LATEST


async def test_an_answer_without_end(provider: Provider) -> None:
    """Of an answer that is longer than any key set, no more is read than tells that."""
    sent = 0

    async def flood(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[")
        while True:
            writer.write(b" " * 65_536)
            await writer.drain()
            sent += 65_536

    async with serving(flood) as (_, check):
        with pytest.raises(StoreUnavailable) as caught:
            await check.identify(provider.token())
        assert "longer than" in str(caught.value.__cause__)
    # What the system holds on the way is not read.
    assert sent < 32 * 1024 * 1024


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\xff\xfe", b"[" * 200_000, b"9" * 9_999, b"null", b"[]",
        b'{"keys": {}}', b'{"keys": [{"kty": "RSA", "n": 7}]}',
    ],
    ids=lambda body: str(body[:20]),
)  # fmt: skip
async def test_answers_that_are_no_key_sets(provider: Provider, body: bytes) -> None:
    """Whatever else the provider sends leaves a token neither right nor wrong."""
    async with serving(whole(body)) as (_, check):
        with pytest.raises(StoreUnavailable):
            await check.identify(provider.token())
