"""Arithmetic of shares: by name of a target, its part of all sessions, from 0 to 1 and 1 together."""

from collections.abc import Mapping

EPSILON = 1e-9
"""A difference of shares that is none."""

LEAST_PART = 0.001
"""No part is less: 0 would say that the target is unhealthy."""

_ROUNDS = 60

Shares = Mapping[str, float]


def normalised(weights: Shares) -> dict[str, float]:
    """Return the shares of weights, of which one at least is above 0."""
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def within(shares: Shares, least: Shares, most: Shares) -> dict[str, float]:
    """Return the shares that keep the bounds, as near to proportional as can be; unchanged where they keep them.

    Args:
        shares: 1 together.
        least: At most 1 together. Names are those of `shares`.
        most: Not below `least`. Where all together are less than 1, as others are not usable, they are raised alike.
    """
    room = sum(most.values())
    if room < 1:
        most = {name: bound / room for name, bound in most.items()}
    if all(least[name] <= share <= most[name] for name, share in shares.items()):
        return dict(shares)

    def at(factor: float) -> dict[str, float]:
        return {name: min(most[name], max(least[name], max(share, EPSILON) * factor)) for name, share in shares.items()}

    low, high = 0.0, 1 / EPSILON
    for _ in range(_ROUNDS):
        # Factors are spread over many magnitudes, so halve the exponent while that is what separates them.
        middle = (max(low, EPSILON) * high) ** 0.5
        if sum(at(middle).values()) < 1:
            low = middle
        else:
            high = middle
    return at(high)


def poured(amount: float, weights: Shares, room: Shares) -> dict[str, float]:
    """Return how much of an amount each gets, in proportion to weights and no more than it has room for.

    What nobody has room for is left over.
    """
    got = dict.fromkeys(weights, 0.0)
    open_to = {name for name, weight in weights.items() if weight > 0 and room[name] > 0}
    while amount > EPSILON and open_to:
        total = sum(weights[name] for name in open_to)
        part = {name: amount * weights[name] / total for name in open_to}
        full = {name for name in open_to if part[name] >= room[name] - got[name]}
        for name in full or open_to:
            gained = min(part[name], room[name] - got[name])
            got[name] += gained
            amount -= gained
        if not full:
            break
        open_to -= full
    return got


def parts(shares: Shares, configured: Shares) -> dict[str, float]:
    """Return which part of its weight each target is to have, so that all together have these shares.

    A weight can only be reduced, so the target that gained most has all of its own, and the others less. To be
    multiplied by the parts that health leaves; what gets nothing by health or by the config gets nothing here.

    Args:
        shares: What the loop wants.
        configured: What the config and health give, of those that serve.
    """
    ratios = {name: share / configured[name] for name, share in shares.items() if configured.get(name, 0.0) > 0}
    most = max(ratios.values(), default=1.0)
    return {name: max(LEAST_PART, round(ratio / most, 3)) for name, ratio in ratios.items()}
