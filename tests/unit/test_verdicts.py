"""From outcomes of probes to verdicts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.core.configs.checks import Check
from balancer.core.configs.documents import CdnConfig, ConfigDocument
from balancer.core.configs.targets import Kind, Scheme, Target
from balancer.core.errors import InvalidInput
from balancer.core.health.judging import DOUBT, Judge
from balancer.core.health.known import MAX_AGE, KnownVerdicts
from balancer.core.health.verdicts import Failure, Outcome, TargetHealth, Verdict, Verdicts
from balancer.core.health.watching import Watchlist, probe_of
from tests.factories import CHANGED, CREATED

GOOD = Outcome(None, "answered 200", 0.01, 200)
BAD = Outcome(Failure.STATUS, "answered 503", 0.01, 503)

HEALTHY, UNHEALTHY, UNKNOWN = Verdict.HEALTHY, Verdict.UNHEALTHY, Verdict.UNKNOWN


def at(seconds: float) -> datetime:
    """Return a time of the test."""
    return CREATED + timedelta(seconds=seconds)


def check(host: str, **fields: object) -> Check:
    """Return the check of a host."""
    return Check(f"http://{host}/health", **fields)  # type: ignore[arg-type]  # fields by name


def judging(*checks: Check) -> Judge:
    """Return a judge who watches from the second 0 on."""
    judge = Judge()
    judge.watch(dict.fromkeys(checks), at(0))
    return judge


def verdicts(judge: Judge, checks: Sequence[Check]) -> list[Verdict]:
    """Return what is thought of each."""
    return [judge.health(one).verdict for one in checks]


def test_a_new_target_is_unknown() -> None:
    """What was never probed is unknown, since it is watched, and is to have all of its weight."""
    health = judging(check("a")).health(check("a"))
    assert (UNKNOWN, at(0), "not probed yet", None) == (health.verdict, health.since, health.why, health.probed_at)
    assert 1.0 == health.part_at(at(1), slow_start=60)


@pytest.mark.parametrize(("outcome", "expected"), [(GOOD, HEALTHY), (BAD, UNHEALTHY)])
def test_the_first_probe_decides(outcome: Outcome, expected: Verdict) -> None:
    """Whatever `rise` and `fall` are, the first probe of a target decides at once."""
    one = check("a", rise=5, fall=5)
    judge = judging(one)
    judge.hear(one, outcome, at(1))
    health = judge.health(one)
    assert (expected, at(1), at(1), 0.01) == (health.verdict, health.since, health.probed_at, health.latency)


def test_fall_and_rise() -> None:
    """It takes `fall` failures in a row to make a target unhealthy, and `rise` successes in a row to bring it back."""
    one = check("a", rise=2, fall=3)
    judge = judging(one)
    story = [
        (GOOD, HEALTHY), (BAD, HEALTHY), (BAD, HEALTHY), (GOOD, HEALTHY), (BAD, HEALTHY), (BAD, HEALTHY),
        (BAD, UNHEALTHY), (GOOD, UNHEALTHY), (BAD, UNHEALTHY), (GOOD, UNHEALTHY), (GOOD, HEALTHY),
    ]  # fmt: skip
    seen = []
    for second, (outcome, _) in enumerate(story):
        judge.hear(one, outcome, at(second))
        seen.append(judge.health(one).verdict)
    assert [expected for _, expected in story] == seen
    health = judge.health(one)
    assert (at(10), at(10), "answered 200") == (health.since, health.recovered_at, health.why)


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 5), st.integers(1, 5))
def test_verdicts_change_by_streaks_alone(found: list[bool], rise: int, fall: int) -> None:
    """After the first probe a verdict changes exactly when the last `rise` or `fall` probes all said otherwise."""
    one = check("a", rise=rise, fall=fall)
    judge = judging(one)
    for second, ok in enumerate(found):
        before = judge.health(one).verdict
        judge.hear(one, GOOD if ok else BAD, at(second))
        after = judge.health(one).verdict
        needed = 1 if second == 0 else rise if ok else fall
        changed = before is not (HEALTHY if ok else UNHEALTHY) and found[second + 1 - needed : second + 1] == (
            [ok] * needed
        )
        assert changed == (after is not before)


def test_slow_start() -> None:
    """A recovered target has a tenth of its weight at once, a tenth more in each tenth of the time, and all at last."""
    health = TargetHealth("http://a/", HEALTHY, at(0), "", recovered_at=at(0))
    parts = [health.part_at(at(second), slow_start=100) for second in range(0, 101, 5)]
    assert [0.1, 0.1, 0.2, 0.2, 0.3] == parts[:5]
    assert [0.9, 0.9, 1.0, 1.0, 1.0] == parts[-5:]
    assert 10 == len(set(parts))
    assert 0.1 == health.part_at(at(-3), slow_start=100)
    assert 1.0 == health.part_at(at(0), slow_start=0)


def test_no_slow_start_without_a_failure() -> None:
    """What was never unhealthy has all of its weight at its first success, and what is unhealthy has none."""
    one = check("a", fall=1, rise=1)
    judge = judging(one)
    parts = []
    for second, outcome in enumerate([GOOD, BAD, GOOD]):
        judge.hear(one, outcome, at(second))
        parts.append(judge.health(one).part_at(at(second), slow_start=30))
    assert [1.0, 0.0, 0.1] == parts


def test_everything_fails() -> None:
    """Where three hosts fail and nothing works, verdicts are unknown: one success, and they count again as before."""
    checks = [check(host) for host in "abcd"]
    judge = judging(*checks)
    for one in checks:
        judge.hear(one, GOOD, at(0))
    for second in range(5, 60, 5):
        for one in checks:
            judge.hear(one, BAD, at(second))
    assert [UNKNOWN] * 4 == verdicts(judge, checks)
    assert at(5) == judge.unreliable_since
    assert all(judge.health(one).why == f"answered 503{DOUBT}" for one in checks)
    judge.hear(checks[0], GOOD, at(60))
    assert judge.unreliable_since is None
    assert [HEALTHY] * 4 == verdicts(judge, checks)
    assert {at(0)} == {judge.health(one).since for one in checks}
    assert "answered 503" == judge.health(checks[1]).why
    # What failed in the dark says nothing: it takes `fall` failures from here on.
    for second, expected in ((61, HEALTHY), (66, HEALTHY), (71, UNHEALTHY)):
        judge.hear(checks[1], BAD, at(second))
        assert expected is judge.health(checks[1]).verdict


def test_everything_fails_from_the_start() -> None:
    """New targets that all fail at their first probe are unknown, also those that were decided on before the third."""
    checks = [check(host, fall=1) for host in "abc"]
    judge = judging(*checks)
    for second, one in enumerate(checks):
        judge.hear(one, BAD, at(second))
    assert [UNKNOWN] * 3 == verdicts(judge, checks)


def test_what_was_unhealthy_before_stays_so() -> None:
    """A target that was unhealthy before everything failed is not brought back by that."""
    checks = [check(host, fall=1) for host in "abc"]
    judge = judging(*checks)
    for one in checks[1:]:
        judge.hear(one, GOOD, at(0))
    judge.hear(checks[0], BAD, at(0))
    for one in checks:
        judge.hear(one, BAD, at(60))
    assert [UNHEALTHY, UNKNOWN, UNKNOWN] == verdicts(judge, checks)


@pytest.mark.parametrize(
    "urls",
    [
        pytest.param(["http://a/1", "http://b/1"], id="two hosts"),
        pytest.param(["http://a/1", "http://b/1", "http://b/2", "http://a:81/1"], id="several checks of two hosts"),
    ],
)
def test_fewer_than_three_hosts_are_believed(urls: list[str]) -> None:
    """Where fewer than three hosts fail, they are unhealthy, even when nothing else is watched."""
    checks = [Check(url) for url in urls]
    judge = judging(*checks)
    for one in checks:
        judge.hear(one, BAD, at(0))
    assert [UNHEALTHY] * len(urls) == verdicts(judge, checks)


def test_one_that_works_tells_that_the_network_does() -> None:
    """While one target works, any number of others can be unhealthy."""
    checks = [check(host) for host in "abcde"]
    judge = judging(*checks)
    judge.hear(checks[0], GOOD, at(0))
    asked = [judge.hear(one, BAD, at(1)) for one in checks[1:]]
    assert [HEALTHY, UNHEALTHY, UNHEALTHY, UNHEALTHY, UNHEALTHY] == verdicts(judge, checks)
    assert all(not again for again in asked)


def test_those_that_worked_long_ago_are_asked_again() -> None:
    """Where three hosts fail and the last success is older than their interval, the ones that worked are asked at once.

    If these fail too, nothing is believed.
    """
    rare, often = check("a", interval=600), [check(host, fall=1) for host in "bcd"]
    judge = judging(rare, *often)
    judge.hear(rare, GOOD, at(0))
    again = [judge.hear(one, BAD, at(100)) for one in often]
    assert [(), (), [rare]] == [list(found) or () for found in again]
    assert [UNHEALTHY] * 3 == verdicts(judge, often)
    judge.hear(rare, BAD, at(101))
    assert [UNKNOWN] * 4 == verdicts(judge, [rare, *often])


def test_fewer_are_watched_while_nothing_is_believed() -> None:
    """When an admin takes targets away meanwhile, two that are left are believed again."""
    checks = [check(host, fall=1) for host in "abc"]
    judge = judging(*checks)
    for one in checks:
        judge.hear(one, GOOD, at(0))
    for one in checks:
        judge.hear(one, BAD, at(9))
    judge.watch(dict.fromkeys(checks[:2]), at(10))
    for one in checks[:2]:
        judge.hear(one, BAD, at(14))
        judge.hear(one, BAD, at(19))
    assert judge.unreliable_since is None
    assert [UNHEALTHY] * 2 == verdicts(judge, checks[:2])


def test_a_new_prober_goes_on() -> None:
    """What an earlier prober knew goes on: the verdict, its time, and the slow start."""
    known = TargetHealth("http://a/health", UNHEALTHY, at(-50), "answered 503")
    judge = Judge()
    judge.watch({check("a"): known}, at(0))
    judge.hear(check("a"), GOOD, at(1))
    assert (UNHEALTHY, at(-50)) == (judge.health(check("a")).verdict, judge.health(check("a")).since)
    judge.hear(check("a"), GOOD, at(2))
    assert (HEALTHY, at(2)) == (judge.health(check("a")).verdict, judge.health(check("a")).recovered_at)


def test_certificates() -> None:
    """The end of a certificate is remembered while the target shows none, as after it has ended."""
    one = check("a")
    judge = judging(one)
    judge.hear(one, Outcome(None, "answered 200", 0.1, 200, at(86_400)), at(0))
    assert 1.0 == judge.health(one).certificate_days(at(0))
    judge.hear(one, Outcome(Failure.CERTIFICATE, "has an expired certificate", 0.1), at(2 * 86_400))
    assert -1.0 == judge.health(one).certificate_days(at(2 * 86_400))


def cdn(name: str = "cdn", host: str = "cdn.example.com", **fields: object) -> Target:
    """Return a CDN that is watched."""
    return Target(name, Kind.CDN, host, **{"check": Check("/health"), **fields})  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("target", "url"),
    [
        pytest.param(cdn(), "http://cdn.example.com/health", id="scheme of the player's URL"),
        pytest.param(cdn(host="a.example:443"), "https://a.example:443/health", id="the port of HTTPS"),
        pytest.param(cdn(scheme=Scheme.HTTPS), "https://cdn.example.com/health", id="https"),
        pytest.param(cdn(host="a.example:443", scheme=Scheme.HTTP), "http://a.example:443/health", id="http"),
        pytest.param(cdn(check=Check("https://b/x?y=1")), "https://b/x?y=1", id="absolute"),
        pytest.param(Target("origin", Kind.ORIGIN, check=Check("http://o/")), "http://o/", id="origin"),
        pytest.param(cdn(weight=0), "http://cdn.example.com/health", id="standby"),
        pytest.param(cdn(enabled=False), None, id="disabled"),
        pytest.param(cdn(check=None), None, id="not watched"),
    ],
)
def test_what_is_asked(target: Target, url: str | None) -> None:
    """A path is asked of the target's own host by the scheme of its URLs, an absolute URL as it is."""
    found = probe_of(target)
    assert url == (found.url if found else None)


@pytest.mark.parametrize(
    ("url", "is_sound"),
    [
        ("/health", True),
        ("http://a.example:65535/x", True),
        ("http://a.example:65536/x", False),
        ("http://a.example", False),
        ("http://-a/", False),
        ("ftp://a/", False),
        ("http://user@a/", False),
        ("http://[::1]/", False),
    ],
)
def test_urls_of_checks(url: str, *, is_sound: bool) -> None:
    """A check asks a path or an absolute URL of a host with a port that there is."""
    if is_sound:
        assert url == Check(url).url
    else:
        with pytest.raises(InvalidInput, match=r"check\.url"):
            Check(url)


def test_an_origin_needs_a_whole_url() -> None:
    """An origin has no host of its own, so its check must name one."""
    with pytest.raises(InvalidInput, match=r"targets\.origin\.check\.url"):
        Target("origin", Kind.ORIGIN, check=Check("/health"))


def config(number: int, *targets: Target) -> CdnConfig:
    """Return a config of these targets."""
    return CdnConfig(number, ConfigDocument(targets), 1, CREATED, None)


def test_like_checks_are_one() -> None:
    """Targets of several configs that are checked alike share one probe."""
    configs = [config(1, cdn(), cdn("b", "b.example")), config(2, cdn("main"), cdn("other", check=Check("/else")))]
    found = Watchlist(lambda: configs).checks
    assert [
        ("http://cdn.example.com/health", [(1, "cdn"), (2, "main")]),
        ("http://b.example/health", [(1, "b")]),
        ("http://cdn.example.com/else", [(2, "other")]),
    ] == [(one.url, [watched.key for watched in targets]) for one, targets in found.items()]


class Hands:
    """A clock and a stopwatch that the test turns."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def clock(self) -> datetime:
        """Tell the time."""
        return CHANGED + timedelta(seconds=self.seconds)

    def stopwatch(self) -> float:
        """Tell seconds."""
        return self.seconds


def told(hands: Hands, part: float, url: str = "http://cdn.example.com/health") -> Verdicts:
    """Return verdicts of the moment."""
    health = TargetHealth(url, HEALTHY if part else UNHEALTHY, CREATED, "", part=part)
    return Verdicts(hands.clock(), "a/0", None, {(1, "cdn"): health})


def test_known_verdicts_get_old() -> None:
    """Verdicts count for as long as somebody goes on telling them, and then every target is usable."""
    hands = Hands()
    known = KnownVerdicts(hands.clock, hands.stopwatch)
    checks = Watchlist(lambda: [config(1, cdn(), cdn("other", check=None, weight=1))]).checks
    assert {(1, "cdn"): 1.0} == known.parts(checks)
    sheet = told(hands, 0.0)
    known.hear(sheet)
    assert {(1, "cdn"): 0.0} == known.parts(checks)
    hands.seconds += MAX_AGE
    known.hear(sheet)
    assert ({(1, "cdn"): 0.0}, MAX_AGE) == (known.parts(checks), known.age)
    hands.seconds += 0.1
    known.hear(sheet)
    assert {(1, "cdn"): 1.0} == known.parts(checks)
    known.hear(told(hands, 0.3))
    assert ({(1, "cdn"): 0.3}, 0.0) == (known.parts(checks), known.age)


def test_what_an_ended_service_left_behind() -> None:
    """Verdicts that were old when they were first heard do not count until somebody tells new ones."""
    hands = Hands()
    sheet = told(hands, 0.0)
    hands.seconds += 3600
    known = KnownVerdicts(hands.clock, hands.stopwatch)
    known.hear(sheet)
    assert {(1, "cdn"): 1.0} == known.parts(Watchlist(lambda: [config(1, cdn())]).checks)


def test_who_tells_changes() -> None:
    """What somebody else left behind does not count after what was told lately; a prober with a slow clock does."""
    hands = Hands()
    known = KnownVerdicts(hands.clock, hands.stopwatch)
    known.hear(told(hands, 0.0))
    behind = replace(told(hands, 1.0), by="b/0", at=hands.clock() - timedelta(hours=1))
    known.hear(behind)
    assert known.latest
    assert "a/0" == known.latest.by
    known.hear(replace(behind, at=behind.at + timedelta(seconds=2)))
    assert "b/0" == known.latest.by


def test_told_twice_at_one_time() -> None:
    """What has changed since it was told counts, also where the teller's clock has not moved."""
    hands = Hands()
    known = KnownVerdicts(hands.clock, hands.stopwatch)
    for part in (0.0, 0.3):
        known.hear(told(hands, part))
    assert {(1, "cdn"): 0.3} == known.parts(Watchlist(lambda: [config(1, cdn())]).checks)


def test_configs_are_looked_at_once() -> None:
    """What is watched is worked out again only when another config is in use."""
    configs = [config(1, cdn())]
    watchlist = Watchlist(lambda: list(configs))
    before = watchlist.checks
    assert before is watchlist.checks
    configs[0] = config(1, cdn(host="other.example"))
    assert ["http://other.example/health"] == [check.url for check in watchlist.checks]
    configs.clear()
    assert {} == watchlist.checks


def test_a_verdict_about_another_url() -> None:
    """A verdict about what a target's check asked before it was changed does not count."""
    hands = Hands()
    known = KnownVerdicts(hands.clock, hands.stopwatch)
    known.hear(told(hands, 0.0, "http://cdn.example.com/old"))
    assert {(1, "cdn"): 1.0} == known.parts(Watchlist(lambda: [config(1, cdn())]).checks)


def test_nothing_is_watched() -> None:
    """Where nothing is watched there is no age, and nothing to tell."""
    hands = Hands()
    known = KnownVerdicts(hands.clock, hands.stopwatch)
    known.hear(told(hands, 0.0))
    known.forget()
    assert (None, None, {}) == (
        known.age,
        known.about((1, "cdn"), "http://cdn.example.com/health"),
        known.parts(Watchlist(lambda: [config(1, cdn(check=None))]).checks),
    )
