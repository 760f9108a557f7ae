"""Internationalised host names: the one place that knows the `idna` library."""

import idna

MAX_LENGTH = 1024
"""Characters of a name that is converted at all. A host name has 253 in ASCII (RFC 1035 §2.3.4) and no more in Unicode,
and some versions of the library take a time that grows with the square of the length."""


def to_ascii(host: str) -> str:
    """Return the ASCII form of a host name as browsers compute it (UTS #46, non-transitional; RFC 5891).

    Raises:
        ValueError: When the name has none.
    """
    if len(host) > MAX_LENGTH:
        raise ValueError(f"a host name of more than {MAX_LENGTH} characters")
    return idna.encode(host, uts46=True, std3_rules=False, transitional=False).decode("ascii")
