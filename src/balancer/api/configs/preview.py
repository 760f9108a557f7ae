"""The path by which admins see what a change of a config would do: `/config/preview`."""

import asyncio

import msgspec
from dishka.integrations.litestar import FromDishka
from litestar.status_codes import HTTP_200_OK

from balancer.api.configs.configs import BAD_HOST, ConfigPatch, TargetEdit
from balancer.api.configs.documents import Document, read_change, read_target_change
from balancer.api.configs.history import Change, TargetDiff, changes_between, target_changes_between
from balancer.api.framework.endpoints import Endpoints
from balancer.api.framework.inputs import AnyRequest, read_body
from balancer.core.access.keys import Role
from balancer.core.configs.documents import CdnConfig
from balancer.core.configs.edits import ConfigChange, TargetChange
from balancer.core.configs.ports import CdnConfigs
from balancer.core.errors import ConfigNotFound, InvalidInput, NotSimple, TargetNotFound
from balancer.core.refusals import RefusalReason
from balancer.core.routing.explanations import Forecast, Places, Share, forecast
from balancer.core.urls.hosts import OriginHosts, ToAscii

ENDPOINTS = Endpoints("explain")

MAX_VIDEOS = 100
"""Videos in one preview."""

MAX_REQUESTS = 10**12
"""Requests that a preview counts with."""


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
    errors=[BAD_HOST, ConfigNotFound(7), TargetNotFound("cdn-b"), NotSimple("distribution_rate")],
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
