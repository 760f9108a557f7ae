"""Writes small databases in MaxMind's format (https://maxmind.github.io/MaxMind-DB/)."""

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

Node = list[Any]


class Short(int):
    """A number of 16 bits."""


class Long(int):
    """A number of 64 bits."""


def database(kind: str, records: Mapping[str, Any]) -> bytes:
    """Return a database.

    Args:
        kind: `GeoLite2-Country`.
        records: By network.
    """
    root: Node = [None, None]
    data = b""
    for text, record in records.items():
        network = ip_network(text)
        # IPv4 stands below ::/96.
        length = network.prefixlen + (96 if network.version == 4 else 0)
        bits = f"{int(network.network_address):0128b}"[:length]
        place, data = len(data), data + encoded(record)
        node = root
        for bit in bits[:-1]:
            if not isinstance(node[int(bit)], list):
                node[int(bit)] = [node[int(bit)]] * 2
            node = node[int(bit)]
        node[int(bits[-1])] = place
    nodes = [root]
    for node in nodes:
        nodes += [child for child in node if isinstance(child, list)]
    numbers = {id(node): number for number, node in enumerate(nodes)}

    def pointer(child: Node | int | None) -> bytes:
        if isinstance(child, list):
            return numbers[id(child)].to_bytes(3, "big")
        return (len(nodes) + (0 if child is None else 16 + child)).to_bytes(3, "big")

    tree = b"".join(pointer(child) for node in nodes for child in node)
    metadata = {
        "node_count": len(nodes),
        "record_size": Short(24),
        "ip_version": Short(6),
        "database_type": kind,
        "languages": ["en"],
        "binary_format_major_version": Short(2),
        "binary_format_minor_version": Short(0),
        "build_epoch": Long(1_750_000_000),
        "description": {"en": "For tests"},
    }
    return tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + encoded(metadata)


def encoded(value: Any) -> bytes:
    """Return a value as the format has it: a map, an array, a text or a number, of 32 bits if it does not say."""
    match value:
        case dict():
            return bytes([7 << 5 | len(value)]) + b"".join(encoded(part) for pair in value.items() for part in pair)
        case list():
            return bytes([len(value), 4]) + b"".join(map(encoded, value))
        case str():
            return bytes([2 << 5 | len(value)]) + value.encode()
        case Short():
            return bytes([5 << 5 | 2]) + value.to_bytes(2, "big")
        case Long():
            return bytes([8, 2]) + value.to_bytes(8, "big")
        case _:
            return bytes([6 << 5 | 4]) + int(value).to_bytes(4, "big")


def countries(**networks: str) -> bytes:
    """Return a database of countries: `countries(DE="192.0.2.0/24")`."""
    records = {network: {"country": {"iso_code": country}} for country, network in networks.items()}
    return database("GeoLite2-Country", records)


def systems(**networks: str) -> bytes:
    """Return a database of autonomous systems: `systems(AS64496="192.0.2.0/24")`."""
    numbers = {network: {"autonomous_system_number": int(name[2:])} for name, network in networks.items()}
    return database("GeoLite2-ASN", numbers)
