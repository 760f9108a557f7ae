"""The tickets that one process hands out: 1, 2, 3, … on its own, or pages of a sequence that it shares with others."""

from collections.abc import Callable, Iterator
from operator import length_hint

OWN_PAGE = 1_000
"""Tickets that a process takes from its own sequence at a time, rounded up to whole cycles of the schedule."""


class TicketBook:
    """Hands out tickets without ever waiting.

    Tickets come in pages. The next page is one leased from the shared sequence if it has arrived, else one of the
    process's own. Every page but an unfinished one covers whole cycles of the schedule. So the origin's count differs
    from requests / N by less than one in this process, however pages of both kinds alternate and whenever it is killed.

    Attributes:
        cycle: The length of the schedule that the tickets are for.
        tickets: What is left of the page at hand.
        on_turn: Called at the beginning of each page, when it is time to lease the next one. Must not block.
    """

    def __init__(self) -> None:
        self.cycle = 1
        self.on_turn: Callable[[], None] = _nothing
        self.tickets: Iterator[int] = iter(())
        # Behind the last ticket of the page at hand.
        self._stop = 1
        self._leased: range | None = None
        # Where the page at hand began, whether it is a leased one, and what those before it had.
        self._page_start = 1
        self._page_is_leased = False
        self._taken_leased = self._taken_own = 0

    @property
    def taken(self) -> tuple[int, int]:
        """How many tickets were taken: from leased pages, and from own ones."""
        page = self._next - self._page_start
        if self._page_is_leased:
            return self._taken_leased + page, self._taken_own
        return self._taken_leased, self._taken_own + page

    @property
    def wants_page(self) -> bool:
        """Whether there is no leased page in reserve."""
        return self._leased is None

    @property
    def _next(self) -> int:
        """The ticket behind the one taken last, as long as there is one in the page at hand."""
        return self._stop - length_hint(self.tickets)

    @property
    def _first_own(self) -> int:
        """The first ticket of the next own page: the next beginning of a cycle."""
        return -(-(self._stop - 1) // self.cycle) * self.cycle + 1

    def take(self) -> int:
        """Return the next ticket, 1 or more. The fast lane has this line itself, to save the call."""
        return next(self.tickets, 0) or self.turn_page()

    def peek(self) -> int:
        """Return the ticket that `take` would return, and leave it there."""
        if self._next < self._stop:
            return self._next
        return self._leased.start if self._leased else self._first_own

    def follow(self, cycle: int) -> None:
        """Hand out tickets for another schedule, one of `cycle` tickets, from the beginning of a cycle.

        So the exact bound holds from the first ticket on. Pages that were leased for a schedule of another length are
        dropped.
        """
        # What is left of the page at hand is skipped.
        self._stop = self._next
        self.tickets = iter(())
        if cycle != self.cycle:
            self.cycle = cycle
            self._leased = None
            self.on_turn()

    def offer(self, page: range, cycle: int) -> None:
        """Put a leased page in reserve; of a page that does not fit the schedule, the whole cycles that are in it."""
        first = -(-(page.start - 1) // cycle) * cycle + 1
        stop = (page.stop - 1) // cycle * cycle + 1
        if cycle == self.cycle and first < stop:
            self._leased = range(first, stop)

    def turn_page(self) -> int:
        """Take the first ticket of another page, where nothing is left of the one at hand."""
        self._taken_leased, self._taken_own = self.taken
        page, self._leased = self._leased, None
        self._page_is_leased = page is not None
        if page is None:
            first = self._first_own
            page = range(first, first + -(-OWN_PAGE // self.cycle) * self.cycle)
        self._page_start, self._stop = page.start, page.stop
        self.tickets = iter(page)
        self.on_turn()
        return next(self.tickets)


class TicketBooks:
    """The books of a process, one for each config that it serves by: each one's shares are exact on their own.

    Attributes:
        on_turn: Called when a page should be leased for one of the books. Must not block.
    """

    def __init__(self) -> None:
        self.on_turn: Callable[[], None] = _nothing
        self._books: dict[int, TicketBook] = {}

    def of(self, config_id: int) -> TicketBook:
        """Return the book of a config; a new one where it has none."""
        book = self._books.get(config_id)
        if book is None:
            book = self._books[config_id] = TicketBook()
            book.on_turn = self._turn
        return book

    @property
    def wanting(self) -> list[tuple[int, TicketBook]]:
        """The books that have no page in reserve, with the ids of their configs."""
        return [(config_id, book) for config_id, book in self._books.items() if book.wants_page]

    @property
    def taken(self) -> tuple[int, int]:
        """How many tickets were taken: from leased pages, and from own ones."""
        leased, own = 0, 0
        for book in self._books.values():
            leased, own = leased + book.taken[0], own + book.taken[1]
        return leased, own

    def _turn(self) -> None:
        self.on_turn()


def _nothing() -> None:
    return
