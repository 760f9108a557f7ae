"""Moving shares by what players report: who does it for a group, when, and what the others hear of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from balancer.core.configs.bounds import Bounds, TargetBounds
from balancer.core.configs.checks import Check
from balancer.core.configs.documents import CdnConfig, ConfigDocument, PolicyName
from balancer.core.configs.targets import Kind, Target
from balancer.core.health.known import Heeded, KnownVerdicts
from balancer.core.health.ports import PeerGroup
from balancer.core.health.verdicts import TargetHealth, TargetKey, Verdict, Verdicts
from balancer.core.health.watching import Watchlist
from balancer.core.loop.known import KnownLoops
from balancer.core.loop.moves import Idle, Move, Seen, Standing, State, Why
from balancer.core.loop.telling import MAX_AGE, MAX_EVENTS, TURN, ConfigLoop, Loops, noted
from balancer.core.loop.turns import turned
from balancer.core.quality.aggregates import Group, Qualities
from balancer.core.quality.known import KnownQuality
from balancer.core.quality.windows import STEP
from balancer.jobs import heeding, looping
from balancer.jobs.heeding import Heeding
from balancer.jobs.looping import AT_ONCE, FILLING, STALE, Inputs, Looping
from balancer.telemetry.metrics.board import Board
from balancer.telemetry.metrics.meters import Meters
from tests.factories import CREATED
from tests.fakes import FakeLeadership, FakeLease, FakeSharedLoops, FakeSharedVerdicts
from tests.unit.test_loop import quality

pytestmark = pytest.mark.anyio

BEGIN = 1_800_000_000.0
EAGER = Bounds(slope=30, worse_for=0, targets=(TargetBounds("cdn-a", min=20),))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing wait."""
    monkeypatch.setattr(looping, "INTERVAL", 0.0)
    monkeypatch.setattr(heeding, "INTERVAL", 0.0)


def config(bounds: Bounds | None = EAGER, number: int = 1, revision: int = 1, **weights: int) -> CdnConfig:
    """Return a config of CDNs that are checked, by default of two with the same weight."""
    targets = tuple(
        Target(name.replace("_", "-"), Kind.CDN, f"{name}.example", weight=weight, check=Check())
        for name, weight in (weights or {"cdn_a": 1, "cdn_b": 1}).items()
    )
    return CdnConfig(number, ConfigDocument(targets, loop=bounds), revision, CREATED, None)


def said(a: int, b: int = 0, networks: int = 8) -> Qualities:
    """Return what hundred sessions of each network and target report, of which so many starve."""
    return {
        Group(name, f"AS{network}", "DE"): quality(f"{name} {network}", 100, starving)
        for name, starving in (("cdn-a", a), ("cdn-b", b))
        for network in range(networks)
    }


@dataclass
class Fleet:
    """What the processes of a group share."""

    leases: list[FakeLease] = field(default_factory=lambda: [FakeLease()])
    verdicts: FakeSharedVerdicts = field(default_factory=FakeSharedVerdicts)
    loops: FakeSharedLoops = field(default_factory=FakeSharedLoops)
    configs: list[CdnConfig] = field(default_factory=lambda: [config()])
    now: float = BEGIN
    said: Qualities = field(default_factory=lambda: said(50))

    def clock(self) -> datetime:
        """Return the time."""
        return datetime.fromtimestamp(self.now, UTC)


class Process:
    """One of them. Set `leads` to let it lead, and `is_deaf` where no steps are shared any more."""

    def __init__(self, fleet: Fleet, *, hears: bool = True) -> None:
        self.fleet = fleet
        self.leads = self.is_deaf = False
        self.parts: list[Mapping[TargetKey, float]] = []
        self.meters = Meters(Board().claim())
        self.group = PeerGroup(FakeLeadership(fleet.leases[0]), fleet.verdicts, fleet.loops)
        self.verdicts = KnownVerdicts(fleet.clock, lambda: fleet.now)
        self.loops = KnownLoops(fleet.clock, lambda: fleet.now, hears=hears)
        self.quality = KnownQuality()
        watchlist = Watchlist(lambda: fleet.configs)
        inputs = Inputs(watchlist, self.verdicts, self.quality, hears)
        lead = lambda: self.group if self.leads else None  # noqa: E731  a port
        self.looping = Looping(lead, inputs, fleet.clock, lambda: fleet.now, self.meters)
        self.heeding = Heeding(watchlist, [self.group], Heeded(self.verdicts, self.loops), self._heed)

    async def _heed(self, parts: Mapping[TargetKey, float]) -> None:
        self.parts.append(parts)

    async def step(self) -> None:
        """Take in what players report, do what is due, and heed it."""
        newest = int(self.fleet.now) // STEP - 2
        if not self.is_deaf:
            self.quality.go_on(newest)
            self.quality.add(newest, [self.fleet.said])
            self.quality.note(range(newest - 40, newest + 1))
        await self.looping.step()
        await self.heeding.step()

    async def go(self, turns: int) -> None:
        """Let so many turns pass."""
        for _ in range(turns):
            self.fleet.now += TURN
            await self.step()

    @property
    def part(self) -> float:
        """The part of its weight that cdn-a has."""
        return self.parts[-1][1, "cdn-a"]

    def moved(self, why: Why) -> float:
        """Return how many moves were counted."""
        return self.meters.slot.words[self.meters.slot.cells("loop-moved", "1", why)]


@pytest.fixture
def fleet() -> Fleet:
    """Return a fleet in which half of the sessions starve at cdn-a."""
    return Fleet()


@pytest.fixture
def leader(fleet: Fleet) -> Process:
    """Return the process that leads there."""
    process = Process(fleet)
    process.leads = True
    return process


async def test_share_leaves_the_worse_target(fleet: Fleet, leader: Process) -> None:
    """Share moves by the slope, down to the bound, and every process hears the same parts."""
    other = Process(fleet)
    await leader.step()
    assert 1.0 == leader.part
    await leader.go(1)
    # Five points of fifty in ten seconds.
    assert pytest.approx(45 / 55, abs=0.001) == leader.part
    await leader.go(20)
    await other.step()
    assert pytest.approx(0.25, abs=0.001) == leader.part == other.part
    assert {1.0} == {leader.parts[-1][1, "cdn-b"], other.parts[-1][1, "cdn-b"]}
    assert (Idle.AT_BOUNDS, 0) == (leader.loops.idle(fleet.configs[0]), other.moved(Why.STARVATION))
    assert leader.moved(Why.STARVATION) >= 6
    assert Idle.AT_BOUNDS is other.loops.why(fleet.configs[0], "cdn-a")


async def test_moves_are_events_and_lines(leader: Process, caplog: pytest.LogCaptureFixture) -> None:
    """Moves of a minute are one event with all of their points, and each is a line with the figures."""
    caplog.set_level("INFO")
    await leader.step()
    await leader.go(12)
    assert leader.fleet.loops.told
    events = leader.fleet.loops.told.events
    assert pytest.approx(30) == sum(event.move.points for event in events)
    assert len({event.at for event in events}) == len(events) < 6
    move = events[-1].move
    assert ("cdn-a", "cdn-b", Why.STARVATION, 8) == (move.source, move.to, move.why, move.source_seen.networks)
    lines = [record.getMessage() for record in caplog.records if "share moves" in record.getMessage()]
    assert 6 == len(lines)


def test_events_are_bounded() -> None:
    """Of many events the last hundred are kept, and those of several configs are told apart."""
    seen = (800, 8, 50.0, 50.0, 0.0, 0.0)
    move = Move("a", "b", 1.0, Why.ERRORS, seen_as(seen), seen_as(seen), 50.0, 40.0)
    now = datetime(2026, 11, 1, 12, 0, 30, tzinfo=UTC)
    events = noted(noted((), 1, [move, move], now), 2, [move], now)
    assert [(1, 2.0), (2, 1.0)] == [(event.config, event.move.points) for event in events]
    for minute in range(MAX_EVENTS + 5):
        events = noted(events, 1, [move], now + timedelta(minutes=minute + 1))
    assert (MAX_EVENTS, now.minute + 6) == (len(events), events[0].at.minute)


def seen_as(figures: tuple[int, int, float, float, float, float]) -> Seen:
    """Return how a target fared."""
    return Seen(*figures)


async def test_an_operator_freezes_it_at_once(fleet: Fleet, leader: Process) -> None:
    """A change of bounds is followed at the next look: frozen shares stay, without bounds they are as configured."""
    await leader.step()
    await leader.go(2)
    held = leader.part
    fleet.configs = [config(replace(EAGER, is_frozen=True), revision=2)]
    await leader.step()
    assert (Idle.FROZEN, held) == (leader.loops.idle(fleet.configs[0]), leader.part)
    await leader.go(10)
    assert held == leader.part
    fleet.configs = [config(None, revision=3)]
    await leader.step()
    assert 1.0 == leader.part
    fleet.configs = [config(revision=4)]
    await leader.step()
    assert 1.0 == leader.part, "what was switched off begins anew"


async def test_an_admin_wins(fleet: Fleet, leader: Process) -> None:
    """The loop goes on from new weights, and new bounds hold at once."""
    await leader.step()
    await leader.go(20)
    fleet.configs = [config(cdn_a=1, cdn_b=3, revision=2)]
    await leader.step()
    assert fleet.loops.told
    assert pytest.approx({"cdn-a": 0.25, "cdn-b": 0.75}) == dict(fleet.loops.told.configs[1].configured)
    assert fleet.loops.told.configs[1].shares["cdn-a"] <= 0.201
    fleet.configs = [config(Bounds(targets=(TargetBounds("cdn-b", max=40),)), revision=3)]
    await leader.step()
    assert pytest.approx({"cdn-a": 0.6, "cdn-b": 0.4}) == dict(fleet.loops.told.configs[1].shares)
    fleet.configs = [replace(config(revision=4), document=replace(config().document, policy=PolicyName.FAILOVER))]
    await leader.step()
    assert (1.0, Idle.FAILOVER) == (leader.part, leader.loops.idle(fleet.configs[0]))


async def test_the_next_one_goes_on(fleet: Fleet, leader: Process) -> None:
    """Whoever gets the lead goes on with the shares as they are, and waits until it knows what was said."""
    await leader.step()
    await leader.go(3)
    held = leader.part
    other = Process(fleet)
    leader.leads, other.leads, other.is_deaf = False, True, True
    fleet.now += 1
    await other.step()
    assert fleet.loops.told
    assert (other.meters.slot.source, held) == (fleet.loops.told.by, other.part)
    fleet.now += TURN
    await other.step()
    assert held == other.part, "nothing is known yet"
    other.is_deaf = False
    await other.go(1)
    assert held > other.part
    events = len(fleet.loops.told.events)
    assert events >= 1


async def test_old_state_is_not_gone_on_with(fleet: Fleet, leader: Process) -> None:
    """What was left behind long ago is forgotten."""
    standings = {"cdn-a": Standing(scale=0.4), "cdn-b": Standing(scale=1.6)}
    shares = {"cdn-a": 0.2, "cdn-b": 0.8}
    loop = ConfigLoop(State(BEGIN - 900, standings), {"cdn-a": 0.5, "cdn-b": 0.5}, shares, {"cdn-a": 0.25}, None)
    fleet.loops.told = Loops(fleet.clock() - timedelta(minutes=15), "old", {1: loop}, ())
    await leader.step()
    assert 1.0 == leader.part
    fleet.loops.told = Loops(fleet.clock(), "old", {1: loop}, ())
    other = Process(fleet)
    leader.leads, other.leads = False, True
    await other.step()
    assert pytest.approx(0.25, abs=0.001) == other.part


async def test_without_reports_health_decides(fleet: Fleet, leader: Process) -> None:
    """Where steps are not shared any more, shares go back to what health says after two minutes."""
    await leader.step()
    await leader.go(20)
    leader.is_deaf = True
    await leader.go(int(STALE / TURN) - 4)
    assert 0.26 > leader.part
    await leader.go(4)
    assert (1.0, Idle.NO_REPORTS) == (leader.parts[-1][1, "cdn-a"], leader.loops.idle(fleet.configs[0]))


async def test_a_start_without_reports(fleet: Fleet, leader: Process) -> None:
    """A service whose steps never come says so after it has waited for them."""
    leader.is_deaf = True
    await leader.step()
    assert Idle.UNTOLD is leader.loops.idle(fleet.configs[0])
    fleet.now += FILLING
    await leader.step()
    assert Idle.NO_REPORTS is leader.loops.idle(fleet.configs[0])


async def test_nobody_tells_any_more(fleet: Fleet, leader: Process) -> None:
    """When the one who moves shares is gone, and no other takes over, shares go back to what health says."""
    other = Process(fleet)
    await leader.step()
    await leader.go(6)
    await other.step()
    assert 1 > other.part
    fleet.now += MAX_AGE + 1
    await other.heeding.step()
    assert Idle.UNTOLD is other.loops.idle(fleet.configs[0])
    assert 1.0 == other.parts[-1].get((1, "cdn-a"), 1.0)


async def test_a_store_that_is_away(fleet: Fleet, leader: Process) -> None:
    """While the store is away the loop goes on, and tells it when it is back."""
    await leader.step()
    fleet.loops.down = True
    fleet.now += TURN
    await leader.looping.step()
    fleet.loops.down = False
    fleet.now += 1
    await leader.step()
    assert 1 > leader.part


async def test_health_goes_before_the_loop(fleet: Fleet, leader: Process) -> None:
    """An unhealthy target gets nothing, its loop is alone then, and one that comes back gets its place at once."""
    fleet.configs = [config(cdn_a=1, cdn_b=1, cdn_c=1)]
    await leader.step()
    await leader.go(3)

    def tell(b: float, c: float) -> None:
        targets = {
            (1, name): TargetHealth(
                f"http://{name.replace('-', '_')}.example/", Verdict.HEALTHY, CREATED, "", part=part
            )
            for name, part in (("cdn-a", 1.0), ("cdn-b", b), ("cdn-c", c))
        }
        fleet.verdicts.told = Verdicts(fleet.clock(), "prober", None, targets)

    tell(1.0, 0.0)
    await leader.heeding.step()
    await leader.step()
    assert (0.0, 1.0) == (leader.parts[-1][1, "cdn-c"], leader.parts[-1][1, "cdn-b"])
    tell(0.0, 0.0)
    await leader.heeding.step()
    await leader.step()
    assert (Idle.ALONE, 1.0) == (leader.loops.idle(fleet.configs[0]), leader.part)
    fleet.now += 1
    tell(1.0, 0.5)
    await leader.heeding.step()
    await leader.step()
    assert 1 > leader.part
    assert 0.5 >= leader.parts[-1][1, "cdn-c"] > 0


async def test_a_panic(fleet: Fleet, leader: Process) -> None:
    """While too little is healthy, health is ignored, and so is the loop."""
    document = replace(config().document, panic_threshold=60)
    fleet.configs = [replace(config(), document=document)]
    await leader.step()
    await leader.go(2)
    targets = {
        (1, "cdn-a"): TargetHealth("http://cdn_a.example/", Verdict.HEALTHY, CREATED, ""),
        (1, "cdn-b"): TargetHealth("http://cdn_b.example/", Verdict.UNHEALTHY, CREATED, "", part=0.0),
    }
    fleet.verdicts.told = Verdicts(fleet.clock(), "prober", None, targets)
    await leader.heeding.step()
    await leader.step()
    assert Idle.PANIC is leader.loops.idle(fleet.configs[0])
    fleet.verdicts.told = None
    leader.verdicts.forget()
    await leader.go(1)
    assert 1 > leader.part, "after it the loop goes on"


async def test_players_are_not_heard(fleet: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    """Where players are not heard, bounds do nothing, which is said once."""
    process = Process(fleet, hears=False)
    process.leads = True
    await process.step()
    await process.go(3)
    assert (None, Idle.NO_CMCD) == (fleet.loops.told, process.loops.idle(fleet.configs[0]))
    assert 1 == len([record for record in caplog.records if "players are not heard" in record.getMessage()])


async def test_a_mistake_leaves_shares_to_health(
    fleet: Fleet, leader: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A config whose turn fails has its shares by health, and the others go on."""
    fleet.configs = [config(), config(number=2)]
    await leader.step()
    await leader.go(2)

    def failing(one: CdnConfig, *given: Any) -> Any:
        if one.id == 1:
            raise ZeroDivisionError
        return turned(one, *given)

    monkeypatch.setattr(looping, "turned", failing)
    fleet.now += TURN
    with pytest.raises(ZeroDivisionError):
        await leader.looping.step()
    fleet.now += 1
    await leader.step()
    assert Idle.UNTOLD is leader.loops.idle(fleet.configs[0])
    assert 1.0 == leader.part > leader.parts[-1][2, "cdn-a"]


async def test_few_configs_at_once(fleet: Fleet, leader: Process) -> None:
    """Of many configs a few have their turn in each look, those that wait longest first."""
    fleet.configs = [config(number=number) for number in range(1, AT_ONCE + 4)]
    await leader.step()
    assert fleet.loops.told
    assert AT_ONCE == len(fleet.loops.told.configs)
    fleet.now += 1
    await leader.step()
    assert set(range(1, AT_ONCE + 4)) == set(fleet.loops.told.configs)


async def test_liars_of_one_network(fleet: Fleet, leader: Process) -> None:
    """Whoever makes up sessions from one network moves nothing."""
    liars = {Group("cdn-a", "AS666", "DE"): quality("liars", 20_000, 20_000)}
    fleet.said = {**said(0), **liars}
    await leader.step()
    await leader.go(10)
    assert (1.0, Idle.ALIKE) == (leader.part, leader.loops.idle(fleet.configs[0]))
