"""What routing needs of the outside. Every call may raise StoreUnavailable."""

from typing import Protocol


class Tickets(Protocol):
    """The ticket sequence that all processes and hosts share."""

    async def lease(self, cycle: int, size: int) -> range:
        """Take the next `size` tickets of the sequence for schedules of `cycle` tickets; nobody else gets them. Atomic.

        Args:
            cycle: The length of the schedule.
            size: How many; a multiple of `cycle`.
        """
        ...
