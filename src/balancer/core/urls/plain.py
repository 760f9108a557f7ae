"""A short way to read the requests that nearly all players send, and the careful way for all others.

Reading a URL with care costs several microseconds, and the redirect is asked millions of times an hour. The pattern
here accepts only queries in which nothing needs care: every character stands for itself, no segment begins with a dot,
and the origin is one that the careful way has let through before. A property test demands that both ways read alike
whatever the pattern accepts.
"""

import re

from balancer.core.urls.hosts import OriginHosts
from balancer.core.urls.videos import MAX_VIDEO, Origin, OriginUrl, read_request

MAX_KNOWN = 4096
"""Origins that are remembered; hostile ones could otherwise fill the memory where the allow-list has a `*`."""

_SEGMENT = rb"[A-Za-z0-9_~-][A-Za-z0-9_~.-]*+"
_ORIGIN = rb"[a-z0-9-]++(?:\.[a-z0-9-]++)++"
# Parameters beside the video: plain names other than `video`, and values of any characters.
_CARRIED = rb"(?:&(?!video(?:[=&]|$))[A-Za-z0-9_.~-]++(?:=[!-%'-~]*+)?)*+"

_PLAIN = re.compile(
    rb"video=(?:"
    rb"(?P<encoded>https?%3A%2F%2F" + _ORIGIN + rb"(?:%3A[0-9]{1,5})?)(?P<encoded_path>(?:%2F" + _SEGMENT + rb")++)"
    rb"|(?P<raw>https?://" + _ORIGIN + rb"(?::[0-9]{1,5})?)(?P<raw_path>(?:/" + _SEGMENT + rb")++)"
    rb")(?P<carried>" + _CARRIED + rb")"
)


class PlainVideos:
    """Reads the query strings of requests.

    Args:
        origins: The hosts that may be redirected at all.
    """

    def __init__(self, origins: OriginHosts) -> None:
        self._origins = origins
        # From a scheme and host as they are sent to what the careful way made of them.
        self._known: dict[bytes, Origin] = {}

    def read(self, query: bytes) -> tuple[OriginUrl, bytes]:
        """Read a request's raw query string as `read_request` does.

        Raises:
            Refusal: When it may not be redirected.
        """
        return self.read_plain(query) or self._learn(query)

    def read_plain(self, query: bytes) -> tuple[OriginUrl, bytes] | None:
        """Read a raw query string if it is a plain one of a known origin; None leaves it to the careful way."""
        plain = _PLAIN.fullmatch(query)
        if plain is None or len(query) > MAX_VIDEO:
            return None
        encoded, encoded_path, raw, raw_path, carried = plain.groups()
        origin = self._known.get(encoded or raw)
        if origin is None:
            return None
        path = encoded_path.replace(b"%2F", b"/") if encoded else raw_path
        return OriginUrl(origin, path, b""), carried[1:]

    def _learn(self, query: bytes) -> tuple[OriginUrl, bytes]:
        """Read a raw query string with care; the origin of a plain one is known from then on."""
        video, carried = read_request(query, self._origins)
        if plain := _PLAIN.fullmatch(query):
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[plain["encoded"] or plain["raw"]] = video.origin
        return video, carried
