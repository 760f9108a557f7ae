"""Who asks."""

from typing import Any

from litestar import Request

from balancer.core.configs import check_text
from balancer.core.ports import Clock
from balancer.core.revisions import MAX_REASON, Signature

ANYONE = "anyone"


def signature(request: Request[Any, Any, Any], clock: Clock, reason: str | None) -> Signature:
    """Return what signs a change that this request makes.

    Raises:
        InvalidInput: When the reason is not one line of text.
    """
    if reason is not None:
        check_text("reason", reason, MAX_REASON)
    return Signature(request.scope.get("user") or ANYONE, clock(), reason)
