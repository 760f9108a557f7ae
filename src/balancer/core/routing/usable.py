"""Which targets of a config get requests at the moment, by tier and health, and how much each."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from balancer.core.configs.documents import MAX_CYCLE, PERCENT, ConfigDocument, PolicyName
from balancer.core.configs.targets import Target
from balancer.core.routing.reasons import RoutingReason, SkipReason

STEPS = 100
"""Steps in which slow start raises a target of weight 1, where the cycle stays short enough for so many."""


@dataclass(frozen=True, slots=True)
class Usable:
    """What the policy of a config spreads requests over: at least one target has a weight.

    Attributes:
        weights: By target index; 0 gets no requests. Reduced by their greatest common divisor.
        reason: `TIER`, `PANIC` or `STANDBY` where one of these decided, None where the first tier serves as usual.
        skipped: By target index, why a target of weight 0 gets no requests.
    """

    weights: tuple[int, ...]
    reason: RoutingReason | None
    skipped: Mapping[int, SkipReason]


def usable(document: ConfigDocument, parts: Mapping[str, float]) -> Usable:
    """Return which targets get requests, and how much each.

    A target is usable when it is enabled, has a weight, and may have a part of it. The lowest tier with a usable target
    serves. Where no tier has one, the first healthy standby target serves; where there is none, the lowest tier does,
    whatever its health.

    Args:
        document: Whose targets.
        parts: By target name, how much of its weight a target may have by its health, from 0 to 1: 0 when it is
            unhealthy, 1 when it is healthy, less during slow start. A name that is missing has 1.
    """
    targets = document.targets
    health = [max(0.0, min(1.0, parts.get(target.name, 1.0))) for target in targets]
    serving, reason = _decide(document, health)
    # A standby target has no weight of its own, and serves alone.
    weights = [(target.weight or 1) if index in serving else 0 for index, target in enumerate(targets)]
    is_panic = reason is RoutingReason.PANIC
    skipped = {
        index: _why_skipped(target, health[index] > 0, is_panic and target.tier > targets[serving[0]].tier)
        for index, target in enumerate(targets)
        if index not in serving
    }
    return Usable(tuple(_reduced(weights) if is_panic else _grown(weights, health)), reason, skipped)


def _decide(document: ConfigDocument, health: Sequence[float]) -> tuple[list[int], RoutingReason | None]:
    """Return the indices of the targets that serve, and why these."""
    targets = document.targets
    weighted = [index for index, target in enumerate(targets) if target.enabled and target.weight]
    healthy = [index for index in weighted if health[index]]
    first_tier = min(targets[index].tier for index in weighted)
    if not healthy:
        standby = [index for index, target in enumerate(targets) if target.enabled and health[index]]
        if standby:
            # Of equals `min` returns the first.
            return [min(standby, key=lambda index: targets[index].tier)], RoutingReason.STANDBY
        return [index for index in weighted if targets[index].tier == first_tier], RoutingReason.PANIC
    tiers = [targets[index].tier for index in healthy]
    tier = min(tiers)
    in_tier = [index for index in weighted if targets[index].tier == tier]
    serving = [index for index in in_tier if health[index]]
    if tier == max(tiers) and _is_too_little(document, serving, in_tier):
        return in_tier, RoutingReason.PANIC
    return serving, RoutingReason.TIER if tier > min(target.tier for target in targets) else None


def _is_too_little(document: ConfigDocument, healthy: Iterable[int], enabled: Iterable[int]) -> bool:
    """Tell whether less of a tier's weight is healthy than the panic threshold.

    Never under failover: it does not spread load, and ignoring health would send all requests to its first target, even
    an unhealthy one.
    """
    if document.policy is PolicyName.FAILOVER:
        return False
    have, could_have = (sum(document.targets[index].weight for index in part) for part in (healthy, enabled))
    return have * PERCENT < could_have * document.panic_threshold


def _why_skipped(target: Target, is_healthy: bool, is_later_in_panic: bool) -> SkipReason:
    if not target.enabled:
        return SkipReason.DISABLED
    if not target.weight:
        return SkipReason.DRAINED
    # In a panic health is ignored, so it is not what keeps a later tier out.
    return SkipReason.LATER_TIER if is_healthy or is_later_in_panic else SkipReason.UNHEALTHY


def _grown(weights: Sequence[int], health: Sequence[float]) -> list[int]:
    """Return the weights as far as slow start lets them be.

    Weights at full health keep their exact ratios; a weight that slow start reduces is rounded, but never to 0.
    """
    exact = _reduced(weights)
    # Where no target has its full weight, the one nearest to it counts as full.
    most = max(part for weight, part in zip(weights, health, strict=True) if weight)
    if all(part == most for weight, part in zip(weights, health, strict=True) if weight):
        return exact
    scale = max(1, min(STEPS, MAX_CYCLE // sum(exact)))
    grown = [
        max(1, round(weight * scale * part / most)) if weight else 0 for weight, part in zip(exact, health, strict=True)
    ]
    # A cycle of up to a million is too long for weights that change every moment, so "one in many" becomes less rare.
    excess = sum(grown) - MAX_CYCLE
    if excess > 0:
        grown[grown.index(max(grown))] -= excess
    return _reduced(grown)


def _reduced(weights: Sequence[int]) -> list[int]:
    divisor = math.gcd(*weights)
    return [weight // divisor for weight in weights]
