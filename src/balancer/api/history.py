"""The paths that admins ask for what a config was before, and to go back to it."""

from datetime import datetime
from itertools import pairwise

import msgspec
from dishka.integrations.litestar import FromDishka, inject
from litestar import Response, route
from litestar.enums import HttpMethod
from litestar.handlers.http_handlers import HTTPRouteHandler

from balancer.api.access import needs, signature
from balancer.api.config import BAD_BODY, HEADERS, ID, LIMIT, NO_STORE, UNCERTAIN, Config, as_answer
from balancer.api.documents import IDEMPOTENCY_KEY, IF_MATCH, by_method, methods, operation, query
from balancer.api.inputs import (
    AnyRequest,
    read_attempt,
    read_body,
    read_expected,
    read_integer,
    read_limit,
    read_required,
)
from balancer.api.observing import tell_change
from balancer.api.problems import admin_responses
from balancer.core.changes import ConfigChanges
from balancer.core.configs import ConfigDocument
from balancer.core.errors import ConfigNotFound, InvalidInput, RevisionNotFound, StaleRevision, StoreUnavailable
from balancer.core.keys import Role
from balancer.core.ports import CdnConfigs, Clock, ConfigHistory
from balancer.core.revisions import Revision, differences

_ERRORS = admin_responses(
    Role.VIEWER,
    InvalidInput("id", "must be one integer"),
    ConfigNotFound(7),
    StoreUnavailable("database"),
)
_REVISION_ERRORS = admin_responses(
    Role.VIEWER,
    InvalidInput("revision", "is required"),
    ConfigNotFound(7),
    RevisionNotFound(1, 9),
    StoreUnavailable("database"),
)


class Document(msgspec.Struct):
    """What admins decide in a config."""

    name: str | None
    cdn_host: str
    distribution_rate: int

    @classmethod
    def of(cls, document: ConfigDocument | None) -> "Document | None":
        """Return what clients see of a document."""
        return cls(document.name, document.cdn_host, document.distribution_rate) if document else None


class Change(msgspec.Struct):
    """One field that differs; null where there is no config, or no name."""

    field: str
    before: str | int | None
    after: str | int | None


class ConfigRevision(msgspec.Struct):
    """One revision: the whole document, null when it deleted the config, and how it differs from the one before."""

    id: int
    revision: int
    document: Document | None
    changes: list[Change]
    actor: str
    made_at: datetime
    reason: str | None
    restored: int | None

    @classmethod
    def of(cls, revision: Revision, before: Revision | None) -> "ConfigRevision":
        """Return what clients see of a revision."""
        return cls(
            revision.config_id,
            revision.number,
            Document.of(revision.document),
            changes_between(before.document if before else None, revision.document),
            revision.signed.actor,
            revision.signed.at,
            revision.signed.reason,
            revision.restored,
        )


class RevisionPage(msgspec.Struct):
    """Some revisions, the newest first; `next` is the `before` of the page behind this one, null on the last."""

    items: list[ConfigRevision]
    next: str | None


class ConfigDiff(msgspec.Struct):
    """How two revisions of a config differ."""

    id: int
    from_: int = msgspec.field(name="from")
    to: int
    changes: list[Change]


class Rollback(msgspec.Struct, forbid_unknown_fields=True):
    """Which revision to go back to, and why."""

    id: int
    revision: int
    reason: str | None = None


def changes_between(before: ConfigDocument | None, after: ConfigDocument | None) -> list[Change]:
    """Return how two documents differ."""
    return [Change(*difference) for difference in differences(before, after)]


@route(
    "/config/history",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    operation_id=by_method("readHistory"),
    operation_class=operation(ID, LIMIT, query("before", "Only revisions with lower numbers.")),
    responses=_ERRORS,
    response_headers=NO_STORE,
    tags=["history"],
    **needs(Role.VIEWER),
)
@inject
async def read_history(
    request: AnyRequest, configs: FromDishka[CdnConfigs], history: FromDishka[ConfigHistory]
) -> RevisionPage:
    """Return the revisions of a config, also of a deleted one, the newest first."""
    limit, before = read_limit(request), read_integer(request, "before", 1)
    found = await history.page(await _which(request, configs), before, limit + 1)
    # One more than is shown says how the last one shown differs from it.
    items = [ConfigRevision.of(later, earlier) for later, earlier in pairwise([*found, None]) if later]
    return RevisionPage(items[:limit], str(items[limit - 1].revision) if len(found) > limit else None)


@route(
    "/config/revision",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    operation_id=by_method("readRevision"),
    operation_class=operation(ID, query("revision", "Its number.", required=True)),
    responses=_REVISION_ERRORS,
    response_headers=NO_STORE,
    tags=["history"],
    **needs(Role.VIEWER),
)
@inject
async def read_revision(
    request: AnyRequest, configs: FromDishka[CdnConfigs], history: FromDishka[ConfigHistory]
) -> ConfigRevision:
    """Return one revision of a config."""
    number = read_required(request, "revision")
    config_id = await _which(request, configs)
    revision = await history.get(config_id, number)
    earlier = await history.page(config_id, number, 1)
    return ConfigRevision.of(revision, earlier[0] if earlier else None)


@route(
    "/config/diff",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    operation_id=by_method("compareRevisions"),
    operation_class=operation(
        ID, query("from", "Number of a revision.", required=True), query("to", "Number of another.", required=True)
    ),
    responses=_REVISION_ERRORS,
    response_headers=NO_STORE,
    tags=["history"],
    **needs(Role.VIEWER),
)
@inject
async def compare_revisions(
    request: AnyRequest, configs: FromDishka[CdnConfigs], history: FromDishka[ConfigHistory]
) -> ConfigDiff:
    """Return how two revisions of a config differ."""
    first, second = read_required(request, "from"), read_required(request, "to")
    config_id = await _which(request, configs)
    before, after = await history.get(config_id, first), await history.get(config_id, second)
    return ConfigDiff(config_id, first, second, changes_between(before.document, after.document))


@route(
    "/config/rollback",
    http_method=HttpMethod.POST,
    status_code=200,
    operation_id="rollBackConfig",
    operation_class=operation(
        IF_MATCH,
        IDEMPOTENCY_KEY,
        body=Rollback,
        example={"id": 1, "revision": 3, "reason": "The origin cannot take it."},
    ),
    responses=admin_responses(
        Role.OPERATOR,
        InvalidInput("revision", "must be int, not str"),
        ConfigNotFound(7),
        RevisionNotFound(1, 9),
        StaleRevision(1, 8),
        *UNCERTAIN,
        **BAD_BODY,
    ),
    response_headers=HEADERS,
    tags=["history"],
    **needs(Role.OPERATOR),
)
@inject
async def roll_back(
    request: AnyRequest, changes: FromDishka[ConfigChanges], clock: FromDishka[Clock]
) -> Response[Config]:
    """Give a config what it had at an earlier revision, by a new revision; also bring back a deleted config."""
    body = await read_body(request, Rollback)
    signed = signature(request, clock, body.reason, await read_attempt(request))
    expected = read_expected(request, body.id)
    config = await changes.roll_back(body.id, body.revision, signed, expected)
    tell_change("rolled back", config.id, signed, config, restored=body.revision)
    return as_answer(config)


async def _which(request: AnyRequest, configs: CdnConfigs) -> int:
    config_id = read_integer(request, "id")
    return (await configs.default()).id if config_id is None else config_id


ROUTES: list[HTTPRouteHandler] = [
    methods("/config/history", "GET", "HEAD"),
    read_history,
    methods("/config/revision", "GET", "HEAD"),
    read_revision,
    methods("/config/diff", "GET", "HEAD"),
    compare_revisions,
    methods("/config/rollback", "POST"),
    roll_back,
]
