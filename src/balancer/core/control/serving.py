"""What one process serves by, for whoever reports on it."""

from dataclasses import dataclass

from balancer.core.control.in_force import ConfigInForce
from balancer.core.health.fallbacks import Fallbacks
from balancer.core.routing.redirects import Redirects
from balancer.core.routing.tickets import TicketBooks


@dataclass(frozen=True)
class Serving:
    """How a process serves.

    Attributes:
        redirects: By which plan.
        in_force: Since when that is known to be in force.
        books: With which tickets.
        fallbacks: Without which stores.
    """

    redirects: Redirects
    in_force: ConfigInForce
    books: TicketBooks
    fallbacks: Fallbacks
