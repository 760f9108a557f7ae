"""Steers sessions: the same policies that redirect decide where players that stay are to be."""

from collections.abc import Callable
from typing import NamedTuple
from zlib import crc32

from balancer.core.routing.decisions import Asked, Plan
from balancer.core.routing.policies import Exact
from balancer.core.routing.redirects import Redirects
from balancer.core.routing.routes import Client, Route
from balancer.core.routing.sticky import slot_of
from balancer.core.routing.tickets import TicketBooks
from balancer.core.steering.beginnings import Beginnings, read_plain
from balancer.core.steering.pathways import Pathways
from balancer.core.steering.reports import Report, read_report
from balancer.core.steering.sessions import slot_without_key
from balancer.core.steering.tokens import Session, Tokens

LEAST_TTL = 10
"""Seconds that every answer holds at least: players flood a server whose answers hold for none."""

MOST_TTL = 300
"""Seconds that an answer holds at most: what players take where none is named (draft-pantos-content-steering §7.1)."""

SETTLED = 15
"""Seconds from a manifest in which its session is told to stay at first, while its target is usable: hls.js may never
start when the first answer disagrees with the manifest."""

BUSY = 5_000
"""Answers of a process within a second from which on it is busy, so that sessions are told to come less often."""

SPREAD = 0.1
"""How much shorter or longer than another an answer may hold, so that sessions do not come in step."""

_MOST, _SHORTEST, _RANGE = MOST_TTL / (1 + SPREAD), 1 - SPREAD, 2 * SPREAD


class Steered(NamedTuple):
    """What a session is told.

    Attributes:
        route: By which it was steered.
        token: Its state, for the URL that it asks next.
        first: The index of the target that it is to use.
        pathways: The names of all targets that it may use, best first, as a list in JSON.
        ttl: Seconds until it is to ask again.
        is_new: Whether it had no state before.
        has_moved: Whether it is told to leave the target where it was.
    """

    route: Route
    token: bytes
    first: int
    pathways: bytes
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

    Attributes:
        edition: Another object as soon as an answer may differ from what it was before.
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
        self._beginnings: dict[Route, Beginnings] = {}
        self._second = self._answers = 0
        self._load = 1
        self.edition: object = object()

    def begin(self, asked: Asked, client: Client, now: int, token: bytes = b"") -> Steered:
        """Return what a manifest tells a session: the one that it begins, or one that goes on.

        A session that is to move finds its new target first here, but its token says still where it was: the move is
        made, and counted, when the session asks the steering server.

        Args:
            asked: What it asks for, on the route that it takes.
            client: Who asks.
            now: The time in Unix seconds.
            token: Of a session. One of another config than the route's counts for nothing: whoever has it is not to
                get by it what the rules keep from him.
        """
        route = asked.route
        pathways = self._of(route)
        session = self._tokens.read(token)
        if session is None or session.config_id != route.config.id:
            session = self._new(pathways, slot_of(route.key_of(asked.video, asked.carried, client)), now)
            return self._told(pathways, session, session.target, is_new=True)
        if session.shares == pathways.packed:
            return self._told(pathways, session, session.target, token)
        session, first = self._followed(pathways, session, now)
        return self._told(pathways, session, first)

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
        report = read_report(query)
        found = self.go_on(report.token, query, now)
        if found is not None:
            return found
        self.count(now)
        route = plan.routes.get(report.config_id or 0, plan.default)
        return self._start(self._of(route), report, route.own_key(query, client()), now)

    def begin_quickly(self, query: bytes, now: int) -> Steered | None:
        """Do the same for a session that begins and whose query is plain; None leaves it to `steer`.

        Args:
            query: The raw query string.
            now: The time in Unix seconds.
        """
        plan = self._redirects.plan
        if plan is None or (read := read_plain(query)) is None:
            return None
        config_id, pathway = read
        route = plan.routes.get(config_id, plan.default) if config_id else plan.default
        beginnings = self._beginnings.get(route) if plan is self._plan else None
        if beginnings is None and (beginnings := self._beginnings_of(route)) is None:
            return None
        self.count(now)
        token, first, listed, position, is_urgent = beginnings.begin(pathway, now)
        ttl = _spread((LEAST_TTL if is_urgent else self._ttl) * self._load, position)
        return Steered(route, token, first, listed, ttl, True, False)

    def go_on(self, token: bytes, query: bytes, now: int) -> Steered | None:
        """Return what the session with this token is told; None for anything but a token that counts here.

        Args:
            token: Of the session.
            query: The raw query string in which it came, which may say where the player is.
            now: The time in Unix seconds.
        """
        plan = self._redirects.plan
        session = self._tokens.read(token)
        if session is None or plan is None or (route := plan.routes.get(session.config_id)) is None:
            return None
        self.count(now)
        pathways = self._of(route)
        first = session.target
        if session.shares != pathways.packed:
            session, first = self._followed(pathways, session, now)
        elif session.told == first:
            return self._told(pathways, session, first, token)
        if session.told == first:
            return self._told(pathways, session, first)
        report = read_report(query)
        # dash.js comes back by the URL in its manifest, with the state of then, to where it was sent in between.
        is_there = report.is_back and crc32(report.pathway.encode()) == first
        return self._told(pathways, session._replace(told=first), first, has_moved=not is_there)

    def _followed(self, pathways: Pathways, session: Session, now: int) -> tuple[Session, int]:
        """Return a session under other shares than those of its token, and which target it is to use at present."""
        target, position = pathways.seat_of(session)
        is_settling = 0 <= now - session.begun < SETTLED and pathways.usable(session.told)
        session = session._replace(target=target, position=position, shares=pathways.packed)
        return session, session.told if is_settling else target

    def _start(self, pathways: Pathways, report: Report, key: bytes, now: int) -> Steered:
        """Begin a session of a manifest that names this server but no session."""
        session = self._new(pathways, slot_of(key) if key else None, now)
        reported = crc32(report.pathway.encode())
        if not pathways.usable(reported):
            return self._told(pathways, session, session.target, is_new=True)
        if report.is_back and pathways.serves(reported) and pathways.is_exact:
            # dash.js comes back by the URL in its manifest: it would be a new session every other time.
            session = session._replace(target=reported)
        # The first answer agrees with where the player is, and the token says where it is to be.
        return self._told(pathways, session._replace(told=reported), reported, is_new=True)

    def _told(  # noqa: PLR0913  what is told depends on all of it
        self,
        pathways: Pathways,
        session: Session,
        first: int,
        token: bytes = b"",
        *,
        is_new: bool = False,
        has_moved: bool = False,
    ) -> Steered:
        token = token or self._tokens.write(session)
        is_urgent = pathways.is_unwell or first != session.target
        ttl = _spread((LEAST_TTL if is_urgent else self._ttl) * self._load, session.position)
        first_index, listed = pathways.listed(first, session.slot)
        return Steered(pathways.route, token, first_index, listed, ttl, is_new, has_moved)

    def _new(self, pathways: Pathways, slot: int | None, now: int) -> Session:
        route = pathways.route
        ticket = self._books.of(route.config.id).take()
        if slot is None:
            slot = slot_without_key(ticket, now)
        target, position = pathways.seat_of_new(ticket, slot)
        return Session(route.config.id, now, slot, target, position, pathways.packed, target)

    def _of(self, route: Route) -> Pathways:
        if self._redirects.plan is not self._plan:
            self._plan, before = self._redirects.plan, self._pathways
            self.edition = object()
            kept = self._plan.routes.values() if self._plan else ()
            self._pathways = {route: pathways for route, pathways in before.items() if route in kept}
            self._beginnings = {}
        found = self._pathways.get(route)
        if found is None:
            found = self._pathways[route] = Pathways(route)
            # Like the tickets of redirects, those of sessions begin a cycle when a schedule does.
            if isinstance(route.policy, Exact):
                self._books.of(route.config.id).follow(route.policy.cycle)
        return found

    def _beginnings_of(self, route: Route) -> Beginnings | None:
        """Return what begins the sessions of a route; None where it takes more than a ticket to begin one."""
        pathways = self._of(route)
        if not pathways.is_exact or pathways.has_keys:
            return None
        found = self._beginnings.get(route)
        if found is None:
            take = self._books.of(route.config.id).take
            found = self._beginnings[route] = Beginnings(pathways, self._tokens, take)
        return found

    def count(self, now: int) -> None:
        """Count an answer, also one that was remembered, to know second by second how busy the process is."""
        if self._redirects.plan is not self._plan:
            self.edition = object()
        if now != self._second:
            load = max(1, self._answers // self._busy) if now == self._second + 1 else 1
            if load != self._load:
                self._load, self.edition = load, object()
            self._second, self._answers = now, 0
        self._answers += 1


def _spread(ttl: float, position: float) -> int:
    """Return a time of about so many seconds, within the bounds, which differs from session to session."""
    return max(LEAST_TTL, round(min(ttl, _MOST) * (_SHORTEST + _RANGE * position)))
