"""What the edge would answer, and why, step by step: by the very decision that it makes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from balancer.core.configs.documents import CdnConfig
from balancer.core.configs.targets import Target
from balancer.core.errors import BalancerError, NoConfig
from balancer.core.refusals import Refusal, RefusalReason
from balancer.core.routing.decisions import Decision, Plan, Step
from balancer.core.routing.reasons import RoutingReason
from balancer.core.routing.redirects import Redirects
from balancer.core.routing.routes import NOBODY, Client, Route
from balancer.core.routing.tickets import TicketBook
from balancer.core.routing.usable import usable
from balancer.core.urls.hosts import OriginHosts
from balancer.core.urls.videos import parse_video


@dataclass(frozen=True, slots=True)
class Explanation:
    """An answer and the way to it.

    Attributes:
        reason: Why the answer is what it is; None when no config is known.
        steps: In the order in which they are taken, up to the one that ended it.
        config: What was in force, None when nothing was.
        decision: Where the request would go, None when it would be refused.
        error: What would refuse it, None when nothing would.
        loop_parts: By name of a target, which part of its weight the loop leaves it; empty where it does nothing.
    """

    reason: RoutingReason | RefusalReason | None
    steps: list[Step]
    config: CdnConfig | None
    decision: Decision | None = None
    error: BalancerError | None = None
    loop_parts: Mapping[str, float] = field(default_factory=dict)


LoopParts = Callable[[CdnConfig], Mapping[str, float]]
"""Tells which part of its weight the loop leaves each target of a config; empty where it does nothing."""


def explain(
    redirects: Redirects, query: bytes, client: Client = NOBODY, loop_parts: LoopParts = lambda _config: {}
) -> Explanation:
    """Explain what a request with this raw query string would be answered. It takes no ticket.

    Args:
        redirects: What the process redirects by.
        query: Of the request.
        client: Who would make it.
        loop_parts: What the loop does.
    """
    config = redirects.plan.default.config if redirects.plan else None
    steps = [Step("config", _in_force(config))]
    decided: list[Step] = []
    try:
        decision = redirects.explain(query, client, decided)
    except Refusal as error:
        refused_at = "host" if error.reason == RefusalReason.HOST_NOT_ALLOWED else "video"
        return Explanation(error.reason, [*steps, Step(refused_at, str(error))], config, error=error)
    except NoConfig as error:
        return Explanation(None, steps, config, error=error)
    left = loop_parts(decision.config)
    steps += [
        Step("video", f"The video is {decision.video.text}."),
        Step("host", f"Its host is allowed by the pattern '{decision.video.origin.pattern}'."),
        # The last two are about the choice among the targets, by their weights.
        *decided[:-2],
        *([Step("loop", _left(left))] if left else []),
        *decided[-2:],
        Step("location", f"There the video is {decision.location}."),
    ]
    return Explanation(decision.choice.reason, steps, decision.config, decision, loop_parts=left)


def _left(parts: Mapping[str, float]) -> str:
    reduced = [f"{name} {part:.1%} of its weight" for name, part in parts.items() if part < 1]
    return f"The loop leaves {', '.join(reduced)}." if reduced else "The loop leaves all targets their whole weight."


def _in_force(config: CdnConfig | None) -> str:
    return "No config is known." if config is None else f"Config {config.id} is in force at revision {config.revision}."


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


class Places(NamedTuple):
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
    routes: list[Places] = field(default_factory=list)


def forecast(config: CdnConfig, videos: Sequence[str], requests: int | None, origins: OriginHosts) -> Forecast:
    """Return what would come out if a config were in force and all its targets were healthy.

    Args:
        config: The config.
        videos: URLs as a player would send them in `video`.
        requests: How many requests to count with, from the beginning of a cycle; None for none.
        origins: The hosts that may be redirected at all.
    """
    targets = config.document.targets
    route = Route(config, usable(config.document, {}), TicketBook())
    counts: Sequence[int | None] = [None] * len(targets) if requests is None else route.policy.counts(requests)
    shares = [Share(*one) for one in zip(targets, route.policy.shares, counts, strict=True)]
    return Forecast(shares, [_places(video, route, shares, origins) for video in videos])


def _places(text: str, route: Route, shares: list[Share], origins: OriginHosts) -> Places:
    try:
        video = parse_video(text.encode(), origins)
    except Refusal as error:
        return Places(text, error, [])
    asked = Plan(route, {}).read(video.origin, video.path, b"", video.query)
    return Places(
        text, None, [(share, asked.location(index).decode()) for index, share in enumerate(shares) if share.share]
    )
