"""The paths by which admins see what would happen: `/explain` and `/config/preview`."""

import msgspec
from dishka.integrations.litestar import FromDishka, inject
from litestar import route
from litestar.enums import HttpMethod
from litestar.handlers.http_handlers import HTTPRouteHandler
from litestar.status_codes import HTTP_200_OK, HTTP_301_MOVED_PERMANENTLY

from balancer.api.access import needs
from balancer.api.config import BAD_BODY, BAD_HOST, NO_STORE, ConfigPatch
from balancer.api.documents import by_method, methods, operation, query
from balancer.api.history import Change, Document, changes_between
from balancer.api.inputs import AnyRequest, read_body
from balancer.api.problems import admin_responses
from balancer.core.configs import CdnConfig
from balancer.core.errors import ConfigNotFound, InvalidInput, StoreUnavailable
from balancer.core.explanations import Explanation, Forecast, Route, Share, explain, forecast
from balancer.core.hosts import OriginHosts, ToAscii
from balancer.core.keys import Role
from balancer.core.ports import CdnConfigs
from balancer.core.redirects import Redirects
from balancer.problems import problem_of

MAX_VIDEOS = 100
"""Videos in one preview."""

MAX_REQUESTS = 10**12
"""Requests that a preview counts with."""


class Finding(msgspec.Struct):
    """One step on the way to an answer, and what was found there."""

    step: str
    finding: str


class Explained(msgspec.Struct):
    """What a player would be answered, and why; null for what was not reached."""

    status: int
    reason: str | None
    location: str | None
    config_id: int | None
    revision: int | None
    host_pattern: str | None
    ticket: int | None
    target: str | None
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
            decision.video.pattern if decision else None,
            decision.ticket if decision else None,
            decision.target.name if decision else None,
            [Finding(*step) for step in found.steps],
        )


class TargetShare(msgspec.Struct):
    """What one target gets: a share from 0 to 1, and a number of requests if one was asked about."""

    target: str
    share: float
    requests: int | None

    @classmethod
    def of(cls, share: Share) -> "TargetShare":
        """Return what clients see of a share."""
        return cls(share.target.name, share.share, share.requests)


class Place(msgspec.Struct):
    """Where a video would go with a share of its requests."""

    target: str
    share: float
    location: str


class VideoRoute(msgspec.Struct):
    """Where one video would go, or why it would be refused: a reason of the documented vocabulary."""

    video: str
    refusal: str | None
    places: list[Place]

    @classmethod
    def of(cls, route: Route) -> "VideoRoute":
        """Return what clients see of a route."""
        places = [Place(share.target.name, share.share, location) for share, location in route.locations]
        return cls(route.video, route.refusal.reason if route.refusal else None, places)


class Outcome(msgspec.Struct):
    """What comes out by a config."""

    config: Document
    shares: list[TargetShare]
    videos: list[VideoRoute]

    @classmethod
    def of(cls, config: CdnConfig, found: Forecast) -> "Outcome":
        """Return what clients see of a forecast."""
        document = config.document
        return cls(
            Document(document.name, document.cdn_host, document.distribution_rate),
            [TargetShare.of(share) for share in found.shares],
            [VideoRoute.of(route) for route in found.routes],
        )


class Preview(msgspec.Struct):
    """What a change would do: what differs, and what comes out before and after it."""

    id: int
    revision: int
    changes: list[Change]
    before: Outcome
    after: Outcome


class PreviewRequest(ConfigPatch):
    """A change as for `PATCH /config`, and what to show of it."""

    videos: list[str] = msgspec.field(default_factory=list)
    requests: int | None = None


@route(
    "/explain",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    operation_id=by_method("explain"),
    operation_class=operation(
        query("video", "As a player would send it, with the parameters beside it.", integer=False)
    ),
    responses=admin_responses(Role.VIEWER, StoreUnavailable("database")),
    response_headers=NO_STORE,
    tags=["explain"],
    **needs(Role.VIEWER),
)
@inject
async def explain_request(request: AnyRequest, redirects: FromDishka[Redirects]) -> Explained:
    """Say step by step what a player who asks `/?video=…` would be answered, and why; takes no ticket."""
    return Explained.of(explain(redirects, request.scope["query_string"]))


@route(
    "/config/preview",
    http_method=HttpMethod.POST,
    status_code=HTTP_200_OK,
    operation_id="previewConfig",
    operation_class=operation(
        body=PreviewRequest,
        example={
            "id": 1,
            "distribution_rate": 20,
            "videos": ["http://s1.origin-cluster/video/1488/xcg2djHckad.m3u8"],
            "requests": 1000000,
        },
    ),
    responses=admin_responses(Role.VIEWER, BAD_HOST, ConfigNotFound(7), StoreUnavailable("database"), **BAD_BODY),
    response_headers=NO_STORE,
    tags=["explain"],
    **needs(Role.VIEWER),
)
@inject
async def preview_config(
    request: AnyRequest,
    configs: FromDishka[CdnConfigs],
    origins: FromDishka[OriginHosts],
    to_ascii: FromDishka[ToAscii],
) -> Preview:
    """Say what a change would do, and change nothing."""
    body = await read_body(request, PreviewRequest)
    if len(body.videos) > MAX_VIDEOS:
        raise InvalidInput("videos", f"must be at most {MAX_VIDEOS}")
    if body.requests is not None and not 0 <= body.requests <= MAX_REQUESTS:
        raise InvalidInput("requests", f"must be from 0 to {MAX_REQUESTS}")
    change = body.change(to_ascii)
    config = await configs.get(body.id)
    changed = config.with_document(change.applied_to(config.document))
    before, after = (Outcome.of(one, forecast(one, body.videos, body.requests, origins)) for one in (config, changed))
    differs = changes_between(config.document, changed.document)
    return Preview(config.id, config.revision, differs, before, after)


ROUTES: list[HTTPRouteHandler] = [
    methods("/explain", "GET", "HEAD"),
    explain_request,
    methods("/config/preview", "POST"),
    preview_config,
]
