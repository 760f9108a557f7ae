"""How players fare: by target, and by network and country."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
from heapq import nlargest

import msgspec
from dishka.integrations.litestar import FromDishka

from balancer.api.framework.endpoints import Endpoints
from balancer.api.framework.inputs import AnyRequest, read_integer
from balancer.api.framework.parameters import query
from balancer.api.openapi.operations import Time
from balancer.core.access.keys import Role
from balancer.core.configs.ports import CdnConfigs
from balancer.core.errors import ConfigNotFound, InvalidInput
from balancer.core.quality.aggregates import Group, Quality
from balancer.core.quality.figures import figures
from balancer.core.quality.known import KnownQuality
from balancer.core.quality.windows import USUAL, WINDOWS

ENDPOINTS = Endpoints("stats")

MAX_GROUPS = 200
"""Groups in one answer."""

_FAULT = "must be 1, 5 or 60"

WINDOW = query("window", "How many minutes back: 1, 5 or 60.", _FAULT, enum=list(WINDOWS), default=USUAL)
CONFIG = query("config", "The id of a config: its targets alone.", "must be one integer")


class QualityFigures(msgspec.Struct):
    """How players fared. Sessions are estimates, within some 5 %, and so are the other figures.

    Attributes:
        reports: How many reports came.
        sessions: How many sessions sent them.
        starved: In how many of these the buffer ran empty.
        starved_share: Which part of the sessions that is, from 0 to 1; null without any.
        starved_seconds: For how long, all in all.
        start_ms_median: Time to start; null when nobody told it.
        start_ms_p95: The same, which 5 % of the starts exceed.
        throughput_kbps_median: Throughput; null when nobody told it.
        throughput_kbps_p5: The same, below which 5 % of the sessions are.
        errors: How many sessions reported each error, added up over steps of ten seconds: `http 503`, `http 0` for no
            response, `player` with a code of the player's own, or `other`.
    """

    reports: int
    sessions: int
    starved: int
    starved_share: float | None
    starved_seconds: float
    start_ms_median: float | None
    start_ms_p95: float | None
    throughput_kbps_median: float | None
    throughput_kbps_p5: float | None
    errors: dict[str, int]


class TargetQuality(msgspec.Struct):
    """How players fared at one target.

    Attributes:
        target: Its name; null for hosts that are no target's.
        figures: How they fared.
    """

    target: str | None
    figures: QualityFigures


class GroupQuality(msgspec.Struct):
    """How the players of one network and country fared at one target.

    Attributes:
        target: Its name; null for hosts that are no target's.
        network: `AS64496`, `192.0.2.0/24`, `2001:db8:1::/48`, `unknown`, or `other` for many small ones.
        country: ISO code, `DE`; null when it is not known.
        figures: How they fared.
    """

    target: str | None
    network: str
    country: str | None
    figures: QualityFigures


class QualityAnswer(msgspec.Struct):
    """How players fared in a window.

    Attributes:
        window: How many minutes it is long.
        end: Until when reports are counted, some twenty seconds ago.
        targets: In total for each target, the one with the most sessions first.
        groups: By target, network and country, those with the most sessions first.
        left_out: How many groups there are beyond those.
    """

    window: int
    end: Time
    targets: list[TargetQuality]
    groups: list[GroupQuality]
    left_out: int


@ENDPOINTS.endpoint(
    "GET /quality", Role.VIEWER, WINDOW, CONFIG, answer="How players fared.", errors=[ConfigNotFound(9)]
)
async def read_quality(
    request: AnyRequest, known: FromDishka[KnownQuality], configs: FromDishka[CdnConfigs]
) -> QualityAnswer:
    """Read how players fared over the last minutes, as they have reported it.

    By target, network and country: for all workers of this host, or for all hosts that share a Redis. Targets of the
    same name in several configs are one.
    """
    given = read_integer(request, "window")
    window = USUAL if given is None else given
    if window not in WINDOWS:
        raise InvalidInput("window", _FAULT)
    config_id = read_integer(request, "config")
    wanted = None
    if config_id is not None:
        wanted = {target.name for target in (await configs.get(config_id)).document.targets}
    # To add up an hour takes some ten milliseconds.
    return await asyncio.to_thread(_answer, known, window, wanted)


def _answer(known: KnownQuality, window: int, wanted: Collection[str] | None) -> QualityAnswer:
    targets = {name: found for name, found in known.targets(window).items() if wanted is None or name in wanted}
    groups = {group: found for group, found in known.groups(window).items() if wanted is None or group.target in wanted}
    largest = nlargest(MAX_GROUPS, groups, key=lambda group: sum(groups[group].sessions))
    return QualityAnswer(
        window,
        datetime.fromtimestamp(known.end, UTC),
        sorted(
            (TargetQuality(name or None, shown(found)) for name, found in targets.items()),
            key=lambda row: -row.figures.sessions,
        ),
        sorted((_of(group, groups[group]) for group in largest), key=lambda row: -row.figures.sessions),
        len(groups) - len(largest),
    )


def _of(group: Group, quality: Quality) -> GroupQuality:
    return GroupQuality(group.target or None, group.network, group.country or None, shown(quality))


def shown(quality: Quality) -> QualityFigures:
    """Return figures as JSON has them."""
    found = figures(quality)
    return QualityFigures(
        found.reports,
        found.sessions,
        found.starved,
        found.starved_share,
        found.starved_seconds,
        found.start_ms_median,
        found.start_ms_p95,
        found.throughput_kbps_median,
        found.throughput_kbps_p5,
        dict(found.errors),
    )
