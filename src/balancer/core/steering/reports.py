"""What players send to a steering server, read as a report and never as the truth.

Seen from players: parameters that are missing, empty, quoted (`%22cdn-a%22`), lists with empty items
(`%22cdn-a%2Ccdn-b%22`), and a query of one's own in another spelling (`%20` as `+`).
"""

from typing import NamedTuple
from urllib.parse import unquote_plus

MAX_QUERY = 4096
"""Bytes of a query that are read; what a player adds at the end may be cut off."""


class Report(NamedTuple):
    """What a request to the steering server says.

    Attributes:
        token: Of the session, perhaps; empty when there is none.
        config_id: By whose policy it is to be steered; None where it does not say.
        pathway: Where the player says that it is; empty when it does not.
        is_measured: Whether it says how fast that is. dash.js does so in each request but its first.
        is_dash: Whether it reports as players of DASH do (ETSI TS 103 998 §5.4), and not as those of HLS.
    """

    token: bytes = b""
    config_id: int | None = None
    pathway: str = ""
    is_measured: bool = False
    is_dash: bool = False


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
        _first(pathway),
        any(character in b"123456789" for character in throughput),
        is_dash,
    )


def _first(value: bytes) -> str:
    """Return the first item of a list that may be quoted."""
    if not value:
        return ""
    text = unquote_plus(value.decode("ascii", "replace"))
    return next((item for item in text.replace('"', "").split(",") if item), "").strip()
