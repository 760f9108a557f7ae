"""Manifests over HTTP, kept for as long as their origin says."""

import asyncio
from collections import OrderedDict
from time import monotonic
from typing import NamedTuple

import httpx
import structlog
from typing_extensions import override

from balancer.adapters.causes import fault_of
from balancer.core.manifests.freshness import freshness_of
from balancer.core.manifests.ports import Manifest, Manifests
from balancer.core.manifests.refusing import MAX_MANIFEST

TIMEOUT = 5.0
"""Seconds that an origin has for all of a manifest."""

AT_ONCE = 64
"""Connections at the same time."""

MAX_KEPT = 64 * 1024 * 1024
"""Bytes of all manifests that are kept; those that were not used for the longest time go first."""

OK, NOT_MODIFIED = 200, 304

logger = structlog.stdlib.get_logger(__name__)


class _Kept(NamedTuple):
    """A manifest that is kept.

    Attributes:
        manifest: The manifest.
        until: When it has to be asked for again, by the monotonic clock.
        validators: The header fields by which to ask whether it is still the same (RFC 9110 §13.1).
    """

    manifest: Manifest
    until: float
    validators: dict[str, str]


class HttpManifests(Manifests):
    """Fetches manifests with HTTP/1.1; of many who wait for one, one fetches it.

    A redirect is not followed: it could lead anywhere. No library of a cache is used: those for httpx keep answers in a
    database, without a bound on their size, and let all who wait fetch at once.

    Args:
        version: Of the program, which the requests name.
    """

    def __init__(self, version: str) -> None:
        limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
        # Without an encoding, a few bytes cannot become a great many.
        fields = {"user-agent": f"video-balancer/{version}", "accept": "*/*", "accept-encoding": "identity"}
        self._client = httpx.AsyncClient(limits=limits, timeout=TIMEOUT, headers=fields, trust_env=False)
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._size = 0
        self._fetching: dict[str, asyncio.Task[Manifest | None]] = {}

    async def close(self) -> None:
        """Let go of all connections."""
        for task in self._fetching.values():
            task.cancel()
        await self._client.aclose()

    @override
    async def fetch(self, url: str) -> Manifest | None:
        kept = self._kept.get(url)
        if kept is not None and kept.until > monotonic():
            self._kept.move_to_end(url)
            return kept.manifest
        task = self._fetching.get(url)
        if task is None:
            task = self._fetching[url] = asyncio.create_task(self._fetch(url, kept))
            task.add_done_callback(lambda _: self._fetching.pop(url, None))
        # One who stops waiting does not stop the others.
        return await asyncio.shield(task)

    async def _fetch(self, url: str, kept: _Kept | None) -> Manifest | None:
        try:
            async with asyncio.timeout(TIMEOUT):
                return await self._ask(url, kept)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            logger.info("a manifest was not fetched", host=httpx.URL(url).netloc.decode(), fault=fault_of(error).value)
            return None

    async def _ask(self, url: str, kept: _Kept | None) -> Manifest | None:
        async with self._client.stream("GET", url, headers=kept.validators if kept else {}) as answer:
            if answer.status_code == NOT_MODIFIED and kept is not None:
                return self._keep(url, kept.manifest, answer.headers, kept.validators)
            if answer.status_code != OK:
                self._drop(url)
                return None
            body = bytearray()
            async for piece in answer.aiter_raw():
                body += piece
                if len(body) > MAX_MANIFEST:
                    self._drop(url)
                    return None
        given = answer.headers
        names = {"etag": "if-none-match", "last-modified": "if-modified-since"}
        validators = {names[name]: given[name] for name in names if name in given}
        return self._keep(url, Manifest(bytes(body), given.get("content-type", "")), given, validators)

    def _keep(self, url: str, manifest: Manifest, fields: httpx.Headers, validators: dict[str, str]) -> Manifest:
        self._drop(url)
        may_keep, seconds = freshness_of(fields)
        if may_keep and (seconds > 0 or validators):
            self._kept[url] = _Kept(manifest, monotonic() + seconds, validators)
            self._size += _size(manifest)
            while self._size > MAX_KEPT:
                _, oldest = self._kept.popitem(last=False)
                self._size -= _size(oldest.manifest)
        return manifest

    def _drop(self, url: str) -> None:
        if (kept := self._kept.pop(url, None)) is not None:
            self._size -= _size(kept.manifest)


def _size(manifest: Manifest) -> int:
    # What is made of it takes several times as much, for each route and first pathway in use.
    return 8 * len(manifest.body) + 1024
