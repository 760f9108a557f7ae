"""TLS on one connection, without a socket: a client's records in, and what the client makes of those that come back."""

import gc
import re
import ssl
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from balancer.edge import connection as connections
from balancer.edge.certificates import CertificateFiles, load
from balancer.edge.connection import LINGER_SIZE, Connection
from balancer.edge.descriptors import REFUSED_AT_ONCE
from balancer.edge.process import Limits
from balancer.edge.tls import TlsStream
from tests.certificates import write_certificate
from tests.factories import AT_CDN, VIDEO
from tests.unit.test_edge import Edge, FakeTransport

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]

KEPT = f"GET /?video={VIDEO} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
LAST = f"GET /?video={VIDEO} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
ODD = f"GET /?video={VIDEO} HTTP/1.1\r\nExpect: nothing\r\nHost: a\r\n\r\n".encode()
LOST = b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n"
BROKEN = b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"

ALERT = 21
"""The type of a record that says what is wrong (RFC 8446 §5.1)."""

_ID = re.compile(rb"(?<=x-request-id: )[0-9a-f-]+|(?<=\"request_id\":\")[0-9a-f-]+")


class Socket(FakeTransport):
    """Keeps in what order things were done, as well."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []

    @override
    def write(self, data: Any) -> None:
        assert not self.is_closed
        self.done.append("write")
        super().write(data)

    @override
    def write_eof(self) -> None:
        self.done.append("eof")

    @override
    def close(self) -> None:
        self.done.append("close")
        super().close()

    @override
    def abort(self) -> None:
        self.done.append("abort")
        self.is_closed = True

    @override
    def pause_reading(self) -> None:
        self.done.append("pause")

    @override
    def resume_reading(self) -> None:
        self.done.append("resume")


class Client:
    """Speaks TLS with a stream.

    Args:
        edge: Whose process the stream belongs to.
        context: By which the stream speaks.
        version: What is spoken.
    """

    def __init__(self, edge: Edge, context: ssl.SSLContext, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> None:
        own = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        own.check_hostname = False
        own.verify_mode = ssl.CERT_NONE
        own.set_ciphers("ALL:@SECLEVEL=0")
        own.minimum_version = own.maximum_version = version
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = own.wrap_bio(self._in, self._out)
        self.socket = Socket()
        self.connection = Connection(edge.process, edge.port)
        self.stream = TlsStream(edge.process, context, self.connection)
        self.stream.connection_made(self.socket)
        self._seen = 0

    def shake_hands(self) -> "Client":
        """Make the handshake."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.send()
            else:
                self.send()
                return self

    def send(self, cut: Callable[[bytes], list[bytes]] = lambda records: [records]) -> None:
        """Give the stream what the client has to say, cut like this, and the client what comes back."""
        for piece in cut(self._out.read()):
            if piece and not self.socket.is_closed:
                self.stream.data_received(piece)
        self.take()

    def take(self) -> None:
        """Give the client what has come."""
        self._in.write(self.socket.written[self._seen :])
        self._seen = len(self.socket.written)

    def ask(self, *requests: bytes) -> bytes:
        """Send each request in a record of its own, and return what can be read then."""
        for request in requests:
            self.tls.write(request)
        self.send()
        return self.read()

    def read(self) -> bytes:
        """Return all that has come."""
        read = b""
        try:
            while piece := self.tls.read(65536):
                read += piece
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        return read

    def has_heard_the_end(self) -> bool:
        """Tell whether the server has said that nothing follows."""
        try:
            return not self.tls.read(1)
        except ssl.SSLWantReadError:
            return False


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """Return a server's context."""
    folder = tmp_path_factory.mktemp("tls")
    write_certificate(folder)
    return load(CertificateFiles(folder / "cert.pem", folder / "key.pem"))[0]


@pytest.fixture
async def edge() -> Edge:
    """Return an edge that sends everything to the CDN."""
    return Edge()


@pytest.mark.parametrize("version", VERSIONS)
@given(
    requests=st.lists(st.sampled_from([KEPT, ODD, LOST]), min_size=1, max_size=6),
    last=st.sampled_from([b"", LAST, BROKEN]),
    cuts=st.lists(st.integers(1, 400), max_size=20),
    is_one_record=st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_records_are_cut_anyhow(  # noqa: PLR0917  what is drawn
    context: ssl.SSLContext,
    version: ssl.TLSVersion,
    requests: list[bytes],
    last: bytes,
    cuts: list[int],
    is_one_record: bool,
) -> None:
    """However a client's records are cut on their way, it is told what it would be told without TLS."""
    edge = Edge()
    plain = edge.ask(*requests, last) if last else edge.ask(*requests)
    client = Client(edge, context, version).shake_hands()
    asked = [*requests, last] if last else requests
    for request in [b"".join(asked)] if is_one_record else asked:
        client.tls.write(request)

    def cut(records: bytes) -> list[bytes]:
        pieces = []
        for size in cuts:
            pieces.append(records[:size])
            records = records[size:]
        return [*pieces, records]

    client.send(cut)
    assert _ID.sub(b"", plain.written) == _ID.sub(b"", client.read())
    assert bool(last) == client.has_heard_the_end()
    assert client.socket.is_closed == (last == LAST)


async def test_answer_goes_out_in_one_piece(edge: Edge, context: ssl.SSLContext) -> None:
    """An answer and the word that nothing follows take one turn to the system, and so do several answers."""
    client = Client(edge, context).shake_hands()
    client.socket.done.clear()
    assert 2 == client.ask(KEPT, KEPT).count(AT_CDN.encode())
    assert ["write"] == client.socket.done
    assert AT_CDN.encode() in client.ask(LAST)
    assert client.has_heard_the_end()
    assert ["write", "write", "close"] == client.socket.done


async def test_connection_is_counted_from_the_start(edge: Edge, context: ssl.SSLContext) -> None:
    """What has not made its handshake stands among the connections, and goes when it is lost."""
    connections = edge.process.state.connections
    client = Client(edge, context)
    assert {client.stream} == connections
    client.shake_hands()
    assert {client.connection} == connections
    client.stream.connection_lost(None)
    assert not connections
    silent = Client(edge, context)
    silent.stream.connection_lost(ConnectionResetError())
    assert not connections


async def test_handshake_has_its_time(edge: Edge, context: ssl.SSLContext) -> None:
    """A handshake that takes longer than a head may is cut off by the process's clock."""
    client = Client(edge, context)
    assert edge.process.limits.head_time == client.stream.patience
    client.stream.expire()
    assert ["abort"] == client.socket.done


async def test_no_tls(edge: Edge, context: ssl.SSLContext) -> None:
    """Who does not speak TLS is closed; who speaks it badly is told so."""
    client = Client(edge, context)
    client.stream.data_received(KEPT)
    assert ["close"] == client.socket.done
    client = Client(edge, context)
    client.stream.data_received(b"\x16\x03\x01\x00\x05hello")
    assert ["write", "close"] == client.socket.done
    assert ALERT == client.socket.written[0]


async def test_old_version(edge: Edge, context: ssl.SSLContext) -> None:
    """A client of an old version is told that by an alert."""
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        client = Client(edge, context, ssl.TLSVersion.TLSv1_1)
    with pytest.raises(ssl.SSLError, match=r"(?i)alert protocol version"):
        client.shake_hands()
    assert ["write", "close"] == client.socket.done


async def test_spoilt_record(edge: Edge, context: ssl.SSLContext) -> None:
    """A record that somebody has changed on its way ends the connection, with an alert and without an answer."""
    client = Client(edge, context).shake_hands()
    client.tls.write(KEPT)
    client.send(lambda records: [records[:-1] + bytes([records[-1] ^ 1])])
    assert "close" == client.socket.done[-1]
    with pytest.raises(ssl.SSLError, match=r"(?i)bad record mac"):
        client.read()


@pytest.mark.parametrize("version", VERSIONS)
async def test_client_says_goodbye(edge: Edge, context: ssl.SSLContext, version: ssl.TLSVersion) -> None:
    """A client that says that nothing follows is answered first, told the same, and closed."""
    client = Client(edge, context, version).shake_hands()
    client.tls.write(KEPT)
    with pytest.raises(ssl.SSLWantReadError):
        client.tls.unwrap()
    client.send()
    assert AT_CDN.encode() in client.read()
    client.tls.unwrap()
    assert "close" == client.socket.done[-1]


@pytest.mark.parametrize("version", VERSIONS)
async def test_refused_client_goes_on(edge: Edge, context: ssl.SSLContext, version: ssl.TLSVersion) -> None:
    """A refused client can read why though it sends on: nothing of it is read, and at some point it is cut off."""
    client = Client(edge, context, version).shake_hands()
    assert client.ask(BROKEN).startswith(b"HTTP/1.1 400 ")
    assert client.has_heard_the_end()
    assert "eof" == client.socket.done[-1]
    sent = 0
    while not client.socket.is_closed:
        client.tls.write(b"x" * 16384)
        client.send()
        sent += 16384
    assert "abort" == client.socket.done[-1]
    assert LINGER_SIZE - 16384 <= sent <= LINGER_SIZE + 16384
    assert 1 == client.socket.done.count("eof")


async def test_refused_client_has_read(edge: Edge, context: ssl.SSLContext) -> None:
    """A refused connection closes when its time is over, and says nothing twice."""
    client = Client(edge, context).shake_hands()
    client.ask(BROKEN)
    client.stream.close()
    client.stream.close()
    assert ["eof", "close"] == client.socket.done[-2:]
    assert b"" == client.read()


async def test_nothing_is_said_after_the_end(edge: Edge, context: ssl.SSLContext) -> None:
    """What is written when the server has said goodbye, or the client has gone, is dropped."""
    refused, closed, gone = (Client(edge, context).shake_hands() for _ in range(3))
    refused.ask(BROKEN)
    closed.ask(LAST)
    gone.socket.is_closed = True
    for client in (refused, closed, gone):
        before = list(client.socket.done)
        client.stream.write(b"late")
        client.stream.write_eof()
        assert before == client.socket.done


async def test_no_room(edge: Edge, context: ssl.SSLContext) -> None:
    """One connection too many is told so once its handshake is made; of very many more not each makes one."""
    edge.process.limits = Limits(16384, 10, 65, 1)
    first = Client(edge, context).shake_hands()
    told = Client(edge, context).shake_hands()
    assert told.read().startswith(b"HTTP/1.1 503 ")
    assert told.has_heard_the_end()
    told.stream.connection_lost(None)
    silent = [Client(edge, context) for _ in range(REFUSED_AT_ONCE)]
    assert not any(client.socket.done for client in silent)
    assert ["abort"] == Client(edge, context).socket.done
    assert AT_CDN.encode() in first.ask(KEPT)


async def test_server_ends(edge: Edge, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the server ends, a handshake under way has a moment, and the first request behind it is answered."""
    monkeypatch.setattr(connections, "DRAIN", 0.0)
    calls: list[Callable[[], None]] = []
    monkeypatch.setattr(edge.process.loop, "call_later", lambda _seconds, call: calls.append(call))
    silent, quick = Client(edge, context), Client(edge, context)
    for client in (silent, quick):
        client.stream.shutdown()
    quick.shake_hands()
    silent_ends, quick_handshake_ends, quick_ends = calls
    silent_ends()
    quick_handshake_ends()
    assert ["abort"] == silent.socket.done
    assert AT_CDN.encode() in quick.ask(KEPT)
    assert quick.has_heard_the_end()
    assert "close" == quick.socket.done[-1]
    quick_ends()
    assert 1 == quick.socket.done.count("close")


async def test_large_answer(edge: Edge, context: ssl.SSLContext) -> None:
    """What is longer than a record is sent whole."""
    client = Client(edge, context).shake_hands()
    whole = bytes(range(256)) * 1000
    client.stream.write(whole)
    client.stream.write(memoryview(b"end"))
    client.take()
    assert whole + b"end" == client.read()


async def test_partial_writes(edge: Edge, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not taken at once is written after it, as `ssl` does not promise to take all."""
    client = Client(edge, context).shake_hands()
    tls = client.stream._tls
    monkeypatch.setattr(client.stream, "_tls", SimpleNamespace(write=lambda data: tls.write(data[:1000])))
    whole = bytes(range(256)) * 10
    client.stream.write(whole)
    client.take()
    assert whole == client.read()


async def test_reading_and_writing_are_held_back(edge: Edge, context: ssl.SSLContext) -> None:
    """A client that reads nothing holds its connection back, and one that sends too much is not read."""
    client = Client(edge, context)
    client.stream.pause_writing()
    client.stream.resume_writing()
    client.shake_hands()
    client.stream.pause_writing()
    assert b"" == client.ask(KEPT, KEPT)
    assert "pause" == client.socket.done[-1]
    client.stream.resume_writing()
    client.connection.advance()
    client.take()
    assert 2 == client.read().count(AT_CDN.encode())
    assert "resume" in client.socket.done


async def test_end_without_goodbye(edge: Edge, context: ssl.SSLContext) -> None:
    """A client that is cut off is gone, whether it has made its handshake or not."""
    for client in (Client(edge, context), Client(edge, context).shake_hands()):
        assert not client.stream.eof_received()
        client.stream.connection_lost(None)
    assert not edge.process.state.connections


async def test_nothing_is_left(edge: Edge, context: ssl.SSLContext) -> None:
    """What has ended is gone at once, and does not wait for the collector of cycles."""

    def living() -> int:
        return sum(isinstance(found, TlsStream | Connection) for found in gc.get_objects())

    gc.collect()
    before = living()
    client = Client(edge, context).shake_hands()
    client.ask(LAST)
    client.stream.connection_lost(None)
    assert before + 2 == living()
    gc.disable()
    try:
        # As nobody has the client any more, and as the socket's transport lets go of its protocol.
        del client
        assert before == living()
    finally:
        gc.enable()
