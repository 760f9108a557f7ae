"""The page that a person sees who opens the player's path in a browser, without a video."""

from base64 import b64encode
from hashlib import sha256
from typing import NewType

from balancer import headers

FrontPage = NewType("FrontPage", bytes)
"""The page, as this process shows it."""

MEDIA_TYPE = "text/html; charset=utf-8"

_STYLE = """
:root { color-scheme: light dark; font: 17px/1.6 system-ui, sans-serif; }
body { max-width: 34rem; margin: 18vh auto 0; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; }
code { font-size: .9em; overflow-wrap: anywhere; }
nav { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.5rem; }
nav a { padding: .5rem 1.1rem; border: 1px solid; border-radius: .6rem; text-decoration: none; }
"""

_HTML = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Video balancer</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<main>
<h1>Video balancer</h1>
<p>This service sends video players to a server that has their video. A player asks for it here:</p>
<p><code>/?video=http://s1.origin-cluster/video/1488/xcg2djHckad.m3u8</code></p>
{links}</main>
</body>
</html>
"""

# All addresses are relative, so that the page also works behind a proxy that adds a prefix.
_LINKS = """<nav aria-label="For admins"><a href="console">Console</a> <a href="docs">API</a></nav>
"""

_POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'; img-src data:; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

HEADERS = {**headers.SECURITY, "content-security-policy": _POLICY}
"""Fields of the page beside those of every answer at its path."""


def front_page(*, has_admin: bool) -> FrontPage:
    """Return the page.

    Args:
        has_admin: Whether the console and the documents are served at the same port.
    """
    return FrontPage(_HTML.format(style=_STYLE, links=_LINKS if has_admin else "").encode())


def is_persons(accept: str) -> bool:
    """Tell by a request's `Accept` whether a page was asked for before all else, as browsers do and players do not."""
    return accept.lstrip().lower().startswith("text/html")
