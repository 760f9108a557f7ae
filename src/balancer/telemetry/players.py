"""What the operator sees of players' requests: lines of the log, and spans."""

import re
from itertools import pairwise
from random import Random
from time import monotonic
from typing import NamedTuple
from urllib.parse import unquote

import structlog

from balancer.core.routing.decisions import Decision
from balancer.telemetry.repeats import Repeats
from balancer.telemetry.traces import Tracing

REQUEST_ID = "x-request-id"

MAX_PATH = 200
"""Characters of a path that a line has."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")
# Names and values in a segment: `exp=…~hmac=…`, `bcdn_token=…&expires=…`, `<token>,<expiry>`.
_PAIRS = re.compile(r"[=~;,&|]")
# What may be a token: hexadecimal or base64 in either alphabet; the parts of a JSON Web Token are that too.
_TOKEN = re.compile(r"[A-Za-z0-9_+/-]+")
_HEX = re.compile(r"[0-9a-f]{16,}|[0-9A-F]{16,}")
# Beside a token: seconds or milliseconds since 1970, the former also in hexadecimal, or a date with its time.
_EXPIRY = re.compile(r"[0-9]{10,14}|[0-9A-Fa-f]{8}")
_DIGIT, _LOWER, _UPPER = re.compile(r"[0-9]"), re.compile(r"[a-z]"), re.compile(r"[A-Z]")

MIN_TOKEN = 20
"""Characters of the shortest base64 that counts as a token: an MD5 sum has 22."""

# A generator of its own: whoever seeds that of the module must not be disturbed. No secret: it only chooses and names.
_chance = Random()  # noqa: S311

logger = structlog.stdlib.get_logger(__name__)


class AccessLog(NamedTuple):
    """Which requests of players get a line.

    Attributes:
        refused: Whether those do that are refused.
        part: Of the redirects, from 0 to 1, drawn at random.
    """

    refused: bool
    part: float


class PlayerWatch:
    """Writes lines of players' requests, and makes spans of them.

    Args:
        log: Which get a line.
        tracing: None when there is none.
        part_traced: Of the redirects, from 0 to 1, drawn at random.
        repeats: Sums up lines; some of its own when it is not given.

    Attributes:
        repeats: Sums up what strangers ask for.
        is_on: Whether it looks at redirects at all.
        sees_refusals: Whether it looks at what is refused.
    """

    def __init__(
        self, log: AccessLog, tracing: Tracing | None, part_traced: float, repeats: Repeats | None = None
    ) -> None:
        self._log = log
        self.repeats = repeats or Repeats()
        self._tracing = tracing
        self._part_traced = part_traced if tracing else 0.0
        self.is_on = log.part > 0 or self._part_traced > 0
        self.sees_refusals = log.refused

    def redirected(self, decision: Decision, client: str, request_id: str | None, begun: float) -> None:
        """See a redirect that began at `begun` by the monotonic clock."""
        video = decision.video
        if _chance.random() < self._log.part:
            logger.info(
                "redirect",
                status=301,
                target=decision.target.name,
                config_id=decision.config.id,
                revision=decision.config.revision,
                ticket=decision.ticket,
                reason=decision.choice.reason.value,
                video=f"{video.origin.host}{shown(video.path.decode())}",
                client=client,
                duration_ms=milliseconds(begun),
                **({"request_id": request_id} if request_id else {}),
            )
        if self._tracing and _chance.random() < self._part_traced:
            self._tracing.redirect(decision, begun)

    def refused(self, status: int, code: str, client: str, begun: float) -> None:
        """See a request that was refused.

        Args:
            status: Of the answer.
            code: Why, by the closed vocabularies.
            client: Its address.
            begun: By the monotonic clock.
        """
        if self.sees_refusals:
            logger.info("refusal", status=status, reason=code, client=client, duration_ms=milliseconds(begun))

    def lost(self, status: int, code: str, client: str, begun: float) -> None:
        """See a request for a path at which there is nothing; the arguments are those of `refused`."""
        same = {"status": status, "reason": code}
        self.repeats.tell(logger.info, "refusal", client, same, duration_ms=milliseconds(begun))


def request_id_of(given: str | None) -> str:
    """Return the id that a client gives its request if it can stand in a line and a header, else a new one."""
    return given if given and _REQUEST_ID.fullmatch(given) else _chance.getrandbits(128).to_bytes(16, "big").hex()


def shown(path: str) -> str:
    """Return a path as lines have it: short, and without segments that may be a token, nor the expiry beside one."""
    segments = path.split("/")
    hidden = [_may_be_token(segment) for segment in segments]
    for (left, is_left), (right, is_right) in pairwise(list(enumerate(hidden))):
        if is_left and _EXPIRY.fullmatch(segments[right]):
            hidden[right] = True
        if is_right and _EXPIRY.fullmatch(segments[left]):
            hidden[left] = True
    return "/".join("***" if hides else segment for segment, hides in zip(segments, hidden, strict=True))[:MAX_PATH]


def _may_be_token(segment: str) -> bool:
    """Tell whether a segment of a path may be a token or a signature, in any of the forms that CDNs give them."""
    text = unquote(segment)
    return _PAIRS.search(text) is not None or any(map(_looks_random, text.split(".")))


def _looks_random(text: str) -> bool:
    """Tell whether a text looks like one that was computed: words and numbers of people are short, or of one kind."""
    if not _TOKEN.fullmatch(text):
        return False
    has_digit, has_lower, has_upper = (kind.search(text) is not None for kind in (_DIGIT, _LOWER, _UPPER))
    if _HEX.fullmatch(text):
        return has_digit and (has_lower or has_upper)
    if len(text) < MIN_TOKEN:
        return False
    return (has_digit and (has_lower or has_upper)) or (has_lower and has_upper)


def milliseconds(begun: float) -> float:
    """Return how long ago `begun` was, in the unit of the log, by the monotonic clock."""
    return round((monotonic() - begun) * 1000, 3)
