"""The command that adds content steering to a manifest."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.inside import run_inside
from tests.manifests import BASE_URL, FMP4, FMP4_STEERED, LIVE, LIVE_STEERED, MEDIA, SERVER, TS

OPTIONS = ["--server-uri", SERVER, "--base-url", BASE_URL]
TWO = ["--pathway", "cdn-a=cdn-a.example.com", "--pathway", "origin"]


@pytest.mark.parametrize(("before", "after"), [(FMP4, FMP4_STEERED), (LIVE, LIVE_STEERED)], ids=["playlist", "MPD"])
def test_a_file(tmp_path: Path, before: str, after: str) -> None:
    """A manifest of either format is printed with steering, byte for byte, and none of the settings is needed."""
    (tmp_path / "manifest").write_text(before)
    done = run_inside(tmp_path, "manifest", "add-steering", "manifest", *OPTIONS, *TWO, PORT="none")
    assert (0, "", after) == (done.returncode, done.stderr, done.stdout)


def test_standard_input(tmp_path: Path) -> None:
    """A minus reads standard input; line breaks are printed as they are there, and none is put at the end."""
    given = TS.rstrip("\n").replace("\n", "\r\n").encode()
    command = [sys.executable, "-m", "balancer", "manifest", "add-steering", "-", *OPTIONS, *TWO]
    done = subprocess.run(command, cwd=tmp_path, input=given, capture_output=True, check=True)
    assert done.stdout.startswith(b"#EXTM3U\r\n#EXT-X-CONTENT-STEERING:SERVER-URI=")
    assert done.stdout.endswith(b"\r\nhttp://s1.origin-cluster/video/1488/high/index.m3u8")


@pytest.mark.parametrize(
    ("given", "leads_to"),
    [
        ("o", "http://s1.origin-cluster/video/1488/low/index.m3u8"),
        ("a=A.example", "http://a.example/s1/video/1488/low/index.m3u8"),
        ("a=https://a.example:8443", "https://a.example:8443/s1/video/1488/low/index.m3u8"),
        ("a=a.example/vod{path}", "http://a.example/vod/video/1488/low/index.m3u8"),
        (
            "a=https://b\u00fccher.example/{host}{path}",
            "https://xn--bcher-kva.example/s1.origin-cluster/video/1488/low/index.m3u8",
        ),
    ],
)
def test_pathways(tmp_path: Path, given: str, leads_to: str) -> None:
    """A pathway is the origin, or a CDN's host with a scheme and a path template if they are not the default."""
    (tmp_path / "a.m3u8").write_text(TS)
    done = run_inside(tmp_path, "manifest", "add-steering", "a.m3u8", *OPTIONS, "--pathway", given)
    assert leads_to in done.stdout.splitlines(), done.stderr


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (TWO, 1, "balancer: The manifest is a media playlist, which has no variants."),
        (["--pathway", "A"], 2, "'--pathway': 'A' must be 1 to 32 characters"),
        (["--pathway", "a="], 2, "'--pathway': 'a=' is empty"),
        (["--pathway", "a=ftp://a.example"], 2, "'a=ftp://a.example' has the scheme 'ftp'"),
        (["--pathway", "a=a..b"], 2, "'a=a..b' is not a host name"),
        (["--pathway", "a=a.example/x"], 2, "must have {path} exactly once"),
        (["--pathway", "a", "--pathway", "a"], 2, "'--pathway': must have names that differ"),
        ([*TWO, "--server-uri", "x"], 2, "'--server-uri': must be an absolute http or https URL"),
        ([*TWO, "--base-url", "x"], 2, "'--base-url': has no host"),
        ([*TWO, "--base-url", "http://192.0.2.7/a.m3u8"], 2, "'--base-url': has no host"),
        ([*TWO, "--base-url", "http://s1.example/../a.m3u8"], 2, "'--base-url': has a path with the dot segment '..'"),
        ([], 2, "Missing option '--pathway'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_is_wrong(tmp_path: Path, options: list[str], code: int, words: str) -> None:
    """What cannot be done is said in a line, and what is wrong is named by its option."""
    (tmp_path / "a.m3u8").write_text(MEDIA)
    done = run_inside(tmp_path, "manifest", "add-steering", "a.m3u8", *OPTIONS, *options)
    assert (code, "") == (done.returncode, done.stdout)
    assert words in " ".join(done.stderr.split())


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there, or is a folder, is named."""
    for name in ("none", "."):
        done = run_inside(tmp_path, "manifest", "add-steering", name, *OPTIONS, *TWO)
        assert (2, True) == (done.returncode, f"'{name}'" in done.stderr)
