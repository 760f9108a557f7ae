"""The answer of a steering server (draft-pantos-content-steering §7; ETSI TS 103 998 §5.3), for HLS and DASH alike."""

import re

from balancer.core.steering.steering import LEAST_TTL, Steered

PATH = "/steering"
"""Where sessions ask."""

MEDIA_TYPE = "application/json"
"""Of the answer. The drafts name no registered type, players look at none, and what stands between knows this one."""

MAX_BASES = 1_000
"""Beginnings of URLs that are remembered; hostile ones could otherwise fill the memory."""

_URL = b"%b/steering?config=%d&session=%b"
_LIST = b'{"VERSION":1,"TTL":%%d,"RELOAD-URI":"%b","PATHWAY-PRIORITY":%%b}' % _URL
_HOST = re.compile(r"[A-Za-z0-9.:\[\]_-]{1,255}")


class Addresses:
    """Knows the address of this service as players know it.

    Args:
        public_url: What the operator says, `https://video.example.com`; None takes it from each request.
    """

    def __init__(self, public_url: str | None) -> None:
        self._public = public_url.encode() if public_url else None
        self._bases: dict[tuple[str, str], bytes] = {}

    def base(self, scheme: str, host: str, forwarded_proto: str) -> bytes:
        """Return what stands before the path in URLs of this service; empty if that is unknown.

        Args:
            scheme: By which the request came: `http` or `https`.
            host: What it names in `Host`; empty when it names none.
            forwarded_proto: By which it came to a trusted proxy; empty when there is no such word.
        """
        if self._public is not None:
            return self._public
        scheme = forwarded_proto if forwarded_proto in {"http", "https"} else scheme
        found = self._bases.get((scheme, host))
        if found is None:
            if len(self._bases) >= MAX_BASES:
                self._bases.clear()
            found = f"{scheme}://{host}".encode() if _HOST.fullmatch(host) else b""
            self._bases[scheme, host] = found
        return found


def session_url(base: bytes, steered: Steered) -> bytes:
    """Return the URL that a session asks next."""
    return _URL % (base, steered.route.config.id, steered.token)


def steering_list(base: bytes, steered: Steered | None) -> bytes:
    """Return what a session is told, in JSON.

    Args:
        base: Of the URL that it asks next; an empty one leaves the URL relative, which Shaka cannot read.
        steered: None before a config is known: then no pathway is better than another.
    """
    if steered is None:
        return b'{"VERSION":1,"TTL":%d,"RELOAD-URI":"%b/steering","PATHWAY-PRIORITY":[]}' % (LEAST_TTL, base)
    route, token, _, pathways, ttl, _, _ = steered
    return _LIST % (ttl, base, route.config.id, token, pathways)
