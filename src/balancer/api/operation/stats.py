"""What was counted: `/metrics` for Prometheus, `/stats` for people and dashboards."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from dishka.integrations.litestar import FromDishka, inject
from litestar import Response, Router, route
from litestar.enums import HttpMethod

from balancer.api.framework.endpoints import Endpoints
from balancer.api.framework.inputs import AnyRequest
from balancer.api.framework.parameters import text
from balancer.api.openapi.operations import Time, one_of
from balancer.core.access.keys import Role
from balancer.core.clients.quotas import UNITS
from balancer.core.errors import InvalidInput
from balancer.core.health.known import KnownVerdicts
from balancer.core.health.verdicts import Verdict, Verdicts
from balancer.core.quality.figures import Figures, figures
from balancer.core.quality.known import KnownQuality
from balancer.core.quality.windows import USUAL
from balancer.core.refusals import RefusalReason
from balancer.core.routing.decisions import Plan
from balancer.core.routing.redirects import Redirects
from balancer.telemetry.metrics.board import OTHER
from balancer.telemetry.metrics.exposition import Exposition
from balancer.telemetry.metrics.stats import MAX_WINDOW, Served, Stats

DEFAULT_WINDOW = "5m"
LEAST_WINDOW = 10

_WINDOW = re.compile(r"([1-9][0-9]{0,4})([smh])")
_FAULT = "must be like 30s, 5m or 1h, from 10s to 1h"

ENDPOINTS = Endpoints("stats")

WINDOW = text(
    "window",
    "How long back: `30s`, `5m`, `1h`; from ten seconds to an hour, in whole steps of ten seconds.",
    _FAULT,
    pattern=f"^{_WINDOW.pattern}$",
    default=DEFAULT_WINDOW,
)


class StatsQuality(msgspec.Struct):
    """How players fared at a target in the last five minutes; `GET /quality` has more.

    Attributes:
        sessions: How many sessions reported.
        starved_share: In which part of them the buffer ran empty, from 0 to 1.
        throughput_kbps_median: As the players measured it; null when nobody told it.
        start_ms_p95: Time to start that 5 % of the starts exceed; null when nobody told it.
    """

    sessions: int
    starved_share: float | None
    throughput_kbps_median: float | None
    start_ms_p95: float | None


class TargetStats(msgspec.Struct):
    """What a target had.

    Attributes:
        target: Its name.
        redirects: How many.
        share: Which part of the config's, from 0 to 1.
        configured: Which part it is to have now; null when the config is not in force.
        verdict: Of its health now; null when nothing is told of that.
        quality: How players fared there, of whichever config; null when none has reported.
    """

    target: str
    redirects: int
    share: float
    configured: float | None
    verdict: Annotated[str, one_of(Verdict)] | None
    quality: StatsQuality | None


class ConfigStats(msgspec.Struct):
    """What was served by a config.

    Attributes:
        id: Null for all those that a process could not tell apart, having served by too many.
        redirects: How many.
        targets: What each had.
    """

    id: int | None
    redirects: int
    targets: list[TargetStats]


class StatsAnswer(msgspec.Struct):
    """What was served in a time.

    Attributes:
        begin: From when on; whole steps of ten seconds are counted.
        end: Until when.
        scope: `host` for all workers of this host, `fleet` for all hosts that share a Redis.
        hosts: How many of them had anything to tell.
        redirects: How many.
        refusals: By reason, without those that there were none of.
        rate_limited: By policy, as above.
        configs: By config and target.
    """

    begin: Time
    end: Time
    scope: Literal["host", "fleet"]
    hosts: int
    redirects: int
    refusals: dict[Annotated[str, one_of(RefusalReason)], int]
    rate_limited: dict[str, int]
    configs: list[ConfigStats]


@route("/metrics", http_method=[HttpMethod.GET, HttpMethod.HEAD], include_in_schema=False)
@inject
async def read_metrics(request: AnyRequest, exposition: FromDishka[Exposition]) -> Response[bytes]:
    """Return the numbers of all workers of the host."""
    text, media_type = exposition.read(",".join(request.headers.getall("accept", [])))
    # As a header, since the framework would name the character set once more.
    return Response(text, headers={"content-type": media_type, "cache-control": "no-store"})


@ENDPOINTS.endpoint("GET /stats", Role.VIEWER, WINDOW, answer="What was served.")
async def read_stats(
    request: AnyRequest,
    stats: FromDishka[Stats],
    redirects: FromDishka[Redirects],
    known: FromDishka[KnownVerdicts],
    quality: FromDishka[KnownQuality],
) -> StatsAnswer:
    """Read what was served over the last minutes.

    By config and target: for all workers of this host, and for all hosts that share a Redis.
    """
    return stats_of(await stats.served(_window(request)), redirects.plan, known, quality)


def _window(request: AnyRequest) -> int:
    values = request.query_params.getall("window", [DEFAULT_WINDOW])
    found = _WINDOW.fullmatch(values[0])
    seconds = int(found[1]) * UNITS[found[2]] if found else 0
    if len(values) > 1 or not LEAST_WINDOW <= seconds <= MAX_WINDOW:
        raise InvalidInput("window", _FAULT)
    return seconds


def stats_of(served: Served, plan: Plan | None, known: KnownVerdicts, quality: KnownQuality) -> StatsAnswer:
    """Return what clients see of what was served.

    Args:
        served: What was counted.
        plan: In force now.
        known: Verdicts about the targets.
        quality: How players fare.
    """
    configs: dict[str, dict[str, int]] = {}
    refusals: dict[str, int] = {}
    limited: dict[str, int] = {}
    for (name, *labels), count in sorted(served.counts.items()):
        match name, labels:
            case "redirected", [config, target]:
                configs.setdefault(config, {})[target] = count
            case "refused", [reason]:
                refusals[reason] = count
            case "limited", [policy]:
                limited[policy] = count
            case _:
                pass
    fared = {name: _quality(figures(found)) for name, found in quality.targets(USUAL).items()}
    found = [_config(config, targets, plan, known.current, fared) for config, targets in configs.items()]
    return StatsAnswer(
        datetime.fromtimestamp(served.begin, UTC),
        datetime.fromtimestamp(served.end, UTC),
        "fleet" if served.is_fleet else "host",
        served.hosts,
        sum(config.redirects for config in found),
        refusals,
        limited,
        found,
    )


def _quality(found: Figures) -> StatsQuality | None:
    if not found.sessions:
        return None
    return StatsQuality(found.sessions, found.starved_share, found.throughput_kbps_median, found.start_ms_p95)


def _config(
    config: str,
    targets: dict[str, int],
    plan: Plan | None,
    verdicts: Verdicts | None,
    fared: Mapping[str, StatsQuality | None],
) -> ConfigStats:
    number = None if config == OTHER else int(config)
    route = plan.routes.get(number) if plan and number is not None else None
    configured = route.shares if route else {}
    whole = sum(targets.values())

    def stats(name: str, count: int) -> TargetStats:
        health = verdicts.targets.get((number, name)) if verdicts and number is not None else None
        verdict = health.verdict if health else None
        return TargetStats(name, count, count / whole, configured.get(name), verdict, fared.get(name))

    return ConfigStats(number, whole, [stats(name, count) for name, count in targets.items()])


def routes(access: dict[str, Any]) -> list[Router]:
    """Return the routes of the metrics.

    Args:
        access: Who may read them, as `balancer.api.framework.guards` says it.
    """
    return [Router("/", route_handlers=[read_metrics], **access)]
