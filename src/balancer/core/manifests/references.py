"""From the URIs in a manifest to where they lead (RFC 3986 §5)."""

import re
from typing import NamedTuple

from balancer.core.errors import InvalidInput
from balancer.core.manifests.refusing import malformed
from balancer.core.urls.hosts import DEFAULT_PORTS

MAX_URI = 8 * 1024
"""Characters of a URI in a manifest."""

_BASE = re.compile(r"(https?)://([^/?#\s\"\\<>{}]++)(/[!$-;=?-Z_a-z~]*+)?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*+:")
# Relative, and nothing in it needs care: no dot segments, no scheme, no query.
_PLAIN = re.compile(r"[A-Za-z0-9_~%-][A-Za-z0-9_~%.-]*+(?:/[A-Za-z0-9_~%-][A-Za-z0-9_~%.-]*+)*+")
# Browsers drop some of these, and take a backslash for a slash; none may stand in a URI (RFC 3986 §2).
_BAD_CHARACTER = re.compile(r"[\s\x00-\x20\x7f-\x9f\\\"<>]")


class OriginPath(NamedTuple):
    """A file at the manifest's own origin: `/video/1488/a.m3u8`, and `?x=1#f`, which may be empty."""

    path: str
    query: str


def is_absolute(uri: str) -> bool:
    """Tell whether a URI has a scheme."""
    return _SCHEME.match(uri) is not None


class Base(NamedTuple):
    """What relative URIs are resolved against.

    Attributes:
        origin: `http://s1.origin-cluster`, in lower case and without a default port.
        path: `/video/1488/a.m3u8`.
        folder: `/video/1488/`, the path up to its last slash.
    """

    origin: str
    path: str
    folder: str

    @classmethod
    def of(cls, url: str) -> "Base":
        """Return the base that a manifest's URL is: `http://s1.origin-cluster/video/1488/a.m3u8?x=1`.

        Raises:
            InvalidInput: When it is not an absolute http or https URL; names `base_url`.
        """
        found = _BASE.fullmatch(url.partition("?")[0])
        if found is None or len(url) > MAX_URI:
            raise InvalidInput("base_url", f"must be an absolute http or https URL of at most {MAX_URI} characters")
        return cls.at(_origin(found[1], found[2]), found[3] or "/")

    @classmethod
    def at(cls, origin: str, path: str) -> "Base":
        """Return the base at a path of an origin."""
        return cls(origin, path, path[: path.rfind("/") + 1])

    def resolve(self, uri: str) -> OriginPath | str:
        """Return where a URI leads: to a file at this origin, or else an absolute URL elsewhere.

        Only what has the same scheme, host and port is at this origin. URIs of other schemes, such as `data` and
        `skd`, stay as they are.

        Raises:
            NotSteerable: When it is empty, too long, or no URI.
        """
        if not 0 < len(uri) <= MAX_URI:
            raise malformed(f"has a URI that is empty, or longer than {MAX_URI} characters")
        if _PLAIN.fullmatch(uri):
            return OriginPath(self.folder + uri, "")
        if _BAD_CHARACTER.search(uri):
            raise malformed("has a URI with characters that no URI may have")
        scheme = _SCHEME.match(uri)
        if scheme and scheme[0].lower() not in {"http:", "https:"}:
            return uri
        located, hash_mark, fragment = uri.partition("#")
        path, mark, query = located.partition("?")
        after = mark + query + hash_mark + fragment
        if scheme or path.startswith("//"):
            authority, slash, rest = path[scheme.end() if scheme else 0 :].removeprefix("//").partition("/")
            # Browsers take what follows any number of slashes, even none, for a host.
            if not authority or (scheme and not path.startswith("//", scheme.end())):
                raise malformed("has a URI without a host")
            by = scheme[0][:-1].lower() if scheme else self.origin.partition(":")[0]
            if _origin(by, authority) != self.origin:
                return uri if scheme else f"{by}:{uri}"
            path = slash + rest or "/"
        elif not path.startswith("/"):
            path = self.folder + path if path else self.path
        return OriginPath(_without_dots(path), after)


def _without_dots(path: str) -> str:
    """Return a path without dot segments (RFC 3986 §5.2.4); other than `urljoin`, this keeps empty segments."""
    if "/." not in path:
        return path
    found: list[str] = []
    *folders, name = path.split("/")[1:]
    for segment in folders:
        if segment == "..":
            del found[-1:]
        elif segment != ".":
            found.append(segment)
    if name == "..":
        del found[-1:]
    return "/".join(["", *found, "" if name in {".", ".."} else name])


def relative(folder: str, path: str) -> str:
    """Return what leads from a folder to a path of the same origin, and so does at every pathway: `../audio/`."""
    here, there = folder.split("/")[1:-1], path.split("/")[1:]
    shared = 0
    while shared < min(len(here), len(there) - 1) and here[shared] == there[shared]:
        shared += 1
    found = "../" * (len(here) - shared) + "/".join(there[shared:])
    # RFC 3986 §4.2: an empty one means the file itself, a first segment with a colon looks like a scheme.
    return found if found and not found.startswith("/") and ":" not in found.partition("/")[0] else f"./{found}"


def _origin(scheme: str, authority: str) -> str:
    host = authority.lower().removesuffix(f":{DEFAULT_PORTS[scheme]}")
    return f"{scheme}://{host}"
