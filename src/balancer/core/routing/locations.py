"""From a target and a video to the URL in the `Location` header.

The host of a location is that of the target, or of the allowed origin that was asked for: a target's host and template
are checked when they are decided, and what comes from a request stands behind them.
"""

from typing import NamedTuple

from balancer.core.configs.targets import PATH, Kind, Scheme, Target
from balancer.core.urls.videos import Origin


class Ends(NamedTuple):
    """What stands around a video's path in its URL at one target: `http://cdn.example.com/s1` and nothing."""

    before: bytes
    after: bytes


def ends_of(target: Target, origin: Origin) -> Ends:
    """Return what a target puts around the path of an origin's videos."""
    if target.kind is Kind.ORIGIN:
        return Ends(f"{origin.scheme}://{origin.host}".encode(), b"")
    scheme = origin.scheme if target.scheme is Scheme.KEEP else target.scheme.value
    before, _, after = (target.path or PATH).partition("{path}")
    before, after = (part.replace("{server}", origin.server).replace("{host}", origin.host) for part in (before, after))
    return Ends(f"{scheme}://{target.host}{before}".encode(), after.encode())
