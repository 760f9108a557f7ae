"""Where a server listens: addresses and their sockets."""

import ctypes
import socket
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

BACKLOG = 2048
"""Connections that may wait to be taken, of each socket; the system may allow fewer."""

UNSENT = 64 * 1024
"""Bytes of a connection that the system keeps for a client that does not read, before it takes no more of them."""

_ATTACH_FILTER = 26
"""SO_ATTACH_FILTER, which Python has no name for."""


class CannotListen(Exception):
    """An address cannot be listened on; the message names it and the reason."""


@dataclass(frozen=True)
class Listener:
    """An address with its sockets.

    Attributes:
        url: `http://127.0.0.1:8000`, or `unix:/run/balancer.sock`.
        sockets: One for each worker, among which the system spreads connections evenly; or one that all of them share.
        tls: Whether TLS is spoken there.
    """

    url: str
    sockets: Sequence[socket.socket]
    tls: bool = False

    def hold_off(self) -> None:
        """Let nobody begin another connection; those that are begun can still be taken.

        Closing a socket resets whatever waits there, and more would come until that very moment.
        """
        for sock in self.sockets:
            if sock.family == socket.AF_UNIX:
                Path(sock.getsockname()).unlink(missing_ok=True)
            elif sys.platform == "linux":
                _drop_first_packets(sock)

    def accept_waiting(self) -> list[socket.socket]:
        """Return the connections that wait to be taken."""
        found: list[socket.socket] = []
        for sock in self.sockets:
            with suppress(OSError):
                for _ in range(BACKLOG):
                    connection, _ = sock.accept()
                    connection.setblocking(False)
                    found.append(connection)
        return found

    def close(self) -> None:
        """Close this process's ends of the sockets."""
        for sock in self.sockets:
            sock.close()


def listen_on(host: str, port: int, workers: int, *, tls: bool = False) -> list[Listener]:
    """Listen on a TCP port of every address that a host has; 0 takes a free one.

    Raises:
        CannotListen: When that is not possible.
    """
    listeners: list[Listener] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((family, address[:2]) for family, _, _, _, address in found):
            # The second address gets the port that was free at the first.
            sockets = _bind(family, (str(address[0]), int(address[1]) or port), workers)
            port = sockets[0].getsockname()[1]
            shown = f"[{host}]" if ":" in host else host
            listeners.append(Listener(f"{'https' if tls else 'http'}://{shown}:{port}", sockets, tls))
    except OSError as error:
        for listener in listeners:
            listener.close()
        raise CannotListen(f"Port {port} of {host} cannot be listened on: {error.strerror or error}.") from None
    return listeners


def _drop_first_packets(sock: socket.socket) -> None:
    """Let the system drop each packet that would begin a connection: SYN without ACK (RFC 9293 §3.1, socket(7)).

    The client tries again after a second, when nobody listens any more, and is refused.
    """
    program = (
        (0x30, 0, 0, 13),  # Load the byte of the TCP flags.
        (0x54, 0, 0, 0x12),  # Keep SYN and ACK.
        (0x15, 0, 1, 0x02),  # SYN alone?
        (0x06, 0, 0, 0),  # Then drop it.
        (0x06, 0, 0, 0xFFFFFFFF),  # Else let all of it pass.
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HP", len(program), ctypes.addressof(code)))


def _bind(family: int, address: tuple[str, int], workers: int) -> list[socket.socket]:
    # Only Linux spreads connections over sockets that share a port.
    is_spread = workers > 1 and sys.platform == "linux"
    sockets: list[socket.socket] = []
    try:
        for _ in range(workers if is_spread else 1):
            sock = socket.socket(family, socket.SOCK_STREAM)
            sockets.append(sock)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if is_spread:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            # Connections inherit it. Without it the system takes megabytes of what nobody reads. Not on Windows.
            if hasattr(socket, "TCP_NOTSENT_LOWAT"):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
            sock.bind(address)
            sock.listen(BACKLOG)
            sock.setblocking(False)
            address = (address[0], sock.getsockname()[1])
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def listen_at(path: Path) -> Listener:
    """Listen on a Unix socket, which everybody on the machine may connect to that may enter its folder.

    Raises:
        CannotListen: When that is not possible.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_socket():
            _refuse_living(path)
            path.unlink()
        sock.bind(str(path))
        path.chmod(0o666)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise CannotListen(f"{path} cannot be listened on: {error.strerror or error}.") from None
    return Listener(f"unix:{path}", [sock])


def _refuse_living(path: Path) -> None:
    """Leave a socket alone that a server still listens on; one that a killed server has left is in nobody's way."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return
    raise CannotListen(f"{path} cannot be listened on: another server does.")
