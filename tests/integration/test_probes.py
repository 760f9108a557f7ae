"""Probes over HTTP, asked of real servers on loopback."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from balancer.adapters.probes import MAX_BODY, HttpProber
from balancer.core.configs.checks import Check
from balancer.core.health.verdicts import Failure
from tests.certificates import Authority
from tests.processes import free_port

pytestmark = pytest.mark.anyio

Serve = Callable[..., Awaitable[int]]
"""Starts a server that answers each request with these bytes, and returns its port."""

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"


@pytest.fixture
async def prober() -> AsyncIterator[HttpProber]:
    """Return a prober."""
    prober = HttpProber("1.2.3")
    yield prober
    await prober.close()


@pytest.fixture
async def asked() -> list[bytes]:
    """Return a list that gets the heads of all requests."""
    return []


@pytest.fixture
async def serve(asked: list[bytes]) -> AsyncIterator[Serve]:
    """Return a function that starts servers, which end with the test."""
    async with AsyncExitStack() as running:

        async def serve(answer: bytes, tls: ssl.SSLContext | None = None, *, hangs: bool = False) -> int:
            over = asyncio.Event()

            async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                with suppress(OSError, asyncio.IncompleteReadError):
                    asked.append(await reader.readuntil(b"\r\n\r\n"))
                    writer.write(answer)
                    await writer.drain()
                    if hangs:
                        await over.wait()
                writer.close()

            server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
            running.callback(server.close)
            running.callback(over.set)
            return int(server.sockets[0].getsockname()[1])

        yield serve


async def test_what_is_asked(prober: HttpProber, serve: Serve, asked: list[bytes]) -> None:
    """A probe names the program and the host that it is told to, asks for no encoding and keeps no connection."""
    port = await serve(OK)
    outcome = await prober.probe(Check(f"http://127.0.0.1:{port}/health?a=b", host="cdn.example.com"))
    assert (None, "answered 200", 200, None) == (
        outcome.failure,
        outcome.why,
        outcome.status,
        outcome.certificate_ends,
    )
    assert 0 < outcome.latency < 2
    first, *fields = asked[0].decode().lower().split("\r\n")
    assert "get /health?a=b http/1.1" == first
    assert {
        "host: cdn.example.com",
        "user-agent: video-balancer/1.2.3",
        "accept-encoding: identity",
        "connection: close",
    } <= set(fields)
    await prober.probe(Check(f"http://127.0.0.1:{port}/", method="HEAD"))
    assert asked[1].startswith(b"HEAD / HTTP/1.1\r\n")
    assert f"host: 127.0.0.1:{port}".encode() in asked[1].lower()


async def test_proxies_are_passed_by(prober: HttpProber, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies that the environment names are not used: a target is asked as it is."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert (await prober.probe(Check(f"http://127.0.0.1:{await serve(OK)}/"))).ok


@pytest.mark.parametrize(
    ("answer", "fields", "expected"),
    [
        pytest.param(OK, {"contains": "ell"}, (None, "answered 200"), id="text"),
        pytest.param(OK, {"contains": "bye"}, (Failure.TEXT, "answered 200 without the text"), id="no text"),
        pytest.param(OK, {"statuses": (204, 200)}, (None, "answered 200"), id="one of several"),
        pytest.param(OK, {"statuses": (204,)}, (Failure.STATUS, "answered 200"), id="another status"),
        pytest.param(
            b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
            {},
            (Failure.STATUS, "answered 302"),
            id="a redirect is not followed",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * MAX_BODY + b"text",
            {"contains": "text"},
            (Failure.TEXT, "answered 200 without the text"),
            id="text behind what is read",
        ),
        pytest.param(b"rubbish\r\n\r\n", {}, (Failure.PROTOCOL, "did not answer by HTTP"), id="rubbish"),
        pytest.param(b"", {}, (Failure.PROTOCOL, "did not answer by HTTP"), id="nothing"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhel",
            {"contains": "hello"},
            (Failure.PROTOCOL, "did not answer by HTTP"),
            id="half a body",
        ),
    ],
)
async def test_answers(
    prober: HttpProber, serve: Serve, answer: bytes, fields: dict[str, object], expected: tuple[Failure | None, str]
) -> None:
    """A probe succeeds when the answer has the status and the text that are wanted, and else says what was wrong."""
    check = replace(Check(f"http://127.0.0.1:{await serve(answer)}/"), **fields)  # type: ignore[arg-type]  # by name
    outcome = await prober.probe(check)
    assert expected == (outcome.failure, outcome.why)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf"])
async def test_time_outs(prober: HttpProber, serve: Serve, answer: bytes) -> None:
    """A target that does not answer in the check's time, or not as much as is needed, fails then and no later."""
    port = await serve(answer, hangs=True)
    outcome = await prober.probe(Check(f"http://127.0.0.1:{port}/", timeout=0.2, contains="whole"))
    assert (Failure.TIMED_OUT, "did not answer within 0.2 s") == (outcome.failure, outcome.why)
    assert 0.2 <= outcome.latency < 2


async def test_nobody_there(prober: HttpProber) -> None:
    """A target that does not listen, and one whose name nobody knows, are told apart."""
    refused = await prober.probe(Check(f"http://127.0.0.1:{free_port()}/"))
    assert (Failure.REFUSED, "refused the connection") == (refused.failure, refused.why)
    unknown = await prober.probe(Check("http://target.invalid/"))
    assert Failure.UNRESOLVED == unknown.failure


async def test_certificates(prober: HttpProber, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate must be valid and that of the host, unless it is not verified; its end is read in either case."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))

    def speaking(name: str, valid: timedelta) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue(name, valid))
        return context

    good = await serve(OK, speaking("cdn.example.com", timedelta(days=5)))
    expired = await serve(OK, speaking("old.example.com", timedelta(hours=-1)))
    for host in (None, "cdn.example.com"):
        outcome = await prober.probe(Check(f"https://127.0.0.1:{good}/", host=host))
        assert (None, 200) == (outcome.failure, outcome.status)
        assert outcome.certificate_ends
        assert timedelta(days=4.9) < outcome.certificate_ends - datetime.now(UTC) < timedelta(days=5.1)
    other = await prober.probe(Check(f"https://127.0.0.1:{good}/", host="other.example.com"))
    assert Failure.CERTIFICATE == other.failure
    assert "other.example.com" in other.why
    old = Check(f"https://127.0.0.1:{expired}/")
    outcome = await prober.probe(old)
    assert (Failure.CERTIFICATE, "has a bad certificate: certificate has expired") == (outcome.failure, outcome.why)
    outcome = await prober.probe(replace(old, verify_tls=False))
    assert outcome.ok
    assert outcome.certificate_ends
    assert outcome.certificate_ends < datetime.now(UTC)


async def test_no_tls(prober: HttpProber) -> None:
    """A target that answers in plain text where TLS is wanted fails for that."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(OK)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    outcome = await prober.probe(Check(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"))
    assert (Failure.TLS, "cannot be talked to over TLS") == (outcome.failure, outcome.why)
    server.close()
