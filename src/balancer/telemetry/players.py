"""What the operator sees of players' requests: lines of the log, and spans."""

import re
from random import getrandbits, random
from time import monotonic
from typing import NamedTuple

import structlog

from balancer.core.redirects import Decision
from balancer.telemetry.traces import Tracing

REQUEST_ID = "x-request-id"

MAX_PATH = 200
"""Characters of a path that a line has."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")
# A segment of a path that may be a signature: `exp=…~hmac=…`.
_SIGNED = re.compile(r"[^/]*(?:[=~;,]|%(?:3[DdBb]|7[Ee]|2[Cc]))[^/]*")

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

    Attributes:
        is_on: Whether it looks at redirects at all.
        sees_refusals: Whether it looks at what is refused.
    """

    def __init__(self, log: AccessLog, tracing: Tracing | None, part_traced: float) -> None:
        self._log = log
        self._tracing = tracing
        self._part_traced = part_traced if tracing else 0.0
        self.is_on = log.part > 0 or self._part_traced > 0
        self.sees_refusals = log.refused

    def redirected(self, decision: Decision, client: str, request_id: str | None, begun: float) -> None:
        """See a redirect that began at `begun` by the monotonic clock."""
        video = decision.video
        if random() < self._log.part:  # noqa: S311  # no secret: it only chooses
            logger.info(
                "redirect",
                status=301,
                target=decision.target.name,
                config_id=decision.config.id,
                revision=decision.config.revision,
                ticket=decision.ticket,
                reason=decision.snapshot.reason.value,
                video=shown(f"{video.server}.{video.domain}{video.path}"),
                client=client,
                duration_ms=milliseconds(begun),
                **({"request_id": request_id} if request_id else {}),
            )
        if self._tracing and random() < self._part_traced:  # noqa: S311  # no secret: it only chooses
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


def request_id_of(given: str | None) -> str:
    """Return the id that a client gives its request if it can stand in a line and a header, else a new one."""
    return given if given and _REQUEST_ID.fullmatch(given) else f"{getrandbits(128):032x}"


def shown(path: str) -> str:
    """Return a path as lines have it: short, and without segments that may be a signature."""
    return _SIGNED.sub("***", path[:MAX_PATH])


def milliseconds(begun: float) -> float:
    """Return how long ago `begun` was, in the unit of the log, by the monotonic clock."""
    return round((monotonic() - begun) * 1000, 3)
