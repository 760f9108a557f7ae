"""What limiting clients needs of the outside. Every call may raise StoreUnavailable."""

from collections.abc import Mapping
from typing import Protocol


class SharedQuotas(Protocol):
    """The debts that clients have made at all processes together; see `balancer.core.clients.quotas`."""

    async def add(self, policy: str, debts: Mapping[str, float], most: float) -> Mapping[str, float]:
        """Add to the debts of clients and return what they are now. Atomic for each client.

        Args:
            policy: Whose debts.
            debts: By client, in seconds.
            most: Seconds of debt that a client can have: what is above that is forgotten.
        """
        ...
