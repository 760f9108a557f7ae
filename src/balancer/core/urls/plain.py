"""A short way to read the requests that nearly all players send, and the careful way for all others.

Reading a URL with care costs several microseconds, and the redirect is asked millions of times an hour. A query is
plain when nothing in it needs care: it begins with an origin that the careful way has let through before, in the same
bytes, and in all that follows every character stands for itself and no segment begins with a dot. A property test
demands that both ways read alike whatever is plain.
"""

import re
from typing import TypeAlias

from balancer.core.urls.hosts import OriginHosts
from balancer.core.urls.videos import MAX_VIDEO, PATH_FORM, Origin, OriginUrl, read_path, read_request

MAX_KNOWN = 4096
"""Origins that are remembered; hostile ones could otherwise fill the memory where the allow-list has a `*`."""

Plain: TypeAlias = tuple[Origin, bytes, bytes]
"""What a plain request asks for: the origin, the path, and the parameters beside the video as they were sent."""

_SOUND = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_~.-/"
SOUND = bytes(code if code in _SOUND else ord("/") for code in range(256))
"""A path in which every character stands for itself comes out of `translate` with this table as the same object."""

_SEGMENT = rb"[A-Za-z0-9_~-][A-Za-z0-9_~.-]*+"
_ORIGIN = rb"[a-z0-9-]++(?:\.[a-z0-9-]++)++"
# Parameters beside the video: plain names other than `video`, and values of any characters but `#`, which ends a URL.
_CARRIED = rb"((?:&(?!video(?:[=&]|$))[A-Za-z0-9_.~-]++(?:=[!\"$%'-~]*+)?)*+)"

_ENCODED_BEGINNING = re.compile(rb"video=https?%3A%2F%2F" + _ORIGIN + rb"(?:%3A[0-9]{1,5})?")
_ENCODED_REST = re.compile(rb"((?:%2F" + _SEGMENT + rb")++)" + _CARRIED)
_RAW_BEGINNING = re.compile(rb"video=https?://" + _ORIGIN + rb"(?::[0-9]{1,5})?")
_RAW_REST = re.compile(rb"((?:/" + _SEGMENT + rb")++)" + _CARRIED)

# Where the host begins at the latest: behind `video=https%3A%2F%2F`, and behind `video=https://`.
_ENCODED_HOST, _RAW_HOST = 20, 14


def is_sound(path: bytes) -> bool:
    """Tell whether the careful way takes a path as it is: no character needs care, and no segment begins with a dot.

    The fast lane has this itself, to save the call.
    """
    return path.translate(SOUND) is path and not path.partition(b"/.")[1] and path != b"/"


class PlainVideos:
    """Reads the query strings of requests.

    Args:
        origins: The hosts that may be redirected at all.
    """

    def __init__(self, origins: OriginHosts) -> None:
        self._origins = origins
        # From the beginning of a query up to the path to the origin that the careful way found in it.
        self._encoded: dict[bytes, Origin] = {}
        self._raw: dict[bytes, Origin] = {}

    def read(self, query: bytes) -> tuple[OriginUrl, bytes]:
        """Read a request's raw query string as `read_request` does.

        Raises:
            Refusal: When it may not be redirected.
        """
        if plain := self.read_plain(query):
            origin, path, carried = plain
            return OriginUrl(origin, path, b""), carried
        return self._learn(query)

    def read_plain(self, text: bytes, begin: int = 0) -> Plain | None:
        """Read a raw query string if it is plain; None leaves it to the careful way.

        Args:
            text: Ends with the query string.
            begin: Where that begins.
        """
        if len(text) > begin + MAX_VIDEO:
            return None
        path_at = text.find(b"%2F", begin + _ENCODED_HOST)
        if (origin := self._encoded.get(text[begin:path_at])) is not None:
            if (rest := _ENCODED_REST.fullmatch(text, path_at)) is None:
                return None
            path, carried = rest.groups()
            return origin, path.replace(b"%2F", b"/"), carried[1:]
        path_at = text.find(b"/", begin + _RAW_HOST)
        if (origin := self._raw.get(text[begin:path_at])) is None:
            return None
        if (rest := _RAW_REST.fullmatch(text, path_at)) is None:
            return None
        path, carried = rest.groups()
        return origin, path, carried[1:]

    def read_path(self, path: bytes, query: bytes) -> tuple[OriginUrl, bytes]:
        """Read a request's raw path and query string as `videos.read_path` does.

        Raises:
            Refusal: When it may not be redirected.
        """
        if plain := self.read_plain_path(path, query):
            origin, path, carried = plain
            return OriginUrl(origin, path, b""), carried
        video, carried = read_path(path, query, self._origins)
        scheme, host = path[len(PATH_FORM) :].split(b"/", 2)[:2]
        beginning = b"video=%b://%b" % (scheme, host)
        if _RAW_BEGINNING.fullmatch(beginning):
            self._remember(self._raw, beginning, video.origin)
        return video, carried

    def read_plain_path(self, path: bytes, query: bytes) -> Plain | None:
        """Read a raw path and query string if they are plain; None leaves them to the careful way."""
        scheme, _, rest = path[len(PATH_FORM) :].partition(b"/")
        # The same request in the other form, which is plain in the same cases.
        other = b"video=%b://%b" % (scheme, rest)
        return self.read_plain(b"%b&%b" % (other, query) if query else other)

    def _learn(self, query: bytes) -> tuple[OriginUrl, bytes]:
        """Read a raw query string with care; a plain beginning is known from then on."""
        video, carried = read_request(query, self._origins)
        for known, beginning, mark, host in (
            (self._encoded, _ENCODED_BEGINNING, b"%2F", _ENCODED_HOST),
            (self._raw, _RAW_BEGINNING, b"/", _RAW_HOST),
        ):
            path_at = query.find(mark, host)
            if path_at > 0 and beginning.fullmatch(query, 0, path_at):
                self._remember(known, query[:path_at], video.origin)
        return video, carried

    @staticmethod
    def _remember(known: dict[bytes, Origin], beginning: bytes, origin: Origin) -> None:
        if len(known) >= MAX_KNOWN:
            known.clear()
        known[beginning] = origin
