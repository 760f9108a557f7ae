"""Quality of playback over real HTTP: what players report to any process is known to all, and nobody is recognised."""

import re
import socket
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import redis

from tests.factories import BEARER, VIDEO
from tests.integration.conftest import Start
from tests.processes import Balancer, wait_for

SESSIONS = 40
SECRET_ID = "a-secret-session"


def event(session: str, host: str = "cdn.example.com") -> str:
    """Return one event of a session."""
    return f'e=rr,msd=900,mtp=(4000),rc=200,sid="{session}",url="http://{host}/s1/a.m4s",v=2\n'


def report(balancer: Balancer, *sessions: str) -> None:
    """Send an event of each session, over a connection of its own, so that all workers get some."""
    for session in sessions:
        answer = httpx.post(
            f"{balancer.url}/cmcd", content=event(session), headers={"content-type": "application/cmcd"}
        )
        assert 204 == answer.status_code


def quality(balancer: Balancer, window: int = 5) -> dict[str, Any]:
    """Return the figures of each target."""
    answer = httpx.get(f"{balancer.url}/quality?window={window}", headers=BEARER)
    assert 200 == answer.status_code, answer.text
    return {row["target"]: row["figures"] for row in answer.json()["targets"]}


def wait_for_reports(number: int, *balancers: Balancer) -> None:
    """Return when every worker that is asked knows of so many reports at the CDN."""

    def all_known() -> bool:
        found = [quality(balancer).get("cdn", {"reports": 0})["reports"] for balancer in balancers for _ in range(8)]
        assert max(found) <= number, found
        return {number} == set(found)

    wait_for(all_known, seconds=60)


@pytest.mark.long
def test_workers_of_a_host(start: Start) -> None:
    """What two workers heard is known to both, each session once, and to a service that starts again as well."""
    balancer = start(WORKERS=2, CMCD="true").wait()
    report(balancer, *(f"s{number % SESSIONS}" for number in range(2 * SESSIONS)))
    httpx.get(f"{balancer.url}/?video={VIDEO}&CMCD=mtp%3D4000%2Csid%3D%22s1%22")
    wait_for_reports(2 * SESSIONS + 1, balancer)
    found = quality(balancer)["cdn"]
    assert SESSIONS == pytest.approx(found["sessions"], rel=0.1)
    assert 4000 == pytest.approx(found["throughput_kbps_median"], rel=0.05)
    assert 900 == pytest.approx(found["start_ms_p95"], rel=0.05)
    metrics = httpx.get(f"{balancer.url}/metrics").text
    assert f"balancer_quality_reports_total {2 * SESSIONS + 1}.0" in metrics
    (told,) = re.findall(r'balancer_quality_sessions\{target="cdn"\} ([0-9.]+)', metrics)
    assert found["sessions"] == float(told)


@pytest.mark.long
def test_hosts_that_share_a_redis(start: Start, shared: dict[str, object]) -> None:
    """What was reported to two hosts is known to both; a session that reports to both counts once by the same key."""
    settings = {**shared, "CMCD": "true", "STEERING_KEY": "k" * 32}
    one, other = start(**settings), start(**settings)
    one.wait()
    other.wait()
    report(one, *(f"s{number}" for number in range(SESSIONS)))
    report(other, *(f"s{number}" for number in range(SESSIONS // 2, 2 * SESSIONS)))
    wait_for_reports(SESSIONS + 2 * SESSIONS - SESSIONS // 2, one, other)
    for balancer in (one, other):
        assert 2 * SESSIONS == pytest.approx(quality(balancer)["cdn"]["sessions"], rel=0.15)


@pytest.mark.long
def test_a_process_that_ends_tells_its_last_reports(start: Start, shared: dict[str, object]) -> None:
    """What was reported to a process that is stopped is known to the others."""
    settings = {**shared, "CMCD": "true"}
    one, other = start(**settings).wait(), start(**settings).wait()
    report(one, "a", "b")
    one.process.terminate()
    assert 0 == one.process.wait(30)
    wait_for_reports(2, other)


@pytest.mark.long
def test_nobody_is_recognised(start: Start, shared: dict[str, object]) -> None:
    """No address and no id of a session is in Redis, in files, in answers or in the log."""
    settings = {"CMCD": "true", "ACCESS_LOG": "all", "LOG_LEVEL": "debug", "TRUSTED_PROXIES": "127.0.0.1"}
    fleet, host = start(**shared, **settings).wait(), start(**settings).wait()
    seen: list[Any] = []
    forwarded = {"x-forwarded-for": "203.0.113.77"}
    for balancer in (fleet, host):
        # With an access log the address stands in lines of redirects, so only reports are sent.
        said = (event(SECRET_ID), event(SECRET_ID) + f'sid="{SECRET_ID}', f'e=ps,sid="{SECRET_ID}"')
        seen += [httpx.post(f"{balancer.url}/cmcd", content=sent, headers=forwarded).content for sent in said]
        wait_for_reports(3, balancer)
        paths = ("/quality", "/stats", "/metrics")
        seen += [httpx.get(f"{balancer.url}{path}", headers=BEARER).content for path in paths]
    assert b"203.0.113.0/24" in b"".join(seen)
    with redis.Redis.from_url(str(shared["REDIS_URL"])) as kept:
        keys = kept.keys(f"{shared['REDIS_PREFIX']}quality:*")
        assert 1 <= len(keys)
        for key in keys:
            assert 3600 <= kept.ttl(key) <= 3900
            told: Any = kept.hgetall(key)
            seen += [key, *told, *told.values(), *map(_plain, told.values())]
    files = list((host.folder / "data" / "quality").iterdir())
    assert 1 <= len(files)
    seen += [file.read_bytes() for file in files] + [_plain(file.read_bytes()) for file in files]
    seen += [file.read_bytes() for balancer in (fleet, host) for file in _files(balancer.folder)]
    seen += ["".join(balancer.log + balancer.printed).encode() for balancer in (fleet, host)]
    everything = b"\n".join(seen)
    assert SECRET_ID.encode() not in everything
    assert b"203.0.113.77" not in everything


def _plain(data: Any) -> bytes:
    """Return what was compressed."""
    return zlib.decompress(data)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_reports_over_real_connections(start: Start) -> None:
    """Reports in pieces, in chunks and one after another are answered in order; what is not finished in time is not."""
    balancer = start(CMCD="true", HEAD_TIME="1").wait()
    parts, body = urlsplit(balancer.url), event("a").encode()
    head = b"POST /cmcd HTTP/1.1\r\nHost: a\r\n"
    sized = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(sized * 20 + b"GET /steering HTTP/1.1\r\nHost: a\r\n\r\n" + chunked)
        answer = _all(connection)
    assert [b"204"] * 20 + [b"200", b"204"] == re.findall(rb"HTTP/1.1 (\d+)", answer)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(sized[:-5])
        assert b"" == _all(connection)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(head + b"Content-Length: 100000\r\n\r\n" + b"x" * 100_000)
        assert _all(connection).startswith(b"HTTP/1.1 413 ")


def _all(connection: socket.socket) -> bytes:
    """Return what comes until the connection ends."""
    found = b""
    while data := connection.recv(65536):
        found += data
    return found
