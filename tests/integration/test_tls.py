"""TLS on real sockets."""

import itertools
import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.certificates import write_certificate
from tests.factories import AT_CDN, VIDEO
from tests.integration.test_edge import NEVER, get
from tests.processes import Balancer, wait_for

HSTS = 600


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a certificate and its key."""
    folder = tmp_path_factory.mktemp("tls")
    write_certificate(folder)
    return folder


def settings(folder: Path) -> dict[str, object]:
    """Return the settings of a balancer that speaks TLS."""
    return {"TLS_CERT": folder / "cert.pem", "TLS_KEY": folder / "key.pem", **NEVER}


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Balancer]:
    """Return a balancer with TLS and a second, plain port."""
    run = folder / "run"
    run.mkdir()
    with Balancer(run, None, HSTS=HSTS, PLAIN_PORT=0, **settings(folder)) as balancer:
        yield balancer


def trusting(version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """Return a client's context that takes any certificate, and one version of TLS where that is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def connect(url: str, context: ssl.SSLContext, session: ssl.SSLSession | None = None) -> ssl.SSLSocket:
    """Return a connection that speaks TLS."""
    parts = urlsplit(url)
    plain = socket.create_connection((parts.hostname, parts.port), timeout=10)
    return context.wrap_socket(plain, server_hostname="balancer.example", session=session)


def ask(wire: socket.socket, request: bytes = b"") -> str:
    """Ask over a connection and return the head of the answer."""
    wire.sendall(request or get())
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = wire.recv(65536)
        assert piece
        answer += piece
    return answer.decode("latin-1")


def name_of(wire: ssl.SSLSocket) -> str:
    """Return whose certificate a server has shown."""
    found = x509.load_der_x509_certificate(wire.getpeercert(binary_form=True) or b"")
    return str(found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_redirect_over_tls(server: Balancer, version: ssl.TLSVersion) -> None:
    """Both versions of TLS serve redirects from every lane, kept alive, by HTTP/1.1 and with HSTS."""
    with connect(server.url, trusting(version)) as wire:
        assert "http/1.1" == wire.selected_alpn_protocol()
        cipher = wire.cipher()
        assert cipher
        assert "GCM" in cipher[0] or "CHACHA20" in cipher[0]
        for request in (get(), get("x"), b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n", get()):
            assert f"\r\nstrict-transport-security: max-age={HSTS}\r\n" in ask(wire, request)
        assert f"\r\nlocation: {AT_CDN}\r\n" in ask(wire)


def test_old_versions_are_refused(server: Balancer) -> None:
    """Nothing older than TLS 1.2 is spoken."""
    context = trusting()
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        connect(server.url, context)


def test_plain_port_beside(server: Balancer) -> None:
    """The second port answers the same without TLS, and says nothing of HSTS there (RFC 6797 §7.2)."""
    (plain,) = [event["event"].split()[3] for event in server.events() if "running on http:" in event["event"]]
    parts = urlsplit(plain)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as wire:
        answer = ask(wire)
    assert f"\r\nlocation: {AT_CDN}\r\n" in answer
    assert "strict-transport-security" not in answer


def test_plain_http_on_the_port_of_tls(server: Balancer) -> None:
    """A client that does not speak TLS is closed, and others are served."""
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as wire:
        wire.sendall(get())
        try:
            while wire.recv(65536):
                pass
        except ConnectionResetError:
            pass
    with connect(server.url, trusting()) as other:
        assert AT_CDN in ask(other)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_resume(server: Balancer, version: ssl.TLSVersion) -> None:
    """A client that comes back with a ticket does without the whole handshake."""
    context = trusting(version)
    with connect(server.url, context) as wire:
        ask(wire)
        session = wire.session
    with connect(server.url, context, session) as again:
        assert again.session_reused
        assert AT_CDN in ask(again)


def test_shutdown_loses_no_request(folder: Path, tmp_path: Path) -> None:
    """A server that is asked to end makes every handshake that was begun, answers behind it, and says goodbye."""
    asked = threading.Barrier(9)
    ends: list[str] = []

    def client(url: str) -> None:
        for number in itertools.count():
            try:
                plain = socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=10)
            except ConnectionRefusedError:
                ends.append("nobody listens")
                return
            try:
                with trusting().wrap_socket(plain, suppress_ragged_eofs=False) as wire:
                    assert AT_CDN in ask(wire, get(VIDEO, "Connection: close"))
                    assert b"" == wire.recv(1)
            except (OSError, AssertionError) as error:
                ends.append(repr(error))
                return
            if number == 20:
                asked.wait(20)

    with Balancer(tmp_path, None, **settings(folder)) as balancer:
        clients = [threading.Thread(target=client, args=(balancer.url,)) for _ in range(8)]
        for thread in clients:
            thread.start()
        asked.wait(20)
        balancer.process.send_signal(signal.SIGTERM)
        for thread in clients:
            thread.join(20)
        assert ["nobody listens"] * 8 == ends
        assert 0 == balancer.stop()


def test_certificate_is_taken_anew(tmp_path: Path) -> None:
    """A certificate that replaces another is served to new connections; open ones go on, and tickets stay good.

    One that does not fit is told in one line, and the one in force stays.
    """
    write_certificate(tmp_path, "old.example")
    run = tmp_path / "run"
    run.mkdir()
    with Balancer(run, None, **settings(tmp_path)) as balancer:
        context = trusting(ssl.TLSVersion.TLSv1_3)
        with connect(balancer.url, context) as wire:
            assert "old.example" == name_of(wire)
            ask(wire)
            session = wire.session
            write_certificate(tmp_path, "new.example")
            wait_for(lambda: balancer.has_said(event="certificate taken"), 20)
            with connect(balancer.url, trusting()) as other:
                assert "new.example" == name_of(other)
            with connect(balancer.url, context, session) as again:
                assert again.session_reused
            key = (tmp_path / "key.pem").read_bytes()
            write_certificate(tmp_path, "third.example")
            (tmp_path / "key.pem").write_bytes(key)
            wait_for(lambda: balancer.has_said(event="the new certificate is not taken"), 20)
            with connect(balancer.url, trusting()) as other:
                assert "new.example" == name_of(other)
            assert AT_CDN in ask(wire)
        (line,) = [event for event in balancer.events() if event["event"] == "the new certificate is not taken"]
    assert f"{tmp_path}/cert.pem does not fit the key {tmp_path}/key.pem" == line["fault"]


def spoil(folder: Path, fault: str) -> None:
    """Write a certificate that cannot be served."""
    write_certificate(folder, valid=timedelta(hours=-1) if fault == "old" else timedelta(days=1))
    if fault == "other key":
        chain = (folder / "cert.pem").read_bytes()
        write_certificate(folder)
        (folder / "cert.pem").write_bytes(chain)
    if fault == "no PEM":
        (folder / "cert.pem").write_text("certificate")
    if fault == "missing":
        (folder / "key.pem").unlink()


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ("old", "cert.pem has run out on "),
        ("other key", "cert.pem does not fit the key "),
        ("no PEM", "cert.pem is not a certificate in PEM"),
        ("missing", "key.pem cannot be read: No such file or directory"),
    ],
)
def test_unusable_certificate(tmp_path: Path, fault: str, line: str) -> None:
    """A certificate that cannot be served ends the start with one line that names the file and the reason."""
    spoil(tmp_path, fault)
    balancer = Balancer(tmp_path, None, **settings(tmp_path))
    assert 1 == balancer.ended()
    (said,) = [text for text in balancer.log if text.startswith("balancer: ")]
    assert line in said
    assert "Traceback" not in "".join(balancer.log)
