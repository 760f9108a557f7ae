"""Verdicts about targets: what probes find, and what is made of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

SLOW_START_STEPS = 10
"""Steps in which a recovered target grows to its weight: a schedule is compiled once for each."""

TargetKey = tuple[int, str]
"""The id of a config, and the name of one of its targets."""


class Verdict(StrEnum):
    """What is thought of a target."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"

    UNKNOWN = "unknown"
    """Not probed yet, or not to be told; counts as usable."""


class Failure(StrEnum):
    """Why a probe failed: a closed vocabulary for metrics."""

    TIMED_OUT = "timed-out"
    UNRESOLVED = "unresolved"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    CERTIFICATE = "certificate"
    TLS = "tls"
    STATUS = "status"
    TEXT = "text"
    PROTOCOL = "protocol"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one probe found.

    Attributes:
        failure: None when the target is as it should be.
        why: What was found, in one clause: `answered 503`.
        latency: Seconds until that was known.
        status: Of the answer, None when there was none.
        certificate_ends: When the certificate that the target showed runs out; None without TLS.
    """

    failure: Failure | None
    why: str
    latency: float
    status: int | None = None
    certificate_ends: datetime | None = None

    @property
    def ok(self) -> bool:
        """Whether the target is as it should be."""
        return self.failure is None


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """What is known of a target.

    Attributes:
        url: What is asked: an absolute URL.
        verdict: What is thought of it.
        since: When that began; aware, in UTC, as all times here.
        why: What the last probe found, in one clause.
        probed_at: When that was, None before the first one.
        latency: Seconds that it took.
        certificate_ends: When the certificate runs out that was seen last, None when there was none.
        recovered_at: When it became healthy after it had been unhealthy, None when it has not.
        part: Of its weight, that it is to have: 0 while unhealthy, and growing to 1 in a slow start.
    """

    url: str
    verdict: Verdict
    since: datetime
    why: str
    probed_at: datetime | None = None
    latency: float | None = None
    certificate_ends: datetime | None = None
    recovered_at: datetime | None = None
    part: float = 1.0

    def part_at(self, now: datetime, slow_start: float) -> float:
        """Return which part of its weight the target is to have, in tenths.

        Args:
            now: The present time.
            slow_start: Seconds in which a recovered target grows to its weight.
        """
        if self.verdict is Verdict.UNHEALTHY:
            return 0.0
        if self.recovered_at is None or not slow_start:
            return 1.0
        grown = (now - self.recovered_at) / timedelta(seconds=slow_start)
        # A clock that was put back begins again.
        return min(SLOW_START_STEPS, max(0, int(grown * SLOW_START_STEPS)) + 1) / SLOW_START_STEPS

    def certificate_days(self, now: datetime) -> float | None:
        """Return in how many days the certificate runs out, below 0 when it has; None when there is none."""
        return None if self.certificate_ends is None else (self.certificate_ends - now) / timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """All that the one who probes knows.

    Attributes:
        at: When it was told.
        by: The name of the process that probes.
        unreliable_since: Since when every probe fails, so that it may be the prober's own network; None when not so.
        targets: By the id of the config and the name of the target.
    """

    at: datetime
    by: str
    unreliable_since: datetime | None
    targets: Mapping[TargetKey, TargetHealth]
