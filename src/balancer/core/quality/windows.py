"""Quality over the last minute, five minutes and hour."""

from balancer.core.quality.aggregates import Group, Qualities, Quality, largest, merge

STEP = 10
"""Seconds of a step."""

STEPS = 360
"""Steps of the longest window."""

WINDOWS = {1: (1, 6), 5: (6, 5), 60: (30, 12)}
"""For each window, by its minutes: how many steps one of its blocks has, and how many blocks it has."""


USUAL = 5
"""Minutes of the window that is told where none is asked for."""


class Windows:
    """Keeps what all processes have heard, in blocks that grow with the window: steps, minutes, five minutes.

    Blocks begin at whole multiples of their length, and the newest one counts as soon as it has begun. So the window of
    an hour reaches back 55 to 60 minutes, that of five minutes 4 to 5. Each block has a bounded number of groups.
    """

    def __init__(self) -> None:
        self._blocks: dict[int, dict[int, Qualities]] = {minutes: {} for minutes in WINDOWS}

    def add(self, step: int, qualities: Qualities) -> None:
        """Take in what was heard in a step, by all processes or by one of them; each to be told once.

        Args:
            step: Its number, in any order. What is older than a window is not added to it.
            qualities: What was heard.
        """
        for minutes, (length, number) in WINDOWS.items():
            # What is read meanwhile, in another thread, is what was there before.
            blocks, block = dict(self._blocks[minutes]), step // length
            blocks[block] = largest(merge([blocks.get(block, {}), qualities]))
            self._blocks[minutes] = {kept: blocks[kept] for kept in sorted(blocks)[-number:]}

    def steps(self, minutes: int, step: int) -> range:
        """Return the steps of a window that ends with this step."""
        length, number = WINDOWS[minutes]
        return range((step // length - number + 1) * length, step + 1)

    def quality(self, minutes: int, step: int) -> dict[Group, Quality]:
        """Return the quality of all groups in a window.

        Args:
            minutes: 1, 5 or 60.
            step: The last step of the window.
        """
        length, number = WINDOWS[minutes]
        last = step // length
        return merge(qualities for block, qualities in self._blocks[minutes].items() if last - number < block <= last)
