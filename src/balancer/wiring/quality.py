"""The parts that hear players."""

import secrets

from dishka import Provider, Scope, provide

from balancer.core.clocks import Clock
from balancer.core.quality.hearing import Hearing
from balancer.core.quality.hosts import TargetHosts
from balancer.core.quality.known import KnownQuality
from balancer.core.quality.ports import SharedQuality
from balancer.core.routing.redirects import Redirects
from balancer.core.rules.ports import ClientPlaces
from balancer.core.urls.hosts import OriginHosts
from balancer.edge.asking import PlayerGate
from balancer.edge.reports import ReportAnswers
from balancer.jobs.pooling import Pooling
from balancer.settings import Settings
from balancer.telemetry.metrics.meters import Meters
from balancer.wiring.steering import SteeringKey

_NAME_BYTES = 4
"""Of what tells a process from the one that had its slot before."""


class QualityProvider(Provider):
    """What hears players, and knows how they fare."""

    scope = Scope.APP

    known = provide(KnownQuality)

    @provide
    def hearing(
        self, redirects: Redirects, origins: OriginHosts, places: ClientPlaces, key: SteeringKey, settings: Settings
    ) -> Hearing | None:
        return Hearing(TargetHosts(redirects, origins), places, key) if settings.cmcd else None

    @provide
    def pooling(
        self, hearing: Hearing | None, known: KnownQuality, store: SharedQuality, meters: Meters, clock: Clock
    ) -> Pooling | None:
        if hearing is None:
            return None
        source = f"{meters.slot.source}/{secrets.token_hex(_NAME_BYTES)}"
        return Pooling(hearing, known, store, source, clock)

    @provide
    def answers(
        self, hearing: Hearing | None, gate: PlayerGate, meters: Meters, settings: Settings
    ) -> ReportAnswers | None:
        if hearing is None or settings.role == "admin" or not settings.fast_lane:
            return None
        return ReportAnswers(hearing, gate, meters)
