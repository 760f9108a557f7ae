"""What manifests need of the outside."""

from typing import NamedTuple, Protocol

from balancer.core.routing.routes import Route

MAX_RENDERED = 64
"""Routes and first pathways for which the steered form of a manifest is remembered."""


class Rendered(NamedTuple):
    """A steered manifest, but for the URLs that each session has of its own.

    Attributes:
        pieces: The manifest; each second piece is a mark that stands for such a URL.
        next_video: Where the origin has the next one: `http://s1.origin-cluster/video/1488/live.mpd`. Empty when
            players do not ask for it again.
    """

    pieces: list[bytes]
    next_video: str


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
