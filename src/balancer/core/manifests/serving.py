"""Serves manifests with steering added: fetched from the origin, and begun as sessions."""

import re
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from balancer.core.errors import InvalidInput, NotSteerable
from balancer.core.manifests.pathways import pathway_of
from balancer.core.manifests.ports import MAX_RENDERED, Manifest, Manifests, Rendered
from balancer.core.manifests.refreshing import refresh_url, without_reports, without_those_of
from balancer.core.manifests.steering import steered_manifest
from balancer.core.refusals import InvalidVideo
from balancer.core.routing.decisions import Asked
from balancer.core.routing.routes import Client
from balancer.core.steering.documents import session_url
from balancer.core.steering.steering import Steering
from balancer.core.urls.hosts import OriginHosts
from balancer.core.urls.videos import parse_video, tail_of

PATH = "/manifest"
"""Where players ask for a manifest."""

HLS, DASH = "application/vnd.apple.mpegurl", "application/dash+xml"

Aside = Callable[[Callable[[], Rendered | None]], Awaitable[Rendered | None]]
"""Calls what takes long."""

# Stand in what is remembered for the URLs of a session; characters that neither format escapes.
_SERVER, _NEXT = "https://session.invalid/0", "https://session.invalid/1"
_MARKS = re.compile(rb"(https://session\.invalid/[01])")


class SteeredManifest(NamedTuple):
    """A manifest for one session.

    Attributes:
        body: With steering.
        media_type: Of HLS or of DASH.
        target: Name of the one where the session begins.
    """

    body: bytes
    media_type: str
    target: str


class SteeredManifests:
    """Answers players with manifests.

    Args:
        manifests: Fetch them.
        steering: Begins their sessions.
        aside: Renders where it holds up no request; a long manifest takes a second.
        origins: The hosts at which a manifest may be.
    """

    def __init__(self, manifests: Manifests, steering: Steering, aside: Aside, origins: OriginHosts) -> None:
        self._manifests = manifests
        self._steering = steering
        self._aside = aside
        self._origins = origins

    async def answer(
        self, asked: Asked, client: Client, base: bytes, now: int, token: bytes = b""
    ) -> SteeredManifest | None:
        """Return a manifest with steering, None where the player is to be redirected instead.

        Args:
            asked: What is asked for, on the route that it takes.
            client: Who asks.
            base: What stands before the path in URLs of this service: `https://video.example.com`.
            now: The time in Unix seconds.
            token: Of the session that asks again; anything else begins one.
        """
        if not base:
            return None
        # Each player reports in a query of its own, which would keep their manifests apart.
        carried = without_reports(asked.carried)
        url = asked.video
        tail = tail_of(url.query, without_those_of(url.query, carried))
        manifest = await self._manifests.fetch(f"{url.origin.scheme}://{url.origin.host}{(url.path + tail).decode()}")
        # Whether it can be steered does not depend on where a session begins, which takes a ticket.
        enabled = [index for index, target in enumerate(asked.route.config.document.targets) if target.enabled]
        if manifest is None or await self._rendered(manifest, asked, enabled[0]) is None:
            return None
        steered = self._steering.begin(asked, client, now, token)
        found = await self._rendered(manifest, asked, steered.first)
        if found is None:
            return None
        urls = {_SERVER.encode(): session_url(base, steered)}
        if found.next_video:
            refresh = refresh_url(base, found.next_video, carried, steered.token)
            if refresh is None:
                return None
            urls[_NEXT.encode()] = refresh
        is_hls = manifest.body.lstrip(b"\xef\xbb\xbf").startswith(b"#")
        if not is_hls:
            urls = {mark: made.replace(b"&", b"&amp;") for mark, made in urls.items()}
        body = b"".join([urls.get(piece, piece) for piece in found.pieces])
        target = asked.route.config.document.targets[steered.first]
        return SteeredManifest(body, HLS if is_hls else DASH, target.name)

    async def _rendered(self, manifest: Manifest, asked: Asked, first: int) -> Rendered | None:
        """Return a manifest with a route's targets as pathways, made once for each first one."""
        key = asked.route, first
        if key in manifest.rendered:
            return manifest.rendered[key]
        found = await self._aside(lambda: _render(manifest.body, asked, first, self._origins))
        if len(manifest.rendered) >= MAX_RENDERED:
            manifest.rendered.clear()
        manifest.rendered[key] = found
        return found


def _render(body: bytes, asked: Asked, first: int, origins: OriginHosts) -> Rendered | None:
    targets = asked.route.config.document.targets
    # A drained one too, which may be filled again while the session lasts.
    others = (target for index, target in enumerate(targets) if target.enabled and index != first)
    pathways = [pathway_of(target, asked.origin) for target in (targets[first], *others)]
    next_video = ""

    def refresh(url: str) -> str | None:
        nonlocal next_video
        try:
            next_video = parse_video(url.encode(), origins).text
        except InvalidVideo:
            return None
        return _NEXT

    try:
        steered = steered_manifest(body, asked.video.text, pathways, _SERVER, refresh)
    except (NotSteerable, InvalidInput):
        return None
    return Rendered(_MARKS.split(steered), next_video)
