"""Steers sessions: the same policies that redirect decide where players that stay are to be."""

from collections.abc import Callable, Sequence
from typing import NamedTuple
from zlib import crc32

from balancer.core.routing.decisions import Asked, Plan
from balancer.core.routing.policies import Exact
from balancer.core.routing.redirects import Redirects
from balancer.core.routing.routes import Client, Route
from balancer.core.routing.sticky import slot_of
from balancer.core.routing.tickets import TicketBooks
from balancer.core.steering.pathways import Pathways
from balancer.core.steering.reports import Report, read_report
from balancer.core.steering.tokens import Session, Tokens

LEAST_TTL = 10
"""Seconds that every answer holds at least: players flood a server whose answers hold for none."""

MOST_TTL = 300
"""Seconds that an answer holds at most: what players take where none is named (draft-pantos-content-steering §7.1)."""

SETTLED = 15
"""Seconds from a manifest until its session may move: its first answer agrees with it, or hls.js may never start."""

BUSY = 5_000
"""Answers of a process within a second from which on it is busy, so that sessions are told to come less often."""

SPREAD = 0.1
"""How much shorter or longer than another an answer may hold, so that sessions do not come in step."""


class Steered(NamedTuple):
    """What a session is told.

    Attributes:
        route: By which it was steered.
        token: Its state, for the URL that it asks next.
        names: Of the route's pathways by target index, each in quotes.
        order: The indices of the targets that it may use, best first.
        ttl: Seconds until it is to ask again.
        is_new: Whether it had no state before.
        has_moved: Whether it is told to leave the target where it was.
    """

    route: Route
    token: bytes
    names: Sequence[bytes]
    order: Sequence[int]
    ttl: int
    is_new: bool
    has_moved: bool


class Steering:
    """Tells sessions where to be.

    Args:
        redirects: Hold the plan.
        tokens: Carry the state of sessions.
        ttl: Seconds until a session asks again, from 10 to 300, when all is well and the process is not busy.
        busy: Answers within a second from which on it is.
    """

    def __init__(self, redirects: Redirects, tokens: Tokens, ttl: int, busy: int = BUSY) -> None:
        self._redirects = redirects
        self._tokens = tokens
        self._ttl = ttl
        self._busy = busy
        # Their own, so that no session takes a ticket from the redirects.
        self._books = TicketBooks()
        self._plan: Plan | None = None
        self._pathways: dict[Route, Pathways] = {}
        self._second = self._answers = 0
        self._load = 1.0

    def begin(self, asked: Asked, client: Client, now: int) -> Steered:
        """Return what a session is told by the manifest that begins it.

        Args:
            asked: What it asks for, on the route that it takes.
            client: Who asks.
            now: The time in Unix seconds.
        """
        route = asked.route
        pathways = self._of(route)
        session = self._new(pathways, slot_of(route.key_of(asked.video, asked.carried, client)), now)
        return self._told(pathways, session, is_new=True)

    def steer(self, query: bytes, client: Callable[[], Client], now: int) -> Steered | None:
        """Return what a session is told that asks; None before the first config is known.

        Args:
            query: The raw query string: `session=…&config=…` and what the player adds.
            client: Says who asks.
            now: The time in Unix seconds.
        """
        plan = self._redirects.plan
        if plan is None:
            return None
        self._count(now)
        report = read_report(query)
        session = self._tokens.read(report.token)
        if session is not None and (route := plan.routes.get(session.config_id)) is not None:
            return self._go_on(self._of(route), session, report, now)
        route = plan.routes.get(report.config_id or 0, plan.default)
        return self._start(self._of(route), report, route.own_key(query, client()), now)

    def _start(self, pathways: Pathways, report: Report, key: bytes, now: int) -> Steered:
        """Begin a session of a manifest that names this server but no session."""
        session = self._new(pathways, slot_of(key) if key else None, now)
        reported = crc32(report.pathway.encode())
        if not pathways.usable(reported):
            return self._told(pathways, session, is_new=True)
        if report.is_back and pathways.serves(reported) and pathways.is_exact:
            # dash.js comes back by the URL in its manifest: it would be a new session every other time.
            session = session._replace(seat=session.seat._replace(target=reported))
        # The first answer agrees with where the player is, and the token says where it is to be.
        return self._told(pathways, session, is_new=True, first=reported)

    def _go_on(self, pathways: Pathways, session: Session, report: Report, now: int) -> Steered:
        if session.shares == pathways.packed:
            return self._told(pathways, session, report.token)
        was, seat = session.seat.target, pathways.seat_of(session)
        moved = session._replace(seat=seat, shares=pathways.packed)
        if 0 <= now - session.begun < SETTLED and pathways.knows(was):
            return self._told(pathways, moved, first=was)
        return self._told(pathways, moved, has_moved=seat.target != was)

    def _told(  # noqa: PLR0913  what is told depends on all of it
        self,
        pathways: Pathways,
        session: Session,
        token: bytes = b"",
        *,
        is_new: bool = False,
        has_moved: bool = False,
        first: int | None = None,
    ) -> Steered:
        target = session.seat.target if first is None else first
        token = token or self._tokens.write(session)
        is_urgent = pathways.is_unwell or target != session.seat.target
        ttl = _spread((LEAST_TTL if is_urgent else self._ttl) * self._load, token)
        return Steered(
            pathways.route, token, pathways.names, pathways.order(target, session.slot), ttl, is_new, has_moved
        )

    def _new(self, pathways: Pathways, slot: int | None, now: int) -> Session:
        route = pathways.route
        ticket = self._books.of(route.config.id).take()
        if slot is None:
            slot = slot_of(b"%d %d" % (ticket, now))
        seat = pathways.seat_of_new(ticket, slot)
        return Session(route.config.id, now, slot, seat, pathways.packed)

    def _of(self, route: Route) -> Pathways:
        if self._redirects.plan is not self._plan:
            self._plan, before = self._redirects.plan, self._pathways
            kept = self._plan.routes.values() if self._plan else ()
            self._pathways = {route: pathways for route, pathways in before.items() if route in kept}
        found = self._pathways.get(route)
        if found is None:
            found = self._pathways[route] = Pathways(route)
            # Like the tickets of redirects, those of sessions begin a cycle when a schedule does.
            if isinstance(route.policy, Exact):
                self._books.of(route.config.id).follow(route.policy.cycle)
        return found

    def _count(self, now: int) -> None:
        """Measure how busy the process is, second by second."""
        if now != self._second:
            self._load = max(1.0, self._answers / self._busy) if now == self._second + 1 else 1.0
            self._second, self._answers = now, 0
        self._answers += 1


def _spread(ttl: float, token: bytes) -> int:
    """Return a time of about so many seconds, within the bounds, which differs from session to session."""
    factor = 1 + SPREAD * (crc32(token) / 2**31 - 1)
    return max(LEAST_TTL, round(min(ttl, MOST_TTL / (1 + SPREAD)) * factor))
