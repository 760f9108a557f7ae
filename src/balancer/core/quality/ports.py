"""What figures of quality need of the outside. Every call may raise StoreUnavailable."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from balancer.core.quality.aggregates import Qualities


class SharedQuality(Protocol):
    """What players told the processes of a fleet, or of a host, by steps. They are forgotten after little over an hour.

    What a store has that this program cannot read is reported, and is left out.
    """

    async def save(self, source: str, step: int, qualities: Qualities) -> None:
        """Replace what one process has heard in a step.

        Args:
            source: Names the process, of all hosts.
            step: Number of the step.
            qualities: What it has heard.
        """
        ...

    async def load(self, steps: Collection[int]) -> Mapping[int, Sequence[Qualities]]:
        """Return for each step what each process has heard; steps of which nobody heard anything are left out."""
        ...
