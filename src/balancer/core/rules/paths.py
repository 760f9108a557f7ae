"""Paths as rules name them: `/live/` and all that is below, or a glob such as `/live/**/*.m3u8`."""

import re
from collections.abc import Sequence
from urllib.parse import quote

MAX_PATH = 500
"""Characters of a path."""

MAX_SEGMENTS = 16
"""Segments of a glob."""

ANY = "*"
"""Stands for any characters within a segment."""

ACROSS = "**"
"""A whole segment that stands for any number of them, also none; at the end for one at least."""

# What the URL of a video holds unescaped in its path, once it is read.
_SAFE = "/%:@!$&'()*+,;=-._~"
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def plain_path(path: str) -> str:
    """Return a path with one spelling of its escapes: none that is not needed, and digits in upper case.

    Such paths are equivalent (RFC 3986 §6.2.2).
    """
    return _ESCAPE.sub(_plain_escape, path) if "%" in path else path


def _plain_escape(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else escape[0].upper()


def normal_path(text: str) -> str:
    """Return a path as it is stored: escaped where a URL needs it, and a prefix where that says the same as a glob.

    Raises:
        ValueError: When it is not such a path; the message is the fault.
    """
    if not text.startswith("/") or len(text) > MAX_PATH:
        raise ValueError(f"must be a path of at most {MAX_PATH} characters that begins with '/'")
    if not text.isprintable() or any(mark in text for mark in " \\?#"):
        raise ValueError("must be a path without query, fragment, spaces, backslashes or control characters")
    if _BROKEN_ESCAPE.search(text):
        raise ValueError("has a '%' without two hex digits")
    path = plain_path(quote(text, safe=_SAFE))
    segments = path.split("/")[1:]
    if {".", ".."} & set(segments):
        raise ValueError("has a dot segment, which no video's URL has")
    if any(ACROSS in segment and segment != ACROSS for segment in segments):
        raise ValueError("has '**' within a segment; it stands for whole ones, as in /live/**/*.m3u8")
    if path.endswith("/**"):
        path = path.removesuffix(ACROSS)
    if is_glob(path):
        if len(segments) > MAX_SEGMENTS:
            raise ValueError(f"is a glob of more than {MAX_SEGMENTS} segments")
        # As with a prefix, what ends in a slash stands for all that is below.
        path += ACROSS if path.endswith("/") else ""
    return path


def is_glob(path: str) -> bool:
    """Tell whether a path is a glob; any other one is a prefix."""
    return ANY in path


class Glob:
    """A path with wildcards, compared segment by segment in time that grows with the path alone.

    Regular expressions can take far longer on paths that are made for that.

    Args:
        path: As `normal_path` returns it, with a wildcard.

    Attributes:
        head: `/live/`, the whole segments before the first wildcard.
    """

    __slots__ = ("_is_open", "_parts", "head")

    def __init__(self, path: str) -> None:
        self.head = path[: path.rindex("/", 0, path.index(ANY)) + 1]
        segments = path.removeprefix(self.head).split("/")
        self._is_open = segments[-1] == ACROSS
        # What stands between the segments `**`.
        self._parts: list[list[Sequence[str]]] = [[]]
        for segment in segments:
            if segment == ACROSS:
                self._parts.append([])
            else:
                self._parts[-1].append(segment.split(ANY))

    def matches(self, path: str) -> bool:
        """Tell whether it stands for a path, which begins with the head."""
        segments = path[len(self.head) :].split("/")
        first, *others = self._parts
        if not _fit(first, segments, 0):
            return False
        if not others:
            return len(first) == len(segments)
        begin, end = len(first), len(segments)
        *between, last = others
        if self._is_open:
            end -= 1
        else:
            end -= len(last)
            if end < begin or not _fit(last, segments, end):
                return False
        for part in between:
            # The first place where a part fits leaves the most to those after it, so no other one need be tried.
            found = next((place for place in range(begin, end - len(part) + 1) if _fit(part, segments, place)), None)
            if found is None:
                return False
            begin = found + len(part)
        return begin <= end


def _fit(patterns: list[Sequence[str]], segments: Sequence[str], place: int) -> bool:
    """Tell whether patterns of segments stand for the segments at a place."""
    if place + len(patterns) > len(segments):
        return False
    return all(_fits(pattern, segments[place + index]) for index, pattern in enumerate(patterns))


def _fits(pieces: Sequence[str], segment: str) -> bool:
    """Tell whether a segment is these pieces with anything between them."""
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return segment == first
    end = len(segment) - len(last)
    if end < len(first) or not segment.startswith(first) or not segment.endswith(last):
        return False
    begin = len(first)
    for piece in pieces[1:-1]:
        found = segment.find(piece, begin, end)
        if found < 0:
            return False
        begin = found + len(piece)
    return True
