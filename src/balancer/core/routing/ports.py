"""What routing needs of the outside. Every call may raise StoreUnavailable."""

from typing import Protocol


class Tickets(Protocol):
    """The ticket sequences that all processes and hosts share, one for each config and length of schedule."""

    async def lease(self, config_id: int, cycle: int, size: int) -> range:
        """Take the next `size` tickets of the sequence for schedules of `cycle` tickets; nobody else gets them. Atomic.

        Args:
            config_id: Whose sequence.
            cycle: The length of the schedule.
            size: How many; a multiple of `cycle`.
        """
        ...
