"""The decision that everything else is for: where does this request go?"""

from typing import NamedTuple

from balancer.core.configs.documents import CdnConfig
from balancer.core.errors import NoConfig
from balancer.core.routing.snapshots import Snapshot, Target
from balancer.core.routing.tickets import TicketBook
from balancer.core.urls.hosts import OriginHosts
from balancer.core.urls.plain import PlainVideos
from balancer.core.urls.videos import OriginUrl


class Destinations:
    """Where one video can be sent by one snapshot, each location made when it is first wanted.

    Args:
        snapshot: Whose targets.
        video: What was asked for.
        carried: The parameters beside it, as they were sent.

    Attributes:
        locations: By target index, the absolute URL for the `Location` header, None until it is wanted.
    """

    __slots__ = ("carried", "locations", "snapshot", "video")

    def __init__(self, snapshot: Snapshot, video: OriginUrl, carried: str) -> None:
        self.snapshot = snapshot
        self.video = video
        self.carried = carried
        self.locations: list[bytes | None] = [None] * len(snapshot.targets)

    def location(self, place: int) -> bytes:
        """Return the location at the target of this index."""
        found = self.locations[place]
        if found is None:
            # What is carried along has one character for each byte that was sent.
            found = self.snapshot.targets[place].location(self.video, self.carried).encode("latin-1")
            self.locations[place] = found
        return found


class Decision(NamedTuple):
    """Where a request goes, and why.

    Attributes:
        destinations: Where it could go.
        place: The index of the target that the ticket stands for.
        ticket: The request's place in the sequence.
    """

    destinations: Destinations
    place: int
    ticket: int

    @property
    def location(self) -> str:
        """The absolute URL for the `Location` header, in characters of one byte each (Latin-1)."""
        return self.destinations.location(self.place).decode("latin-1")

    @property
    def snapshot(self) -> Snapshot:
        """What it was decided by."""
        return self.destinations.snapshot

    @property
    def video(self) -> OriginUrl:
        """What was asked for."""
        return self.destinations.video

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

    def find(self, query: bytes) -> Destinations:
        """Return where the request with this raw query string can go: `video=http://s1.origin-cluster/video/…&…`.

        Raises:
            Refusal: When it may not be redirected.
            NoConfig: Before the first config is known.
        """
        snapshot = self.snapshot
        if snapshot is None:
            raise NoConfig
        return Destinations(snapshot, *self._videos.read(query))

    def find_plain(self, query: bytes) -> Destinations | None:
        """Do the same for a query in which nothing needs care; None leaves it to `find`."""
        snapshot = self.snapshot
        if snapshot is None or (read := self._videos.read_plain(query)) is None:
            return None
        return Destinations(snapshot, *read)

    def choose(self, destinations: Destinations) -> tuple[int, int]:
        """Take a ticket for a request, and return the index of the target that it stands for, and the ticket."""
        ticket = self._book.take()
        schedule = destinations.snapshot.schedule
        return schedule[ticket % len(schedule)], ticket

    def decide(self, destinations: Destinations) -> Decision:
        """Take a ticket for a request, and decide by it."""
        return Decision(destinations, *self.choose(destinations))

    def redirect(self, query: bytes) -> Decision:
        """Find and decide at once; a request that is refused takes no ticket.

        Raises:
            Refusal: When it may not be redirected.
            NoConfig: Before the first config is known.
        """
        return self.decide(self.find(query))

    def preview(self, query: bytes) -> Decision:
        """Return what would be decided next, and take no ticket.

        Raises:
            Refusal: When it may not be redirected.
            NoConfig: Before the first config is known.
        """
        found, ticket = self.find(query), self._book.peek()
        return Decision(found, found.snapshot.place_of(ticket), ticket)
