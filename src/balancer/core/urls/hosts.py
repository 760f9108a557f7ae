"""Which host names are sound, which of them are origins, and what a CDN may be called.

Browsers parse hosts by the WHATWG URL standard, not by RFC 3986. A host is accepted only in the form that both read the
same way: lower-case ASCII labels, no percent-escapes, no address in any spelling.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from balancer.core.errors import InvalidInput

ToAscii = Callable[[str], str]
"""Turns a host name into its ASCII form (UTS #46, RFC 5891) and raises ValueError for a name that has none."""

DEFAULT_PORTS = {"http": 80, "https": 443}

MAX_HOST = 253
"""Characters in a host name (RFC 1035 §2.3.4, without the root's dot)."""

MAX_GIVEN = 1024
"""Characters of a host name as people give it: one that is longer has no ASCII form that is short enough."""

MAX_PORT = 65_535

_LABEL = r"[a-z0-9_-]{1,63}"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_PORT = re.compile(r"[1-9][0-9]{0,4}")

# To a browser, a host whose last label is a number in any base is an IPv4 address (WHATWG URL §3.5).
_ENDS_IN_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$")
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}")


def is_name(host: str) -> bool:
    """Tell whether lower-case `host` is a sound host name of one label or more."""
    return len(host) <= MAX_HOST and _NAME.fullmatch(host) is not None


def is_address(host: str) -> bool:
    """Tell whether a browser takes `host` for an IPv4 address, in any of the spellings that it knows."""
    return _ENDS_IN_NUMBER.search(host) is not None


def is_port(text: str) -> bool:
    """Tell whether `text` is a port in plain decimal digits, 1 to 65535."""
    return _PORT.fullmatch(text) is not None and int(text) <= MAX_PORT


def has_sound_idn(host: str, to_ascii: ToAscii) -> bool:
    """Tell whether every label of `host` that claims to be internationalised (`xn--…`) decodes, and back to itself."""
    if "xn--" not in host:
        return True
    try:
        return to_ascii(host) == host
    except ValueError:
        return False


def parse_cdn_host(text: str, to_ascii: ToAscii, field: str = "cdn_host") -> str:
    """Return the host of a CDN in the form that it is stored and sent in.

    Args:
        text: `cdn.example.com`, `cdn.example.com:8080`, `192.0.2.7` or an internationalised name.
        to_ascii: Gives the ASCII form of an internationalised name.
        field: Where it was given, for the error.

    Raises:
        InvalidInput: When it is anything else; the fault says which part of it is wrong.
    """

    def refuse(fault: str) -> InvalidInput:
        return InvalidInput(field, fault)

    if fault := _fault_in_shape(text):
        raise refuse(fault)
    name, colon, port = text.partition(":")
    if colon and not is_port(port):
        raise refuse(f"needs a port from 1 to {MAX_PORT} after the colon, in plain digits")
    try:
        host = name.lower() if name.isascii() else to_ascii(name)
    except ValueError:
        raise refuse("is an internationalised name that has no ASCII form") from None
    if not host:
        raise refuse("is empty")
    if not is_name(host) or not has_sound_idn(host, to_ascii):
        raise refuse("is not a host name: labels of letters, digits and hyphens, joined by dots")
    if is_address(host) and _IPV4.fullmatch(host) is None:
        raise refuse("is not an IPv4 address of four decimal numbers, but a browser would read it as an address")
    return host + colon + port


def _fault_in_shape(text: str) -> str | None:
    """Return what shows at once that a text is more than a host name and a port, None when nothing does."""
    if len(text) > MAX_GIVEN:
        return f"is longer than the {MAX_HOST} characters of a host name"
    for mark, part in (("://", "scheme"), ("@", "user info"), ("/", "path"), ("?", "query"), ("#", "fragment")):
        if mark in text:
            return f"has a {part}; give only a host name, and a port if it is not the default"
    return None if text == "".join(text.split()) else "has white space"


@dataclass(frozen=True, slots=True)
class _Pattern:
    text: str
    regex: re.Pattern[str]
    port: int | None


class OriginHosts:
    """The hosts that requests may be redirected to or from: the allow-list that keeps this from being an open redirect.

    Args:
        patterns: `*.origin-cluster`, `s1.example.com:8080`, …; `*` stands for exactly one label, and a pattern without
            a port allows only the default port of the scheme.
        to_ascii: Gives the ASCII form of an internationalised name.

    Raises:
        ValueError: When a pattern cannot be read; the message names it.
    """

    def __init__(self, patterns: Iterable[str], to_ascii: ToAscii) -> None:
        self._to_ascii = to_ascii
        self._patterns = tuple(_compiled(pattern, to_ascii) for pattern in patterns)
        if not self._patterns:
            raise ValueError("at least one pattern is needed")

    def pattern_of(self, scheme: str, host: str, port: int | None) -> str | None:
        """Return the pattern that allows this host, or None.

        Args:
            scheme: `http` or `https`.
            host: A sound name in lower case.
            port: As given in the URL, None when it gave none.
        """
        default = DEFAULT_PORTS[scheme]
        actual = port or default
        for pattern in self._patterns:
            if actual == (pattern.port or default) and pattern.regex.fullmatch(host):
                return pattern.text if has_sound_idn(host, self._to_ascii) else None
        return None


def read_pattern(text: str, to_ascii: ToAscii) -> tuple[list[str], str]:
    """Return the labels of a host pattern in lower case, and its port with the colon, empty when it has none.

    Raises:
        ValueError: When it cannot be read; the message names it.
    """
    if len(text) > MAX_GIVEN:
        raise ValueError(f"pattern {text[:40]!r}…: longer than the {MAX_HOST} characters of a host name")
    name, colon, port = text.strip().partition(":")
    if colon and not is_port(port):
        raise ValueError(f"pattern {text!r}: the port must be a number from 1 to {MAX_PORT}")
    labels = name.lower().split(".")
    try:
        labels = [label if label == "*" or label.isascii() else to_ascii(label) for label in labels]
    except ValueError:
        raise ValueError(f"pattern {text!r}: not an internationalised name") from None
    if not is_name(".".join("x" if label == "*" else label for label in labels)):
        raise ValueError(f"pattern {text!r}: not host labels joined by dots, with '*' for exactly one whole label")
    if len(labels) == 1:
        raise ValueError(f"pattern {text!r}: a label before the domain is needed, such as '*.{name}'")
    if is_address(".".join(labels)):
        raise ValueError(f"pattern {text!r}: an IP address cannot be an origin")
    return labels, colon + port


def _compiled(text: str, to_ascii: ToAscii) -> _Pattern:
    labels, port = read_pattern(text, to_ascii)
    regex = r"\.".join(_LABEL if label == "*" else re.escape(label) for label in labels)
    return _Pattern(".".join(labels) + port, re.compile(regex), int(port[1:]) if port else None)
