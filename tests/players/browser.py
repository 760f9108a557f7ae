"""A headless browser with a page for each session, driven through Node and Puppeteer."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from types import TracebackType
from typing import Any, Self

import psutil

HERE = Path(__file__).parent
PACKAGES = HERE / "node_modules"

ANSWER = 60.0
"""Seconds that the browser may take to do something, on the busiest machine."""

_CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    # Pages that nobody looks at play on.
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
)


class BrowserFailed(Exception):
    """The browser could not do what it was asked to, or does not answer."""


@dataclass(frozen=True, slots=True)
class State:
    """What a page tells of its player.

    Attributes:
        time: Where it plays, in seconds of the media.
        frames: How many were decoded and shown or dropped.
        buffered: Up to where it has media.
        stalls: How often it had to wait for media since it began to play.
        longest_stall: Seconds of the longest such wait.
        errors: The last ones.
    """

    time: float
    frames: int
    buffered: float
    stalls: int
    longest_stall: float
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A request of a page as the browser saw it.

    Attributes:
        method: `GET`, `POST`, …
        url: Asked for.
        status: 0 where there was no answer.
        body: Of a steering server's answer alone, or why there was none.
    """

    method: str
    url: str
    status: int
    body: str


def what_is_missing() -> str:
    """Return what must be installed before a browser can be driven; empty when nothing is missing."""
    if chromium() is None:
        return "no Chromium here (Debian: apt install chromium)"
    if shutil.which("node") is None:
        return "no Node.js here (20 or later)"
    if not (PACKAGES / "puppeteer-core").is_dir():
        return "the players are not installed (make players-install)"
    return ""


def chromium() -> str | None:
    """Return the path of Chromium, or of Chrome."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


def version_of(package: str) -> str:
    """Return the version of a package that is installed."""
    return str(json.loads((PACKAGES / package / "package.json").read_text())["version"])


class Browser:
    """A running browser.

    Args:
        ports: The port of each host on 127.0.0.1; no other host is there for it.
        proxy: The port of a proxy that knows these hosts, for Firefox.
        is_firefox: Which browser.
    """

    def __init__(self, ports: Mapping[str, int], proxy: int, *, is_firefox: bool = False) -> None:
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        options = (
            _firefox_options(proxy, self._profile.name) if is_firefox else _chromium_options(ports, self._profile.name)
        )
        self._process = subprocess.Popen(
            ["node", "bridge.mjs", json.dumps(options)],
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._answers: Queue[str] = Queue()
        self._complaints: list[str] = []
        self._readers = [Thread(target=self._read, daemon=True), Thread(target=self._read_complaints, daemon=True)]
        for reader in self._readers:
            reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._answers.put(line)

    def _read_complaints(self) -> None:
        assert self._process.stderr
        self._complaints.extend(self._process.stderr)

    def _ask(self, **command: Any) -> Any:
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
            answer = json.loads(self._answers.get(timeout=ANSWER))
        except (OSError, Empty) as error:
            raise BrowserFailed(f"{command['do']}: no answer; {''.join(self._complaints)}") from error
        if "error" in answer:
            raise BrowserFailed(f"{command['do']}: {answer['error']}")
        return answer["result"]

    def open(self, url: str) -> str:
        """Open a page in a context of its own, and return its name."""
        return str(self._ask(do="open", url=url))

    def states(self, pages: Sequence[str]) -> list[State]:
        """Return what pages tell of their players, in order."""
        return [State(**{**told, "errors": tuple(told["errors"])}) for told in self._ask(do="states", names=pages)]

    def fetched(self, page: str) -> list[Fetched]:
        """Return what a page has asked for so far, in the order of the answers."""
        return [Fetched(*entry) for entry in self._ask(do="requests", name=page)]

    def said(self, page: str) -> list[str]:
        """Return the warnings and errors on a page's console."""
        return list(self._ask(do="said", name=page))

    def close(self, page: str) -> None:
        """Close a page."""
        self._ask(do="close", name=page)

    @property
    def version(self) -> str:
        """`Chrome/156.0.8078.108`."""
        return str(self._ask(do="version"))

    def stop(self) -> None:
        """End the browser and what drives it."""
        children = []
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(self._process.pid).children(recursive=True)
        assert self._process.stdin
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        for reader in self._readers:
            reader.join(10)
        for stream in (self._process.stdout, self._process.stderr):
            if stream:
                stream.close()
        self._profile.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _chromium_options(ports: Mapping[str, int], profile: str) -> dict[str, Any]:
    rules = ",".join(f"MAP {host} 127.0.0.1:{port}" for host, port in ports.items())
    arguments = [*_CHROMIUM, f"--host-resolver-rules={rules},MAP * ~NOTFOUND", "--no-proxy-server"]
    return {"browser": "chrome", "executablePath": chromium(), "userDataDir": profile, "args": arguments}


def _firefox_options(proxy: int, profile: str) -> dict[str, Any]:
    preferences = {
        "network.proxy.type": 1,
        "network.proxy.http": "127.0.0.1",
        "network.proxy.http_port": proxy,
        "network.proxy.allow_hijacking_localhost": True,
        "media.autoplay.default": 0,
        "media.volume_scale": "0.0",
    }
    firefox = shutil.which("firefox-esr") or shutil.which("firefox")
    return {
        "browser": "firefox",
        "executablePath": firefox,
        "userDataDir": profile,
        "extraPrefsFirefox": preferences,
        "args": [],
    }
