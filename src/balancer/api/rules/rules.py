"""The path that admins ask for the rules: `/rules`."""

import msgspec
import structlog
from dishka.integrations.litestar import FromDishka
from litestar import Response
from litestar.datastructures import ResponseHeader

from balancer.api.framework.endpoints import NO_STORE, Endpoints
from balancer.api.framework.guards import signature
from balancer.api.framework.inputs import AnyRequest, read_attempt, read_body, read_expected
from balancer.api.framework.parameters import IDEMPOTENCY_KEY, header
from balancer.api.rules.shapes import MAX_BODY, RuleItem, Rules, shown
from balancer.api.rules.shapes import read_rules as rules_of
from balancer.core.access.keys import Role
from balancer.core.clocks import Clock
from balancer.core.configs.revisions import Signature
from balancer.core.control.rule_changes import RuleChanges
from balancer.core.errors import InvalidInput, StaleRules
from balancer.core.rules.ports import RuleRecord
from balancer.core.rules.revisions import RuleRevision
from balancer.core.urls.hosts import ToAscii
from balancer.problems import RULES, etag

BAD_RULE = InvalidInput("rules.live.config_id", "names config 7, which there is not")
TOO_LONG = {413: f"The body is longer than {MAX_BODY} bytes."}
HEADERS = [
    NO_STORE,
    ResponseHeader(name="etag", documentation_only=True, description='Names the revision: `"rules-7"`.'),
]
EXAMPLE = {
    "rules": [
        {"name": "live-germany", "when": {"paths": ["/live/"], "networks": ["192.0.2.0/24"]}, "config_id": 1},
        {"name": "televisions", "when": {"headers": [{"name": "User-Agent", "contains": ["Tizen"]}]}, "config_id": 1},
    ],
    "reason": "Live streams have a CDN of their own.",
}

logger = structlog.stdlib.get_logger(__name__)


MATCH = header(
    "If-Match",
    'The entity tag that the rules were read with, such as `"rules-7"`: with another revision, 412.',
    StaleRules(8),
)

ENDPOINTS = _rules = Endpoints("rules")


class NewRules(msgspec.Struct, forbid_unknown_fields=True):
    """All rules as they are to be, and why.

    Attributes:
        rules: In order; the first one that a request matches decides.
        reason: One line for the history, at most 500 characters.
    """

    rules: list[RuleItem]
    reason: str | None = None


async def as_answer(revision: RuleRevision) -> Response[Rules]:
    """Return the answer that shows the rules."""
    return Response(await shown(revision), headers={"etag": etag(RULES, revision.number)})


def tell_rules(action: str, signed: Signature, revision: RuleRevision, restored: int | None = None) -> None:
    """Write the line of a change of the rules; of a change that left them as they were there is nothing to tell."""
    if revision.entry and revision.entry.signed.at == signed.at:
        count = len(revision.rules.rules)
        more = {"actor": signed.actor, "reason": signed.reason, "revision": revision.number, "rules": count}
        logger.info("rules", action=action, **more, **({} if restored is None else {"restored": restored}))


@_rules.endpoint("GET /rules", Role.VIEWER, answer="The rules.", headers=HEADERS)
async def read_rules(record: FromDishka[RuleRecord]) -> Response[Rules]:
    """Read the rules.

    They say which config a request gets: that of the first rule that it matches, or the default config where none
    matches. The answer's `ETag` names the revision, for `If-Match` of a later change.
    """
    return await as_answer(await record.latest())


@_rules.endpoint(
    "PUT /rules",
    Role.OPERATOR,
    MATCH,
    IDEMPOTENCY_KEY,
    body=NewRules,
    example=EXAMPLE,
    answer="The rules after the change.",
    headers=HEADERS,
    errors=[BAD_RULE],
    details=TOO_LONG,
    route={"request_max_body_size": MAX_BODY},
)
async def replace_rules(
    request: AnyRequest, changes: FromDishka[RuleChanges], to_ascii: FromDishka[ToAscii], clock: FromDishka[Clock]
) -> Response[Rules]:
    """Replace the rules.

    All of them at once, by one revision. The next redirect of this process follows the change, other processes follow
    within a second. A change that changes nothing makes no revision.
    """
    body = await read_body(request, NewRules)
    signed = signature(request, clock, body.reason, await read_attempt(request))
    expected = read_expected(request, RULES)
    revision = await changes.replace(await rules_of(body.rules, to_ascii), signed, expected)
    tell_rules("replaced", signed, revision)
    return await as_answer(revision)
