"""Adds content steering to a manifest of either format."""

from collections.abc import Sequence

from balancer.core.manifests.mpds import Refresh, steered_mpd
from balancer.core.manifests.pathways import Pathway
from balancer.core.manifests.playlists import steered_playlist
from balancer.core.manifests.refusing import not_a_manifest

_BEGINNING = 1024
"""Bytes in which a manifest shows what it is."""


def steered_manifest(
    manifest: bytes, base_url: str, pathways: Sequence[Pathway], server_uri: str, refresh: Refresh | None = None
) -> bytes:
    """Return an HLS playlist or a DASH MPD with content steering.

    Args:
        manifest: The manifest as the origin gives it; its first characters tell the format.
        base_url: Its URL there: `http://s1.origin-cluster/video/1488/a.m3u8`.
        pathways: Where all that it lists can be had; players begin with the first.
        server_uri: The URL of the steering server.
        refresh: Says where players get a live MPD anew; no player asks for a multivariant playlist again.

    Raises:
        NotSteerable: When it cannot be steered, and says why; it can be used as it is.
        InvalidInput: When another argument is wrong: names `base_url`, `pathways` or `server_uri`.
    """
    beginning = manifest[:_BEGINNING].removeprefix(b"\xef\xbb\xbf")
    if beginning.startswith(b"#EXTM3U"):
        return steered_playlist(manifest, base_url, pathways, server_uri)
    if beginning.lstrip().startswith(b"<"):
        return steered_mpd(manifest, base_url, pathways, server_uri, refresh)
    raise not_a_manifest("is neither an HLS playlist nor a DASH MPD")
