"""A real HLS stream, and a real player for it: both are ffmpeg."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from imageio_ffmpeg import get_ffmpeg_exe

SECONDS = 6
"""Length of the stream, and the number of its segments: each lasts one second."""

PICTURES_PER_SECOND = 25

RELATIVE = "relative.m3u8"
"""The playlist that names its segments relative to itself: they stay on the server that it came from."""

BALANCED = "balanced.m3u8"
"""The playlist that names its segments by URLs of the balancer: each of them is balanced anew."""

TIMEOUT = 30.0
"""Seconds that ffmpeg may take for the stream; it needs a fraction of one."""

_ALWAYS = ("-nostdin", "-v", "warning", "-xerror")

# One request after another, each on a connection of its own, which leads from server to server without complaint.
_ONE_BY_ONE = ("-http_persistent", "0", "-http_multiple", "0")


class FfmpegFailed(Exception):
    """The program ended with an error, or had something to complain about."""

    def __init__(self, status: int, complaints: str) -> None:
        super().__init__(f"ffmpeg ended with status {status} and said:\n{complaints}")


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a player saw and heard, a line for each frame: its time and the MD5 of its decoded content."""

    pictures: tuple[str, ...]
    sounds: tuple[str, ...]


def encode(folder: Path, segment_base: str) -> None:
    """Make the stream in `folder`: segments of H.264 and AAC, and the two playlists that name them.

    Args:
        folder: An empty folder.
        segment_base: What stands before the name of a segment in `BALANCED`.
    """
    picture = f"testsrc=size=320x180:rate={PICTURES_PER_SECOND}:duration={SECONDS}"
    sound = f"sine=frequency=440:sample_rate=48000:duration={SECONDS}"
    inputs = ("-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound)
    # A key frame at the beginning of each second, and nowhere else, makes the segments equally long.
    video = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", str(PICTURES_PER_SECOND))
    key_frames = ("-keyint_min", str(PICTURES_PER_SECOND), "-sc_threshold", "0")
    hls = ("-f", "hls", "-hls_time", "1", "-hls_playlist_type", "vod", "-hls_segment_filename", folder / "segment%d.ts")
    _ffmpeg(*inputs, *video, *key_frames, "-c:a", "aac", *hls, folder / RELATIVE)
    lines = (folder / RELATIVE).read_text().splitlines()
    named = [line if line.startswith("#") else segment_base + line for line in lines]
    (folder / BALANCED).write_text("\n".join([*named, ""]))


def play(playlist: str | Path, proxy: str = "") -> Decoded:
    """Play a playlist to its end and decode all of it.

    Args:
        playlist: A file or a URL.
        proxy: `http://127.0.0.1:3128`, through which every URL is asked for.

    Raises:
        FfmpegFailed: When anything was missing or broken.
    """
    output = _ffmpeg(*_ONE_BY_ONE, "-i", playlist, "-map", "0:v", "-map", "0:a", "-f", "framemd5", "-", proxy=proxy)
    lines = output.splitlines()
    return Decoded(
        tuple(line for line in lines if line.startswith("0,")), tuple(line for line in lines if line.startswith("1,"))
    )


def _ffmpeg(*arguments: str | Path, proxy: str = "") -> str:
    # Proxies that the environment names, or exempts hosts from, are for other programs.
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    if proxy:
        environment["http_proxy"] = proxy
    done = subprocess.run(
        [get_ffmpeg_exe(), *_ALWAYS, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    if done.returncode or done.stderr:
        raise FfmpegFailed(done.returncode, done.stderr)
    return done.stdout
