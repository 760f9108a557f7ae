"""The simple view: one CDN host and one rate, where that is all there is to a config."""

import math
from dataclasses import replace
from typing import NamedTuple

from balancer.core.configs.documents import MAX_DISTRIBUTION_RATE, ConfigDocument, PolicyName
from balancer.core.configs.targets import PATH, Kind, Scheme, Target
from balancer.core.errors import InvalidInput


class SimpleView(NamedTuple):
    """A config that sends every N-th request to the origin and all others to one CDN.

    Attributes:
        cdn_host: `cdn.example.com`, with `:port` when it is not the default one; sound already, from `parse_cdn_host`.
        distribution_rate: N; 1 is always, 0 is never.
    """

    cdn_host: str
    distribution_rate: int


def simple_document(cdn_host: str, distribution_rate: int, name: str | None = None) -> ConfigDocument:
    """Return the document of a config that sends every N-th request to the origin and all others to one CDN.

    Raises:
        InvalidInput: When a value is one that a config cannot have.
    """
    often, rare = _weights(distribution_rate)
    origin = Target("origin", Kind.ORIGIN, weight=rare)
    return ConfigDocument((origin, Target("cdn", Kind.CDN, cdn_host, weight=often)), name=name)


def simple_view(document: ConfigDocument) -> SimpleView | None:
    """Return the simple view of a document, None when its fields cannot express what the document says."""
    targets = sorted(document.targets, key=lambda target: target.kind is Kind.CDN)
    if document.policy is not PolicyName.EXACT or [target.kind for target in targets] != [Kind.ORIGIN, Kind.CDN]:
        return None
    origin, cdn = targets
    if not (origin.enabled and cdn.enabled) or origin.tier != cdn.tier or cdn.scheme is not Scheme.KEEP:
        return None
    divisor = math.gcd(origin.weight, cdn.weight)
    rare, often = origin.weight // divisor, cdn.weight // divisor
    if cdn.path != PATH or cdn.host is None or rare > 1:
        return None
    return SimpleView(cdn.host, rare + often if rare else 0)


def with_simple(
    document: ConfigDocument, cdn_host: str | None = None, distribution_rate: int | None = None
) -> ConfigDocument | None:
    """Return a document with another CDN host or rate; None when it has no simple view.

    Raises:
        InvalidInput: When a value is one that a config cannot have.
    """
    view = simple_view(document)
    if view is None:
        return None
    often, rare = _weights(view.distribution_rate if distribution_rate is None else distribution_rate)
    return replace(
        document,
        targets=tuple(
            replace(target, weight=rare)
            if target.kind is Kind.ORIGIN
            else replace(target, weight=often, host=cdn_host or target.host)
            for target in document.targets
        ),
    )


def check_distribution_rate(rate: int) -> int:
    """Return `rate` if a config can have it.

    Raises:
        InvalidInput: When it is not from 0 to `MAX_DISTRIBUTION_RATE`.
    """
    if not 0 <= rate <= MAX_DISTRIBUTION_RATE:
        raise InvalidInput("distribution_rate", f"must be from 0 to {MAX_DISTRIBUTION_RATE}, not {rate}")
    return rate


def _weights(rate: int) -> tuple[int, int]:
    """Return the weights of the CDN and of the origin."""
    return (check_distribution_rate(rate) - 1, 1) if rate else (1, 0)
