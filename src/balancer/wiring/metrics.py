"""The parts by which the operator sees what happens."""

from collections.abc import Iterator, Sequence

from dishka import Provider, Scope, from_context, provide

from balancer import __version__
from balancer.core.clocks import Clock, Stopwatch
from balancer.core.control.serving import Serving
from balancer.core.health.fallbacks import Fallbacks
from balancer.core.health.known import KnownVerdicts
from balancer.core.health.ports import Dependency, SharedStats
from balancer.core.health.watching import Watchlist
from balancer.core.loop.known import KnownLoops
from balancer.core.quality.hearing import Hearing
from balancer.core.quality.known import KnownQuality
from balancer.settings import Settings
from balancer.telemetry.health import Watchman
from balancer.telemetry.logs import Lines
from balancer.telemetry.metrics.board import Board
from balancer.telemetry.metrics.exposition import Exposition
from balancer.telemetry.metrics.meters import Meters
from balancer.telemetry.metrics.reporting import Reporting
from balancer.telemetry.metrics.stats import Stats
from balancer.telemetry.metrics.targets import TargetNumbers
from balancer.telemetry.players import AccessLog, PlayerWatch
from balancer.telemetry.repeats import Repeats
from balancer.telemetry.traces import Tracing, is_wanted


class MetricsProvider(Provider):
    """What the operator sees."""

    scope = Scope.APP

    board = from_context(Board)
    fallbacks = provide(Fallbacks)
    serving = provide(Serving)
    stats = provide(Stats)

    @provide
    def meters(self, board: Board) -> Iterator[Meters]:
        slot = board.claim()
        yield Meters(slot)
        slot.close()

    @provide
    def reporting(
        self, meters: Meters, serving: Serving, clock: Clock, shared: SharedStats | None, hearing: Hearing | None
    ) -> Reporting:
        def counted() -> dict[str, int]:
            heard = {"heard": hearing.heard, "malformed": hearing.malformed} if hearing else {}
            return {"lines-dropped": Lines.dropped, **heard}

        return Reporting(meters, serving, clock, counted, shared)

    @provide
    def tracing(self) -> Iterator[Tracing | None]:
        tracing = Tracing(__version__) if is_wanted() else None
        yield tracing
        if tracing:
            tracing.close()

    @provide
    def repeats(self) -> Iterator[Repeats]:
        repeats = Repeats()
        yield repeats
        repeats.flush()

    @provide
    def watch(self, settings: Settings, tracing: Tracing | None, repeats: Repeats) -> PlayerWatch:
        return PlayerWatch(AccessLog(*settings.access_log), tracing, settings.traced_redirects, repeats)

    @provide
    def exposition(
        self, board: Board, reporting: Reporting, clock: Clock, stopwatch: Stopwatch, targets: TargetNumbers
    ) -> Exposition:
        return Exposition(board, reporting, clock, stopwatch, targets)

    @provide
    def target_numbers(
        self, watchlist: Watchlist, known: KnownVerdicts, clock: Clock, quality: KnownQuality, loops: KnownLoops
    ) -> TargetNumbers:
        return TargetNumbers(watchlist, known, clock, quality, loops)

    @provide
    def watchman(
        self, dependencies: Sequence[Dependency], serving: Serving, clock: Clock, settings: Settings
    ) -> Watchman:
        # Whoever serves admins alone does nothing without the database: it holds the keys too.
        return Watchman(dependencies, serving, clock, ["database"] if settings.role == "admin" else [])
