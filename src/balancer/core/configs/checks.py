"""Health checks: how a target is asked whether it works."""

import re
from dataclasses import dataclass

from balancer.core.errors import InvalidInput

MAX_INTERVAL = 3600.0
"""Seconds between two probes of a target at most."""

MIN_INTERVAL = 0.5
"""Seconds between two probes of a target at least."""

MAX_COUNT = 100
"""Probes in a row that can be asked for before a verdict changes."""

MAX_STATUSES = 20
STATUSES = range(100, 600)
MAX_EXPIRY_WARNING = 365
"""Days before a certificate runs out when a warning can begin."""

MAX_TEXT = 200
"""Characters of the text that a body must hold."""

MAX_URL = 2048

# A port from 1 to 65535.
_PORT = r"(?::(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?(?![0-9])"
_PROBE = re.compile(rf"(?:https?://[a-z0-9](?:[a-z0-9._-]{{0,251}}[a-z0-9])?+{_PORT})?/[!-~]*+")
_HOST = re.compile(rf"[A-Za-z0-9](?:[A-Za-z0-9._-]{{0,251}}[A-Za-z0-9])?{_PORT}")


@dataclass(frozen=True, slots=True)
class Check:
    """How a target is probed, and how many probes change the verdict about it.

    Attributes:
        url: `/health`, on the target's own host, or an absolute `http://…` or `https://…` URL, as an origin needs.
        method: `GET` or `HEAD`.
        statuses: Those that a working target answers.
        contains: Text that the body must have, None when any will do; only with `GET`.
        interval: Seconds between two probes, from 0.5 to 3,600.
        timeout: Seconds that a probe may take, not more than the interval.
        rise: Probes in a row that must succeed before an unhealthy target counts as healthy.
        fall: Probes in a row that must fail before a healthy target counts as unhealthy.
        verify_tls: Whether the certificate must be valid.
        expiry_warning: Days before its certificate runs out when a warning begins; 0 for none.
        host: What the `Host` header says, None for the host of the URL.

    Raises:
        InvalidInput: When a value is one that a check cannot have; names `check.…`.
    """

    url: str = "/"
    method: str = "GET"
    statuses: tuple[int, ...] = (200,)
    contains: str | None = None
    interval: float = 5.0
    timeout: float = 2.0
    rise: int = 2
    fall: int = 3
    verify_tls: bool = True
    expiry_warning: int = 14
    host: str | None = None

    def __post_init__(self) -> None:
        faults = {
            "url": (
                len(self.url) <= MAX_URL and _PROBE.fullmatch(self.url) is not None,
                "must be a path such as /health, or an absolute http or https URL, without spaces",
            ),
            "method": (self.method in {"GET", "HEAD"}, "must be GET or HEAD"),
            "statuses": (
                1 <= len(self.statuses) <= MAX_STATUSES and all(status in STATUSES for status in self.statuses),
                f"must be 1 to {MAX_STATUSES} status codes from 100 to 599",
            ),
            "contains": (
                self.contains is None or (0 < len(self.contains) <= MAX_TEXT and self.method == "GET"),
                f"must be 1 to {MAX_TEXT} characters, and needs the method GET",
            ),
            "interval": (
                MIN_INTERVAL <= self.interval <= MAX_INTERVAL,
                f"must be from {MIN_INTERVAL} to {MAX_INTERVAL:.0f} seconds",
            ),
            "timeout": (0 < self.timeout <= self.interval, "must be above 0 and not above the interval"),
            "rise": (1 <= self.rise <= MAX_COUNT, f"must be from 1 to {MAX_COUNT}"),
            "fall": (1 <= self.fall <= MAX_COUNT, f"must be from 1 to {MAX_COUNT}"),
            "expiry_warning": (
                0 <= self.expiry_warning <= MAX_EXPIRY_WARNING,
                f"must be from 0 to {MAX_EXPIRY_WARNING} days",
            ),
            "host": (
                self.host is None or _HOST.fullmatch(self.host) is not None,
                "must be a host name, with a port if it is not the default",
            ),
        }
        for field, (is_right, fault) in faults.items():
            if not is_right:
                raise InvalidInput(f"check.{field}", fault)
