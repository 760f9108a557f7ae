"""Adds content steering to a DASH MPD (ETSI TS 103 998), by changing its bytes where they have to change.

The MPD gets one base URL for each pathway, with the pathway's name as its `serviceLocation`, and everything below is
relative to these. So a `BaseURL` further down that begins with a slash or names the origin is rewritten to lead to the
same file from each of them. `Location` and `PatchLocation`, which lead to the origin's own MPD, are taken out; where
the session is known, a live MPD gets a `Location` that leads to its next steered one. All the rest stays byte for byte.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from balancer.core.manifests.elements import Element, Found, Level, find, line_start, start_tag
from balancer.core.manifests.pathways import Pathway, check_steering
from balancer.core.manifests.references import Base, OriginPath, is_absolute, relative
from balancer.core.manifests.refusing import too_large, unsupported

MAX_BASES = 8
"""Base URLs side by side in one element, and places that what is below them may lead to."""

MAX_LEVELS = 4096
"""Elements below the MPD that have base URLs."""

Refresh = Callable[[str], str | None]
"""Returns the URL at which players get the steered form of the MPD at an origin URL; None where there is none."""

_ATTRIBUTE = re.compile(rb"\s++([^\s=/>]++)\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+')")


class _Edit(NamedTuple):
    start: int
    end: int
    text: bytes


def steered_mpd(
    manifest: bytes, base_url: str, pathways: Sequence[Pathway], server_uri: str, refresh: Refresh | None = None
) -> bytes:
    """Return an MPD with content steering.

    Args:
        manifest: The MPD as the origin gives it.
        base_url: Its URL there: `http://s1.origin-cluster/video/1488/a.mpd`.
        pathways: Where all its files can be had; players begin with the first.
        server_uri: The URL of the steering server.
        refresh: Says where players get a live MPD anew; without it they ask where they have got this one.

    Raises:
        NotSteerable: When it cannot be steered: it is so already, is no MPD, or has files at another host.
        InvalidInput: When another argument is wrong.
    """
    check_steering(pathways, server_uri)
    if any(pathway.after for pathway in pathways):
        raise unsupported("has relative URLs, which cannot lead to a pathway that puts something behind the path")
    base = Base.of(base_url)
    found = find(manifest)
    path = _path_of_all(base, found.mpd)
    _check_files(base, found.urls)
    location = _location(base, base_url, found, refresh) if found.is_live and refresh else None
    edits = [_insertion(manifest, found, pathways, path, server_uri, location)]
    gone = (*found.mpd.base_urls, *found.locations, *found.patches)
    edits += [_Edit(line_start(manifest, element.start), element.end, b"") for element in gone]
    edits += _rewritten(manifest, base.origin, found, path)
    return b"".join(_applied(manifest, sorted(edits)))


def _applied(manifest: bytes, edits: list[_Edit]) -> Iterator[bytes]:
    done = 0
    for start, end, text in edits:
        yield manifest[done:start]
        yield text
        done = end
    yield manifest[done:]


def _path_of_all(base: Base, mpd: Level) -> str:
    """Return the path at the origin that the whole MPD is relative to."""
    places = [base.resolve(element.text) for element in mpd.base_urls if element.text]
    paths = [place.path for place in places if isinstance(place, OriginPath)]
    if len(paths) < len(places):
        raise unsupported("has its files at another host than its own")
    # Several are the same files in several places, of which the first is the one to prefer.
    return paths[0] if paths else base.folder


def _check_files(base: Base, urls: list[str]) -> None:
    """See that no file would be looked for outside of the pathways, or in the wrong place there."""
    for url in urls:
        if _begins_anew(url) and isinstance(base.resolve(url), OriginPath):
            raise unsupported("has a file whose URL begins with '/' or names its own host, so that no pathway has it")


def _location(base: Base, base_url: str, found: Found, refresh: Refresh) -> str:
    """Return the URL at which players get the MPD anew (ISO/IEC 23009-1 §5.3.1.2).

    Where the origin names places for that, the first that can be led to counts: it may have a reason why the next MPD
    is not to be had where this one was.
    """
    places = [base.resolve(element.text) for element in found.locations if element.text]
    urls = [base.origin + place.path + place.query if isinstance(place, OriginPath) else place for place in places]
    for url in urls or [base_url]:
        if (location := refresh(url)) is not None:
            return location
    raise unsupported("is to be had anew at another host than an origin's")


def _insertion(  # noqa: PLR0913, PLR0917  it is put together from all of it
    manifest: bytes, found: Found, pathways: Sequence[Pathway], path: str, server_uri: str, location: str | None
) -> _Edit:
    """Return what stands side by side behind `ProgramInformation`: base URLs, the next MPD, the steering server."""
    at = line_start(manifest, found.insert_at)
    indent = manifest[at : found.insert_at]
    tag = found.prefix + b"BaseURL"
    attributes = _kept_attributes(manifest, found.mpd.base_urls[0]) if found.mpd.base_urls else b""
    steering = found.prefix + b"ContentSteering"
    lines = [
        b'%b<%b%b serviceLocation="%b">%b</%b>'
        % (indent, tag, attributes, pathway.name.encode(), _escaped(pathway.before + path), tag)
        for pathway in pathways
    ]
    if location is not None:
        tag = found.prefix + b"Location"
        lines.append(b"%b<%b>%b</%b>" % (indent, tag, _escaped(location), tag))
    lines.append(
        b'%b<%b defaultServiceLocation="%b" queryBeforeStart="false">%b</%b>'
        % (indent, steering, pathways[0].name.encode(), _escaped(server_uri), steering)
    )
    return _Edit(at, at, b"".join(lines))


def _kept_attributes(manifest: bytes, element: Element) -> bytes:
    """Return the attributes of a base URL that is replaced, such as `availabilityTimeOffset`, but for its name."""
    attributes = start_tag(manifest, element.start)[2]
    kept = []
    at = 0
    while found := _ATTRIBUTE.match(attributes, at):
        at = found.end()
        if found[1] != b"serviceLocation":
            kept.append(found[0])
    return b"".join(kept)


def _rewritten(manifest: bytes, origin: str, found: Found, path: str) -> Iterator[_Edit]:
    """Yield what changes in the base URLs below the MPD's own."""
    if len(found.levels) > MAX_LEVELS:
        raise too_large(f"has more than {MAX_LEVELS} elements with base URLs")
    # Where each level leads to at the origin, as far as it is known; None is another host.
    places: dict[Level, list[str | None]] = {found.mpd: [path]}
    for level in found.levels:
        if len(level.base_urls) > MAX_BASES:
            raise unsupported(f"has more than {MAX_BASES} base URLs side by side")
        parent = level.parent
        while parent and parent not in places:
            parent = parent.parent
        around = places[parent or found.mpd]
        leads_to: dict[str | None, None] = {}
        for element in level.base_urls:
            leads_to |= dict.fromkeys(_place(origin, start, element.text) for start in around)
            if _begins_anew(element.text) and (new := _relative(origin, around, element.text)) is not None:
                begin = start_tag(manifest, element.start).end()
                yield _Edit(begin, manifest.rindex(b"</", begin, element.end), _escaped(new))
        places[level] = list(leads_to)
        if len(leads_to) > MAX_BASES:
            raise unsupported(f"has base URLs that lead to more than {MAX_BASES} places")


def _begins_anew(url: str) -> bool:
    return url.startswith("/") or is_absolute(url)


def _place(origin: str, start: str | None, url: str) -> str | None:
    """Return the path at the origin that a URL leads to from a path there, None for another host."""
    if not url or (start is None and not is_absolute(url)):
        return start
    place = Base.at(origin, start or "/").resolve(url)
    return place.path if isinstance(place, OriginPath) else None


def _relative(origin: str, around: list[str | None], url: str) -> str | None:
    """Return what leads to the same place from every pathway, None when it is a place at another host."""
    if around == [None] and not is_absolute(url):
        return None
    place = Base.at(origin, "/").resolve(url)
    if isinstance(place, str):
        return None
    if len(around) > 1 or around[0] is None:
        raise unsupported("has a BaseURL that cannot be made relative, since those around it lead to several places")
    start = Base.at(origin, around[0])
    return relative(start.folder, place.path) + place.query


def _escaped(text: str) -> bytes:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").encode()
