"""Reading CMCD: from a query parameter, from header fields, or from a body of events.

All three are lists of keys, `bl=4000,sid="s-1",su`, which are a dictionary of structured fields (RFC 9651 §3.2). A list
that is not one as a whole is malformed, and nothing of it is used. Nothing here raises, whatever the bytes.
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

from balancer.core.cmcd.keys import BLANK, KEYS
from balancer.core.cmcd.reports import Events, Report

MAX_LIST = 8192
"""Bytes of one list of keys; as long as a whole head of a request may be."""

MAX_BODY = 64 * 1024
"""Bytes of a body of events that are looked at."""

MAX_EVENTS = 200
"""Lines of a body of events that are looked at."""

# One key, with its value if it has one, up to the next comma (RFC 9651 §3.2). The values are, in this order: a number
# or token, a string, a list; their parameters are skipped. What cannot be read so is matched as a key without a name,
# with everything that follows it: so each byte is looked at once, and only the last match can be such a key.
_PAIR = re.compile(
    r"""
    ([A-Za-z*][A-Za-z0-9_.*-]*+)
    (?:=(
        [^\x00-\x20"(),;]++
      | "[^"\\]*+(?:\\["\\][^"\\]*+)*+"
      | \([^"()]*+(?:"[^"\\]*+(?:\\["\\][^"\\]*+)*+"[^"()]*+)*+\)
    )(?:;[^"(),]*+(?:"[^"\\]*+(?:\\["\\][^"\\]*+)*+"[^"(),]*+)*+)?+)?+
    (?:,[ \t]*+|\Z)
    |.++
    """,
    re.VERBOSE | re.DOTALL,
)

Pairs = list[tuple[str, str]]
"""Keys with the texts of their values, in the order of the list."""


def from_query(value: bytes) -> Report | None:
    """Return what the parameter `CMCD` of a query says; None when that cannot be read.

    Args:
        value: As it stands in the URL: `bl%3D4000%2Csid%3D%22s-1%22`.
    """
    if len(value) > MAX_LIST:
        return None
    # Players write forms (WHATWG URL §5.1), where a plus is a space.
    return _report(_pairs(unquote_to_bytes(value.replace(b"+", b" ")).decode("latin-1")))


def from_fields(values: Iterable[bytes]) -> Report | None:
    """Return what header fields say together; None when none can be read. One that cannot be spoils no other.

    Args:
        values: Of `CMCD-Object`, `CMCD-Request`, `CMCD-Session` and `CMCD-Status`, as many as there are.
    """
    pairs: Pairs = []
    for value in values:
        if len(value) <= MAX_LIST:
            pairs += _pairs(value.strip(b" \t").decode("latin-1"))
    return _report(pairs)


def from_event_lines(body: bytes) -> Events:
    """Return what a body of type `application/cmcd` says, a line for each event (CTA-5004-B, event mode).

    Args:
        body: `cid="c-1",e=ps,sid="s-1",sta=p,ts=1795549970597,v=2`, once or more often.
    """
    # What may be half a line at the limit is not looked at.
    whole = body if len(body) <= MAX_BODY else body[: body.rfind(b"\n", 0, MAX_BODY) + 1]
    lines = [line for line in whole.decode("latin-1").replace("\r", "").split("\n") if line]
    reports: list[Report] = []
    malformed = 0
    for line in lines[:MAX_EVENTS]:
        if len(line) <= MAX_LIST and (report := _report(_pairs(line))):
            reports.append(report)
        else:
            malformed += 1
    dropped = max(0, len(lines) - MAX_EVENTS) + _lines(body[len(whole) :])
    return Events(reports, malformed, dropped)


def _lines(rest: bytes) -> int:
    return rest.rstrip(b"\n").count(b"\n") + 1 if rest else 0


def _pairs(text: str) -> Pairs:
    """Return the pairs of a list of keys; none for what is no list of keys."""
    pairs: Pairs = _PAIR.findall(text)
    return pairs if pairs and pairs[-1][0] else []


def _report(pairs: Pairs) -> Report | None:
    """Return what pairs say, of several with one key the last that can be read; None where there are none.

    None is also returned for a version that this program does not know: keys may mean anything there.
    """
    if not pairs:
        return None
    values, get = BLANK[:], KEYS.get
    for key, text in pairs:
        known = get(key)
        if known is not None:
            index, read = known
            value = read(text)
            if value is not None:
                values[index] = value
            elif key == "v" and text.isdecimal():
                return None
    # As `Report._make` does, which takes twice as long.
    return tuple.__new__(Report, values)
