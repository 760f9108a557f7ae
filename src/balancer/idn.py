"""Internationalised host names: the one place that knows the `idna` library."""

import idna


def to_ascii(host: str) -> str:
    """Return the ASCII form of a host name as browsers compute it (UTS #46, non-transitional; RFC 5891).

    Raises:
        ValueError: When the name has none.
    """
    return idna.encode(host, uts46=True, std3_rules=False, transitional=False).decode("ascii")
