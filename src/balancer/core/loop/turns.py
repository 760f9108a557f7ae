"""One turn of a config's loop: from what health leaves it and what players report to parts of weights."""

from dataclasses import replace

from balancer.core.configs.bounds import Bounds
from balancer.core.configs.documents import CdnConfig
from balancer.core.loop.deciding import decide
from balancer.core.loop.moves import Idle, Move, State
from balancer.core.loop.shares import normalised, parts
from balancer.core.loop.telling import ConfigLoop
from balancer.core.quality.aggregates import Qualities
from balancer.core.routing.reasons import RoutingReason
from balancer.core.routing.usable import Usable


def turned(
    config: CdnConfig, healthy: Usable, before: State, qualities: Qualities | None, now: float
) -> tuple[ConfigLoop, tuple[Move, ...]]:
    """Return the loop of a config from now on, and what has moved by it.

    In a panic health is ignored, and nothing moves. Without reports shares are as health leaves them, and the loop
    begins anew when there are some.

    Args:
        config: The config; it has bounds.
        healthy: Which of its targets serve by their health alone, and with which weights.
        before: What the last turn has left; `State()` before the first.
        qualities: What players have reported in the window of five minutes; None when that is not known.
        now: Seconds since 1970.
    """
    names = [target.name for target in config.document.targets]
    weights = dict(zip(names, map(float, healthy.weights), strict=True))
    configured = normalised({name: weight for name, weight in weights.items() if weight})
    if qualities is None:
        return ConfigLoop(State(), configured, configured, {}, Idle.NO_REPORTS), ()
    bounds = config.bounds or Bounds()
    if healthy.reason is RoutingReason.PANIC:
        halted = decide(before, replace(bounds, is_frozen=True), weights, {}, now)
        return ConfigLoop(halted.state, configured, configured, {}, Idle.PANIC), ()
    decision = decide(before, bounds, weights, qualities, now)
    left = parts(decision.shares, configured)
    return ConfigLoop(decision.state, configured, decision.shares, left, decision.idle), decision.moves
