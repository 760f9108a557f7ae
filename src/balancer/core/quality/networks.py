"""Where a player is, as coarsely as its quality is judged by; its address is not kept."""

from ipaddress import IPv6Address, ip_address

IPV6_BYTES = 6
"""Bytes of an IPv6 address that are kept: a /48 is what one site gets (RFC 6177)."""

UNKNOWN = "unknown"
"""The network of what is no address, as on a Unix socket."""


def network_of(address: str, asn: int | None = None) -> str:
    """Return the network of an address: `AS64496` where that is known, else `192.0.2.0/24` or `2001:db8:1::/48`.

    Args:
        address: `192.0.2.7` or `2001:db8:1:2::3`; an IPv4 address within IPv6 counts as what it is.
        asn: Number of its autonomous system.
    """
    if asn is not None:
        return f"AS{asn}"
    try:
        found = ip_address(address)
    except ValueError:
        return UNKNOWN
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is None:
            return f"{IPv6Address(found.packed[:IPV6_BYTES] + bytes(16 - IPV6_BYTES))}/{IPV6_BYTES * 8}"
        found = found.ipv4_mapped
    return f"{str(found).rpartition('.')[0]}.0/24"
