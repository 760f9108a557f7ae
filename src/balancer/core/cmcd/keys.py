"""The keys of CMCD that are read, and what each may say (CTA-5004-B, table of keys).

A value of another type, or out of its range, counts as not said: players do send a time since 1970 as the time to the
first byte. The ranges are far beyond what is plausible, and still narrow enough that one value cannot spoil a sum.

Text is bytes read as Latin-1, so that any byte can be there, and no digits are but those of ASCII.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from balancer.core.cmcd.reports import Report

MAX_SESSION = 64
"""Characters in the id of a session; CTA-5004 has no longer ones."""

MAX_CODES = 4
"""Error codes that are taken from one report."""

Read = Callable[[str], object]
"""Makes a value of its text, empty where a key stands alone. None when it is not one that the key may have."""

SECOND = 1000
HOUR = 3600 * SECOND

EVENTS = "abs abe ae as b bc c ce e h m pc pe pr ps rr sk t um"
STATES = "s p k r a w e f q d"
OBJECT_TYPES = "m a v av i c tt k o"
STREAM_TYPES = "v l ll"

_MAX_DIGITS = 15

# RFC 9651 §3.1.1: items are parted by spaces, and may have parameters. dash.js writes decimals where integers belong.
_NUMBERS = re.compile(r"\( *+(?:[0-9]{1,15}+(?:\.[0-9]{1,3}+)?+(?:;[a-z][a-z0-9=]*+)*+(?: ++|(?=\))))*+\)")
_NUMBER = re.compile(r"[( ]([0-9]++)")
_CODES = re.compile(r'\( *+(?:"(?:[^"\\]|\\.)*+"(?:;[a-z][a-z0-9=]*+)*+(?: ++|(?=\))))*+\)')
# What is no string is matched as well, to the end where one is not closed, so that none is looked for again behind it.
_STRINGS = re.compile(r'"((?:[^"\\]|\\.)*+)"|[^"]++|".*+', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)")
_CODE = re.compile(r"[ -~]{1,64}+")
# A URL with a password in it is nobody's.
_URL = re.compile(r'"(https?)://([A-Za-z0-9._-]{1,253}+|\[[0-9A-Fa-f:.]{2,45}+\])(?::([0-9]{1,5}+))?+[/?#"]')
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def _integer(least: int, most: int) -> Read:
    def read(text: str) -> int | None:
        if text.isdecimal() and len(text) <= _MAX_DIGITS and least <= (number := int(text)) <= most:
            return number
        return None

    return read


def _greatest(least: int, most: int) -> Read:
    """Return what reads an integer (version 1), or the greatest of a list (version 2)."""
    one = _integer(least, most)

    def read(text: str) -> object:
        if text[:1] != "(":
            return one(text)
        if (alone := text[1:-1]).isdecimal():
            return one(alone)
        if not _NUMBERS.fullmatch(text):
            return None
        return one(max(_NUMBER.findall(text), key=int, default=""))

    return read


def _one_of(values: str) -> Read:
    return {value: value for value in values.split()}.get


def _session(text: str) -> str | None:
    if text[:1] != '"':
        return None
    found = _ESCAPED.sub(r"\1", text[1:-1]) if "\\" in text else text[1:-1]
    return found if 0 < len(found) <= MAX_SESSION else None


def _codes(text: str) -> tuple[str, ...] | None:
    if text[:1] != '"' and not _CODES.fullmatch(text):
        return None
    found = [_ESCAPED.sub(r"\1", code) for code in _STRINGS.findall(text)]
    return tuple(code for code in found if _CODE.fullmatch(code))[:MAX_CODES] or None


def _host(text: str) -> str | None:
    found = _URL.match(text)
    if found is None:
        return None
    scheme, host, port = found.groups()
    return f"{host}:{port}".lower() if port and port != _DEFAULT_PORTS[scheme] else str(host).lower()


# CTA-5004-B, `rc`: 0 says that there was no response.
_STATUSES: Read = {str(status): status for status in (0, *range(100, 600))}.get
_VERSIONS: Read = {"1": 1, "2": 2}.get
_BOOLEAN: Read = {"": True, "?1": True, "?0": False, "true": True, "false": False}.get

RULES: Mapping[str, tuple[str, Read]] = {
    "sid": ("session", _session),
    "v": ("version", _VERSIONS),
    "e": ("event", _one_of(EVENTS)),
    "sta": ("state", _one_of(STATES)),
    "ot": ("object_type", _one_of(OBJECT_TYPES)),
    "st": ("stream_type", _one_of(STREAM_TYPES)),
    "bs": ("starved", _BOOLEAN),
    "bsa": ("starvations", _greatest(0, 100_000)),
    "bsd": ("starvation_ms", _greatest(0, HOUR)),
    "bsda": ("starvation_total_ms", _greatest(0, 24 * HOUR)),
    "mtp": ("throughput_kbps", _greatest(1, 10_000_000)),
    "ttfb": ("first_byte_ms", _integer(0, 600 * SECOND)),
    "ttlb": ("last_byte_ms", _integer(0, 600 * SECOND)),
    "msd": ("start_ms", _integer(0, 600 * SECOND)),
    "ltc": ("latency_ms", _integer(0, 24 * HOUR)),
    "rc": ("status", _STATUSES),
    "ec": ("errors", _codes),
    "dfa": ("dropped_frames", _integer(0, 10_000_000)),
    # As drafts of version 2 called it.
    "df": ("dropped_frames", _integer(0, 10_000_000)),
    "ts": ("told_at_ms", _integer(1_000_000_000_000, 9_999_999_999_999)),
    "url": ("host", _host),
}
"""For each key that is read: the field of a report, and how its value is read. All times are in milliseconds."""

KEYS: Mapping[str, tuple[int, Read]] = {
    key: (Report._fields.index(field), read) for key, (field, read) in RULES.items()
}
BLANK: list[Any] = list(Report())
