"""Who probes, and what the others hear of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from balancer.core.configs.bounds import Bounds
from balancer.core.configs.checks import Check
from balancer.core.configs.documents import CdnConfig, ConfigDocument
from balancer.core.configs.targets import Kind, Target
from balancer.core.errors import StoreUnavailable
from balancer.core.health.known import MAX_AGE, Heeded, KnownVerdicts
from balancer.core.health.ports import PeerGroup
from balancer.core.health.verdicts import Failure, Outcome, TargetHealth, TargetKey, Verdict, Verdicts
from balancer.core.health.watching import Watchlist
from balancer.core.loop.known import KnownLoops
from balancer.jobs import heeding, probing, rounds
from balancer.jobs.heeding import Heeding
from balancer.jobs.probing import Probing
from balancer.jobs.rounds import Rounds
from balancer.telemetry.metrics.board import Board
from balancer.telemetry.metrics.meters import Meters
from tests.factories import CREATED
from tests.fakes import FakeLeadership, FakeLease, FakeProber, FakeSharedLoops, FakeSharedVerdicts

pytestmark = pytest.mark.anyio

BAD = Outcome(Failure.STATUS, "answered 503", 0.002, 503)


def cdn(name: str, check: Check | None = None) -> Target:
    """Return a CDN that is probed often."""
    return Target(name, Kind.CDN, f"{name}.example", check=check or Check("/health", interval=0.5, timeout=0.5))


def config(*targets: Target, slow_start: float = 0.0, number: int = 1) -> CdnConfig:
    """Return a config of these targets."""
    return CdnConfig(number, ConfigDocument(targets, slow_start=slow_start), 1, CREATED, None)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everything go quicker than it would."""
    monkeypatch.setattr(probing, "TURN", 0.02)
    monkeypatch.setattr(rounds, "FIRST_WAIT", 0.0)
    monkeypatch.setattr(heeding, "INTERVAL", 0.0)


@dataclass
class Process:
    """One process of a group.

    Attributes:
        leases: Who leads, one for each group, the shared one first.
        verdicts: What is told there.
        configs: Those in use.
        prober: What the targets say.
        parts: What was handed on last.
    """

    leases: list[FakeLease] = field(default_factory=lambda: [FakeLease()])
    verdicts: list[FakeSharedVerdicts] = field(default_factory=lambda: [FakeSharedVerdicts()])
    configs: list[CdnConfig] = field(default_factory=lambda: [config(cdn("a"), cdn("b"))])
    prober: FakeProber = field(default_factory=FakeProber)
    parts: list[Mapping[TargetKey, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.leads = [FakeLeadership(lease) for lease in self.leases]
        groups = [PeerGroup(*pair, FakeSharedLoops()) for pair in zip(self.leads, self.verdicts, strict=True)]
        self.meters = Meters(Board().claim())
        self.known = KnownVerdicts(lambda: datetime.now(UTC), monotonic)
        turns = Rounds(self.prober, lambda: datetime.now(UTC), monotonic, self.meters)
        self.probing = Probing(Watchlist(lambda: self.configs), groups, turns, self.meters)
        self.loops = KnownLoops(lambda: datetime.now(UTC), monotonic, hears=True)
        self.heeding = Heeding(Watchlist(lambda: self.configs), groups, Heeded(self.known, self.loops), self._heed)

    async def _heed(self, parts: Mapping[TargetKey, float]) -> None:
        self.parts.append(parts)

    async def probe_until(self, fact: Callable[[], bool]) -> None:
        """Probe turn by turn until something is so."""
        async with asyncio.timeout(10):
            while not fact():
                await self.probing.step()

    def counted(self, name: str, *labels: str) -> float:
        """Return what is counted under a name."""
        return self.meters.slot.words[self.meters.slot.cells(name, *labels)]

    def told(self, group: int = 0) -> dict[TargetKey, Verdict]:
        """Return the verdicts that were told."""
        told = self.verdicts[group].told
        return {key: health.verdict for key, health in told.targets.items()} if told else {}


async def test_one_of_two_probes() -> None:
    """Of two processes of a group, one probes, and both hear what it finds."""
    one = Process()
    other = Process(one.leases, one.verdicts)
    one.prober.found["http://b.example/health"] = BAD
    await one.probe_until(lambda: len(one.told()) == 2 and Verdict.UNKNOWN not in one.told().values())
    await other.probing.step()
    assert ([], {"http://a.example/health", "http://b.example/health"}) == (other.prober.asked, set(one.prober.asked))
    assert (1.0, 0.0) == (one.counted("prober-leads"), other.counted("prober-leads"))
    for process in (one, other):
        await process.heeding.step()
        assert [{(1, "a"): 1.0, (1, "b"): 0.0}] == process.parts
    assert (1, 1) == (one.counted("judged", "healthy"), one.counted("judged", "unhealthy"))
    assert (1, 1) == (one.counted("probed", "ok"), one.counted("probed", "status"))


async def test_the_next_one_goes_on() -> None:
    """When the one that leads dies, the other one takes the lead and goes on with what was known."""
    one = Process()
    other = Process(one.leases, one.verdicts)
    one.prober.found["http://b.example/health"] = BAD
    await one.probe_until(lambda: (1, "b") in one.told() and Verdict.UNKNOWN not in one.told().values())
    before = one.verdicts[0].told
    assert before
    one.leases[0].holder = None
    await other.probe_until(lambda: other.prober.asked != [] and other.verdicts[0].told is not before)
    after = other.verdicts[0].told
    assert after
    # One success is not `rise` of them.
    assert (Verdict.UNHEALTHY, before.targets[1, "b"].since) == (
        after.targets[1, "b"].verdict,
        after.targets[1, "b"].since,
    )
    assert before.by != after.by


async def test_old_verdicts_are_not_gone_on_with() -> None:
    """What was told long ago, as by a service that ended, is not gone on with: the first probe decides."""
    process = Process()
    long_ago = datetime.now(UTC) - timedelta(seconds=2 * MAX_AGE)
    health = TargetHealth("http://a.example/health", Verdict.UNHEALTHY, long_ago, "answered 503")
    process.verdicts[0].told = Verdicts(long_ago, "old", None, {(1, "a"): health})
    await process.probe_until(lambda: process.told().get((1, "a")) is Verdict.HEALTHY)
    assert 1 == process.prober.asked.count("http://a.example/health")


async def test_nothing_is_watched() -> None:
    """Where no target has a check, no process asks for the lead or for verdicts, and none has less than its weight."""
    process = Process(configs=[config(Target("cdn", Kind.CDN, "cdn.example.com"))])
    process.leads[0].down = process.verdicts[0].down = True
    await process.probing.step()
    await process.heeding.step()
    assert ([], [], None) == (process.prober.asked, process.parts, process.known.age)


async def test_bounds_need_somebody_who_leads() -> None:
    """Where nothing is probed, and shares of a config follow quality, one process leads all the same."""
    bounded = config(Target("cdn", Kind.CDN, "cdn.example.com"))
    process = Process(configs=[replace(bounded, document=replace(bounded.document, loop=Bounds()))])
    await process.probing.step()
    assert process.leads[0] is process.leases[0].holder
    assert process.probing.led
    process.configs = [bounded]
    await process.probing.step()
    after: list[object] = [process.leases[0].holder, process.probing.led]
    assert [None, None] == after


async def test_a_process_that_ends_leaves() -> None:
    """A process that is asked to end gives the lead up, and its probes with it."""
    process = Process()
    process.prober.gate.clear()

    async def forever() -> None:
        while True:
            await process.probing.step()

    task = asyncio.create_task(forever())
    tries = 0
    while process.prober.at_once < 2:
        tries += 1
        assert tries < 1000
        await asyncio.wait([task], timeout=0.01)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert (None, 0) == (process.leases[0].holder, process.prober.at_once)


async def test_like_checks_are_asked_once() -> None:
    """Targets of several configs with the same check share its probes."""
    process = Process(configs=[config(cdn("a")), config(cdn("a"), cdn("b"), number=2)])
    await process.probe_until(lambda: len(process.told()) == 3 and Verdict.UNKNOWN not in process.told().values())
    assert ["http://a.example/health", "http://b.example/health"] == sorted(process.prober.asked)


async def test_a_bound_on_probes_at_once() -> None:
    """However many targets are watched, so many are asked at a time, and the others get their turn."""
    configs = [config(*(cdn(f"t{number}") for number in range(40)))]
    process = Process(configs=configs)
    process.prober.gate.clear()
    await process.probe_until(lambda: process.prober.at_once == rounds.AT_ONCE)
    await process.probing.step()
    assert rounds.AT_ONCE == process.prober.most_at_once
    process.prober.gate.set()
    await process.probe_until(lambda: len(set(process.prober.asked)) == 40)
    assert rounds.AT_ONCE == process.prober.most_at_once


async def test_intervals_are_jittered() -> None:
    """A target is asked again after its interval, a tenth more or less."""
    process = Process(configs=[config(cdn("a"))])
    begun = monotonic()
    await process.probe_until(lambda: len(process.prober.asked) == 3)
    assert 2 * 0.5 * 0.9 <= monotonic() - begun


async def test_slow_start() -> None:
    """While a target grows to its weight, each tenth is told."""
    process = Process(configs=[config(cdn("a", Check("/", interval=0.5, timeout=0.5, rise=1, fall=1)), slow_start=1.0)])
    process.prober.found["http://a.example/"] = BAD
    await process.probe_until(lambda: process.told().get((1, "a")) is Verdict.UNHEALTHY)
    process.prober.found.clear()
    seen = []

    def grown() -> bool:
        told = process.verdicts[0].told
        assert told
        seen.append(told.targets[1, "a"].part)
        return told.targets[1, "a"].verdict is Verdict.HEALTHY and seen[-1] == 1.0

    await process.probe_until(grown)
    assert sorted(set(seen)) == list(dict.fromkeys(seen))
    assert {0.0, 1.0} < set(seen) <= {0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0}


async def test_a_change_of_the_check_keeps_the_verdict() -> None:
    """When only the pace of a check changes its verdict stays, and when its URL changes the first probe decides."""
    process = Process(configs=[config(cdn("a"))])
    process.prober.found["http://a.example/health"] = BAD
    await process.probe_until(lambda: process.told() == {(1, "a"): Verdict.UNHEALTHY})
    process.prober.found.clear()
    process.prober.gate.clear()
    process.configs = [config(cdn("a", Check("/health", interval=0.7, timeout=0.5)))]
    await process.probing.step()
    assert {(1, "a"): Verdict.UNHEALTHY} == process.told()
    process.configs = [config(cdn("a", Check("/else")))]
    await process.probing.step()
    assert {(1, "a"): Verdict.UNKNOWN} == process.told()
    process.prober.gate.set()
    await process.probe_until(lambda: process.told() == {(1, "a"): Verdict.HEALTHY})


async def test_without_the_shared_store_a_host_probes_for_itself() -> None:
    """While the store that all share is away, one process of a host probes for that host, until it is back."""
    leases, verdicts = [FakeLease(), FakeLease()], [FakeSharedVerdicts(), FakeSharedVerdicts()]
    one, other = Process(leases, verdicts), Process(leases, verdicts)
    one.prober.found["http://b.example/health"] = other.prober.found["http://b.example/health"] = BAD
    verdicts[0].down = one.leads[0].down = other.leads[0].down = True
    await one.probe_until(lambda: one.told(1).get((1, "b")) is Verdict.UNHEALTHY)
    await other.probing.step()
    assert ([], one.leads[1]) == (other.prober.asked, leases[1].holder)
    for process in (one, other):
        with pytest.raises(StoreUnavailable):
            await process.heeding.step()
        assert 0.0 == process.parts[-1][1, "b"]
    verdicts[0].down = one.leads[0].down = other.leads[0].down = False
    asked = one.prober.asked.count("http://b.example/health")
    await one.probing.step()
    await other.probing.step()
    assert (one.leads[0], None) == (leases[0].holder, leases[1].holder)
    # It goes on with what it knew.
    assert Verdict.UNHEALTHY is one.told(0)[1, "b"]
    assert asked == one.prober.asked.count("http://b.example/health")


async def test_nowhere_to_agree() -> None:
    """Where no store answers, nobody probes, the step says so, and verdicts that were heard get old."""
    process = Process()
    await process.probe_until(lambda: process.told() != {})
    process.leads[0].down = process.verdicts[0].down = True
    with pytest.raises(StoreUnavailable):
        await process.probing.step()
    asked = len(process.prober.asked)
    with pytest.raises(StoreUnavailable):
        await process.probing.step()
    assert (asked, 0.0) == (len(process.prober.asked), process.counted("prober-leads"))


async def test_a_mistake_is_reported_and_gone_on_from() -> None:
    """What nobody has foreseen in a probe comes out of the step, and the target is asked again."""
    process = Process(configs=[config(cdn("a"))])
    found = process.prober.found
    process.prober.found = {"http://a.example/health": None}  # type: ignore[dict-item]  # a mistake
    with pytest.raises(AttributeError):
        await process.probe_until(lambda: False)
    process.prober.found = found
    await process.probe_until(lambda: process.told() == {(1, "a"): Verdict.HEALTHY})


async def test_doubt_is_told() -> None:
    """When everything fails the others are told that verdicts are unknown, and since when."""
    process = Process(configs=[config(cdn("a"), cdn("b"), cdn("c"))])
    for name in "abc":
        process.prober.found[f"http://{name}.example/health"] = BAD
    await process.probe_until(lambda: bool(process.verdicts[0].told and process.verdicts[0].told.unreliable_since))
    await process.heeding.step()
    assert [{(1, "a"): 1.0, (1, "b"): 1.0, (1, "c"): 1.0}] == process.parts


async def test_parts_are_handed_on_when_they_change() -> None:
    """What has not changed since is not handed on again, and what could not be handed on is."""
    process = Process(configs=[config(cdn("a"))])
    await process.heeding.step()
    await process.heeding.step()
    assert [{(1, "a"): 1.0}] == process.parts
    refusals = 1

    async def heed(parts: Mapping[TargetKey, float]) -> None:
        nonlocal refusals
        refusals -= 1
        if refusals >= 0:
            raise StoreUnavailable("test")
        process.parts.append(parts)

    given: Callable[[Mapping[TargetKey, float]], Awaitable[None]] = heed
    again = Heeding(Watchlist(lambda: process.configs), [], Heeded(process.known, process.loops), given)
    with pytest.raises(StoreUnavailable):
        await again.step()
    await again.step()
    assert 2 == len(process.parts)


async def test_certificates_are_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """A certificate that is about to run out is warned of once, and not when the check wants no warning."""
    soon = Outcome(None, "answered 200", 0.001, 200, datetime.now(UTC) + timedelta(days=3))
    checks = [Check("/health", interval=0.5, timeout=0.5, expiry_warning=days) for days in (14, 0)]
    process = Process(configs=[config(cdn("a", checks[0]), cdn("b", checks[1]))])
    process.prober.found = {f"http://{name}.example/health": soon for name in "ab"}
    await process.probe_until(lambda: len(process.prober.asked) >= 5)
    assert 1 == len([record for record in caplog.records if "runs out soon" in record.getMessage()])
