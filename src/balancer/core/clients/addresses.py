"""Whose request it is: the address that limits are kept by."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

UNIX = "unix"
"""Names the other end of Unix sockets among the networks of proxies."""

NO_ADDRESS = "local"
"""The client on a Unix socket."""

# RFC 7239 §4: one element is pairs joined by semicolons; the value is a token or a quoted string.
_FOR = re.compile(r'(?:^|;)\s*for\s*=\s*(?:"([^"]*)"|([^";,\s]*))', re.IGNORECASE)
_HOST = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]+)?|([0-9.]+)(?::[0-9]+)?|([0-9A-Fa-f:.]+)")


# IPv4 as the system and `str` write it, which needs no more care; connections are made by the thousand a second.
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}")


@lru_cache(maxsize=4096)
def client_key(address: str) -> str:
    """Return the name under which an address is counted: IPv4 whole, IPv6 by its /64, which one host can own.

    Args:
        address: `192.0.2.7`, `2001:db8::1`, or empty on a Unix socket.
    """
    if _IPV4.fullmatch(address):
        return address
    found = _parse(address)
    if found is None:
        return NO_ADDRESS
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else str(found)


def unmapped(address: str) -> str:
    """Return an address in its usual spelling; where both families share a socket, IPv4 comes as `::ffff:192.0.2.7`."""
    return str(_parse(address) or address) if ":" in address else address


class TrustedProxies:
    """Reads the client's address from what proxies say that the operator named.

    Args:
        networks: `10.0.0.0/8`, `192.0.2.7`, `2001:db8::/32`, or `unix` for whoever connects to a Unix socket.

    Attributes:
        are_named: Whether there is any, so that there is somebody to look for.

    Raises:
        ValueError: When one of them is no network.
    """

    def __init__(self, networks: Iterable[str]) -> None:
        names = list(networks)
        self.are_named = bool(names)
        self._trusts_unix = UNIX in names
        self._networks: tuple[Network, ...] = tuple(ip_network(name) for name in names if name != UNIX)

    def trusts(self, peer: str) -> bool:
        """Tell whether what this peer says of its clients counts; an empty address is that on a Unix socket."""
        if not peer:
            return self._trusts_unix
        if not self._networks:
            return False
        address = _parse(peer)
        return address is not None and self._has(address)

    def client_of(self, peer: str, forwarded_for: str, forwarded: str) -> str:
        """Return the client's address for a connection from `peer`.

        Both headers are read from the right, over the proxies that are trusted, to the first address that is not.
        Where both are there and do not agree, a proxy has set one and passed on the other, so neither counts.

        Args:
            peer: The other end of the connection.
            forwarded_for: All `X-Forwarded-For` fields, joined by commas.
            forwarded: All `Forwarded` fields (RFC 7239), joined by commas.
        """
        if not self.trusts(peer):
            return peer
        found = set()
        if forwarded_for:
            found.add(self._first_stranger(peer, forwarded_for.split(",")))
        if forwarded:
            found.add(self._first_stranger(peer, [_for(element) for element in forwarded.split(",")]))
        return found.pop() if len(found) == 1 else peer

    def key_of(self, peer: str, joined: Callable[[bytes], str]) -> str:
        """Return the name under which the client of a request is counted, and by which it stands in the log.

        Args:
            peer: The other end of the connection.
            joined: Gives all values of a field of the request, by its name in lower case, joined by commas.
        """
        return client_key(self.address_of(peer, joined))

    def address_of(self, peer: str, joined: Callable[[bytes], str]) -> str:
        """Return the address of the client of a request, whole; the arguments are those of `key_of`."""
        found = peer
        # Mostly nobody is trusted, and then nothing need be read.
        if self.are_named and self.trusts(peer):
            found = self.client_of(peer, joined(b"x-forwarded-for"), joined(b"forwarded"))
        return unmapped(found)

    def _first_stranger(self, peer: str, hops: list[str]) -> str:
        nearest = peer
        for hop in reversed(hops):
            found = _HOST.fullmatch(hop.strip())
            address = _parse(found[1] or found[2] or found[3]) if found else None
            if address is None:
                break  # Whatever stands left of what cannot be read, anybody may have written.
            nearest = str(address)
            if not self._has(address):
                break
        return nearest

    def _has(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _for(element: str) -> str:
    found = _FOR.search(element.strip())
    return (found[1] or found[2] or "") if found else ""
