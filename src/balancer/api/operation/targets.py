"""How the targets are."""

from datetime import datetime
from typing import Annotated

import msgspec
from dishka.integrations.litestar import FromDishka

from balancer.api.framework.endpoints import Endpoints
from balancer.api.openapi.operations import Time, one_of
from balancer.core.access.keys import Role
from balancer.core.clocks import Clock
from balancer.core.configs.documents import CdnConfig
from balancer.core.configs.targets import Kind, Target
from balancer.core.health.known import Heeded
from balancer.core.health.verdicts import TargetHealth, Verdict
from balancer.core.health.watching import Watchlist, probe_of
from balancer.core.loop.moves import Idle, Why

ENDPOINTS = Endpoints("targets")

NO_CHECK = "not watched: it has no check"
DISABLED = "not watched: it is disabled"
NOT_HEARD = "nobody has told a verdict lately"


class TargetState(msgspec.Struct):
    """How a target is.

    Attributes:
        config: The id of its config.
        name: Its name there.
        kind: `origin` or `cdn`.
        host: Of a CDN; null for an origin.
        weight: As configured.
        tier: The lowest tier that has a usable target serves.
        enabled: Whether it may be used.
        verdict: `healthy`, `unhealthy`, or `unknown`, which counts as usable.
        since: Since when; null while there is no verdict.
        why: What the last probe found, or why there is no verdict.
        part: Of its weight that its health leaves it, from 0 to 1; a recovered target grows.
        loop_part: Of its weight that the loop leaves it beside that, from 0.001 to 1; null where the loop does nothing.
        loop_why: Why the loop moves nothing in its config, or else why the target lost or gained last; null where
            there is no loop.
        url: What is asked; null while it is not watched.
        probed_at: When it was asked last; null before the first time.
        latency_ms: How long it took to answer then.
        certificate_days: Days until the certificate that it showed runs out; below 0 when it has, null without one.
    """

    config: int
    name: str
    kind: Annotated[str, one_of(Kind)]
    host: str | None
    weight: int
    tier: int
    enabled: bool
    verdict: Annotated[str, one_of(Verdict)]
    since: Time | None
    why: str
    part: float
    loop_part: float | None
    loop_why: Annotated[str, one_of(Idle, Why)] | None
    url: str | None
    probed_at: Time | None
    latency_ms: float | None
    certificate_days: float | None


class TargetList(msgspec.Struct):
    """How all targets in use are.

    Attributes:
        targets: Of every config in use, by id and in order.
        age_seconds: Since this process last heard from the one that probes; null when no target is watched.
        unreliable_since: Since when everything fails, so that it may be the prober's own network and verdicts are
            unknown; null when not so.
    """

    targets: list[TargetState]
    age_seconds: float | None
    unreliable_since: Time | None


@ENDPOINTS.endpoint("GET /targets", Role.VIEWER, answer="How they are.")
async def read_targets(
    watchlist: FromDishka[Watchlist],
    heeded: FromDishka[Heeded],
    clock: FromDishka[Clock],
) -> TargetList:
    """Read how every target of every config in use is: its verdict, since when, and what the last probe found."""
    targets = states_of(watchlist, heeded, clock())
    age, current = heeded.verdicts.age, heeded.verdicts.current
    return TargetList(targets, None if age is None else round(age, 3), current.unreliable_since if current else None)


def states_of(watchlist: Watchlist, heeded: Heeded, now: datetime) -> list[TargetState]:
    """Return how every target of every config in use is, by config and in order.

    Args:
        watchlist: The targets.
        heeded: What is known of them.
        now: As of when.
    """
    configs = sorted(watchlist.configs, key=lambda config: config.id)
    return [_state(config, target, heeded, now) for config in configs for target in config.document.targets]


def _state(config: CdnConfig, target: Target, heeded: Heeded, now: datetime) -> TargetState:
    known, loops = heeded
    loop = loops.about(config)
    check = probe_of(target)
    told = known.about((config.id, target.name), check.url) if check else None
    why = NOT_HEARD if check else DISABLED if target.check else NO_CHECK
    health = told or TargetHealth(check.url if check else "", Verdict.UNKNOWN, now, why)
    days = health.certificate_days(now)
    return TargetState(
        config=config.id,
        name=target.name,
        kind=target.kind,
        host=target.host,
        weight=target.weight,
        tier=target.tier,
        enabled=target.enabled,
        verdict=health.verdict,
        since=told.since if told else None,
        why=health.why,
        part=health.part,
        loop_part=loop.parts.get(target.name, 1.0) if loop else None,
        loop_why=loops.why(config, target.name),
        url=health.url or None,
        probed_at=health.probed_at,
        latency_ms=None if health.latency is None else round(health.latency * 1000, 3),
        certificate_days=None if days is None else round(days, 2),
    )
