"""Adds content steering to an HLS multivariant playlist (RFC 8216bis §4.4.6.6), line by line.

Every variant and I-frame variant is listed once for each pathway, with `PATHWAY-ID`; so is every rendition, in a group
of that pathway's own, since no two pathways may share one. All that leads somewhere else than before is rewritten, and
whatever is not known here stays byte for byte, in its place and once: the first pathway stands where the one way to
play it stood before, and the others follow its last line. Media playlists are never touched, so a bare one cannot be
steered.

Variables (`EXT-X-DEFINE`, RFC 8216bis §4.3) may stand for a scheme, a host or a folder, so a URI with one can be made
absolute only after it is replaced. `VALUE` says by what, and the definition stays for the media playlists that import
it. `QUERYPARAM` takes a parameter from the URL that the player asked for, which a steered playlist no longer has, and
`IMPORT` has no place in a multivariant playlist: both are refused.
"""

import re
from collections.abc import Callable, Sequence

from balancer.core.errors import NotSteerable, SteeringObstacle
from balancer.core.manifests.pathways import Pathway, check_steering
from balancer.core.manifests.references import MAX_URI, Base, is_absolute
from balancer.core.manifests.refusing import (
    MAX_MANIFEST,
    malformed,
    not_a_manifest,
    steered_already,
    too_large,
    unsupported,
)

MAX_STEERED = 8 * 1024 * 1024
"""Characters of a playlist that is made."""

# Stand in a template for what each pathway puts in their place. None can be in a playlist: they are control characters.
_NAME, _BEFORE, _AFTER = "\x00", "\x01", "\x02"

# RFC 8216bis §4.1 forbids control characters; players take them for ends of lines, white space or nothing.
_NO_CONTROL = bytes({*range(256)} - {*range(32), 127} | {9, 10, 13})
_C1 = re.compile(r"[\x80-\x9f]")
# Both are searched in an attribute list without what stands in quotation marks.
_TYPE = re.compile(r'(?:^|[,"])[ \t]*+TYPE=([^,"\s]++)')
_UNQUOTED = re.compile(r'(?:^|[,"])[ \t]*+(?:URI|AUDIO|VIDEO|SUBTITLES|GROUP-ID|PATHWAY-ID)=(?!")')
_VARIABLE = re.compile(r"\{\$([A-Za-z0-9_-]++)\}")

_GROUPS = {"AUDIO", "VIDEO", "SUBTITLES"}
"""The types of renditions that each pathway has; closed captions are within the video, and so the same everywhere."""

_OF_VARIANT = ("AUDIO=", "VIDEO=", "SUBTITLES=", "PATHWAY-ID=")
_OF_I_FRAMES = ("URI=", *_OF_VARIANT)
_OF_RENDITION = ("URI=", "GROUP-ID=")
"""The attributes that matter of each tag."""

_OF_MEDIA = {"#EXTINF", "#EXT-X-TARGETDURATION", "#EXT-X-MEDIA-SEQUENCE"}
"""Tags that only a media playlist has, which always has the first two."""


def steered_playlist(manifest: bytes, base_url: str, pathways: Sequence[Pathway], server_uri: str) -> bytes:
    """Return a multivariant playlist with content steering.

    A byte order mark, which no playlist may begin with, is dropped.

    Args:
        manifest: The playlist as the origin gives it.
        base_url: Its URL there: `http://s1.origin-cluster/video/1488/a.m3u8`.
        pathways: Where all that it lists can be had; players begin with the first.
        server_uri: The URL of the steering server.

    Raises:
        NotSteerable: When it cannot be steered: a media playlist, one that is steered already, a broken one.
        InvalidInput: When another argument is wrong.
    """
    check_steering(pathways, server_uri)
    playlist = _Playlist(Base.of(base_url), pathways)
    for line in _lines(manifest):
        playlist.add(line)
    return playlist.steered(server_uri).encode()


def _lines(manifest: bytes) -> list[str]:
    if len(manifest) > MAX_MANIFEST:
        raise too_large(f"is larger than {MAX_MANIFEST} bytes")
    try:
        text = manifest.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise malformed("is not text in UTF-8") from None
    lines = text.split("\n")
    if lines[0].rstrip() != "#EXTM3U":
        raise not_a_manifest("is no playlist: its first line is not '#EXTM3U'")
    # Deleting what may be there is several times as fast as searching for what may not.
    if manifest.translate(None, _NO_CONTROL) or (not text.isascii() and _C1.search(text)):
        raise malformed("has a control character")
    if text.count("\r") > text.count("\r\n"):
        raise malformed("has a carriage return within a line")
    return lines


class _Playlist:
    """A playlist taken apart: templates of its lines, and of those that each further pathway repeats.

    Args:
        base: What its URIs are resolved against.
        pathways: What is put into the templates, the first one in the place of the lines that it had.
    """

    def __init__(self, base: Base, pathways: Sequence[Pathway]) -> None:
        self._base = base
        self._pathways = pathways
        # Characters that are left for each pathway, and that one adds to a line at most.
        self._room = MAX_STEERED // len(pathways)
        self._longest = max(2 * len(name) + len(before) + len(after) for name, before, after in pathways)
        self._lines: list[str] = []
        self._repeated: list[str] = []
        # The number of lines that the repeated ones follow.
        self._end = 0
        self._variables: dict[str, str] = {}
        # A variant whose URI is yet to come.
        self._variant: str | None = None
        self._known: dict[str, Callable[[str, str], str]] = {
            "#EXT-X-STREAM-INF": self._begin_variant,
            "#EXT-X-I-FRAME-STREAM-INF": self._add_i_frames,
            "#EXT-X-MEDIA": self._add_rendition,
            "#EXT-X-SESSION-DATA": self._locate,
            "#EXT-X-SESSION-KEY": self._locate,
            # No tag of the RFC, but widely used: pictures to seek by, which no player looks for by pathway.
            "#EXT-X-IMAGE-STREAM-INF": self._locate,
            "#EXT-X-DEFINE": self._define,
        }

    def add(self, line: str) -> None:
        """Take the next line, with its carriage return if it has one."""
        text = line.rstrip("\r")
        if text.startswith("#"):
            tag, colon, attributes = text.partition(":")
            if colon and tag in self._known:
                text = self._known[tag](tag, attributes)
            elif tag in _OF_MEDIA:
                raise NotSteerable(SteeringObstacle.MEDIA_PLAYLIST, "is a media playlist, which has no variants")
            elif tag == "#EXT-X-CONTENT-STEERING":
                raise steered_already("has content steering already")
        elif uri := text.strip(" \t"):
            text = self._end_variant(uri)
        self._lines.append(f"{text}\r" if line.endswith("\r") else text)

    def steered(self, server_uri: str) -> str:
        """Return the playlist with all pathways."""
        if self._variant is not None or not self._end:
            raise malformed("has a variant without a URI" if self._variant else "has no variants")
        first, *others = self._pathways
        begin, *before = self._lines[: self._end]
        after = self._lines[self._end :]
        # What is added ends as the first line does; the last line of all may have no end.
        end = "\r" if begin.endswith("\r") else ""
        if others and not after:
            before[-1] = before[-1].rstrip("\r") + end
        steering = f'#EXT-X-CONTENT-STEERING:SERVER-URI="{server_uri}",PATHWAY-ID="{first.name}"{end}'
        own, repeated, rest = ("\n".join(lines) for lines in (before, [line + end for line in self._repeated], after))
        made = [begin, steering, _filled(own, first), *(_filled(repeated, other) for other in others)]
        if after:
            made.append(_filled(rest, first))
        text = "\n".join(made)
        return text if after else text.rstrip("\r")

    def _begin_variant(self, tag: str, attributes: str) -> str:
        if self._variant is not None:
            raise malformed("has a variant without a URI")
        self._variant = self._with_pathway(tag, *_quoted(attributes, _OF_VARIANT))
        return self._variant

    def _end_variant(self, uri: str) -> str:
        if self._variant is None:
            raise malformed("has a URI that belongs to no variant")
        located = self._url(uri)
        self._repeat(self._variant, located)
        self._variant = None
        return located

    def _add_i_frames(self, tag: str, attributes: str) -> str:
        pieces, at = _quoted(attributes, _OF_I_FRAMES)
        if "URI=" not in at:
            raise malformed("has a variant without a URI")
        pieces[at["URI="]] = self._url(pieces[at["URI="]])
        line = self._with_pathway(tag, pieces, at)
        self._repeat(line)
        return line

    def _add_rendition(self, tag: str, attributes: str) -> str:
        pieces, at = _quoted(attributes, _OF_RENDITION)
        kind = _TYPE.match(attributes) or _TYPE.search('"'.join(pieces[::2]))
        if kind is None or kind[1] not in _GROUPS:
            return self._locate(tag, attributes)
        if "GROUP-ID=" not in at:
            raise malformed("has a rendition without a group")
        _make_own(pieces, at["GROUP-ID="])
        if "URI=" in at:
            pieces[at["URI="]] = self._url(pieces[at["URI="]])
        line = _joined(tag, pieces)
        self._repeat(line)
        return line

    def _locate(self, tag: str, attributes: str) -> str:
        """Return a line that is there once, whichever the pathway: what is relative in it follows the first one.

        So it leads to where it would if the player had been redirected there; what is absolute, such as the URL of a
        key, stays.
        """
        pieces, at = _quoted(attributes, ("URI=",))
        if (uri := at.get("URI=")) is not None and not is_absolute(pieces[uri]):
            pieces[uri] = self._url(pieces[uri])
        line = _joined(tag, pieces)
        self._take(line)
        return line

    def _define(self, tag: str, attributes: str) -> str:
        pieces, at = _quoted(attributes, ("NAME=", "VALUE="))
        if not {"NAME=", "VALUE="} <= at.keys():
            raise unsupported("has a variable whose value is not in it")
        self._variables[pieces[at["NAME="]]] = pieces[at["VALUE="]]
        return f"{tag}:{attributes}"

    def _with_pathway(self, tag: str, pieces: list[str], at: dict[str, int]) -> str:
        """Return the line of a variant with `PATHWAY-ID`, and with the groups of that pathway."""
        if "PATHWAY-ID=" in at:
            raise steered_already("has pathways already")
        for name, place in at.items():
            if name != "URI=":
                _make_own(pieces, place)
        attributes = '"'.join(pieces)
        comma = "" if attributes.rstrip(" \t")[-1:] in {"", ","} else ","
        return f'{tag}:{attributes}{comma}PATHWAY-ID="{_NAME}"'

    def _repeat(self, *lines: str) -> None:
        self._take(*lines)
        self._repeated += lines
        self._end = len(self._lines) + 1

    def _take(self, *lines: str) -> None:
        """Count what lines may become, since a URI of one character may be as long as the playlist's own URL."""
        self._room -= sum(map(len, lines)) + self._longest * len(lines)
        if self._room < 0:
            raise too_large(f"would be larger than {MAX_STEERED} characters with all pathways")

    def _url(self, uri: str) -> str:
        """Return the template of what a URI leads to."""
        if "{$" in uri:
            uri = _VARIABLE.sub(self._value, uri[: MAX_URI + 1])
            if "{$" in uri:
                raise unsupported("has a URI with a variable in a variable")
        place = self._base.resolve(uri)
        return place if isinstance(place, str) else f"{_BEFORE}{place.path}{_AFTER}{place.query}"

    def _value(self, found: re.Match[str]) -> str:
        value = self._variables.get(found[1])
        if value is None or len(value) > MAX_URI:
            raise unsupported("has a URI with a variable that is not defined above it, or too long")
        return value


def _quoted(attributes: str, known: tuple[str, ...]) -> tuple[list[str], dict[str, int]]:
    """Split an attribute list at its quotation marks.

    Args:
        attributes: `TYPE=AUDIO,GROUP-ID="a",URI="a.m3u8"`.
        known: The attributes that matter, all of which need quotation marks: `GROUP-ID=`, `URI=`.

    Returns:
        The pieces, of which each second one was quoted, and the places of the known attributes' values.
    """
    pieces = attributes.split('"')
    if not len(pieces) % 2:
        raise malformed("has a quotation mark that is never closed")
    at: dict[str, int] = {}
    for place, piece in enumerate(pieces[:-1:2]):
        if piece.endswith(known) and (name := piece.rpartition(",")[2].strip(" \t")) in known:
            value = 2 * place + 1
            if name in at:
                raise malformed("has an attribute twice in one list")
            if (after := pieces[value + 1]) and after.lstrip(" \t")[:1] not in {"", ","}:
                raise malformed("has a quotation mark in the wrong place")
            at[name] = value
    for name in known:
        if name in attributes and name not in at and _UNQUOTED.search('"'.join(pieces[::2])):
            raise malformed("has an attribute without the quotation marks that it needs")
    return pieces, at


def _joined(tag: str, pieces: list[str]) -> str:
    return f"{tag}:" + '"'.join(pieces)


def _make_own(pieces: list[str], place: int) -> None:
    """Put a pathway's name before that of a group; no name of a pathway has an underscore, so no two become one."""
    pieces[place] = f"{_NAME}_{pieces[place]}"


def _filled(template: str, pathway: Pathway) -> str:
    """Return a template with what a pathway puts in place of the marks."""
    return template.replace(_NAME, pathway.name).replace(_BEFORE, pathway.before).replace(_AFTER, pathway.after)
