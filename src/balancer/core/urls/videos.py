"""From the query string of a request to the URL of a video at its origin.

A URL is accepted only when RFC 3986 and the WHATWG URL standard, which browsers follow, read it the same way. Whatever
they would read differently is refused: backslashes, control characters and white space (a browser drops some of them),
a missing slash after the scheme, escapes in the host, dot segments in any spelling, addresses.
"""

import re
from typing import NamedTuple, NoReturn
from urllib.parse import quote, unquote, unquote_to_bytes

from balancer.core.refusals import InvalidVideo, QueryTooLong, RefusalReason
from balancer.core.urls.hosts import OriginHosts, is_address, is_name, is_port

PATH_FORM = b"/to/"
"""Begins the path of a request that names its video in the path."""

IN_PATH = "The URL in the path"
"""What a refusal of such a request is about."""

MAX_VIDEO = 8 * 1024
"""Bytes of the `video` value as sent, together with the parameters beside it."""

# RFC 3986 §2.2, §2.3 and §3.3: what a path or a query may hold unescaped, beside letters and digits.
_SAFE_IN_PATH = "/%:@!$&'()*+,;=-._~"
_SAFE_IN_QUERY = _SAFE_IN_PATH + "?"

# A value that begins like this was not percent-encoded; its own escapes belong to the URL and stay.
_RAW = re.compile(rb"[Hh][Tt][Tt][Pp][Ss]?://")
_URL = re.compile(r"([Hh][Tt][Tt][Pp][Ss]?)://([^/?#]*+)([^?#]*+)(\?[^#]*+)?(?:#.*+)?")
# `\s` covers what Unicode calls white space; C0, DEL and C1 are its control characters.
_BAD_CHARACTER = re.compile(r"[\s\x00-\x1f\x7f-\x9f\\]")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPED_CONTROL = re.compile(r"%(?:[01][0-9A-Fa-f]|7[Ff])")
# RFC 3629 §3 forbids to write a character in more bytes than it needs; decoders that allow it read `%c0%ae` as a dot.
_OVERLONG = re.compile(r"%(?:[Cc][01]|[Ee]0%[89][0-9A-Fa-f]|[Ff]0%8[0-9A-Fa-f])%[89ABab][0-9A-Fa-f]")
# Some servers decode a path before they split it, and some take a backslash for a slash.
_SEGMENT_ENDS = re.compile(r"[/\\]")


class Origin(NamedTuple):
    """Where a video comes from: the scheme and the host of its URL.

    Attributes:
        scheme: `http` or `https`.
        server: `s1`, the first label of the host, in lower case.
        domain: `origin-cluster` or `origin-cluster:8080`, the rest of the authority.
        pattern: The allow-list pattern that the host matched.
    """

    scheme: str
    server: str
    domain: str
    pattern: str

    @property
    def host(self) -> str:
        """Its host, with the port that the URL gave: `s1.origin-cluster:8080`."""
        return f"{self.server}.{self.domain}"


class OriginUrl(NamedTuple):
    """A video's URL at its origin, taken apart; every part is ASCII and ready to be sent.

    Attributes:
        origin: Its scheme and host.
        path: `/video/1488/xcg2djHckad.m3u8`, with at least one character after the slash.
        query: `?x=1` as it was given, or empty.
    """

    origin: Origin
    path: bytes
    query: bytes

    @property
    def text(self) -> str:
        """The URL: `http://s1.origin-cluster/video/…`."""
        return f"{self.origin.scheme}://{self.origin.host}{self.path.decode()}{self.query.decode()}"


def tail_of(query: bytes, carried: bytes) -> bytes:
    """Return the query of a video's URL with the parameters that a request carries along at the end: `?x=1&y=2`."""
    if not carried:
        return query
    # An empty query, "?" alone, takes what is carried without an "&" before it.
    return b"%b&%b" % (query, carried) if len(query) > 1 else b"?" + carried


def read_request(query: bytes, origins: OriginHosts) -> tuple[OriginUrl, bytes]:
    """Read a request's raw query string as the URL of a video and the parameters that it carries along.

    Raises:
        Refusal: When it may not be redirected.
    """
    value, carried = split_query(query)
    return parse_video(value, origins), carried


def read_path(path: bytes, query: bytes, origins: OriginHosts) -> tuple[OriginUrl, bytes]:
    """Read a request's raw path, `/to/http/s1.origin-cluster/video/…`, and its query string as `read_request` does.

    The path is the URL itself, so that relative URLs come back in the same form; its escapes stay as they are.

    Raises:
        Refusal: When it may not be redirected.
    """
    if len(path) + len(query) > MAX_VIDEO + len(PATH_FORM):
        raise QueryTooLong(MAX_VIDEO, IN_PATH)
    scheme, _, rest = path[len(PATH_FORM) :].partition(b"/")
    try:
        return parse_video(b"%b://%b" % (scheme, rest), origins), query
    except InvalidVideo as error:
        raise InvalidVideo(error.reason, error.fault, IN_PATH) from None


def split_query(query: bytes) -> tuple[bytes, bytes]:
    """Split a request's raw query string into the value of `video` and the parameters beside it.

    Returns:
        The value as it was sent, and the others byte for byte and in order: `y=2&CMCD=br%3D3200`, empty when none.

    Raises:
        InvalidVideo: When `video` is missing, empty or given twice.
        QueryTooLong: When they are longer than `MAX_VIDEO` together.
    """
    if len(query) > MAX_VIDEO + len(b"video="):
        raise QueryTooLong(MAX_VIDEO)
    video: bytes | None = None
    carried = []
    for parameter in query.split(b"&"):
        name, _, value = parameter.partition(b"=")
        if name == b"video" or (b"%" in name and unquote_to_bytes(name) == b"video"):
            if video is not None:
                _refuse(RefusalReason.VIDEO_REPEATED, "is given more than once")
            video = value
        else:
            carried.append(parameter)
    if video is None:
        _refuse(RefusalReason.VIDEO_MISSING, "is missing")
    if not video:
        _refuse(RefusalReason.VIDEO_MISSING, "is empty")
    return video, b"&".join(carried)


def parse_video(value: bytes, origins: OriginHosts) -> OriginUrl:
    """Read the value of `video` as the URL of a video at an origin.

    A value that begins with a literal `http://` or `https://` is the URL itself; any other is percent-decoded once.
    A `+` is a plus sign: a URL cannot hold the space that form decoding would make of it.

    Raises:
        InvalidVideo: When it may not be redirected; the fault names the part and what is wrong with it.
    """
    text = _decoded(value)
    if found := _BAD_CHARACTER.search(text):
        what = "a backslash" if found[0] == "\\" else f"the character U+{ord(found[0]):04X} (control or white space)"
        _refuse(RefusalReason.BAD_CHARACTER, f"has {what} at position {found.start() + 1}")
    if found := _BROKEN_ESCAPE.search(text):
        _refuse(RefusalReason.BAD_ESCAPE, f"has a '%' without two hex digits at position {found.start() + 1}")
    if found := _ESCAPED_CONTROL.search(text):
        _refuse(RefusalReason.BAD_CHARACTER, f"has an escaped control character ({found[0]})")
    url = _URL.fullmatch(text)
    if url is None:
        _refuse(
            RefusalReason.NOT_A_URL, "is not an absolute http or https URL, such as http://s1.origin-cluster/a.m3u8"
        )
    scheme, authority, path, query = url[1].lower(), url[2], url[3], url[4] or ""
    origin = _checked_origin(scheme, authority, origins)
    _check_path(path)
    return OriginUrl(origin, quote(path, safe=_SAFE_IN_PATH).encode(), quote(query, safe=_SAFE_IN_QUERY).encode())


def _decoded(value: bytes) -> str:
    if not _RAW.match(value):
        if b"%" in value and (found := _BROKEN_ESCAPE.search(value.decode("latin-1"))):
            _refuse(RefusalReason.BAD_ESCAPE, f"has a '%' without two hex digits at position {found.start() + 1}")
        value = unquote_to_bytes(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        _refuse(RefusalReason.BAD_ESCAPE, "is not UTF-8 when its percent-encoding is undone")


def _checked_origin(scheme: str, authority: str, origins: OriginHosts) -> Origin:
    if "@" in authority:
        _refuse(RefusalReason.USER_INFO, "has user info ('@') before its host")
    if "[" in authority:
        _refuse(RefusalReason.IP_ADDRESS, "has an IP address as its host")
    name, colon, port = authority.partition(":")
    if not name:
        _refuse(RefusalReason.BAD_HOST, "has no host")
    if not name.isascii():
        _refuse(RefusalReason.BAD_HOST, "has a host that is not ASCII; give its punycode form")
    host = name.lower()
    if not is_name(host):
        _refuse(RefusalReason.BAD_HOST, "has a host that is not letters, digits and hyphens joined by dots")
    if is_address(host):
        _refuse(RefusalReason.IP_ADDRESS, "has an IP address as its host")
    if colon and not is_port(port):
        _refuse(RefusalReason.BAD_PORT, "has a port that is not a plain number from 1 to 65535")
    if "." not in host:
        _refuse(RefusalReason.BAD_HOST, "has a host with no label before the domain")
    pattern = origins.pattern_of(scheme, host, int(port) if colon else None)
    if pattern is None:
        _refuse(RefusalReason.HOST_NOT_ALLOWED, f"has the host '{host}{colon}{port}', which is not an allowed origin")
    server, _, domain = host.partition(".")
    return Origin(scheme, server, domain + colon + port, pattern)


def _check_path(path: str) -> None:
    if path in {"", "/"}:
        _refuse(RefusalReason.PATH_EMPTY, "has no path to a video after its host")
    if found := _OVERLONG.search(path):
        _refuse(RefusalReason.BAD_ESCAPE, f"has a path with the overlong UTF-8 sequence '{found[0]}'")
    if "." not in path and "%2" not in path:
        return
    # A server behind a proxy may decode what the proxy has decoded already.
    for decoded in (once := unquote(path), unquote(once)):
        for segment in _SEGMENT_ENDS.split(decoded):
            # Servlet containers take what follows a semicolon for a parameter, and Windows drops spaces at the end.
            if segment.partition(";")[0].rstrip(" ") in {".", ".."}:
                _refuse(RefusalReason.DOT_SEGMENT, f"has a path with the dot segment '{segment}'")


def _refuse(reason: RefusalReason, fault: str) -> NoReturn:
    raise InvalidVideo(reason, fault)
