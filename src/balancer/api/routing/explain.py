"""The path by which admins see how a player would be answered: `/explain`."""

from functools import partial
from ipaddress import ip_address
from typing import Annotated

import msgspec
from dishka.integrations.litestar import FromDishka
from litestar.openapi.spec.enums import OpenAPIFormat
from litestar.status_codes import HTTP_301_MOVED_PERMANENTLY

from balancer.api.framework.endpoints import Endpoints
from balancer.api.framework.inputs import AnyRequest, joined
from balancer.api.framework.parameters import VIDEOS, header, text
from balancer.api.openapi.operations import one_of
from balancer.core.access.keys import Role
from balancer.core.errors import InvalidInput
from balancer.core.loop.known import KnownLoops
from balancer.core.refusals import RefusalReason
from balancer.core.routing import explanations
from balancer.core.routing.explanations import Explanation
from balancer.core.routing.reasons import RoutingReason, SkipReason
from balancer.core.routing.redirects import Redirects
from balancer.core.routing.routes import Client
from balancer.problems import problem_of

ENDPOINTS = Endpoints("explain")

_BAD_ADDRESS = "must be an IP address, such as 192.0.2.7"

VIDEO = text(
    "video",
    "The video's URL at its origin, as a player would send it. Parameters beside it count as well.",
    format=OpenAPIFormat.URI,
).but(examples=VIDEOS)
CLIENT = header(
    "X-Explain-Client",
    "IP address of the player whose request is explained; without it the player has no address.",
    InvalidInput("X-Explain-Client", _BAD_ADDRESS),
)

Reason = Annotated[str, one_of(RoutingReason, RefusalReason)]
Skip = Annotated[str, one_of(SkipReason)]


class Finding(msgspec.Struct):
    """One step on the way to an answer.

    Attributes:
        step: What was looked at: `config`, `video`, `host`, `rule`, `loop`, `ticket` or `key`, `target`,
            `location`.
        finding: What was found there, in one sentence.
    """

    step: str
    finding: str


class Explained(msgspec.Struct):
    """What a player would be answered, and why. Null stands for what was not reached.

    Attributes:
        status: Status of the answer: 301 when the player would be redirected.
        reason: Why the player would be sent to that target, or would be refused.
        location: Where the player would be sent.
        config_id: Which config decides: that of the rule that matches, or the default one.
        revision: Its revision in force.
        host_pattern: The pattern of allowed origins that the video's host matches.
        ticket: The next ticket of this process for that config; explaining does not take it.
        target: Name of the target that the player would be sent to.
        loop_parts: Which part of its weight the loop leaves each target, by name; empty where it does nothing.
        skipped: Why each of the other targets was not chosen, by name.
        steps: How the answer was reached, in order, up to the step that settled it.
    """

    status: int
    reason: Reason | None
    location: str | None
    config_id: int | None
    revision: int | None
    host_pattern: str | None
    ticket: int | None
    target: str | None
    loop_parts: dict[str, float]
    skipped: dict[str, Skip]
    steps: list[Finding]

    @classmethod
    def of(cls, found: Explanation) -> "Explained":
        """Return what clients see of an explanation."""
        decision = found.decision
        return cls(
            HTTP_301_MOVED_PERMANENTLY if found.error is None else problem_of(found.error).status,
            found.reason,
            decision.location if decision else None,
            found.config.id if found.config else None,
            found.config.revision if found.config else None,
            decision.video.origin.pattern if decision else None,
            decision.ticket if decision else None,
            decision.target.name if decision else None,
            dict(found.loop_parts),
            {name: reason.value for name, reason in decision.skipped.items()} if decision else {},
            [Finding(*step) for step in found.steps],
        )


@ENDPOINTS.endpoint(
    "GET /explain",
    Role.VIEWER,
    *(VIDEO, CLIENT),
    answer="The answer that a player would get, and the way to it.",
)
async def explain(request: AnyRequest, redirects: FromDishka[Redirects], loops: FromDishka[KnownLoops]) -> Explained:
    """Explain what a player would be answered.

    Shows what this process would answer next to `GET /` with the same query, and step by step why. The same code
    decides as for players, but no ticket is taken. Where rules or `sticky` look at the client, give its address in
    `X-Explain-Client`; the other headers of this request count as the player's.
    """
    client = Client(_address(request), partial(joined, request))
    return Explained.of(explanations.explain(redirects, request.scope["query_string"], client, loops.parts_of))


def _address(request: AnyRequest) -> str:
    given = request.headers.get(CLIENT.parameter.name, "")
    try:
        return given and str(ip_address(given))
    except ValueError:
        raise InvalidInput("X-Explain-Client", _BAD_ADDRESS) from None
