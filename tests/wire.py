"""A small HTTP client on bare sockets, for tests that ask thousands of times or look at the bytes."""

import asyncio
import time
from collections import Counter
from urllib.parse import urlsplit

from tests.factories import VIDEO

GET = f"GET /?video={VIDEO} HTTP/1.1\r\nHost: balancer.example\r\n\r\n".encode()


def location_of(head: bytes) -> str:
    """Return the location in the head of a 301, and fail on any other answer."""
    lines = head.split(b"\r\n")
    assert lines[0].startswith(b"HTTP/1.1 301 "), head
    (location,) = [line[10:].decode() for line in lines if line.lower().startswith(b"location: ")]
    return location


async def ask(urls: list[str], count: int, at_once: int, request: bytes = GET) -> Counter[str]:
    """Ask balancers by turns for a video over kept-alive connections, many at once, and count the locations.

    Args:
        urls: `http://127.0.0.1:8000`, …
        count: How many requests in all.
        at_once: How many connections, each with one request at a time.
        request: What to send; must be answered without a body.
    """
    seen: Counter[str] = Counter()
    numbers = iter(range(count))

    async def one_after_another(url: str) -> None:
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for _ in numbers:
            writer.write(request)
            seen[location_of(await reader.readuntil(b"\r\n\r\n"))] += 1
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(one_after_another(urls[number % len(urls)]) for number in range(at_once)))
    return seen


async def slowest(url: str, count: int) -> float:
    """Ask a balancer for a video, one request after another, and return how many seconds the slowest one took."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    longest = 0.0
    for _ in range(count):
        begin = time.monotonic()
        writer.write(GET)
        location_of(await reader.readuntil(b"\r\n\r\n"))
        longest = max(longest, time.monotonic() - begin)
    writer.close()
    await writer.wait_closed()
    return longest
