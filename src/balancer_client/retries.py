"""Whether and when a request is sent again.

A request is only sent again where that cannot do something twice:

- one that reads: `GET`, `HEAD`, and the previews;
- one with an `Idempotency-Key`, which makes a change once however often it is sent. The methods of the clients give
  each change a key of its own, but for making and revoking API keys, which take none;
- one with `If-Match`, which is refused the second time;
- any, when the answer says that nothing was done: a 429, or a 503 with a problem of the service's own, but for
  `outcome-unknown`.

What may have reached the service, and has none of these, is not sent again.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from balancer_client.errors import URN, OutcomeUnknown, ProblemError, RateLimited, Unavailable

READING = frozenset({"GET", "HEAD"})

_PREVIEW = "/preview"
"""What the paths of requests end in that only say what a change would do."""

FIRST_WAIT = 0.5
"""Seconds before the second attempt, where the answer does not say; doubled before each one after it."""

BROKEN = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
"""A connection that ended while a request was under way, as one does that was kept too long."""

_SECONDS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Retries:
    """How long a client tries.

    Attributes:
        attempts: How often a request is sent at most; 1 is never again.
        seconds: How long after the first attempt the last one may begin. When the service asks for more patience than
            is left, the error is raised at once.
    """

    attempts: int = 4
    seconds: float = 30.0

    def wait(
        self, request: httpx.Request, failure: ProblemError | httpx.TransportError, attempt: int, elapsed: float
    ) -> float | None:
        """Return the seconds to wait before a request is sent again, None when it is not.

        Args:
            request: What was sent.
            failure: What came of it.
            attempt: Which attempt that was, from 1.
            elapsed: Seconds since the first one began.
        """
        if attempt >= self.attempts or not is_repeatable(request, failure):
            return None
        told = failure.retry_after if isinstance(failure, ProblemError) else None
        wait = FIRST_WAIT * 2 ** (attempt - 1) if told is None else told
        return wait if elapsed + wait <= self.seconds else None


def is_repeatable(request: httpx.Request, failure: ProblemError | httpx.TransportError) -> bool:
    """Return whether a request may be sent again without doing something twice, and whether that promises anything."""
    if isinstance(failure, RateLimited):
        return True
    if isinstance(failure, Unavailable):
        was_refused = failure.type.startswith(URN) and not isinstance(failure, OutcomeUnknown)
        return was_refused or is_safe(request)
    return isinstance(failure, BROKEN) and is_safe(request)


def is_safe(request: httpx.Request) -> bool:
    """Return whether sending a request twice does no more than sending it once."""
    reads = request.method in READING or request.url.path.endswith(_PREVIEW)
    return reads or "idempotency-key" in request.headers or "if-match" in request.headers


def retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds that a `Retry-After` asks for (RFC 9110 §10.2.3), None when it is missing or says nothing.

    Args:
        value: Seconds, or an HTTP date.
        now: Aware.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    # An HTTP date is in GMT; a zone of -0000 gives one without an offset.
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())
