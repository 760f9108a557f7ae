"""What is played: a minute or two of test picture and tone, made once by ffmpeg and kept in an ignored folder.

`cmaf/` has fMP4 segments with a playlist for HLS (two variants, the sound as a rendition of its own) and one for DASH;
`ts/` has the same as MPEG-TS with the sound in each variant. A live stream is a window that slides over these.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from imageio_ffmpeg import get_ffmpeg_exe

CACHE = Path(__file__).parent / ".media"

SECONDS = 120
"""Length of the media."""

SEGMENT = 2
"""Seconds of each segment."""

WINDOW = 10
"""Segments in the window of a live stream."""

FRAMES_PER_SECOND = 25

TIMEOUT = 300.0
"""Seconds that ffmpeg may take on the busiest machine; it needs ten."""

_SOURCE = (
    *("-f", "lavfi", "-i", f"testsrc2=size=320x180:rate={FRAMES_PER_SECOND}:duration={SECONDS}"),
    *("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={SECONDS}"),
    *("-map", "0:v", "-map", "0:v", "-map", "1:a", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
    # A key frame at the beginning of each segment, and nowhere else.
    *("-g", str(SEGMENT * FRAMES_PER_SECOND), "-keyint_min", str(SEGMENT * FRAMES_PER_SECOND), "-sc_threshold", "0"),
    *("-b:v:0", "300k", "-b:v:1", "600k", "-s:v:1", "640x360", "-c:a", "aac", "-b:a", "64k"),
)
_CMAF = (
    *("-map", "0", "-c", "copy", "-f", "dash", "-seg_duration", str(SEGMENT), "-use_template", "1"),
    *("-use_timeline", "0", "-hls_playlist", "1", "-adaptation_sets", "id=0,streams=v id=1,streams=a"),
)
_TS = (
    *("-map", "0:v:0", "-map", "0:a", "-map", "0:v:1", "-map", "0:a", "-c", "copy", "-f", "hls"),
    *("-hls_time", str(SEGMENT), "-hls_playlist_type", "vod", "-master_pl_name", "master.m3u8"),
    *("-var_stream_map", "v:0,a:0 v:1,a:1"),
)


@dataclass(frozen=True, slots=True)
class Stream:
    """One way to get the media.

    Attributes:
        name: `HLS`, `HLS live`, …
        path: Of its manifest, below the session's part of a URL.
        is_dash: Whether the manifest is an MPD.
    """

    name: str
    path: str
    is_dash: bool = False

    @property
    def is_live(self) -> bool:
        """Whether it has a window that slides."""
        return self.path.startswith("live/")

    @property
    def steered(self) -> str:
        """The path of its manifest with content steering."""
        folder, _, name = self.path.rpartition("/")
        return f"{folder}/steered-{name}"


HLS = Stream("HLS", "vod/cmaf/master.m3u8")
TS = Stream("HLS with TS", "vod/ts/master.m3u8")
LIVE_HLS = Stream("HLS live", "live/cmaf/master.m3u8")
DASH = Stream("DASH", "vod/cmaf/manifest.mpd", is_dash=True)
LIVE_DASH = Stream("DASH live", "live/cmaf/manifest.mpd", is_dash=True)


def make_media() -> Path:
    """Return the folder of the media, made now if it is not there."""
    # The name says what is in it: with other numbers it is made anew.
    folder = CACHE / f"{SECONDS}-{SEGMENT}-1"
    if folder.is_dir():
        return folder
    rmtree(CACHE, ignore_errors=True)
    made = CACHE / "unfinished"
    (made / "cmaf").mkdir(parents=True)
    (made / "ts").mkdir()
    source = made / "source.mp4"
    _ffmpeg(*_SOURCE, str(source))
    _ffmpeg("-i", str(source), *_CMAF, str(made / "cmaf" / "manifest.mpd"))
    segments = str(made / "ts" / "v%v-%d.ts")
    _ffmpeg("-i", str(source), *_TS, "-hls_segment_filename", segments, str(made / "ts" / "v%v.m3u8"))
    source.unlink()
    made.rename(folder)
    return folder


def _ffmpeg(*arguments: str) -> None:
    subprocess.run([get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", *arguments], check=True, timeout=TIMEOUT)


def is_segment(name: str) -> bool:
    """Tell whether a file holds pictures or sound to play, and is no manifest and no beginning of them."""
    return re.fullmatch(r"(?:chunk-stream|v)[0-9]+-[0-9]+\.(?:m4s|ts)", name) is not None
