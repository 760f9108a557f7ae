"""What players send to a steering server, read as a report and never as the truth.

Seen from players: parameters that are missing, empty, quoted (`%22cdn-a%22`), lists with empty items
(`%22cdn-a%2Ccdn-b%22`), and a query of one's own in another spelling (`%20` as `+`).
"""

from typing import NamedTuple
from urllib.parse import unquote_plus

MAX_QUERY = 4096
"""Bytes of a query that are read; what a player adds at the end may be cut off."""


_QUOTES = (b"%22", b'"')


class Report(NamedTuple):
    """What a request to the steering server says.

    Attributes:
        token: Of the session, perhaps; empty when there is none.
        config_id: By whose policy it is to be steered; None where it does not say.
        pathway: Where the player says that it is; empty when it does not.
        is_back: Whether it has asked before, as far as that can be told: dash.js alone puts its pathway in quotes, and
            says how fast that is in each request but its first.
    """

    token: bytes = b""
    config_id: int | None = None
    pathway: str = ""
    is_back: bool = False


def read_report(query: bytes) -> Report:
    """Read a raw query string; whatever cannot be read counts as missing."""
    given: dict[bytes, bytes] = {}
    for parameter in query[:MAX_QUERY].split(b"&"):
        name, _, value = parameter.partition(b"=")
        given.setdefault(name, value)
    is_dash = b"_DASH_pathway" in given
    pathway = given.get(b"_DASH_pathway" if is_dash else b"_HLS_pathway", b"")
    throughput = given.get(b"_DASH_throughput" if is_dash else b"_HLS_throughput", b"")
    config = given.get(b"config", b"")
    return Report(
        given.get(b"session", b""),
        # Ids have ten digits at most.
        int(config) if config.isdigit() and len(config) <= 10 else None,  # noqa: PLR2004  said above
        _last(pathway),
        pathway.startswith(_QUOTES) and any(character in b"123456789" for character in throughput),
    )


def _last(value: bytes) -> str:
    """Return the last item of a list that may be quoted: where a player that has moved is by now."""
    if not value:
        return ""
    text = unquote_plus(value.decode("ascii", "replace"))
    return next((item for item in reversed(text.replace('"', "").split(",")) if item), "").strip()
