"""The paths that admins ask for configs: `/config` and `/configs`."""

from typing import Annotated

import msgspec
from dishka.integrations.litestar import FromDishka
from litestar import Response
from litestar.datastructures import ResponseHeader

from balancer.api.configs.documents import (
    Check,
    Document,
    Target,
    read_change,
    read_new,
    read_target_change,
)
from balancer.api.configs.loops import Loop, LoopPatch
from balancer.api.framework.endpoints import NO_STORE, Endpoints
from balancer.api.framework.guards import signature
from balancer.api.framework.inputs import (
    AnyRequest,
    read_attempt,
    read_body,
    read_cursor,
    read_expected,
    read_integer,
    read_limit,
    read_reason,
    read_required,
)
from balancer.api.framework.observing import tell_change
from balancer.api.framework.parameters import CURSOR, ID, IDEMPOTENCY_KEY, IF_MATCH, LIMIT, REASON, required
from balancer.api.openapi.operations import Time
from balancer.core.access.keys import Role
from balancer.core.clocks import Clock
from balancer.core.configs.documents import MAX_DISTRIBUTION_RATE, CdnConfig, PolicyName
from balancer.core.configs.ports import CdnConfigs
from balancer.core.configs.targets import Scheme
from balancer.core.control.changes import ConfigChanges
from balancer.core.errors import ConfigNotFound, DefaultConfigKept, InvalidInput, NotSimple, TargetNotFound
from balancer.core.urls.hosts import ToAscii
from balancer.problems import etag

ENDPOINTS = Endpoints("config")

BAD_HOST = InvalidInput("cdn_host", "has a scheme; give only a host name, and a port if it is not the default")
BAD_WEIGHT = InvalidInput("targets.cdn.weight", "must be from 0 to 10000, not -1")
CHANGE = (IF_MATCH, IDEMPOTENCY_KEY)
ETAG = ResponseHeader(name="etag", documentation_only=True, description='Names the revision: `"1-7"`.')
HEADERS = [NO_STORE, ETAG]
LOCATION = ResponseHeader(name="location", documentation_only=True, description="The path of the new config.")

Rate = Annotated[int, msgspec.Meta(ge=0, le=MAX_DISTRIBUTION_RATE)]


class Config(msgspec.Struct):
    """A config at its latest revision. Times are RFC 3339 in UTC.

    Attributes:
        id: Its number.
        name: What admins call it; null when it has no name.
        cdn_host: Host of the CDN, with its port unless that is the default. Null where a host and a rate cannot
            describe the targets.
        distribution_rate: N: every N-th request goes to the origin; 1 is always, 0 is never. Null where `cdn_host` is.
        revision: Number of the latest revision; each change adds one.
        created_at: When it was made.
        updated_at: When it was last changed; null until the first change.
        policy: `exact` gives each target its exact share, `sticky` sends the same key to the same target, `failover`
            sends everything to the first usable target.
        sticky_key: Which key `sticky` uses: `video`, `client` (the address of the player), or `query:NAME` (the value
            of that query parameter).
        panic_threshold: Health is ignored when less than this percentage of the tier's weight is healthy and no later
            tier can take over; 0 turns that off. `failover` ignores it.
        slow_start: Seconds over which a recovered target returns to its full weight; 0 is at once.
        targets: Where players may be sent; the order matters to `failover`.
        loop: How far shares may follow the quality that players report; null when they do not.
    """

    id: int
    name: str | None
    cdn_host: str | None
    distribution_rate: int | None
    revision: int
    created_at: Time
    updated_at: Time | None
    policy: PolicyName
    sticky_key: str
    panic_threshold: int
    slow_start: float
    targets: list[Target]
    loop: Loop | None

    @classmethod
    def of(cls, config: CdnConfig) -> "Config":
        """Return what clients see of a config."""
        document = msgspec.structs.asdict(Document.of(config.document))
        return cls(
            id=config.id,
            revision=config.revision,
            created_at=config.created_at,
            updated_at=config.updated_at,
            **document,
        )


class ConfigPage(msgspec.Struct):
    """Some of the configs, by id.

    Attributes:
        items: The configs.
        next: The `cursor` of the next page; null on the last one.
    """

    items: list[Config]
    next: str | None


class ConfigPatch(msgspec.Struct, forbid_unknown_fields=True):
    """What to change, and why. Fields that are not given stay as they are; at least one must change.

    Attributes:
        id: Which config.
        cdn_host: Host of the CDN, with its port unless that is the default. Only where the config has one now.
        distribution_rate: N: every N-th request goes to the origin; 1 is always, 0 is never. Only where the config
            has one now.
        name: What admins call it, at most 100 characters; null removes the name.
        reason: One line for the history, at most 500 characters.
        policy: `exact`, `sticky` or `failover`.
        sticky_key: Which key `sticky` uses: `video`, `client` (the address of the player), or `query:NAME` (the value
            of that query parameter).
        panic_threshold: Health is ignored when less than this percentage of the tier's weight is healthy and no later
            tier can take over; 0 turns that off. `failover` ignores it.
        slow_start: Seconds over which a recovered target returns to its full weight; 0 is at once.
        targets: All targets, which replace those that are there; not together with `cdn_host` or `distribution_rate`.
        loop: Bounds within which shares follow the quality that players report. Its fields that are not given stay as
            they are; null switches it off.
    """

    id: int
    cdn_host: str | msgspec.UnsetType = msgspec.UNSET
    distribution_rate: Rate | msgspec.UnsetType = msgspec.UNSET
    name: str | msgspec.UnsetType | None = msgspec.UNSET
    reason: str | None = None
    policy: PolicyName | msgspec.UnsetType = msgspec.UNSET
    sticky_key: str | msgspec.UnsetType = msgspec.UNSET
    panic_threshold: int | msgspec.UnsetType = msgspec.UNSET
    slow_start: float | msgspec.UnsetType = msgspec.UNSET
    targets: list[Target] | msgspec.UnsetType = msgspec.UNSET
    loop: LoopPatch | msgspec.UnsetType | None = msgspec.UNSET


class TargetEdit(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What to change in one target. Fields that are not given stay as they are; at least one must change.

    Attributes:
        name: Which target.
        host: Host of the CDN, with its port unless that is the default.
        scheme: Scheme of the URLs at the CDN; `keep` is that of the URL asked for.
        path: Template of the path at the CDN, with `{path}` exactly once.
        weight: Its share of the requests of its tier, relative to the other targets there; 0 drains it and makes it a
            standby.
        tier: From 0 to 63. The lowest tier with a usable target serves all requests.
        enabled: False takes it out altogether, also as a standby.
        check: How its health is checked, with all fields that are not at their defaults; null for no check.
    """

    name: str
    host: str | msgspec.UnsetType = msgspec.UNSET
    scheme: Scheme | msgspec.UnsetType = msgspec.UNSET
    path: str | msgspec.UnsetType = msgspec.UNSET
    weight: int | msgspec.UnsetType = msgspec.UNSET
    tier: int | msgspec.UnsetType = msgspec.UNSET
    enabled: bool | msgspec.UnsetType = msgspec.UNSET
    check: Check | msgspec.UnsetType | None = msgspec.UNSET


class TargetPatch(TargetEdit, forbid_unknown_fields=True, kw_only=True):
    """What to change in one target of a config, and why.

    Attributes:
        id: Which config.
        reason: One line for the history, at most 500 characters.
    """

    id: int
    reason: str | None = None


class NewConfig(msgspec.Struct, forbid_unknown_fields=True):
    """A config to create, and why. Give either `targets`, or `cdn_host` and `distribution_rate`.

    Attributes:
        cdn_host: Host of the CDN, with its port unless that is the default.
        distribution_rate: N: every N-th request goes to the origin; 1 is always, 0 is never.
        name: What admins call it, at most 100 characters.
        reason: One line for the history, at most 500 characters.
        policy: `exact`, `sticky` or `failover`.
        sticky_key: Which key `sticky` uses: `video`, `client` (the address of the player), or `query:NAME` (the value
            of that query parameter).
        panic_threshold: Health is ignored when less than this percentage of the tier's weight is healthy and no later
            tier can take over; 0 turns that off. `failover` ignores it.
        slow_start: Seconds over which a recovered target returns to its full weight; 0 is at once.
        targets: Where players may be sent; the order matters to `failover`.
        loop: How far shares may follow the quality that players report; null when they do not.
    """

    cdn_host: str | msgspec.UnsetType = msgspec.UNSET
    distribution_rate: Rate | msgspec.UnsetType = msgspec.UNSET
    name: str | None = None
    reason: str | None = None
    policy: PolicyName | msgspec.UnsetType = msgspec.UNSET
    sticky_key: str | msgspec.UnsetType = msgspec.UNSET
    panic_threshold: int | msgspec.UnsetType = msgspec.UNSET
    slow_start: float | msgspec.UnsetType = msgspec.UNSET
    targets: list[Target] | msgspec.UnsetType = msgspec.UNSET
    loop: Loop | None = None


def as_answer(config: CdnConfig) -> Response[Config]:
    """Return the answer that shows a config."""
    return Response(Config.of(config), headers={"etag": etag(config.id, config.revision)})


@ENDPOINTS.endpoint("GET /config", Role.VIEWER, ID, answer="The config.", headers=HEADERS, errors=[ConfigNotFound(7)])
async def read_config(request: AnyRequest, configs: FromDishka[CdnConfigs]) -> Response[Config]:
    """Read a config.

    Without `id` it is the default one, which has the lowest id and serves where no rule chooses another. The `ETag`
    names the revision; send it as `If-Match` with a later change.
    """
    config_id = read_integer(request, "id")
    return as_answer(await (configs.default() if config_id is None else configs.get(config_id)))


@ENDPOINTS.endpoint(
    "PATCH /config",
    Role.OPERATOR,
    *CHANGE,
    body=ConfigPatch,
    example={"id": 1, "distribution_rate": 20, "reason": "The origin is overloaded."},
    answer="The whole config after the change.",
    headers=HEADERS,
    errors=[BAD_HOST, ConfigNotFound(7), NotSimple("distribution_rate")],
)
async def change_config(
    request: AnyRequest, changes: FromDishka[ConfigChanges], to_ascii: FromDishka[ToAscii], clock: FromDishka[Clock]
) -> Response[Config]:
    """Change a config.

    Fields that are not given stay as they are. The next redirect of this process follows the change; other processes
    follow within a second. A change that changes nothing makes no revision.
    """
    body = await read_body(request, ConfigPatch)
    signed = signature(request, clock, body.reason, await read_attempt(request))
    expected = read_expected(request, body.id)
    config = await changes.apply(body.id, read_change(body, to_ascii), signed, expected)
    tell_change("changed", config.id, signed, config)
    return as_answer(config)


@ENDPOINTS.endpoint(
    "PATCH /config/target",
    Role.OPERATOR,
    *CHANGE,
    body=TargetPatch,
    example={"id": 1, "name": "cdn", "weight": 0, "reason": "Maintenance at the CDN."},
    answer="The whole config after the change.",
    headers=HEADERS,
    errors=[BAD_WEIGHT, ConfigNotFound(7), TargetNotFound("cdn-b")],
)
async def change_target(
    request: AnyRequest, changes: FromDishka[ConfigChanges], to_ascii: FromDishka[ToAscii], clock: FromDishka[Clock]
) -> Response[Config]:
    """Change one target of a config.

    The other targets, and fields that are not given, stay as they are. `"enabled": false` takes a target out for
    maintenance and keeps its weight; `"weight": 0` drains it but keeps it as a standby. The last target that is enabled
    and has a weight cannot be taken out.
    """
    body = await read_body(request, TargetPatch)
    signed = signature(request, clock, body.reason, await read_attempt(request))
    expected = read_expected(request, body.id)
    config = await changes.apply(body.id, read_target_change(body, to_ascii), signed, expected)
    tell_change("changed", config.id, signed, config)
    return as_answer(config)


@ENDPOINTS.endpoint(
    "DELETE /config",
    Role.OPERATOR,
    required("id", "Which config."),
    REASON,
    *CHANGE,
    answer="The config is deleted.",
    errors=[ConfigNotFound(7), DefaultConfigKept(1)],
)
async def delete_config(request: AnyRequest, changes: FromDishka[ConfigChanges], clock: FromDishka[Clock]) -> None:
    """Delete a config.

    The default config, and a config that a rule names, cannot be deleted. The history of a deleted config stays, and a
    rollback brings it back.
    """
    config_id = read_required(request, "id")
    signed = signature(request, clock, read_reason(request), await read_attempt(request))
    await changes.delete(config_id, signed, read_expected(request, config_id))
    tell_change("deleted", config_id, signed)


@ENDPOINTS.endpoint("GET /configs", Role.VIEWER, LIMIT, CURSOR, answer="A page of configs.")
async def list_configs(request: AnyRequest, configs: FromDishka[CdnConfigs]) -> ConfigPage:
    """List configs.

    They come by id, so the default config comes first.
    """
    limit = read_limit(request)
    found = await configs.page(read_cursor(request) or 0, limit + 1)
    items = [Config.of(config) for config in found[:limit]]
    return ConfigPage(items, str(items[-1].id) if len(found) > limit else None)


@ENDPOINTS.endpoint(
    "POST /configs",
    Role.OPERATOR,
    IDEMPOTENCY_KEY,
    body=NewConfig,
    example={"name": "evening", "cdn_host": "cdn.example.net", "distribution_rate": 50},
    answer="The new config.",
    headers=[*HEADERS, LOCATION],
    errors=[BAD_HOST],
)
async def create_config(
    request: AnyRequest, changes: FromDishka[ConfigChanges], to_ascii: FromDishka[ToAscii], clock: FromDishka[Clock]
) -> Response[Config]:
    """Create a config.

    No player gets it until a rule names it.
    """
    body = await read_body(request, NewConfig)
    document = read_new(body, to_ascii)
    signed = signature(request, clock, body.reason, await read_attempt(request))
    config = await changes.create(document, signed)
    tell_change("created", config.id, signed, config)
    answer = as_answer(config)
    answer.headers["location"] = f"/config?id={answer.content.id}"
    return answer
