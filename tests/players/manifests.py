"""Turns the manifests that ffmpeg wrote into live ones, and into ones with content steering that name two CDNs."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from tests.players.media import SECONDS, SEGMENT, WINDOW


def live_playlist(text: str, begun: float, now: float) -> str:
    """Return a media playlist as a live stream has it.

    Args:
        text: The whole playlist.
        begun: When its session began, in Unix seconds: a full window was there then.
        now: The time.
    """
    head, *rest = re.split(r"(?=#EXTINF)", text.replace("#EXT-X-ENDLIST\n", ""))
    # What is left over of the sound after the last picture belongs to no segment of its own.
    segments = [re.sub(r"#EXT-X-PROGRAM-DATE-TIME.*\n", "", segment) for segment in rest][: SECONDS // SEGMENT]
    first = min(int((now - begun) / SEGMENT), len(segments) - WINDOW)
    head = re.sub(r"#EXT-X-MEDIA-SEQUENCE:\d+", f"#EXT-X-MEDIA-SEQUENCE:{first + 1}", head)
    head = re.sub(r"#EXT-X-PLAYLIST-TYPE:.*\n", "", head)
    dated = f"#EXT-X-PROGRAM-DATE-TIME:{_utc(begun - WINDOW * SEGMENT + first * SEGMENT)}\n"
    return head + dated + "".join(segments[first : first + WINDOW])


def live_mpd(text: str, begun: float, now: float) -> str:
    """Return an MPD as a live stream has it; `begun` and `now` as above."""
    window = WINDOW * SEGMENT
    ours = (
        f'type="dynamic" availabilityStartTime="{_utc(begun - window)}" publishTime="{_utc(now)}" '
        f'minimumUpdatePeriod="PT{SEGMENT}S" timeShiftBufferDepth="PT{window}S" '
        f'suggestedPresentationDelay="PT{3 * SEGMENT}S"'
    )
    text = text.replace('type="static"', ours)
    text = re.sub(r'mediaPresentationDuration="[^"]*"', "", text)
    # Without a clock in the MPD, dash.js asks a public server for the time.
    clock = f'<UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="{_utc(now)}"/>'
    return text.replace("</Period>", f"</Period>\n\t{clock}")


def steered_playlist(text: str, server: str, bases: Mapping[str, str]) -> str:
    """Return a multivariant playlist with content steering (draft-pantos-hls-rfc8216bis §4.4.6.6).

    Args:
        text: The playlist of one CDN, with relative URIs.
        server: The URI of the steering server.
        bases: By pathway, what stands before the URIs there. The first pathway is where players begin.
    """
    begin = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n"
    steering = f'#EXT-X-CONTENT-STEERING:SERVER-URI="{server}",PATHWAY-ID="{next(iter(bases))}"\n'
    lines = [line for line in text.splitlines() if line and not line.startswith(("#EXTM3U", "#EXT-X-VERSION"))]
    blocks = [_block(lines, pathway, base) for pathway, base in bases.items()]
    return begin + steering + "".join(blocks)


def _block(lines: list[str], pathway: str, base: str) -> str:
    block = []
    for line in lines:
        # A group of one name belongs to one pathway.
        if line.startswith("#EXT-X-MEDIA:"):
            changed = _inserted(line, ("GROUP-ID", f"{pathway}-"), ("URI", base))
        elif line.startswith("#EXT-X-STREAM-INF:"):
            changed = _inserted(line, ("AUDIO", f"{pathway}-")) + f',PATHWAY-ID="{pathway}"'
        else:
            changed = line if line.startswith("#") else base + line
        block.append(changed + "\n")
    return "".join(block)


def _inserted(line: str, *values: tuple[str, str]) -> str:
    """Return a tag with something put before the values of quoted attributes."""
    for attribute, value in values:
        line = re.sub(rf'([:,]{attribute}=")', rf"\g<1>{value}", line)
    return line


def steered_mpd(text: str, server: str, bases: Mapping[str, str]) -> str:
    """Return an MPD with content steering (ETSI TS 103 998 §5.2); arguments as above."""
    first = next(iter(bases))
    urls = "".join(f'\t<BaseURL serviceLocation="{name}">{base}</BaseURL>\n' for name, base in bases.items())
    asked = f'defaultServiceLocation="{first}" queryBeforeStart="false"'
    steering = f"\t<ContentSteering {asked}>{server}</ContentSteering>\n"
    return re.sub(r"[ \t]*<Period ", lambda found: urls + steering + found[0], text, count=1)


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
