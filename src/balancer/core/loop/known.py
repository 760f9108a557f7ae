"""The shares that one process was told of, and for how long they count."""

from collections.abc import Iterable, Mapping

from balancer.core.clocks import Clock, Stopwatch
from balancer.core.configs.documents import CdnConfig
from balancer.core.hearsay import Heard
from balancer.core.loop.moves import Idle, Why
from balancer.core.loop.telling import MAX_AGE, ConfigLoop, Loops

NOTHING: Mapping[str, float] = {}


class KnownLoops(Heard[Loops]):
    """What this process was told of the loops.

    Args:
        clock: Tells how old the first telling is that is heard.
        stopwatch: Tells for how long nothing new was heard.
        hears: Whether players are heard here.
    """

    def __init__(self, clock: Clock, stopwatch: Stopwatch, *, hears: bool) -> None:
        super().__init__(clock, stopwatch, MAX_AGE)
        self._hears = hears

    def about(self, config: CdnConfig) -> ConfigLoop | None:
        """Return the loop of a config; None when it has no bounds, or nothing that counts is known."""
        return self.current.configs.get(config.id) if self.current and config.bounds else None

    def parts_of(self, config: CdnConfig) -> Mapping[str, float]:
        """Return which part of its weight the loop leaves each target of a config; one that is not named has all."""
        loop = self.about(config)
        return loop.parts if loop else NOTHING

    def parts(self, configs: Iterable[CdnConfig]) -> Mapping[tuple[int, str], float]:
        """Return the same of several configs, by id and name."""
        return {(config.id, name): part for config in configs for name, part in self.parts_of(config).items()}

    def idle(self, config: CdnConfig) -> Idle | None:
        """Return why nothing moves in a config whose document has bounds; None when something does."""
        if config.bounds is None:
            return Idle.FAILOVER
        if loop := self.about(config):
            return loop.idle
        return Idle.UNTOLD if self._hears else Idle.NO_CMCD

    def why(self, config: CdnConfig, target: str) -> Idle | Why | None:
        """Return why a target has the part that it has: why nothing moves, or why it lost or gained last."""
        if config.document.loop is None:
            return None
        if idle := self.idle(config):
            return idle
        moves = [event.move for event in self.current.events if event.config == config.id] if self.current else []
        return next((move.why for move in reversed(moves) if target in {move.source, move.to}), None)
