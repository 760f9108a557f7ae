"""The numbers that processes share."""

from collections import Counter
from multiprocessing import get_context
from multiprocessing.connection import Connection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.telemetry.metrics.board import FREE, MAX_ENTRIES, MAX_KINDS, OTHER, SLOT_WORDS, Board, Slot
from balancer.telemetry.metrics.recent import STEP, STEPS, RecentSteps, counted


def values(board: Board) -> dict[tuple[str, ...], list[float]]:
    """Return all that is on a board, added up."""
    found: dict[tuple[str, ...], list[float]] = {}
    for view in board.read():
        for entry in view.entries:
            key = (entry.name, *entry.labels)
            found[key] = [a + b for a, b in zip(found.get(key, [0.0] * len(entry.values)), entry.values, strict=True)]
    return found


def test_a_slot_goes_on_where_the_process_before_stopped() -> None:
    """What was counted stays when a slot changes hands; what was only so at the time does not."""
    board = Board()
    slot = board.claim()
    slot.words[slot.cells("redirected", "1", "cdn", size=3) + 1] += 7
    slot.words[slot.cells("connections", passing=True)] = 5
    slot.close()
    again = board.claim()
    again.words[again.cells("redirected", "1", "cdn", size=3) + 1] += 1
    assert {("redirected", "1", "cdn"): [0, 8, 0], ("connections",): [0]} == values(board)
    assert [(0, 2, 0, True)] == [(view.number, view.starts, view.deaths, view.alive) for view in board.read()]


def test_living_processes_have_slots_of_their_own() -> None:
    """Each claim gets the first slot that is free, and everybody reads all of them."""
    board = Board()
    slots = [board.claim() for _ in range(3)]
    slots[1].close()
    assert [0, 1, 2, 3] == sorted([slots[0].number, slots[2].number, board.claim().number, board.claim().number])
    assert [0, 1, 2, 3] == [view.number for view in board.read()]


def test_an_empty_board_can_be_read() -> None:
    """A board that nobody has written to has nothing."""
    assert [] == Board().read()


def count_there(board: Board, pipe: Connection) -> None:
    """Count in another process until that is killed."""
    slot = board.claim()
    for number in range(1, 1001):
        slot.words[slot.cells("counted")] = number
    pipe.send(slot.number)
    pipe.recv()


def test_metrics_outlive_a_killed_process() -> None:
    """What a process counted until it was killed is there, and whoever comes next counts on in its slot."""
    board = Board()
    own = board.claim()
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=count_there, args=(board, there))
    process.start()
    try:
        assert 1 == here.recv()
        # Reading maps the memory and unmaps it; nobody's slot becomes free by that.
        assert [1000.0] == values(board)["counted",]
    finally:
        process.kill()
        process.join()
    assert (0, 1) == (own.number, board.claim().number)
    assert [1000.0] == values(board)["counted",]
    assert [0, 1] == [view.deaths for view in board.read()]


def test_names_beyond_the_limit_are_counted_together() -> None:
    """A slot has room for a bounded number of names; those that come later share one, each kind its own."""
    board = Board()
    slot = board.claim()
    for number in range(3 * MAX_ENTRIES):
        slot.words[slot.cells("redirected", str(number), "cdn")] += 1
    found = values(board)
    assert (MAX_ENTRIES - MAX_KINDS + 1, 3 * MAX_ENTRIES) == (len(found), sum(value for (value,) in found.values()))
    assert found["redirected", OTHER, OTHER][0] > MAX_ENTRIES
    slot.words[slot.cells("refused", "not-a-url")] += 1
    assert [1] == values(board)["refused", OTHER]


def test_a_name_that_does_not_fit_counts_nowhere_rather_than_fails() -> None:
    """When even the common name finds no room, counting still does no harm."""
    board = Board()
    slot = board.claim()
    for number in range(3 * MAX_ENTRIES):
        for name in ("a", "b"):
            slot.words[slot.cells(name, str(number), size=20) + 19] += 1
    assert len(values(board)) <= MAX_ENTRIES
    assert slot.cells("c", "x" * 500) < SLOT_WORDS


STEPS_OF_TIME = st.lists(st.tuples(st.integers(0, 3 * STEP), st.integers(0, 50)), max_size=40)


@given(STEPS_OF_TIME, st.integers(10, 3600))
def test_a_window_has_what_was_counted_in_it(story: list[tuple[int, int]], window: int) -> None:
    """Whenever how much was counted, each step of a window has just what was counted in it, told or not."""
    board = Board()
    slot, now = board.claim(), 1_800_000_000.0
    minutes, history = RecentSteps(slot), Counter[int]()
    cell = slot.cells("refused", "bad-host")
    for seconds, count in story:
        now += seconds
        minutes.turn(slot.entries(), now)
        slot.words[cell] += count
        minutes.turn(slot.entries(), now)
        history[int(now) // STEP] += count
    slot.words[cell] += 3
    history[int(now) // STEP] += 3
    steps = range(int(now - window) // STEP, int(now) // STEP + 1)
    found = counted(board.read(), steps)
    assert {step: history[step] for step in steps} == {
        step: counts["refused", "bad-host"] for step, counts in found.items()
    }


def test_the_ring_keeps_an_hour() -> None:
    """Steps older than those of the ring are gone, and the ring goes round without mixing them."""
    slot = Board().claim()
    minutes, cell = RecentSteps(slot), slot.cells("limited", "player")
    for step in range(2 * STEPS):
        slot.words[cell] += step
        minutes.turn(slot.entries(), step * STEP)
    kept = minutes.steps(slot.entries(), 1)
    assert {step: step for step in range(STEPS, 2 * STEPS)} == {
        step: counts["limited", "player"] for step, counts in kept.items()
    }


@pytest.mark.parametrize("name", ["answered", "called"])
def test_other_names_are_not_kept_by_time(name: str) -> None:
    """What nobody asks the last minutes of is counted in total alone."""
    board = Board()
    slot: Slot = board.claim()
    slot.words[slot.cells(name, "a")] += 1
    assert {1: Counter()} == counted(board.read(), range(1, 2))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 400), st.integers(1, 32)), max_size=600))
def test_names_never_share_words(names: list[tuple[str, int, int]]) -> None:
    """However many names of whatever sizes there are, counting one never changes another, or what stands behind."""
    board = Board()
    slot = board.claim()
    for name, number, size in names:
        first = slot.cells(name + str(size), str(number), size=size)
        for index in range(first, first + size):
            slot.words[index] += 1
    for entry in slot.entries():
        assert 1 == len(set(entry.values))
    assert 0.0 == slot.words[FREE]
