"""Finds the elements of an MPD that say where its files are (ISO/IEC 23009-1 §5.6), and at which bytes they stand.

The parser only reads: what is found is changed in the bytes themselves, so all the rest stays as it is. No entity but
XML's own five is ever expanded, since a document type is refused before its first declaration is read.
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers.expat import ExpatError, ParserCreate

from balancer.core.manifests.refusing import (
    MAX_MANIFEST,
    malformed,
    not_a_manifest,
    steered_already,
    too_large,
    unsupported,
)

MAX_DEPTH = 64
"""Elements within each other."""

_BYTE_ORDER_MARKS = (b"\xfe\xff", b"\xff\xfe")
_START_TAG = re.compile(rb"<(?:([^\s/>:]++):)?[^\s/>]++((?:\s++[^\s=/>]++\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'))*+)\s*+/?>")

# Elements that have `BaseURL` elements of their own, which count for all within them.
_LEVELS = {"Period", "AdaptationSet", "EmptyAdaptationSet", "Representation"}
# Elements whose text is a URL that is taken out or rewritten.
_URLS = {"BaseURL", "Location", "PatchLocation"}
_FILES = {"SegmentTemplate", "SegmentList", "SegmentURL", "Initialization", "RepresentationIndex", "BitstreamSwitching"}
_OTHERS = {"ProgramInformation", "ContentSteering", "SegmentTimeline"}
# Attributes with URLs, which may be templates.
_ATTRIBUTES = (
    "media",
    "initialization",
    "index",
    "sourceURL",
    "bitstreamSwitching",
    "http://www.w3.org/1999/xlink href",
)


class Element(NamedTuple):
    """An element in the bytes of an MPD.

    Attributes:
        start: Where it begins.
        end: Where what follows it begins.
        text: What stands in it, without white space around.
    """

    start: int
    end: int
    text: str


@dataclass(eq=False, slots=True)
class Level:
    """An element that may have `BaseURL` elements.

    Attributes:
        parent: The level around it; None of the MPD.
        depth: Elements that it stands in, and itself: 1 of the MPD.
        base_urls: Those that stand right in it.
        has_levels: Whether another level has begun in it, after which it can have no more of them.
    """

    parent: "Level | None"
    depth: int
    base_urls: list[Element] = field(default_factory=list)
    has_levels: bool = False


class Found(NamedTuple):
    """What matters in an MPD.

    Attributes:
        prefix: `mpd:` where the names of its elements have one, else empty.
        insert_at: Where its first child begins that is no `ProgramInformation`.
        mpd: The MPD itself.
        is_live: Whether players may have to ask for it again (`type="dynamic"`).
        locations: Its `Location` elements, which say where (§5.3.1.2).
        patches: Its `PatchLocation` elements.
        levels: The other levels that have base URLs, the outer ones before those within them.
        urls: URLs of files in attributes.
    """

    prefix: bytes
    insert_at: int
    mpd: Level
    is_live: bool
    locations: list[Element]
    patches: list[Element]
    levels: list[Level]
    urls: list[str]


def find(manifest: bytes) -> Found:
    """Find what matters in an MPD.

    Raises:
        NotSteerable: When it is none, or is steered already.
    """
    if len(manifest) > MAX_MANIFEST:
        raise too_large(f"is larger than {MAX_MANIFEST} bytes")
    if manifest.startswith(_BYTE_ORDER_MARKS) or b"\x00" in manifest:
        raise unsupported("is not text in UTF-8")
    return _Finder(manifest).run()


def start_tag(manifest: bytes, start: int) -> re.Match[bytes]:
    """Return the start tag at a place: group 1 is the prefix of its name or None, group 2 are its attributes."""
    found = _START_TAG.match(manifest, start)
    if found is None:
        raise malformed("has a tag that cannot be read")
    return found


def line_start(manifest: bytes, at: int) -> int:
    """Return where the line break and the indent before a place begin, or the place itself without these."""
    start = at
    while manifest[start - 1] in b" \t":
        start -= 1
    if manifest[start - 1 : start] != b"\n":
        return at
    return start - (2 if manifest[start - 2 : start] == b"\r\n" else 1)


class _Finder:
    """Hears from the parser what an MPD holds."""

    def __init__(self, manifest: bytes) -> None:
        self._manifest = manifest
        self._depth = 0
        self._prefix = b""
        self._insert_at: int | None = None
        self._has_period = False
        self._stack: list[Level] = []
        self._levels: list[Level] = []
        self._is_live = False
        # Elements of the MPD with a URL, by name.
        self._found: dict[str, list[Element]] = {"Location": [], "PatchLocation": []}
        self._urls: list[str] = []
        # From a name as the parser gives it, with the namespace, to the name of an element that matters.
        self._known: dict[str, str] = {}
        # The element whose text is being read: its name, where it begins, and the text so far.
        self._open: str | None = None
        self._start = 0
        self._text: list[str] = []
        self._parser = ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _refuse_document_type
        self._parser.XmlDeclHandler = _check_declaration
        self._parser.StartElementHandler = self._begin_root
        self._parser.EndElementHandler = self._end

    def run(self) -> Found:
        """Read all of it."""
        try:
            self._parser.Parse(self._manifest, True)
        except ExpatError as error:
            raise malformed(f"is not well-formed XML: {error}") from None
        mpd, *levels = self._levels
        if self._insert_at is None or not self._has_period:
            raise malformed("has no periods")
        return Found(
            self._prefix,
            self._insert_at,
            mpd,
            self._is_live,
            self._found["Location"],
            self._found["PatchLocation"],
            [level for level in levels if level.base_urls],
            self._urls,
        )

    def _begin_root(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if local != "MPD":
            raise not_a_manifest("is XML, but no MPD")
        space = f"{namespace} " if namespace else ""
        self._known = {space + known: known for known in (*_LEVELS, *_URLS, *_FILES, *_OTHERS)}
        prefix = start_tag(self._manifest, self._parser.CurrentByteIndex)[1]
        self._prefix = prefix + b":" if prefix else b""
        self._is_live = attributes.get("type") == "dynamic"
        self._parser.StartElementHandler = self._begin
        self._depth = 1
        self._push()

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise malformed(f"has more than {MAX_DEPTH} elements within each other")
        known = self._known.get(name)
        if self._depth == 2 and self._insert_at is None and known != "ProgramInformation":  # noqa: PLR2004  # below the MPD
            self._insert_at = self._parser.CurrentByteIndex
        if self._open:
            raise malformed("has an element where a URL is needed")
        if known is None:
            return
        if known in _LEVELS:
            self._has_period |= known == "Period" and self._stack[-1].parent is None
            self._push()
        elif known in _URLS:
            self._open_url(known)
        elif known == "ContentSteering":
            raise steered_already("has content steering already")
        elif known == "SegmentTimeline":
            self._skip(name)
        self._urls += [attributes[url] for url in _ATTRIBUTES if url in attributes]

    def _skip(self, name: str) -> None:
        """Pass over a timeline, which may have thousands of elements, of which none matters."""
        tag = start_tag(self._manifest, self._parser.CurrentByteIndex)
        if tag[0].endswith(b"/>"):
            return

        def end(found: str) -> None:
            if found != name:
                return
            at = self._parser.CurrentByteIndex
            if self._manifest[at : at + 2] != b"</" or self._manifest.find(b"SegmentTimeline", tag.end(), at) >= 0:
                raise malformed("has a timeline within a timeline")
            self._parser.StartElementHandler = self._begin
            self._parser.EndElementHandler = self._end
            self._end(found)

        self._parser.StartElementHandler = None
        self._parser.EndElementHandler = end

    def _push(self) -> None:
        parent = self._stack[-1] if self._stack else None
        if parent:
            parent.has_levels = True
        self._stack.append(Level(parent, self._depth))
        self._levels.append(self._stack[-1])

    def _open_url(self, name: str) -> None:
        """Begin to read the text of an element, if it stands right in a level."""
        level = self._stack[-1]
        if self._depth != level.depth + 1 or (name != "BaseURL" and level.parent):
            return
        if level.has_levels:
            raise malformed(f"has a {name} behind what it counts for")
        self._open = name
        self._start = self._parser.CurrentByteIndex
        self._text = []
        self._parser.CharacterDataHandler = self._text.append

    def _end(self, _name: str) -> None:
        if self._open:
            self._close_url(self._open)
        if self._stack[-1].depth == self._depth:
            self._stack.pop()
        self._depth -= 1

    def _close_url(self, name: str) -> None:
        tag = start_tag(self._manifest, self._start)
        end = tag.end()
        if not tag[0].endswith(b"/>"):
            end = self._manifest.index(b">", self._parser.CurrentByteIndex) + 1
        element = Element(self._start, end, "".join(self._text).strip())
        (self._stack[-1].base_urls if name == "BaseURL" else self._found[name]).append(element)
        self._open = None
        self._parser.CharacterDataHandler = None


def _refuse_document_type(*_: object) -> None:
    raise unsupported("has a document type, which may define entities")


def _check_declaration(_version: str, encoding: str | None, _standalone: int) -> None:
    if (encoding or "utf-8").lower() not in {"utf-8", "us-ascii", "ascii"}:
        raise unsupported("is not text in UTF-8")
