"""How players fare is added up without knowing who they are, and in bounded memory."""

import pickle
import random
import tracemalloc
import zlib
from collections.abc import Callable, Sequence
from functools import reduce

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.adapters.quality_msgpack import FORMAT, MAX_BYTES, dump, load
from balancer.core.cmcd.reports import Report
from balancer.core.quality import distinct
from balancer.core.quality.aggregates import (
    MAX_ERRORS,
    MAX_GROUPS,
    NOTHING,
    OTHER,
    REST,
    Group,
    Qualities,
    Quality,
    bounded_errors,
    largest,
    merge,
    merged,
)
from balancer.core.quality.figures import figures
from balancer.core.quality.histograms import ERROR, MAX_BUCKET, MAX_VALUE, added, bucket_of, quantile
from balancer.core.quality.networks import network_of
from balancer.core.quality.recording import MAX_SESSIONS, MAX_STARVED_MS, MAX_TARGETS, MAX_WAITING, Recorder
from balancer.core.quality.sessions import session_hash
from balancer.core.quality.windows import Windows

KEY = b"k" * 32
GROUP = Group("cdn-a", "AS64496", "DE")
MEBIBYTE = 1024 * 1024


def only(group: Group) -> Callable[[Report], Group]:
    """Return what says that every report belongs to a group."""
    return lambda _report: group


def steps(recorder: Recorder, before: int) -> dict[int, Qualities]:
    """Return the steps before one that were not taken yet."""
    return {closed.number: closed.qualities() for closed in recorder.take(before)}


def heard(*reports: Report, group: Group = GROUP) -> Quality:
    """Return what a group has said with these reports in one step."""
    recorder = Recorder()
    recorder.hear(1, reports, only(group), KEY)
    return recorder.take(2)[0].qualities()[group]


def of(*sessions: int) -> bytes:
    """Return the registers of sessions, by their hashes."""
    registers = bytearray(distinct.REGISTERS)
    for session in sessions:
        distinct.note(registers, session)
    return bytes(registers)


HASHES = st.integers(0, 2**64 - 1)
REGISTERS = st.lists(HASHES, max_size=20).map(lambda hashes: of(*hashes) if hashes else b"")
HISTOGRAMS = st.dictionaries(st.integers(0, MAX_BUCKET), st.integers(1, 10_000), max_size=8)
ERRORS = st.dictionaries(
    st.one_of(st.integers(400, 420).map(lambda status: f"http {status}"), st.sampled_from(["player a", "player b"])),
    st.integers(1, 100),
    max_size=MAX_ERRORS + 4,
).map(bounded_errors)
COUNTS = st.integers(0, 10**9)
QUALITIES = st.builds(
    Quality, COUNTS, REGISTERS, REGISTERS, COUNTS, HISTOGRAMS, HISTOGRAMS, ERRORS, REGISTERS, REGISTERS
)
GROUPS = st.builds(Group, st.sampled_from(["", "cdn-a", "cdn-b"]), st.sampled_from(["AS1", "AS2"]), st.just("DE"))
STEPS = st.dictionaries(GROUPS, QUALITIES, max_size=4)


@pytest.mark.parametrize(
    ("address", "asn", "network"),
    [
        pytest.param("192.0.2.7", None, "192.0.2.0/24", id="IPv4"),
        pytest.param("2001:db8:1:2:3::4", None, "2001:db8:1::/48", id="IPv6"),
        pytest.param("::ffff:192.0.2.7", None, "192.0.2.0/24", id="IPv4 within IPv6"),
        pytest.param("fe80::1%eth0", None, "fe80::/48", id="IPv6 with a zone"),
        pytest.param("192.0.2.7", 64496, "AS64496", id="autonomous system"),
        pytest.param("local", None, "unknown", id="Unix socket"),
        pytest.param("", None, "unknown", id="nothing"),
    ],
)
def test_networks(address: str, asn: int | None, network: str) -> None:
    """A player is in an autonomous system, or in a network that is too large to tell who it is."""
    assert network == network_of(address, asn)


def test_session_hashes() -> None:
    """A session has the same hash wherever the key is the same, and another one under another key."""
    assert session_hash("s-1", KEY) == session_hash("s-1", KEY)
    assert 4 == len({session_hash(name, key) for name in ("s-1", "s-2") for key in (KEY, b"x")})
    assert 0 <= session_hash("\ud800\xff", KEY) < 2**64


@pytest.mark.parametrize("size", [0, 1, 2, 5, 30, 200, 1_000, 3_000, 30_000])
def test_sessions_are_counted(size: int) -> None:
    """The estimate is exact for a few, and within three standard errors for many."""
    numbers = random.Random(size)
    estimate = distinct.count(of(*(numbers.getrandbits(64) for _ in range(size))))
    assert pytest.approx(size, rel=3 * 0.046, abs=0.5) == estimate


@given(st.lists(HASHES, max_size=40), st.lists(HASHES, max_size=40))
def test_united_sessions(one: list[int], other: list[int]) -> None:
    """United registers are those of all sessions together, however often each is in them."""
    assert of(*one, *other) == distinct.united(of(*one), of(*other))
    assert of(*one) == distinct.united(distinct.NOBODY, of(*one)) == distinct.united(of(*one), distinct.NOBODY)


@given(st.binary(min_size=512, max_size=512), st.binary(min_size=512, max_size=512))
def test_registers_are_united_one_by_one(one: bytes, other: bytes) -> None:
    """Of each pair of registers the greater is taken."""
    one, other = (bytes(register % 128 for register in registers) for registers in (one, other))
    assert bytes(map(max, one, other)) == distinct.united(one, other)


@given(st.lists(st.integers(1, MAX_VALUE), min_size=1, max_size=200), st.sampled_from([0.0, 0.05, 0.5, 0.95, 1.0]))
def test_quantiles(values: list[int], part: float) -> None:
    """A quantile is off by its relative error at most."""
    histogram: dict[int, int] = {}
    for value in values:
        histogram[bucket_of(value)] = histogram.get(bucket_of(value), 0) + 1
    exact = sorted(values)[int(part * (len(values) - 1))]
    assert pytest.approx(exact, rel=ERROR + 1e-9) == quantile(histogram, part)


def test_odd_values_of_histograms() -> None:
    """What is too small or too great for a bucket counts as the least or the greatest, and nothing has no quantile."""
    assert (0, MAX_BUCKET) == (bucket_of(0), bucket_of(10 * MAX_VALUE))
    assert MAX_BUCKET < 200
    assert None is quantile({}, 0.5)
    assert {1: 2, 2: 1} == added({1: 1}, {1: 1, 2: 1})


@given(QUALITIES, QUALITIES, QUALITIES)
def test_qualities_are_merged_in_any_order(one: Quality, two: Quality, three: Quality) -> None:
    """It does not matter who adds up what first; errors are bounded all the same."""
    assert merged(one, two) == merged(two, one)
    assert merged(merged(one, two), three) == merged(one, merged(two, three))
    assert merged(one, NOTHING) == one
    assert MAX_ERRORS + 1 >= len(merged(one, two).errors)
    assert sum(one.errors.values()) + sum(two.errors.values()) == sum(merged(one, two).errors.values())


@given(STEPS, STEPS, STEPS)
def test_steps_are_merged_in_any_order(one: Qualities, two: Qualities, three: Qualities) -> None:
    """Nor does it for whole steps."""
    assert merge([one, two, three]) == merge([three, one, two]) == merge([merge([one, two]), three])
    assert merge([one, merge([two, three])]) == merge([one, two, three])


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 900), st.booleans(), st.booleans())))
def test_two_workers_are_as_good_as_one(events: list[tuple[str, int, bool, bool]]) -> None:
    """However sessions are spread over processes, what these say together is what one process would say."""
    recorders = [Recorder() for _ in range(3)]
    for name, value, starved, failed in events:
        report = Report(
            session=name, throughput_kbps=value, start_ms=value, starved=starved, status=503 if failed else 200
        )
        for recorder in (recorders[0], recorders[1 + ord(name) % 2]):
            recorder.hear(1, [report], only(GROUP), KEY)
    alone, *together = (merge(qualities for qualities in steps(recorder, 2).values()) for recorder in recorders)
    assert alone == merge(together)


def test_a_step() -> None:
    """What players say in a step is there as figures, told for each target by its host."""
    groups = {"a.example.com": GROUP, "b.example.com": Group("cdn-b", "AS64496", "DE")}
    recorder = Recorder()
    reports = [
        Report(session=f"s-{n}", start_ms=100 * n, throughput_kbps=1000 * n, host="a.example.com") for n in range(1, 11)
    ]
    reports += [
        Report(session="s-1", starvation_ms=4000, host="a.example.com"),
        Report(session="s-2", starved=True, host="a.example.com"),
        Report(session="s-3", status=503, errors=("E1",), host="a.example.com"),
        Report(session="s-4", status=0, state="r", host="a.example.com"),
        Report(session="s-4", status=200, throughput_kbps=7000, host="b.example.com"),
    ]
    recorder.hear(1, reports, lambda report: groups[report.host or ""], KEY)
    ((step, qualities),) = steps(recorder, 2).items()
    found = figures(qualities[GROUP])
    assert (1, 14, 10, 2, 4.0) == (step, found.reports, found.sessions, found.starved, found.starved_seconds)
    assert (500, 900) == pytest.approx((found.start_ms_median, found.start_ms_p95), rel=ERROR)
    assert (5000, 1000) == pytest.approx((found.throughput_kbps_median, found.throughput_kbps_p5), rel=ERROR)
    assert {"http 503": 1, "http 0": 1, "player E1": 1} == found.errors
    other = figures(qualities[groups["b.example.com"]])
    assert (1, 1, None, {}) == (other.reports, other.sessions, other.start_ms_median, other.errors)


def test_a_flood_of_one_session_counts_once() -> None:
    """A session that reports without end weighs as much as any other: its last throughput, its longest times."""
    flood = [
        Report(session="s-1", start_ms=n, starvation_ms=n * 1000, throughput_kbps=9000 - n, status=400 + n % 100,
               errors=(f"E{n}",))
        for n in range(1, 2000)
    ]  # fmt: skip
    quality = heard(*flood)
    assert 1999 == quality.reports
    assert of(session_hash("s-1", KEY)) == quality.sessions == quality.starved
    assert MAX_STARVED_MS == quality.starved_ms
    assert {bucket_of(1999): 1} == quality.start_ms
    assert {bucket_of(9000 - 1999): 1} == quality.throughput_kbps
    assert 4 == sum(quality.errors.values())


def test_a_report_without_a_session_is_only_counted() -> None:
    """Whoever does not say which session it is cannot be counted once, so what it says does not count."""
    assert NOTHING._replace(reports=1) == heard(Report(starved=True, start_ms=1, throughput_kbps=1, status=503))


@pytest.mark.parametrize(
    ("report", "starved"),
    [
        pytest.param(Report(session="s", state="r"), b"", id="rebuffering, as some say whenever they start"),
        pytest.param(Report(session="s", starved=False, starvation_ms=0), b"", id="no starvation"),
        pytest.param(Report(session="s", starvation_total_ms=9, starvations=1), b"", id="starvation at another time"),
        pytest.param(Report(session="s", starved=True), of(session_hash("s", KEY)), id="starvation"),
        pytest.param(Report(session="s", starvation_ms=1), of(session_hash("s", KEY)), id="starvation that is over"),
    ],
)
def test_starvation(report: Report, starved: bytes) -> None:
    """A session starves when it says so of the time since its last report."""
    assert starved == heard(report).starved


def test_steps_are_handed_on_once() -> None:
    """A step is handed on when it is over, once; where the clock is put back, reports count for the open one."""
    recorder = Recorder()
    report = Report(session="s-1")
    recorder.hear(7, [report], only(GROUP), KEY)
    assert [] == recorder.take(7)
    recorder.hear(6, [report], only(GROUP), KEY)
    recorder.hear(9, [report], only(GROUP), KEY)
    assert [(7, 2)] == [(step, qualities[GROUP].reports) for step, qualities in steps(recorder, 9).items()]
    assert [(9, 1)] == [(step, qualities[GROUP].reports) for step, qualities in steps(recorder, 20).items()]
    assert [] == recorder.take(30)


def test_steps_that_nobody_takes() -> None:
    """Of steps that nobody takes, the newest ones wait."""
    recorder = Recorder()
    for step in range(1, 31):
        recorder.hear(step, [Report()], only(GROUP), KEY)
    assert list(range(31 - MAX_WAITING, 31)) == list(steps(recorder, 31))


def test_too_many_groups() -> None:
    """Groups beyond the limit are counted with the others of their target, or all together."""
    recorder = Recorder()
    for n in range(MAX_GROUPS + 5):
        recorder.hear(1, [Report()], only(Group("cdn-a", f"AS{n}", "DE")), KEY)
    for n in range(MAX_TARGETS + 5):
        recorder.hear(1, [Report()], only(Group(f"t{n}", "AS1", "DE")), KEY)
    (qualities,) = steps(recorder, 2).values()
    assert MAX_GROUPS + MAX_TARGETS + 1 == len(qualities)
    assert 5 == qualities[Group("cdn-a", OTHER, "")].reports
    assert 1 == qualities[Group("t0", OTHER, "")].reports
    assert 6 == qualities[REST].reports
    assert MAX_GROUPS + MAX_TARGETS + 10 == sum(quality.reports for quality in qualities.values())


def test_the_largest_groups() -> None:
    """The groups with the most sessions stay, the others are added up by target, and nothing is lost."""
    many = {
        Group(f"cdn-{n % 2}", f"AS{n}", "DE"): NOTHING._replace(
            reports=1, sessions=of(*(session_hash(f"s-{s}", KEY) for s in range(5 * n)))
        )
        for n in range(40)
    }
    found = largest(many, 10)
    assert {f"AS{n}" for n in range(30, 40)} | {OTHER} == {group.network for group in found}
    assert {Group(f"cdn-{n}", OTHER, ""): 15 for n in range(2)} == {
        group: quality.reports for group, quality in found.items() if group.network == OTHER
    }
    assert found is largest(found, 12)
    targets = largest({Group(f"t{n}", "AS1", ""): NOTHING._replace(reports=1) for n in range(40)}, 10)
    assert (21, 20) == (len(targets), targets[REST].reports)


def rogue(number: int, size: int) -> Sequence[Report]:
    """Return reports of sessions that nobody has, with everything that takes room."""
    return [
        Report(session=f"rogue-{number}-{n}", start_ms=n * 997 % 600_000, starved=True, errors=(f"{number}-{n}" * 4,),
               throughput_kbps=1 + n * 99_991 % 9_999_999)
        for n in range(size)
    ]  # fmt: skip


def test_memory_is_bounded() -> None:
    """A flood of sessions and networks takes no more memory than the limits allow, and is counted all the same."""
    recorder = Recorder()
    # What the tests themselves hold is made before.
    bodies = [rogue(number, 40) for number in range(1000)]
    tracemalloc.start()
    try:
        for number, reports in enumerate(bodies):
            recorder.hear(1, reports, only(Group("cdn-a", f"AS{number}", "")), KEY)
        gathered, _ = tracemalloc.get_traced_memory()
        (qualities,) = steps(recorder, 2).values()
        closed, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert gathered < 24 * MEBIBYTE
    assert closed < 12 * MEBIBYTE
    assert MAX_GROUPS + 1 == len(qualities)
    total = reduce(merged, qualities.values())
    assert 40_000 == total.reports == pytest.approx(distinct.count(total.sessions), rel=0.14)
    assert 40_000 == pytest.approx(distinct.count(total.starved), rel=0.14)
    assert MAX_SESSIONS == sum(total.start_ms.values()) == sum(total.throughput_kbps.values())
    assert 2 * MEBIBYTE > len(dump(qualities))


def test_windows_are_bounded() -> None:
    """Hours that are full of ever new networks take no more memory than the last one, and no report is lost in it."""
    windows = Windows()
    qualities = [
        {Group("cdn-a", f"AS{turn * 500 + n}", "DE"): heard(*rogue(n, 2)) for n in range(500)} for turn in range(4)
    ]
    tracemalloc.start()
    try:
        for turn in range(40):
            windows.add(turn * 30, qualities[turn % 4])
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 48 * MEBIBYTE
    assert 12 * 1000 == sum(quality.reports for quality in windows.quality(60, 39 * 30).values())


@pytest.mark.parametrize(
    ("minutes", "last", "steps"),
    [
        pytest.param(1, 400, 6, id="a minute"),
        pytest.param(1, 402, 4, id="a minute of which not all was heard yet"),
        pytest.param(1, 300, 0, id="a minute that is forgotten"),
        pytest.param(5, 400, 24 + 5, id="five minutes"),
        pytest.param(60, 400, 330 + 11, id="an hour"),
        pytest.param(60, 1000, 0, id="an hour in which nothing was heard"),
    ],
)
def test_windows(minutes: int, last: int, steps: int) -> None:
    """A window adds up its steps, with as much of the newest block as was heard."""
    windows = Windows()
    step: Qualities = {GROUP: NOTHING._replace(reports=1)}
    for number in range(401):
        windows.add(number, step)
    assert steps == sum(quality.reports for quality in windows.quality(minutes, last).values())


def test_late_steps_count() -> None:
    """What another process tells late counts where there is still a block for it, and is left where there is none."""
    windows = Windows()
    step: Qualities = {GROUP: NOTHING._replace(reports=1)}
    for number in (*range(400), 395, 100, 0):
        windows.add(number, step)
    assert [6 + 1, 24 + 4 + 1, 330 + 10 + 2] == [windows.quality(minutes, 399)[GROUP].reports for minutes in (1, 5, 60)]


def test_nobody_is_kept() -> None:
    """Neither the id of a session nor an address is in what a process gathers, hands on or writes."""
    recorder = Recorder()
    recorder.hear(1, [Report(session="secret-session")], only(Group("a", network_of("192.0.2.77"), "")), KEY)
    open_step = pickle.dumps(recorder)
    (qualities,) = steps(recorder, 2).values()
    for data in (open_step, pickle.dumps(qualities), zlib.decompress(dump(qualities))):
        assert b"secret" not in data
        assert b"192.0.2.77" not in data
        assert b"192.0.2.0/24" in data


@given(STEPS)
def test_a_step_is_written_and_read(step: Qualities) -> None:
    """What one process writes, another one reads."""
    assert step == load(dump(step))


def told(*groups: object, form: object = FORMAT) -> bytes:
    """Return a step as another program might write it."""
    return zlib.compress(msgspec.msgpack.encode([form, list(groups)]))


REGULAR = (*NOTHING,)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{}", id="what is not compressed"),
        pytest.param(zlib.compress(b"{}"), id="JSON"),
        pytest.param(dump({GROUP: NOTHING})[:-5], id="half of it"),
        pytest.param(zlib.compress(bytes(MAX_BYTES + 1)), id="bomb"),
        pytest.param(told(form=2), id="another format"),
        pytest.param(told((GROUP, REGULAR[:-1])), id="a field too few"),
        pytest.param(told((("a", "b"), REGULAR)), id="no group"),
        pytest.param(told((GROUP, (-1, *REGULAR[1:]))), id="negative count"),
        pytest.param(told((GROUP, (2**63, *REGULAR[1:]))), id="absurd count"),
        pytest.param(told((GROUP, (0, b"short", *REGULAR[2:]))), id="registers of another size"),
        pytest.param(told((GROUP, (0, b"\xff" * 512, *REGULAR[2:]))), id="registers that cannot be"),
        pytest.param(told((GROUP, (*REGULAR[:4], {MAX_BUCKET + 1: 1}, {}, {}))), id="bucket out of range"),
        pytest.param(told((GROUP, (*REGULAR[:4], {1: -1}, {}, {}))), id="negative number in a bucket"),
        pytest.param(told((GROUP, (*REGULAR[:6], {"x" * 129: 1}))), id="long error"),
        pytest.param(told((GROUP, (*REGULAR[:6], {f"{n}": 1 for n in range(18)}))), id="many errors"),
        pytest.param(told(*[((f"{n}", "", ""), REGULAR) for n in range(2001)]), id="many groups"),
    ],
)
def test_what_cannot_be_trusted_is_nothing(data: bytes) -> None:
    """What another release writes, or nobody of ours, is left, and does no harm."""
    assert {} == load(data)
