"""Behind proxies: the PROXY protocol, Unix sockets, and real proxies in front."""

import os
import socket
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.certificates import write_certificate
from tests.factories import AT_CDN
from tests.integration.conftest import Start
from tests.integration.test_edge import NEVER, Wire, get
from tests.integration.test_tls import ask, trusting
from tests.processes import Balancer, wait_for

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def version_2(command: int, family: int, addresses: bytes) -> bytes:
    """Return a header of version 2."""
    return SIGNATURE + bytes([0x20 | command, family]) + struct.pack("!H", len(addresses)) + addresses


V1 = b"PROXY TCP4 203.0.113.9 198.51.100.1 51234 443\r\n"
V2 = version_2(1, 0x11, bytes([203, 0, 113, 9, 198, 51, 100, 1]) + struct.pack("!HH", 51234, 443))
V2_6 = version_2(
    1,
    0x21,
    socket.inet_pton(socket.AF_INET6, "2001:db8::9") + bytes(16) + struct.pack("!HH", 1, 2) + b"\x04\x00\x01x",
)


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balancer]:
    """Return a balancer that believes the PROXY protocol of this machine, and logs whom it redirects."""
    more = {"PROXY_PROTOCOL": "on", "TRUSTED_PROXIES": "127.0.0.1", "ACCESS_LOG": "all", **NEVER}
    with Balancer(tmp_path_factory.mktemp("proxied"), None, **more) as balancer:
        yield balancer


def received(wire: socket.socket) -> bytes:
    """Return what comes next on a connection that is open."""
    data = wire.recv(65536)
    assert data, "the server closed the connection"
    return data


def clients(balancer: Balancer) -> list[str]:
    """Return the clients of all redirects that have been logged."""
    return [event["client"] for event in balancer.events() if event["event"] == "redirect"]


@pytest.mark.parametrize(
    ("header", "client"),
    [
        pytest.param(V1, "203.0.113.9", id="version 1"),
        pytest.param(V2, "203.0.113.9", id="version 2"),
        pytest.param(V2_6, "2001:db8::/64", id="version 2 by IPv6 with more behind the addresses"),
        pytest.param(b"PROXY UNKNOWN\r\n", "127.0.0.1", id="version 1 that does not know"),
        pytest.param(version_2(0, 0, b""), "127.0.0.1", id="version 2 for itself"),
    ],
)
@pytest.mark.parametrize("cut", [0, 1, 14], ids=["at once", "first byte alone", "in two"])
def test_proxy_protocol(proxied: Balancer, header: bytes, client: str, cut: int) -> None:
    """The client is whom the proxy names, for all requests of the connection, however its bytes come."""
    before = len(clients(proxied))
    with Wire(proxied.url) as wire, Wire(proxied.url) as other:
        data = header + get()
        wire.send(data[:cut])
        other.send(V1 + get())
        other.read()
        wire.send(data[cut:])
        assert AT_CDN == wire.read().fields["location"]
        wire.send(get())
        assert AT_CDN == wire.read().fields["location"]
    wait_for(lambda: len(clients(proxied)) >= before + 3, 10)
    assert [client, client] == clients(proxied)[before + 1 :]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(get(), id="none"),
        pytest.param(b"PROXY TCP4 a b 1 2\r\n" + get(), id="no address"),
        pytest.param(b"PROXY TCP6 203.0.113.9 198.51.100.1 1 2\r\n", id="another family"),
        pytest.param(b"PROXY TCP4 203.0.113.9 198.51.100.1 99999 2\r\n", id="no port"),
        pytest.param(b"PROXY " + b"a" * 200, id="endless line"),
        pytest.param(SIGNATURE + b"\x31\x11\x00\x0c" + bytes(12), id="version 3"),
        pytest.param(SIGNATURE + b"\x21\x11\x00\x04" + bytes(4), id="too short"),
        pytest.param(SIGNATURE + b"\x21\x11\xff\xff", id="too long"),
    ],
)
def test_broken_headers(proxied: Balancer, data: bytes) -> None:
    """A trusted proxy that does not begin with a sound header is refused, and closed."""
    with Wire(proxied.url) as wire:
        wire.send(data)
        assert (400, "close") == ((answer := wire.read()).status, answer.fields["connection"])
        assert wire.at_end()


def test_strangers_have_no_header(start: Start) -> None:
    """From whoever is not trusted a header is a broken request, and a plain request is answered."""
    balancer = start(PROXY_PROTOCOL="on", TRUSTED_PROXIES="192.0.2.7", **NEVER).wait()
    with Wire(balancer.url) as wire:
        wire.send(get())
        assert 301 == wire.read().status
        wire.send(V1 + get())
        assert 400 == wire.read().status


@pytest.mark.long
def test_silent_proxy(start: Start) -> None:
    """A connection on which no header comes is closed after the time of a head."""
    balancer = start(PROXY_PROTOCOL="on", TRUSTED_PROXIES="127.0.0.1", HEAD_TIME=1, **NEVER).wait()
    with Wire(balancer.url) as wire:
        wire.send(V1[:10])
        assert wire.at_end()


@pytest.mark.parametrize("pieces", [1, 2], ids=["header alone", "header and handshake at once"])
def test_proxy_protocol_before_tls(tmp_path: Path, pieces: int) -> None:
    """The header stands before the handshake of TLS, in one packet with it or not."""
    write_certificate(tmp_path)
    more = {"TLS_CERT": tmp_path / "cert.pem", "TLS_KEY": tmp_path / "key.pem", "ACCESS_LOG": "all"}
    with Balancer(tmp_path, None, PROXY_PROTOCOL="on", TRUSTED_PROXIES="127.0.0.1", **more, **NEVER) as balancer:
        parts = urlsplit(balancer.url)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = trusting().wrap_bio(incoming, outgoing)
        with socket.create_connection((parts.hostname, parts.port), timeout=10) as plain:
            if pieces == 1:
                plain.sendall(V1)
            waiting = b"" if pieces == 1 else V1
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    plain.sendall(waiting + outgoing.read())
                    waiting = b""
                    incoming.write(received(plain))
            tls.write(get())
            plain.sendall(outgoing.read())
            answer = b""
            while b"\r\n\r\n" not in answer:
                incoming.write(received(plain))
                try:
                    answer += tls.read()
                except ssl.SSLWantReadError:
                    continue
        assert f"location: {AT_CDN}".encode() in answer
        wait_for(lambda: bool(clients(balancer)), 10)
        assert ["203.0.113.9"] == clients(balancer)


def test_unix_socket(tmp_path: Path) -> None:
    """A balancer listens on a Unix socket, believes its proxy, and takes the place of a socket that was left there."""
    path = tmp_path / "b.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    more = {"UNIX_SOCKET": path, "TRUSTED_PROXIES": "unix", "ACCESS_LOG": "all"}
    with Balancer(tmp_path, None, **more, **NEVER) as balancer:
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(10)
            wire.connect(str(path))
            assert AT_CDN in ask(
                wire, get("http://s1.origin-cluster/video/1488/xcg2djHckad.m3u8", "X-Forwarded-For: 203.0.113.9")
            )
            assert "HTTP/1.1 200 OK" in ask(wire, b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_for(lambda: bool(clients(balancer)), 10)
        assert ["203.0.113.9"] == clients(balancer)
        second = Balancer(tmp_path, {"HOME": os.environ.get("HOME", "/")}, **more, **NEVER)
        assert 1 == second.ended()
        assert any(f"{path} cannot be listened on: another server does." in line for line in second.log)
