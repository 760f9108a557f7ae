"""What manifests need of the outside."""

from typing import Protocol

from balancer.core.routing.routes import Route

MAX_RENDERED = 64
"""Routes and first pathways for which the steered form of a manifest is remembered."""

Rendered = tuple[bytes, bytes]
"""A steered manifest, before and behind the URL of the steering server."""


class Manifest:
    """A manifest as the origin gives it; it never changes.

    Args:
        body: The manifest.
        media_type: What the origin says that it is; empty when it says nothing.

    Attributes:
        body: As above.
        media_type: As above.
        rendered: Its steered forms, by the route and the first target; None where it cannot be steered.
    """

    __slots__ = ("body", "media_type", "rendered")

    def __init__(self, body: bytes, media_type: str) -> None:
        self.body = body
        self.media_type = media_type
        self.rendered: dict[tuple[Route, int], Rendered | None] = {}


class Manifests(Protocol):
    """Fetches manifests from origins."""

    async def fetch(self, url: str) -> Manifest | None:
        """Return the manifest at an origin URL; None when there is none within the bounds on size and time.

        One that is fresh by its own `Cache-Control` is the same object as before.
        """
        ...
