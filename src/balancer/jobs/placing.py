"""Keeping up with the databases that tell where clients are."""

import asyncio

from balancer.core.rules.ports import PlaceFiles

INTERVAL = 5.0
"""Seconds between two looks at the files."""


class Placing:
    """Looks whether the databases of places have changed.

    Args:
        places: The databases.
        interval: Seconds between two looks.
    """

    def __init__(self, places: PlaceFiles, interval: float = INTERVAL) -> None:
        self._places = places
        self._interval = interval

    async def step(self) -> None:
        """Wait, and look."""
        await asyncio.sleep(self._interval)
        await self._places.look()
