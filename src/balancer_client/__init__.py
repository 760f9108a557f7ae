"""A typed client of the video balancer's admin API, with and without `await`.

    from balancer_client import Balancer, etag
    from balancer_client.models import TargetPatch

    with Balancer("https://video.example.com", api_key) as balancer:
        config = balancer.read_config()
        balancer.change_target(TargetPatch(id=config.id, name="cdn-b", weight=0), if_match=etag(config))

What can go wrong stands in `balancer_client.errors`.
"""

from balancer_client.clients import AsyncBalancer, Balancer
from balancer_client.errors import (
    ClientError,
    Conflict,
    FieldFault,
    Forbidden,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    ProblemError,
    RateLimited,
    ServerFault,
    StaleRevision,
    TimedOut,
    Unauthenticated,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
)
from balancer_client.etags import etag
from balancer_client.generated.types import UNSET, Unset
from balancer_client.paging import each, each_async
from balancer_client.retries import Retries

__all__ = [
    "UNSET",
    "AsyncBalancer",
    "Balancer",
    "ClientError",
    "Conflict",
    "FieldFault",
    "Forbidden",
    "InvalidRequest",
    "NotFound",
    "OutcomeUnknown",
    "ProblemError",
    "RateLimited",
    "Retries",
    "ServerFault",
    "StaleRevision",
    "TimedOut",
    "Unauthenticated",
    "Unavailable",
    "UnexpectedAnswer",
    "Unreachable",
    "Unset",
    "each",
    "each_async",
    "etag",
]
