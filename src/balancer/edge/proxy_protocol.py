"""The PROXY protocol, versions 1 and 2: a proxy says before everything else whom it speaks for.

Source: https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
"""

import asyncio
import ssl
from http import HTTPStatus
from ipaddress import ip_address
from typing import NamedTuple

from typing_extensions import override
from uvicorn.protocols.utils import get_remote_addr

from balancer.edge.answers import tell_player
from balancer.edge.connection import Connection
from balancer.edge.endpoint import Port
from balancer.edge.process import Process
from balancer.edge.tls import TlsStream
from balancer.problems import generic

LONGEST = 4096
"""Bytes of a header at most; what may stand behind the addresses is skipped."""

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_LONGEST_LINE = 107
_FIXED = 16
_LOCAL, _PROXY = 0x20, 0x21
_TCP4, _TCP6 = 0x11, 0x21
# Bytes of an address by family; both addresses stand before both ports.
_SIZES = {_TCP4: 4, _TCP6: 16}


class MalformedHeader(Exception):
    """What a proxy sends first is no header of this protocol."""


class Header(NamedTuple):
    """What a proxy says first.

    Attributes:
        source: Address and port of whom it speaks for; None where it speaks for itself, or does not know.
        size: Bytes of the header.
    """

    source: tuple[str, int] | None
    size: int


def read_header(data: bytes) -> Header | None:
    """Read the header at the beginning of a connection; None when it is not whole.

    Raises:
        MalformedHeader: When there is none.
    """
    if data.startswith(_SIGNATURE[: len(data)]):
        return _read_binary(data)
    if data.startswith(b"PROXY "[: len(data)]):
        return _read_line(data)
    raise MalformedHeader


def _read_line(data: bytes) -> Header | None:
    end = data.find(b"\r\n")
    if end < 0:
        if len(data) > _LONGEST_LINE:
            raise MalformedHeader
        return None
    words = data[:end].decode("latin-1").split(" ")
    if words[:2] == ["PROXY", "UNKNOWN"]:
        return Header(None, end + 2)
    try:
        _, protocol, source, _, port, _ = words
        address, number = ip_address(source), int(port)
    except ValueError:
        raise MalformedHeader from None
    if protocol != f"TCP{address.version}" or not port.isdecimal() or number > 0xFFFF:  # noqa: PLR2004 - 16 bits
        raise MalformedHeader
    return Header((str(address), number), end + 2)


def _read_binary(data: bytes) -> Header | None:
    if len(data) < _FIXED:
        return None
    command, family, length = data[12], data[13], int.from_bytes(data[14:_FIXED])
    size = _FIXED + length
    if command not in {_LOCAL, _PROXY} or size > LONGEST:
        raise MalformedHeader
    if len(data) < size:
        return None
    if command == _LOCAL or family not in _SIZES:
        return Header(None, size)
    width = _SIZES[family]
    if length < 2 * width + 4:
        raise MalformedHeader
    source = str(ip_address(data[_FIXED : _FIXED + width]))
    ports = _FIXED + 2 * width
    return Header((source, int.from_bytes(data[ports : ports + 2])), size)


class ProxiedConnection(asyncio.Protocol):
    """Reads the header of a connection from a trusted proxy, and then makes it a connection like any other.

    Args:
        process: What it shares with the others.
        port: Where it came in.
        context: What TLS is spoken by behind the header; None for none.
    """

    def __init__(self, process: Process, port: Port, context: ssl.SSLContext | None) -> None:
        self._process = process
        self._port = port
        self._context = context
        self._data = b""
        self.waiting_since = process.now
        self.patience = process.limits.head_time

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # a stream's
        self._process.state.connections.add(self)  # type: ignore[arg-type]  # the server only calls `shutdown`
        address = get_remote_addr(self._transport)
        if not self._process.proxies.trusts(address[0] if address else ""):
            # Nobody else is believed, so nobody else has a header.
            self._go_on(None, b"")

    @override
    def data_received(self, data: bytes) -> None:
        self._data += data
        try:
            header = read_header(self._data)
        except MalformedHeader:
            self._refuse()
            return
        if header is not None:
            self._go_on(header.source, self._data[header.size :])

    @override
    def connection_lost(self, error: Exception | None) -> None:
        self._process.state.connections.discard(self)

    def shutdown(self) -> None:
        """Close: no request has come."""
        self._transport.abort()

    def expire(self) -> None:
        """Close, as no header has come."""
        self._transport.abort()

    def _go_on(self, source: tuple[str, int] | None, rest: bytes) -> None:
        connection = Connection(self._process, self._port, source)
        protocol = TlsStream(self._process, self._context, connection) if self._context else connection
        self._process.state.connections.discard(self)
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        if rest:
            protocol.data_received(rest)

    def _refuse(self) -> None:
        self._process.meters.answered("broken", HTTPStatus.BAD_REQUEST)
        if self._context is None:
            detail = "A proxy of this address must begin its connections with the PROXY protocol."
            told = tell_player(generic(HTTPStatus.BAD_REQUEST, detail), {})
            self._transport.write(self._port.answers.problem(told, None, keep_alive=False))
        self._transport.close()
