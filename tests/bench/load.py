"""The load: wrk with the requests of browsers, on a core of its own."""

import os
import re
import shutil
import subprocess
from itertools import count
from pathlib import Path
from typing import NamedTuple

VIDEOS = 10_000
"""Different videos. Which one is asked for is drawn so that few of them make most of the requests."""

CONNECTIONS = 64
THINK_TIME = 10
"""Milliseconds that a connection waits between requests, on average, where a rate is aimed at."""

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]

FIELDS = [
    "Host: 127.0.0.1",
    "Connection: keep-alive",
    'sec-ch-ua: "Chromium";v="142", "Not_A Brand";v="99"',
    "sec-ch-ua-mobile: ?0",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Accept: */*",
    "Origin: https://player.example.com",
    "Sec-Fetch-Site: cross-site",
    "Referer: https://player.example.com/",
    "Accept-Encoding: gzip, deflate, br, zstd",
]

NUMBER = "%2F1488%2F"
"""Stands in a target for the number of a video, which the load replaces."""

HEAD = "\r\n".join(
    ["GET /?video=http%3A%2F%2Fs1.origin-cluster%2Fvideo%2F1488%2Fxcg2djHckad.m3u8 HTTP/1.1", *FIELDS, "", ""]
)
"""A browser's request."""

# The first video of a load in which none is asked for twice: no other load has asked for it either, nor for those behind.
_UNASKED = count(10_000_000, 10_000_000)

_SCRIPT = """
local before, behind = {before}, {behind}
local videos = {videos}
local requests, i = {{}}, {first}
math.randomseed(7)
if videos > 0 then
  for n = 1, 65536 do
    requests[n] = before .. "%2F" .. math.floor(videos ^ math.random()) .. "%2F" .. behind
  end
end
if videos > 0 then
  request = function() i = i % 65536 + 1; return requests[i] end
elseif behind ~= "" then
  request = function() i = i + 1; return before .. "%2F" .. i .. "%2F" .. behind end
else
  request = function() return before end
end
{delay}
done = function(summary, latency, _)
  io.write(string.format("RESULT %d %d %d %d %d %d %d\\n", summary.requests, summary.duration,
    summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
"""


class Result(NamedTuple):
    """What wrk measured: requests per second, and latencies in microseconds."""

    rate: float
    p50: int
    p99: int
    p999: int


def require_wrk() -> None:
    """End with a clear word where wrk is missing."""
    if not shutil.which("wrk"):
        raise SystemExit(
            "bench: wrk is needed for the load; on Debian: apt-get install wrk haproxy nginx libnginx-mod-http-js"
        )


def run(
    port: int,
    seconds: float,
    folder: Path,
    rate: float | None = None,
    *,
    head: str = HEAD,
    repeat: bool = True,
    status: int = 301,
) -> Result:
    """Load a server for some seconds over kept connections.

    Args:
        port: Of the server on the loopback address.
        seconds: How long.
        folder: For wrk's script.
        rate: Requests per second to aim at, by connections that wait between requests; None is as fast as it goes.
        head: The request; the number of its video is replaced.
        repeat: Whether few videos make most of the requests; else none is asked for twice.
        status: That all answers must have.
    """
    before, number, behind = head.partition(NUMBER)
    script = folder / f"{'paced' if rate else 'full'}.lua"
    script.write_text(
        _SCRIPT.format(
            before=_lua(before),
            behind=_lua(behind),
            videos=VIDEOS if repeat and number else 0,
            first=0 if repeat else next(_UNASKED),
            delay=f"delay = function() return math.random(0, {2 * THINK_TIME}) end" if rate else "",
        )
    )
    connections = max(1, round(rate * THINK_TIME / 1000)) if rate else CONNECTIONS
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "-s", str(script), f"http://127.0.0.1:{port}"]
    done = subprocess.run(
        ["taskset", "-c", str(LOAD_CORE), *command], capture_output=True, text=True, timeout=seconds + 30, check=True
    )
    found = re.search(r"^RESULT (.*)$", done.stdout, re.MULTILINE)
    if not found:
        raise RuntimeError(done.stdout + done.stderr)
    requests, duration, refused, failed, p50, p99, p999 = map(int, found[1].split())
    # wrk counts as errors of status those from 400 on.
    if refused != (requests if status >= 400 else 0) or failed:
        raise RuntimeError(f"port {port}: {refused} answers of the wrong kind, {failed} failures")
    return Result(requests / duration * 1e6, p50, p99, p999)


def _lua(text: str) -> str:
    """Return a text as Lua writes it, whatever bytes it has."""
    return '"' + "".join(f"\\{byte:03d}" for byte in text.encode("latin-1")) + '"'
