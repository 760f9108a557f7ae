"""Header fields of answers that more than one room sends."""

from collections.abc import Mapping

PLAYER = {"cache-control": "no-store", "access-control-allow-origin": "*"}
"""Of every answer to a player. A 301 is cacheable unless told otherwise (RFC 9110 §15.4.2), and a cached one is never
balanced again; and after a cross-origin redirect a browser player reads even an error only with the second."""

PLAYER_METHODS = "GET, HEAD, OPTIONS"
"""What can be done at the player's path."""

PREFLIGHT = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": PLAYER_METHODS,
    "access-control-allow-headers": "*",
    "access-control-max-age": "86400",
    "allow": PLAYER_METHODS,
    "cache-control": "no-store",
}
"""Of the answer to a browser that asks whether it may ask (Fetch §3.2)."""

REPORTS = "/cmcd"
"""Where players report events of their playback."""

REPORT_METHODS = "OPTIONS, POST"
"""What can be done there."""

REPORT_PREFLIGHT = {**PREFLIGHT, "access-control-allow-methods": REPORT_METHODS, "allow": REPORT_METHODS}
"""Of the answer to a browser that asks whether it may report."""

SECURITY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Of every answer but a player's: never a page of another one, nor a script or style to load, nor to be framed."""


def is_players(path: str) -> bool:
    """Tell whether a path is one that players ask: its answers are for pages of all sites."""
    return path in {"/", "/manifest", "/steering", REPORTS} or path.startswith("/to/")


def lines(fields: Mapping[str, str]) -> str:
    """Return fields as they stand in a head, each with the end of its line."""
    return "".join([f"{name}: {value}\r\n" for name, value in fields.items()])
