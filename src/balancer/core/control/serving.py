"""What one process serves by, for whoever reports on it."""

from dataclasses import dataclass

from balancer.core.control.changes import ConfigInForce
from balancer.core.health.fallbacks import Fallbacks
from balancer.core.routing.redirects import Redirects
from balancer.core.routing.tickets import TicketBook


@dataclass(frozen=True)
class Serving:
    """How a process serves.

    Attributes:
        redirects: By which snapshot.
        in_force: Since when that is known to be in force.
        book: With which tickets.
        fallbacks: Without which stores.
    """

    redirects: Redirects
    in_force: ConfigInForce
    book: TicketBook
    fallbacks: Fallbacks
