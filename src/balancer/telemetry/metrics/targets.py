"""The health of the targets as metrics: what this process knows, which is what all know."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from balancer.core.clocks import Clock
from balancer.core.health.known import KnownVerdicts
from balancer.core.health.verdicts import TargetHealth, TargetKey, Verdict
from balancer.core.health.watching import Watchlist
from balancer.core.loop.known import KnownLoops
from balancer.core.quality.figures import Figures, figures
from balancer.core.quality.known import KnownQuality
from balancer.core.quality.windows import USUAL

_DAY = 24 * 3600.0

_LABELS = ["config", "target"]


class WatchedHealth(NamedTuple):
    """What is known of one watched target.

    Attributes:
        config: The id of its config.
        target: Its name.
        expiry_warning: Days before its certificate runs out when a warning begins; 0 for none.
        health: What is known; None when that is nothing that counts.
    """

    config: int
    target: str
    expiry_warning: int
    health: TargetHealth | None


class TargetsHealth(NamedTuple):
    """What is known of all targets.

    Attributes:
        now: Seconds since 1970.
        age: Seconds since anything new was heard, None when nothing is watched.
        is_unreliable: Whether everything fails, so that it may be the prober's own network.
        targets: Those that are watched.
        quality: By name, how players fare at each.
        loops: By config and target, which part of its weight the loop leaves it.
    """

    now: float = 0.0
    age: float | None = None
    is_unreliable: bool = False
    targets: tuple[WatchedHealth, ...] = ()
    quality: Mapping[str, Figures] = MappingProxyType({})
    loops: Mapping[TargetKey, float] = MappingProxyType({})


class TargetNumbers:
    """Finds out what to show of the targets.

    Args:
        watchlist: What is watched.
        known: What is known of them.
        clock: Tells the time.
        quality: How players fare there.
        loops: What the loops do.
    """

    def __init__(
        self, watchlist: Watchlist, known: KnownVerdicts, clock: Clock, quality: KnownQuality, loops: KnownLoops
    ) -> None:
        self._loops = loops
        self._watchlist = watchlist
        self._known = known
        self._clock = clock
        self._quality = quality

    def read(self) -> TargetsHealth:
        """Return what is known now."""
        current = self._known.current
        targets = tuple(
            WatchedHealth(*one.key, check.expiry_warning, self._known.about(one.key, check.url))
            for check, watched in self._watchlist.checks.items()
            for one in watched
        )
        is_unreliable = current is not None and current.unreliable_since is not None
        quality = {name: figures(found) for name, found in self._quality.targets(USUAL).items()}
        loops = self._loops.parts(self._watchlist.bounded)
        return TargetsHealth(self._clock().timestamp(), self._known.age, is_unreliable, targets, quality, loops)


def families(found: TargetsHealth) -> Iterator[Metric]:
    """Yield what is known of the targets as metrics; what is not known has no sample."""

    def gauge(name: str, text: str, value: Callable[[TargetHealth], float | None]) -> Metric:
        family = GaugeMetricFamily(f"balancer_target_{name}", text, labels=_LABELS)
        for one in found.targets:
            if one.health and (shown := value(one.health)) is not None:
                family.add_metric([str(one.config), one.target], shown)
        return family

    def remaining(health: TargetHealth) -> float | None:
        return health.certificate_ends.timestamp() - found.now if health.certificate_ends else None

    text = "Whether a target is healthy: 1 or 0, and no sample while that is unknown."
    yield gauge("healthy", text, _is_healthy)
    yield gauge("part_ratio", "The part of its weight that a target's health leaves it.", lambda health: health.part)
    yield gauge("latency_seconds", "How long the last probe of a target took.", lambda health: health.latency)
    yield gauge("certificate_remaining_seconds", "Until a target's certificate runs out.", remaining)
    family = GaugeMetricFamily(
        "balancer_target_certificate_warning_seconds",
        "How long before its certificate runs out a target's check warns.",
        labels=_LABELS,
    )
    for one in found.targets:
        if one.expiry_warning:
            family.add_metric([str(one.config), one.target], one.expiry_warning * _DAY)
    yield family
    text = "Whether every probe fails, so that it may be the prober's own network, and verdicts are unknown."
    yield GaugeMetricFamily("balancer_probes_unreliable", text, value=float(found.is_unreliable))
    age = GaugeMetricFamily("balancer_verdicts_age_seconds", "Since the one that probes was last heard of.", labels=[])
    if found.age is not None:
        age.add_metric([], found.age)
    yield age
    text = "The part of its weight that the loop leaves a target."
    parts = GaugeMetricFamily("balancer_loop_part_ratio", text, labels=_LABELS)
    for (config, name), part in sorted(found.loops.items()):
        parts.add_metric([str(config), name], part)
    yield parts


def _is_healthy(health: TargetHealth) -> float | None:
    return None if health.verdict is Verdict.UNKNOWN else float(health.verdict is Verdict.HEALTHY)
