"""Tickets: what one process hands out, whatever happens around it."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from balancer.core.routing.tickets import OWN_PAGE, TicketBook


def test_own_sequence() -> None:
    """A book without leased pages hands out 1, 2, 3, … without end."""
    book = TicketBook()
    book.follow(7)
    assert list(range(1, 3 * OWN_PAGE)) == [book.take() for _ in range(3 * OWN_PAGE - 1)]


def test_another_schedule_begins_with_a_cycle() -> None:
    """The tickets of a new schedule go on behind those of the old one, from the next beginning of a cycle."""
    book = TicketBook()
    book.follow(10)
    assert list(range(1, 14)) == [book.take() for _ in range(13)]
    book.follow(4)
    assert list(range(17, 3017)) == [book.take() for _ in range(3000)]


def test_leased_page_is_next() -> None:
    """A leased page is handed out when the present one ends, and reported wanted when it begins."""
    turns = []
    book = TicketBook()
    book.on_turn = lambda: turns.append(book.wants_page)
    book.offer(range(501, 504), 1)
    assert [501, 502, 503, 504] == [book.take() for _ in range(4)]
    assert [True, True] == turns


def test_page_for_another_schedule_is_dropped() -> None:
    """A page that was leased for the old schedule does not reach the new one."""
    book = TicketBook()
    book.offer(range(501, 601), 1)
    book.follow(5)
    assert book.wants_page
    book.offer(range(701, 801), 1)
    assert 1 == book.take()


def test_ragged_page_is_trimmed() -> None:
    """Of a page whose ends are not those of cycles only the whole cycles are used."""
    book = TicketBook()
    book.follow(10)
    book.offer(range(95, 125), 10)
    assert list(range(101, 121)) == [book.take() for _ in range(20)]
    book.offer(range(205, 210), 10)
    assert book.wants_page


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(1, 1200)),
        st.tuples(st.just("offer"), st.integers(1, 40)),
        st.tuples(st.just("follow"), st.sampled_from([1, 2, 3, 7, 10, 64])),
    ),
    max_size=40,
)


@given(EVENTS)
def test_never_more_than_one_off(events: list[tuple[str, int]]) -> None:
    """From one schedule to the next the origin's count is off requests / N by less than one, at every request."""
    book = TicketBook()
    shared = 0
    taken = at_origin = 0
    for event, number in events:
        match event:
            case "follow":
                taken = at_origin = 0
                book.follow(number)
            case "offer":
                size = number * book.cycle
                start = -(-shared // book.cycle) * book.cycle
                shared = start + size
                book.offer(range(start + 1, shared + 1), book.cycle)
            case _:
                for _ in range(number):
                    taken += 1  # noqa: SIM113  # it goes on where the last event left it
                    at_origin += book.take() % book.cycle == 0
                    assert abs(at_origin - Fraction(taken, book.cycle)) < 1
