"""What URLs of stores have in common: several hosts, files for TLS, and passwords that may be escaped."""

import re
import ssl
from collections.abc import Iterable
from urllib.parse import quote, unquote

UNREADABLE = (
    "cannot be read; characters of a user or a password other than letters, digits and -._~ must be escaped (%40 for @)"
)

MAX_PORT = 65535  # RFC 9293 §3.1: 16 bits

_HOST = re.compile(r"(?:\[(?P<address>[0-9A-Fa-f:.]+)\]|(?P<name>[^\[\]:@\s]+))(?::(?P<port>[0-9]{1,5}))?")


def read_hosts(given: str, default_port: int) -> list[tuple[str, int]]:
    """Return the hosts of `host1:5432,host2,[::1]:5433` with their ports, as they follow one another.

    Raises:
        ValueError: When one of them cannot be read.
    """
    found = []
    for part in given.split(","):
        match = _HOST.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"has hosts that cannot be read; write them as host1:{default_port},host2:{default_port}")
        found.append((match["address"] or unquote(match["name"]), check_port(int(match["port"] or default_port))))
    return found


def check_port(port: int) -> int:
    """Return the port.

    Raises:
        ValueError: When there is no such port.
    """
    if not 0 < port <= MAX_PORT:
        raise ValueError(f"has a port that is not from 1 to {MAX_PORT}")
    return port


def check_authorities(option: str, path: str) -> None:
    """See that a file has the certificates of authorities in PEM.

    Raises:
        ValueError: When it does not, with the name of the option and the path.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError as error:
        raise ValueError(f"has {option}={path}, {_reason(error, 'certificate')}") from None


def check_certificate(options: tuple[str, str], cert: str, key: str | None, password: str | None) -> None:
    """See that files have a certificate and its key in PEM.

    Args:
        options: The names of the options for the certificate and the key.
        cert: The certificate's file.
        key: The key's file; None where the certificate's has it too.
        password: Of the key.

    Raises:
        ValueError: When they do not, with the names of the options and the paths.
    """
    what = f"has {options[0]}={cert}" + (f" and {options[1]}={key}" if key else "")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(cert, key, lambda: password or "")
    except OSError as error:
        raise ValueError(f"{what}, {_reason(error, 'certificate with its key')}") from None


def plain_and_escaped(found: Iterable[object]) -> list[str]:
    """Return passwords as they are and as a URL has them; nothing for those that are empty."""
    plain = [str(password) for password in found if password]
    return [*plain, *(quote(password, safe="") for password in plain)]


def _reason(error: OSError, wanted: str) -> str:
    # A file without anything in PEM, or with the key of another certificate, is an error of TLS.
    return (
        f"which is no {wanted} in PEM" if isinstance(error, ssl.SSLError) else f"which cannot be read: {error.strerror}"
    )
