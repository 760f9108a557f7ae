"""The paths that admins ask for what a config was before, and to go back to it."""

from itertools import pairwise

import msgspec
from dishka.integrations.litestar import FromDishka
from litestar import Response
from litestar.status_codes import HTTP_200_OK

from balancer.api.configs.configs import CHANGE, HEADERS, Config, as_answer
from balancer.api.configs.documents import Document
from balancer.api.framework.endpoints import Endpoints
from balancer.api.framework.guards import signature
from balancer.api.framework.inputs import (
    AnyRequest,
    read_attempt,
    read_body,
    read_cursor,
    read_expected,
    read_integer,
    read_limit,
    read_required,
)
from balancer.api.framework.observing import tell_change
from balancer.api.framework.parameters import CURSOR, ID, LIMIT, query, required
from balancer.api.openapi.operations import Time
from balancer.core.access.keys import Role
from balancer.core.clocks import Clock
from balancer.core.configs.differences import differences, target_differences
from balancer.core.configs.documents import ConfigDocument
from balancer.core.configs.ports import CdnConfigs, ConfigHistory
from balancer.core.configs.revisions import Revision
from balancer.core.control.changes import ConfigChanges
from balancer.core.errors import ConfigNotFound, InvalidInput, RevisionNotFound

ENDPOINTS = Endpoints("history")

MISSING = [ConfigNotFound(7), RevisionNotFound(1, 9)]

BEFORE = query("before", "Earlier name of `cursor`.", minimum=1).but(deprecated=True)


class Change(msgspec.Struct):
    """One field of a config that differs.

    `cdn_host` and `distribution_rate` are listed where the config has them both before and after. The field `order`
    lists the names of the targets where the same targets are in another order. Fields of the loop are `loop.slope`,
    `loop.targets.cdn-a.max` and so on.

    Attributes:
        field: Name of the field.
        before: Its value before; null where there was no config, or no name.
        after: Its value after; null where there is no config, or no name.
    """

    field: str
    before: str | int | float | bool | None
    after: str | int | float | bool | None


class TargetDiff(msgspec.Struct):
    """One field of a target that differs.

    Attributes:
        target: The target's name.
        field: Name of the field; fields of the check are `check.url`, `check.interval` and so on.
        before: Its value before; null where there was no such target or value.
        after: Its value after; null where there is no such target or value.
    """

    target: str
    field: str
    before: str | int | float | bool | None
    after: str | int | float | bool | None


class ConfigRevision(msgspec.Struct):
    """One revision of a config. It is never rewritten.

    Attributes:
        id: Which config.
        revision: Its number, from 1.
        document: The config as of this revision; null when the revision deleted it.
        changes: How it differs from the revision before, apart from its targets.
        target_changes: How its targets differ from those of the revision before, matched by name.
        actor: Who made it: `key:3 deployment`, `token:alice`, `command-line` or `first-start`.
        made_at: When, as RFC 3339 in UTC.
        reason: Why; null when no reason was given.
        restored: Number of the revision that a rollback went back to; null for any other change.
    """

    id: int
    revision: int
    document: Document | None
    changes: list[Change]
    actor: str
    made_at: Time
    reason: str | None
    restored: int | None
    target_changes: list[TargetDiff]

    @classmethod
    def of(cls, revision: Revision, before: Revision | None) -> "ConfigRevision":
        """Return what clients see of a revision."""
        return cls(
            revision.config_id,
            revision.number,
            Document.of(revision.document) if revision.document else None,
            changes_between(before.document if before else None, revision.document),
            revision.signed.actor,
            revision.signed.at,
            revision.signed.reason,
            revision.restored,
            target_changes_between(before.document if before else None, revision.document),
        )


class RevisionPage(msgspec.Struct):
    """Some of a config's revisions, the newest first.

    Attributes:
        items: The revisions.
        next: The `cursor` of the next page; null on the last one.
    """

    items: list[ConfigRevision]
    next: str | None


class ConfigDiff(msgspec.Struct):
    """How two revisions of a config differ.

    Attributes:
        id: Which config.
        from: Number of the one revision.
        to: Number of the other.
        changes: The fields that differ, apart from the targets.
        target_changes: The fields of the targets that differ, matched by name.
    """

    id: int
    from_: int = msgspec.field(name="from")
    to: int
    changes: list[Change]
    target_changes: list[TargetDiff]


class Rollback(msgspec.Struct, forbid_unknown_fields=True):
    """Which revision to go back to, and why.

    Attributes:
        id: Which config.
        revision: Number of the revision to go back to.
        reason: One line for the history, at most 500 characters.
    """

    id: int
    revision: int
    reason: str | None = None


def changes_between(before: ConfigDocument | None, after: ConfigDocument | None) -> list[Change]:
    """Return how two documents differ outside of their targets."""
    return [Change(*difference) for difference in differences(before, after)]


def target_changes_between(before: ConfigDocument | None, after: ConfigDocument | None) -> list[TargetDiff]:
    """Return how the targets of two documents differ."""
    return [TargetDiff(*difference) for difference in target_differences(before, after)]


@ENDPOINTS.endpoint(
    "GET /config/history",
    Role.VIEWER,
    *(ID, LIMIT, CURSOR, BEFORE),
    answer="A page of revisions.",
    errors=[ConfigNotFound(7)],
)
async def read_history(
    request: AnyRequest, configs: FromDishka[CdnConfigs], history: FromDishka[ConfigHistory]
) -> RevisionPage:
    """List the revisions of a config.

    The newest come first, each with its differences from the one before. A deleted config has a history too.
    """
    limit, before = read_limit(request), read_integer(request, "before", 1)
    if (cursor := read_cursor(request)) is not None:
        if before is not None:
            raise InvalidInput("before", "cannot be given together with 'cursor'")
        before = cursor
    found = await history.page(await _which(request, configs), before, limit + 1)
    # One more than is shown says how the last one shown differs from it.
    items = [ConfigRevision.of(later, earlier) for later, earlier in pairwise([*found, None]) if later]
    return RevisionPage(items[:limit], str(items[limit - 1].revision) if len(found) > limit else None)


@ENDPOINTS.endpoint(
    "GET /config/revision",
    Role.VIEWER,
    *(ID, required("revision", "Its number.")),
    answer="The revision.",
    errors=MISSING,
)
async def read_revision(
    request: AnyRequest, configs: FromDishka[CdnConfigs], history: FromDishka[ConfigHistory]
) -> ConfigRevision:
    """Read one revision of a config.

    It has the whole document of that time, and its differences from the revision before.
    """
    number = read_required(request, "revision")
    config_id = await _which(request, configs)
    revision = await history.get(config_id, number)
    earlier = await history.page(config_id, number, 1)
    return ConfigRevision.of(revision, earlier[0] if earlier else None)


@ENDPOINTS.endpoint(
    "GET /config/diff",
    Role.VIEWER,
    *(ID, required("from", "Number of a revision."), required("to", "Number of another.")),
    answer="The fields that differ.",
    errors=MISSING,
)
async def compare_revisions(
    request: AnyRequest, configs: FromDishka[CdnConfigs], history: FromDishka[ConfigHistory]
) -> ConfigDiff:
    """Compare two revisions of a config.

    They need not follow each other, and either may be the later one.
    """
    first, second = read_required(request, "from"), read_required(request, "to")
    config_id = await _which(request, configs)
    before, after = await history.get(config_id, first), await history.get(config_id, second)
    documents = before.document, after.document
    return ConfigDiff(config_id, first, second, changes_between(*documents), target_changes_between(*documents))


@ENDPOINTS.endpoint(
    "POST /config/rollback",
    Role.OPERATOR,
    *CHANGE,
    body=Rollback,
    example={"id": 1, "revision": 3, "reason": "The origin cannot take it."},
    status=HTTP_200_OK,
    answer="The whole config after the rollback.",
    headers=HEADERS,
    errors=[InvalidInput("revision", "must be int, not str"), *MISSING],
)
async def roll_back_config(
    request: AnyRequest, changes: FromDishka[ConfigChanges], clock: FromDishka[Clock]
) -> Response[Config]:
    """Roll a config back.

    The config gets the document of an earlier revision, as a new revision, which can be rolled back in turn. A deleted
    config comes back.
    """
    body = await read_body(request, Rollback)
    signed = signature(request, clock, body.reason, await read_attempt(request))
    expected = read_expected(request, body.id)
    config = await changes.roll_back(body.id, body.revision, signed, expected)
    tell_change("rolled back", config.id, signed, config, restored=body.revision)
    return as_answer(config)


async def _which(request: AnyRequest, configs: CdnConfigs) -> int:
    config_id = read_integer(request, "id")
    return (await configs.default()).id if config_id is None else config_id
