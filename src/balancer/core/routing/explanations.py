"""What the edge would answer, and why, step by step: by the very decision that it makes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from balancer.core.configs.documents import CdnConfig
from balancer.core.errors import BalancerError, NoConfig, Refusal, RefusalReason
from balancer.core.routing.redirects import Decision, Redirects
from balancer.core.routing.snapshots import RoutingReason, Snapshot, Target
from balancer.core.urls.hosts import OriginHosts
from balancer.core.urls.videos import OriginUrl, parse_video


class Step(NamedTuple):
    """One step on the way to an answer.

    Attributes:
        step: `config`, `video`, `host`, `ticket`, `target` or `location`.
        finding: What was found there, in one sentence.
    """

    step: str
    finding: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """An answer and the way to it.

    Attributes:
        reason: Why the answer is what it is; None when no config is known.
        steps: In the order in which they are taken, up to the one that ended it.
        config: What was in force, None when nothing was.
        decision: Where the request would go, None when it would be refused.
        error: What would refuse it, None when nothing would.
    """

    reason: RoutingReason | RefusalReason | None
    steps: list[Step]
    config: CdnConfig | None
    decision: Decision | None = None
    error: BalancerError | None = None


def explain(redirects: Redirects, query: bytes) -> Explanation:
    """Explain what a request with this raw query string would be answered. It takes no ticket."""
    config = redirects.config
    in_force = (
        "No config is known." if config is None else f"Config {config.id} is in force at revision {config.revision}."
    )
    steps = [Step("config", in_force)]
    try:
        decision = redirects.preview(query)
    except Refusal as error:
        refused_at = "host" if error.reason == RefusalReason.HOST_NOT_ALLOWED else "video"
        return Explanation(error.reason, [*steps, Step(refused_at, str(error))], config, error=error)
    except NoConfig as error:
        return Explanation(None, steps, config, error=error)
    snapshot, video, length = decision.snapshot, decision.video, len(decision.snapshot.schedule)
    place = (decision.ticket - 1) % length + 1
    steps += [
        Step("video", f"The video is {video.at_origin('')}."),
        Step("host", f"Its host is allowed by the pattern '{video.pattern}'."),
        Step("ticket", f"The next ticket of this process is {decision.ticket}."),
        Step(
            "target", f"That is place {place} of {length} in the schedule, which belongs to the {decision.target.name}."
        ),
        Step("location", f"There the video is {decision.location}."),
    ]
    return Explanation(snapshot.reason, steps, decision.config, decision)


class Share(NamedTuple):
    """What one target gets.

    Attributes:
        target: The target.
        share: From 0 to 1.
        requests: Of so many requests as were asked about, None when nothing was asked.
    """

    target: Target
    share: float
    requests: int | None


class Route(NamedTuple):
    """Where one video would go.

    Attributes:
        video: As it was given.
        refusal: Why it would be refused, None when it would not.
        locations: Of each target that has a share, its URL there.
    """

    video: str
    refusal: Refusal | None
    locations: list[tuple[Share, str]]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What would come out by one config.

    Attributes:
        shares: Of all its targets.
        routes: Of the videos that were asked about.
    """

    shares: list[Share]
    routes: list[Route] = field(default_factory=list)


def forecast(config: CdnConfig, videos: Sequence[str], requests: int | None, origins: OriginHosts) -> Forecast:
    """Return what would come out if a config were in force.

    Args:
        config: The config.
        videos: URLs as a player would send them in `video`.
        requests: How many requests to count with, from the beginning of a cycle; None for none.
        origins: The hosts that may be redirected at all.
    """
    snapshot = Snapshot.of(config)
    counts: Sequence[int | None] = snapshot.counts(requests) if requests is not None else [None] * len(snapshot.targets)
    parts = snapshot.shares
    shares = [Share(target, parts[target.name], count) for target, count in zip(snapshot.targets, counts, strict=True)]
    return Forecast(shares, [_route(video, shares, origins) for video in videos])


def _route(text: str, shares: list[Share], origins: OriginHosts) -> Route:
    try:
        video: OriginUrl = parse_video(text.encode(), origins)
    except Refusal as error:
        return Route(text, error, [])
    return Route(text, None, [(share, share.target.location(video, "")) for share in shares if share.share])
