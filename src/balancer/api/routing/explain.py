"""The paths by which admins see what would happen: `/explain` and `/config/preview`."""

import asyncio
from ipaddress import ip_address
from typing import Annotated

import msgspec
from dishka.integrations.litestar import FromDishka
from litestar.openapi.spec.enums import OpenAPIFormat
from litestar.status_codes import HTTP_200_OK, HTTP_301_MOVED_PERMANENTLY

from balancer.api.configs.configs import BAD_HOST, ConfigPatch, TargetEdit
from balancer.api.configs.documents import Document, read_change, read_target_change
from balancer.api.configs.history import Change, TargetDiff, changes_between, target_changes_between
from balancer.api.framework.endpoints import Endpoints
from balancer.api.framework.inputs import AnyRequest, joined, read_body
from balancer.api.framework.parameters import VIDEOS, header, text
from balancer.api.openapi.operations import one_of
from balancer.core.access.keys import Role
from balancer.core.configs.documents import CdnConfig
from balancer.core.configs.edits import ConfigChange, TargetChange
from balancer.core.configs.ports import CdnConfigs
from balancer.core.errors import ConfigNotFound, InvalidInput, RefusalReason
from balancer.core.routing import explanations
from balancer.core.routing.explanations import Explanation, Forecast, Places, Share, forecast
from balancer.core.routing.reasons import RoutingReason, SkipReason
from balancer.core.routing.redirects import Redirects
from balancer.core.routing.routes import Client
from balancer.core.urls.hosts import OriginHosts, ToAscii
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

MAX_VIDEOS = 100
"""Videos in one preview."""

MAX_REQUESTS = 10**12
"""Requests that a preview counts with."""

Reason = Annotated[str, one_of(RoutingReason, RefusalReason)]
Skip = Annotated[str, one_of(SkipReason)]


class Finding(msgspec.Struct):
    """One step on the way to an answer.

    Attributes:
        step: What was looked at: `config`, `video`, `host`, `rule`, `ticket` or `key`, `target`, `location`.
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
            {name: reason.value for name, reason in decision.skipped.items()} if decision else {},
            [Finding(*step) for step in found.steps],
        )


class TargetShare(msgspec.Struct):
    """What one target gets.

    Attributes:
        target: Name of the target.
        share: Its share of the requests, from 0 to 1.
        requests: How many of the `requests` that were asked about it gets; null when none were.
    """

    target: str
    share: float
    requests: int | None

    @classmethod
    def of(cls, share: Share) -> "TargetShare":
        """Return what clients see of a share."""
        return cls(share.target.name, share.share, share.requests)


class Place(msgspec.Struct):
    """Where a video would go with a share of its requests.

    Attributes:
        target: Name of the target.
        share: Its share of the requests, from 0 to 1.
        location: The video's URL there.
    """

    target: str
    share: float
    location: str


class VideoRoute(msgspec.Struct):
    """Where one video would go, or why it would be refused.

    Attributes:
        video: The URL as it was given.
        refusal: Why it would be refused; null when it would be redirected.
        places: Its URL at each target that has a share.
    """

    video: str
    refusal: RefusalReason | None
    places: list[Place]

    @classmethod
    def of(cls, found: Places) -> "VideoRoute":
        """Return what clients see of the places of a video."""
        places = [Place(share.target.name, share.share, location) for share, location in found.locations]
        return cls(found.video, found.refusal.reason if found.refusal else None, places)


class Outcome(msgspec.Struct):
    """What players get with a config while all its targets are healthy.

    Attributes:
        config: The config.
        shares: What each target gets.
        videos: Where each video that was asked about goes.
    """

    config: Document
    shares: list[TargetShare]
    videos: list[VideoRoute]

    @classmethod
    def of(cls, config: CdnConfig, found: Forecast) -> "Outcome":
        """Return what clients see of a forecast."""
        return cls(
            Document.of(config.document),
            [TargetShare.of(share) for share in found.shares],
            [VideoRoute.of(places) for places in found.routes],
        )


class Preview(msgspec.Struct):
    """What a change would do.

    Attributes:
        id: Which config.
        revision: Its latest revision, to which the change would apply.
        changes: The fields that would differ, apart from the targets.
        target_changes: The fields of the targets that would differ, matched by name.
        before: What players get now.
        after: What they would get with the change.
    """

    id: int
    revision: int
    changes: list[Change]
    target_changes: list[TargetDiff]
    before: Outcome
    after: Outcome


class PreviewRequest(ConfigPatch):
    """A change as for `PATCH /config` or `PATCH /config/target`, and what to show of it.

    Attributes:
        target: A change of one target, as for `PATCH /config/target`; not together with other changes.
        videos: Origin URLs to show at every target, at most 100.
        requests: How many requests to split among the targets, at most 1000000000000.
    """

    target: TargetEdit | msgspec.UnsetType = msgspec.UNSET
    videos: list[str] = msgspec.field(default_factory=list)
    requests: int | None = None


@ENDPOINTS.endpoint(
    "GET /explain",
    Role.VIEWER,
    *(VIDEO, CLIENT),
    answer="The answer that a player would get, and the way to it.",
)
async def explain(request: AnyRequest, redirects: FromDishka[Redirects]) -> Explained:
    """Explain what a player would be answered.

    Shows what this process would answer next to `GET /` with the same query, and step by step why. The same code
    decides as for players, but no ticket is taken. Where rules or `sticky` look at the client, give its address in
    `X-Explain-Client`; the other headers of this request count as the player's.
    """
    client = Client(_address(request), lambda name: joined(request, name).encode("latin-1"))
    return Explained.of(explanations.explain(redirects, request.scope["query_string"], client))


def _address(request: AnyRequest) -> str:
    given = request.headers.get(CLIENT.parameter.name, "")
    try:
        return given and str(ip_address(given))
    except ValueError:
        raise InvalidInput("X-Explain-Client", _BAD_ADDRESS) from None


@ENDPOINTS.endpoint(
    "POST /config/preview",
    Role.VIEWER,
    body=PreviewRequest,
    example={
        "id": 1,
        "distribution_rate": 20,
        "videos": ["http://s1.origin-cluster/video/1488/xcg2djHckad.m3u8"],
        "requests": 1000000,
    },
    status=HTTP_200_OK,
    answer="What would differ.",
    errors=[BAD_HOST, ConfigNotFound(7)],
)
async def preview_config(
    request: AnyRequest,
    configs: FromDishka[CdnConfigs],
    origins: FromDishka[OriginHosts],
    to_ascii: FromDishka[ToAscii],
) -> Preview:
    """Preview a change.

    Shows what a change would do to the shares of the targets and to videos, and changes nothing.
    """
    body = await read_body(request, PreviewRequest)
    if len(body.videos) > MAX_VIDEOS:
        raise InvalidInput("videos", f"must be at most {MAX_VIDEOS}")
    if body.requests is not None and not 0 <= body.requests <= MAX_REQUESTS:
        raise InvalidInput("requests", f"must be from 0 to {MAX_REQUESTS}")
    change = _change(body, to_ascii)
    config = await configs.get(body.id)
    changed = config.with_document(change.applied_to(config.document))
    # A long schedule takes longer to lay out than a request may wait.
    before, after = [
        Outcome.of(one, await asyncio.to_thread(forecast, one, body.videos, body.requests, origins))
        for one in (config, changed)
    ]
    documents = config.document, changed.document
    return Preview(
        config.id, config.revision, changes_between(*documents), target_changes_between(*documents), before, after
    )


def _change(body: PreviewRequest, to_ascii: ToAscii) -> ConfigChange | TargetChange:
    if isinstance(body.target, msgspec.UnsetType):
        return read_change(body, to_ascii)
    given = [name for name in ConfigChange.__dataclass_fields__ if getattr(body, name) is not msgspec.UNSET]
    if given:
        raise InvalidInput("target", f"cannot be given together with {', '.join(map(repr, given))}")
    return read_target_change(body.target, to_ascii)
