"""The pathways that a manifest offers a player: the targets, as content steering names them."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from balancer.core.configs.targets import Target
from balancer.core.errors import InvalidInput
from balancer.core.routing.locations import ends_of
from balancer.core.urls.videos import Origin

MAX_SERVER_URI = 2048
"""Characters of a steering server's URL."""

_NAME = re.compile(r"[a-z0-9-]{1,32}")
# RFC 3986 §2: what a URL may hold. No quotation mark or line break could end the attribute that it stands in, and no
# brace begin a variable (RFC 8216bis §4.3).
_URL = re.compile(r"https?://[!#-;=?-Z\[\]_a-z~]++")
_AFTER = re.compile(r"[!#-;=?-Z\[\]_a-z~]*+")


class Pathway(NamedTuple):
    """One place that has every part of a video.

    Attributes:
        name: `cdn-a`: 1 to 32 of a to z, 0 to 9 and `-`.
        before: What stands before the path that a file has at the origin: `http://cdn.example.com/s1`.
        after: What stands between the path and the query; nearly always empty.
    """

    name: str
    before: str
    after: str = ""


def pathway_of(target: Target, origin: Origin) -> Pathway:
    """Return the pathway of a target for the videos of an origin; one of kind origin leaves their URLs as they are."""
    before, after = ends_of(target, origin)
    return Pathway(target.name, before.decode(), after.decode())


def check_steering(pathways: Sequence[Pathway], server_uri: str) -> None:
    """See that pathways and the URL of a steering server can stand in a manifest of either kind.

    Raises:
        InvalidInput: When they cannot: names `pathways`, or `server_uri`.
    """
    if len(server_uri) > MAX_SERVER_URI or not _URL.fullmatch(server_uri):
        raise InvalidInput(
            "server_uri", f"must be an absolute http or https URL of at most {MAX_SERVER_URI} characters of RFC 3986"
        )
    if not pathways:
        raise InvalidInput("pathways", "must be at least one")
    if len({pathway.name for pathway in pathways}) < len(pathways):
        raise InvalidInput("pathways", "must have names that differ")
    for name, before, after in pathways:
        if not _NAME.fullmatch(name):
            raise InvalidInput("pathways", "must have names of 1 to 32 characters of a to z, 0 to 9 and '-'")
        if not _URL.fullmatch(before) or not _AFTER.fullmatch(after):
            raise InvalidInput("pathways", f"must have http or https URLs; that of '{name}' is none")
