"""The parts that watch the targets, and move shares."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from dishka import Provider, Scope, provide

from balancer import __version__
from balancer.adapters.files.probing import FileLeadership, FileSharedLoops, FileSharedVerdicts
from balancer.adapters.probes import HttpProber
from balancer.core.clocks import Clock, Stopwatch
from balancer.core.health.known import Heeded, KnownVerdicts
from balancer.core.health.ports import Leadership, PeerGroup, Prober, SharedVerdicts
from balancer.core.health.watching import Watchlist
from balancer.core.loop.known import KnownLoops
from balancer.core.loop.ports import SharedLoops
from balancer.core.quality.hearing import Hearing
from balancer.core.quality.known import KnownQuality
from balancer.core.routing.planner import Planner
from balancer.jobs.heeding import Heeding
from balancer.jobs.looping import Inputs, Looping
from balancer.jobs.probing import Probing
from balancer.jobs.rounds import Rounds
from balancer.settings import Settings
from balancer.telemetry.metrics.calls import timed
from balancer.telemetry.metrics.meters import Meters


class HealthProvider(Provider):
    """Probes and shares that follow quality, and what is made of them."""

    scope = Scope.APP

    known = provide(KnownVerdicts)

    @provide
    def loops(self, clock: Clock, stopwatch: Stopwatch, hearing: Hearing | None) -> KnownLoops:
        return KnownLoops(clock, stopwatch, hears=hearing is not None)

    @provide
    async def prober(self) -> AsyncIterator[Prober]:
        prober = HttpProber(__version__)
        yield prober
        await prober.close()

    @provide
    def watchlist(self, planner: Planner) -> Watchlist:
        return Watchlist(lambda: list(planner.wanted.configs.values()) if planner.wanted else [])

    @provide
    def groups(self, fleet: PeerGroup | None, settings: Settings, meters: Meters) -> Sequence[PeerGroup]:
        folder = Path(settings.data_dir)
        lock: Leadership = FileLeadership(folder / "prober.lock")
        file: SharedVerdicts = FileSharedVerdicts(folder / "verdicts.json")
        loops: SharedLoops = FileSharedLoops(folder / "loops.json")
        host = timed_group(PeerGroup(lock, file, loops), "file", meters)
        return [fleet, host] if fleet else [host]

    @provide
    def rounds(self, prober: Prober, clock: Clock, stopwatch: Stopwatch, meters: Meters) -> Rounds:
        return Rounds(prober, clock, stopwatch, meters)

    @provide
    def probing(self, watchlist: Watchlist, groups: Sequence[PeerGroup], rounds: Rounds, meters: Meters) -> Probing:
        return Probing(watchlist, groups, rounds, meters)

    @provide
    def heeded(self, verdicts: KnownVerdicts, loops: KnownLoops) -> Heeded:
        return Heeded(verdicts, loops)

    @provide
    def heeding(self, watchlist: Watchlist, groups: Sequence[PeerGroup], heeded: Heeded, planner: Planner) -> Heeding:
        return Heeding(watchlist, groups, heeded, planner.heed)

    @provide
    def inputs(
        self, watchlist: Watchlist, verdicts: KnownVerdicts, quality: KnownQuality, hearing: Hearing | None
    ) -> Inputs:
        return Inputs(watchlist, verdicts, quality, hears=hearing is not None)

    @provide
    def looping(self, probing: Probing, inputs: Inputs, clock: Clock, stopwatch: Stopwatch, meters: Meters) -> Looping:
        return Looping(lambda: probing.led, inputs, clock, stopwatch, meters)


def timed_group(group: PeerGroup, store: str, meters: Meters) -> PeerGroup:
    """Return a group whose calls are counted."""
    return PeerGroup(
        timed(group.leadership, "leadership", store, meters),
        timed(group.verdicts, "verdicts", store, meters),
        timed(group.loops, "loops", store, meters),
    )
