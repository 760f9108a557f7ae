"""The paths that admins ask for what the rules were before, and to go back to that."""

import msgspec
from dishka.integrations.litestar import FromDishka
from litestar import Response

from balancer.api.framework.endpoints import Endpoints
from balancer.api.framework.guards import signature
from balancer.api.framework.inputs import (
    AnyRequest,
    read_attempt,
    read_body,
    read_cursor,
    read_expected,
    read_limit,
    read_required,
)
from balancer.api.framework.parameters import CURSOR, IDEMPOTENCY_KEY, LIMIT, required
from balancer.api.rules.rules import BAD_RULE, HEADERS, MATCH, as_answer, tell_rules
from balancer.api.rules.shapes import RuleChange, Rules, RulesEntry, changes_between, shown
from balancer.core.access.keys import Role
from balancer.core.clocks import Clock
from balancer.core.control.rule_changes import RuleChanges
from balancer.core.errors import RuleRevisionNotFound
from balancer.core.rules.ports import RuleRecord
from balancer.problems import RULES

ENDPOINTS = _history = Endpoints("rules")


class RulesPage(msgspec.Struct):
    """Some of the revisions of the rules, the newest first.

    Attributes:
        items: The revisions, without their rules.
        next: The `cursor` of the next page; null on the last one.
    """

    items: list[RulesEntry]
    next: str | None


class RulesRevision(Rules):
    """One revision of the rules. It is never rewritten.

    Attributes:
        changes: How it differs from the revision before.
    """

    changes: list[RuleChange]


class RulesDiff(msgspec.Struct):
    """How two revisions of the rules differ.

    Attributes:
        from: Number of the one revision.
        to: Number of the other.
        changes: The fields that differ.
    """

    from_: int = msgspec.field(name="from")
    to: int
    changes: list[RuleChange]


class RulesRollback(msgspec.Struct, forbid_unknown_fields=True):
    """Which revision to go back to, and why.

    Attributes:
        revision: Its number; 0 for no rules.
        reason: One line for the history, at most 500 characters.
    """

    revision: int
    reason: str | None = None


@_history.endpoint("GET /rules/history", Role.VIEWER, LIMIT, CURSOR, answer="A page of revisions.")
async def read_rules_history(request: AnyRequest, record: FromDishka[RuleRecord]) -> RulesPage:
    """List the revisions of the rules.

    The newest first, without the rules themselves, which may be many.
    """
    limit = read_limit(request)
    found = await record.page(read_cursor(request), limit + 1)
    items = [RulesEntry.of(entry) for entry in found[:limit]]
    return RulesPage(items, str(items[-1].revision) if len(found) > limit else None)


@_history.endpoint(
    "GET /rules/revision",
    Role.VIEWER,
    required("revision", "Its number."),
    answer="The revision.",
    errors=[RuleRevisionNotFound(9)],
)
async def read_rules_revision(request: AnyRequest, record: FromDishka[RuleRecord]) -> RulesRevision:
    """Read one revision of the rules.

    It has all rules of that time, and how they differ from the revision before.
    """
    revision = await record.get(read_required(request, "revision"))
    before = await record.get(max(revision.number - 1, 0))
    changes = await changes_between(before.rules, revision.rules)
    return RulesRevision(**msgspec.structs.asdict(await shown(revision)), changes=changes)


@_history.endpoint(
    "GET /rules/diff",
    Role.VIEWER,
    required("from", "Number of a revision."),
    required("to", "Number of another."),
    answer="The fields that differ.",
    errors=[RuleRevisionNotFound(9)],
)
async def compare_rules(request: AnyRequest, record: FromDishka[RuleRecord]) -> RulesDiff:
    """Compare two revisions of the rules.

    They need not follow each other, and either may be the later one; revision 0 is no rules.
    """
    first, second = read_required(request, "from"), read_required(request, "to")
    before, after = await record.get(first), await record.get(second)
    return RulesDiff(first, second, await changes_between(before.rules, after.rules))


@_history.endpoint(
    "POST /rules/rollback",
    Role.OPERATOR,
    MATCH,
    IDEMPOTENCY_KEY,
    body=RulesRollback,
    example={"revision": 3, "reason": "Televisions see no picture."},
    status=200,
    answer="The rules after the rollback.",
    headers=HEADERS,
    errors=[BAD_RULE, RuleRevisionNotFound(9)],
)
async def roll_back_rules(
    request: AnyRequest, changes: FromDishka[RuleChanges], clock: FromDishka[Clock]
) -> Response[Rules]:
    """Roll the rules back.

    They become what they were at an earlier revision, by a new revision, which can be rolled back in turn.
    """
    body = await read_body(request, RulesRollback)
    signed = signature(request, clock, body.reason, await read_attempt(request))
    revision = await changes.roll_back(body.revision, signed, read_expected(request, RULES))
    tell_rules("rolled back", signed, revision, restored=body.revision)
    return await as_answer(revision)
