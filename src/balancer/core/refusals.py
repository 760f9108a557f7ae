"""Why a request is not redirected.

Refusal
├── InvalidVideo    the `video` parameter is not a URL that may be redirected
└── QueryTooLong    the query string is longer than the edge reads
"""

from enum import StrEnum

from balancer.core.errors import BalancerError


class RefusalReason(StrEnum):
    """Why a request was not redirected: a closed vocabulary, the same in answers, logs and metrics."""

    VIDEO_MISSING = "video-missing"
    VIDEO_REPEATED = "video-repeated"
    NOT_A_URL = "not-a-url"
    BAD_CHARACTER = "bad-character"
    BAD_ESCAPE = "bad-escape"
    USER_INFO = "user-info"
    BAD_HOST = "bad-host"
    IP_ADDRESS = "ip-address"
    BAD_PORT = "bad-port"
    HOST_NOT_ALLOWED = "host-not-allowed"
    PATH_EMPTY = "path-empty"
    DOT_SEGMENT = "dot-segment"
    TOO_LONG = "too-long"


IN_QUERY = "The query parameter 'video'"
"""What most refusals are about."""


class Refusal(BalancerError):
    """A request that is not redirected and takes no ticket.

    Attributes:
        reason: The class of the fault.
        fault: One clause that says what is wrong with which part, without the subject: `has a backslash`.
    """

    def __init__(self, reason: RefusalReason, fault: str, subject: str = IN_QUERY) -> None:
        super().__init__(f"{subject} {fault}.")
        self.reason = reason
        self.fault = fault


class InvalidVideo(Refusal):
    """The `video` parameter is not a URL that may be redirected."""


class QueryTooLong(Refusal):
    """The query string is longer than the edge reads."""

    def __init__(self, limit: int, subject: str = IN_QUERY) -> None:
        super().__init__(RefusalReason.TOO_LONG, f"with the parameters beside it is longer than {limit} bytes", subject)
        self.limit = limit
