"""The decision that everything else is for: where does this request go?"""

from typing import NamedTuple

from balancer.core.configs import CdnConfig
from balancer.core.errors import NoConfig
from balancer.core.hosts import OriginHosts
from balancer.core.shortcuts import PlainVideos
from balancer.core.snapshots import Snapshot, Target
from balancer.core.tickets import TicketBook
from balancer.core.videos import OriginUrl


class Decision(NamedTuple):
    """Where a request goes, and why.

    Attributes:
        location: The absolute URL for the `Location` header, in characters of one byte each (Latin-1).
        place: Which of the snapshot's targets the ticket stood for.
        ticket: The request's place in the sequence.
        snapshot: What it was decided by.
        video: What was asked for.
    """

    location: str
    place: int
    ticket: int
    snapshot: Snapshot
    video: OriginUrl

    @property
    def target(self) -> Target:
        """The target that the ticket stood for."""
        return self.snapshot.targets[self.place]

    @property
    def config(self) -> CdnConfig:
        """The revision that was in force."""
        return self.snapshot.config


class Redirects:
    """Decides redirects from memory alone: no store is asked, so none that is down can stop it.

    Args:
        origins: The hosts that may be redirected at all.
        book: This process's tickets.

    Attributes:
        snapshot: What is decided by, None before the first config is known.
    """

    def __init__(self, origins: OriginHosts, book: TicketBook) -> None:
        self._videos = PlainVideos(origins)
        self._book = book
        self.snapshot: Snapshot | None = None

    @property
    def config(self) -> CdnConfig | None:
        """The config in force, None before the first one is known."""
        return self.snapshot.config if self.snapshot else None

    def use(self, config: CdnConfig) -> None:
        """Put a config in force: the next request sees all of it, none sees a part."""
        snapshot = Snapshot.of(config)
        self.snapshot = snapshot
        self._book.follow(len(snapshot.schedule))

    def redirect(self, query: bytes, *, take: bool = True) -> Decision:
        """Decide the request with this raw query string, and take a ticket for it.

        Args:
            query: `video=http://s1.origin-cluster/video/…&…`.
            take: False to see what would be decided, with the ticket that would be taken.

        Raises:
            Refusal: When it may not be redirected; it then takes no ticket.
            NoConfig: Before the first config is known.
        """
        snapshot = self.snapshot
        if snapshot is None:
            raise NoConfig
        video, carried = self._videos.read(query)
        ticket = self._book.take() if take else self._book.peek()
        place = snapshot.place_of(ticket)
        return Decision(snapshot.targets[place].location(video, carried), place, ticket, snapshot, video)
