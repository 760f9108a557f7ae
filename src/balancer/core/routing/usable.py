"""Placeholder."""

from collections.abc import Mapping
from typing import NamedTuple

from balancer.core.configs.documents import ConfigDocument
from balancer.core.routing.reasons import RoutingReason, SkipReason


class Usable(NamedTuple):
    weights: tuple[int, ...]
    reason: RoutingReason | None
    skipped: Mapping[int, SkipReason]


def usable(document: ConfigDocument, parts: Mapping[str, float]) -> Usable:
    import math

    weights = [target.weight for target in document.targets]
    divisor = math.gcd(*weights)
    return Usable(tuple(weight // divisor for weight in weights), None, {})
