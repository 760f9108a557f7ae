"""Players without a browser: ffmpeg, mpv and VLC, as far as they are installed. They find the hosts through a proxy."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.players.laboratory import FIRST, Laboratory, in_path, redirected, video_url
from tests.players.media import DASH, FRAMES_PER_SECOND, HLS, TS, Stream, is_segment

SECONDS = 6
"""Seconds of the media that are played."""

TIMEOUT = 60.0
"""Seconds that a player may take for that on a busy machine."""


@dataclass(frozen=True, slots=True)
class Program:
    """A player that is a program.

    Attributes:
        name: What it is called.
        file: Its executable.
        version: The arguments that let it print its version.
        command: Returns the arguments that let it play a URL through the proxy of its environment.
    """

    name: str
    file: str
    version: str
    command: Callable[[str], list[str]]


@dataclass(frozen=True, slots=True)
class Played:
    """What came of it.

    Attributes:
        plays: Whether it got segments from the CDN, and decoded them, as far as it tells.
        seen: In words.
    """

    plays: bool
    seen: str


def _ffmpeg(url: str) -> list[str]:
    played = ["-t", str(SECONDS), "-map", "0:v:0", "-f", "framecrc", "-"]
    return ["-nostdin", "-v", "error", "-i", url, *played]


def _mpv(url: str) -> list[str]:
    shown = ["--vo=null", "--ao=null", "--untimed", "--no-audio", "--msg-level=all=error"]
    return ["--no-config", "--ytdl=no", *shown, f"--end={SECONDS}", url]


def _vlc(url: str) -> list[str]:
    shown = ["--intf", "dummy", "--vout", "dummy", "--aout", "dummy", "--no-video-title-show"]
    return [*shown, f"--run-time={SECONDS}", "--play-and-exit", url, "vlc://quit"]


PROGRAMS = (
    Program("ffmpeg", "ffmpeg", "-version", _ffmpeg),
    Program("mpv", "mpv", "--version", _mpv),
    Program("VLC", "cvlc", "--version", _vlc),
)

FORMS: dict[str, Callable[[str], str]] = {"Redirect to a CDN": redirected, "Video in the path": in_path}

STREAMS = (HLS, TS, DASH)

KNOWN = {
    (
        "ffmpeg",
        "Redirect to a CDN",
        "DASH",
    ): "plays nothing: it resolves relative URLs against the URL that it asked for",
    ("mpv", "Redirect to a CDN", "DASH"): "plays nothing: it plays DASH by ffmpeg's library",
}
"""What cannot play, and why."""


def installed() -> dict[Program, str]:
    """Return the programs that are here, with their versions."""
    return {program: _version(program) for program in PROGRAMS if shutil.which(program.file)}


def _version(program: Program) -> str:
    told = _run([program.file, program.version]).stdout
    found = re.search(r"(?<![\d.])\d+\.\d+(?:\.\d+)?", told)
    return found[0] if found else "?"


def play(lab: Laboratory, program: Program, form: str, stream: Stream) -> Played:
    """Play a stream through the balancer for a few seconds."""
    session = lab.begin(program.name, stream)
    proxy = f"http://127.0.0.1:{lab.proxy}"
    try:
        done = _run([program.file, *program.command(FORMS[form](video_url(session)))], proxy)
        status, printed = done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        status, printed = -1, ""
    log = lab.log_of(session)
    segments = [one for one in log if one.host == FIRST and one.status in {200, 206} and is_segment(one.file)]
    frames = sum(line.startswith("0,") for line in printed.splitlines())
    plays = status == 0 and len(segments) >= 3
    if program.name == "ffmpeg":
        plays = plays and frames >= SECONDS * FRAMES_PER_SECOND - 1
    seen = f"{len(segments)} segments" + (f", {frames} frames" if program.name == "ffmpeg" else "")
    return Played(plays, seen if plays else f"{seen}, exit status {status}")


def _run(command: list[str], proxy: str = "") -> subprocess.CompletedProcess[str]:
    # Proxies that the environment names are for other programs.
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    with tempfile.TemporaryDirectory() as home:
        # VLC runs for no superuser.
        user = "nobody" if command[0] == "cvlc" and os.geteuid() == 0 else None
        Path(home).chmod(0o777)
        return subprocess.run(
            command,
            env=environment | {"HOME": home, "http_proxy": proxy},
            cwd=home,
            user=user,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            check=False,
        )
