"""What all connections of a process share: limits, answers, one clock instead of a timer each, and turns at work."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from time import monotonic
from typing import NamedTuple, Protocol, cast
from urllib.parse import unquote

from uvicorn.server import ServerState

from balancer.core.clients.addresses import TrustedProxies
from balancer.core.clients.quotas import Throttle
from balancer.core.errors import RateLimited
from balancer.core.routing.popular import Popular
from balancer.core.steering.documents import PATH
from balancer.core.urls.videos import MAX_VIDEO, PATH_FORM
from balancer.edge.answers import Telling, tell_stranger
from balancer.edge.asking import Asker, client_of
from balancer.edge.bodies import is_too_long
from balancer.edge.exchange import Application
from balancer.edge.heads import VERSION, Head, RecognizedHead, Start, recognize_rest, recognize_start
from balancer.edge.parser import HeadParser, ParsedHead
from balancer.edge.players import Players
from balancer.edge.reports import PATH as REPORTS
from balancer.edge.reports import ReportAnswers
from balancer.edge.steering import SteeringAnswers
from balancer.problems import TABLE, headers_of, not_found, problem_of
from balancer.telemetry.metrics.meters import Meters
from balancer.telemetry.players import REQUEST_ID, PlayerWatch, request_id_of

SWEEP = 0.5
"""Seconds between two looks for connections that have waited too long; limits of time are kept to within this."""

SLICE = 1000
"""Connections that are looked at in one turn of the loop."""

TURN = 0.001
"""Seconds of one turn of the loop that go to clients who have sent many requests at once."""

HEADS = 2048
"""Heads that are remembered as sound."""

LONGEST_HEAD = 1536
"""Bytes of the longest of them."""

PATHS = 512
"""Paths at which there is nothing, for which the answer is remembered."""

LONGEST_PATH = 256
"""Bytes of the longest of them."""

STEERING = PATH.encode()

_REQUEST_ID = REQUEST_ID.encode()
_END_OF_HEAD = b"\r\n\r\n"
_GET = b"GET "
_SESSION = _GET + STEERING
_SESSIONS = _SESSION + b"?"


@dataclass(frozen=True)
class Limits:
    """What one process grants its clients.

    Attributes:
        head_size: Bytes in a request's head; above it the answer is 431.
        head_time: Seconds from the first byte of a head to its last; then 408. As long again for a body.
        keep_alive: Seconds that an idle connection is kept.
        connections: Connections at one time; above it the answer is 503.
        client_connections: The same for one client, by its address; above it the answer is 429. 0 for no limit.
    """

    head_size: int
    head_time: float
    keep_alive: float
    connections: int
    client_connections: int = 0


class EdgeParts(NamedTuple):
    """What the edge needs of the application.

    Attributes:
        players: Answers the player's paths; None where the application does that itself, or nobody.
        steering: Answers sessions; None where there is none, or the application does that itself.
        paths: First segments of the paths that the application answers; None for all that there are.
        meters: Count what happens.
        proxies: Those whose word on their clients counts.
        watch: Sees what players are refused.
        strangers: Limits how often a client asks for what is not there; None for no limit.
        reports: Answers players that report; None where nobody is heard, or the application does that itself.
        on_leaving: Called when the process is about to end: what would never end by itself must.
    """

    players: Players | None
    steering: SteeringAnswers | None
    paths: frozenset[bytes] | None
    meters: Meters
    proxies: TrustedProxies
    watch: PlayerWatch
    strangers: Throttle | None = None
    reports: ReportAnswers | None = None
    on_leaving: Callable[[], None] | None = None


class Stage(Enum):
    """What a connection waits for."""

    REQUEST = auto()
    REST_OF_HEAD = auto()
    REST_OF_BODY = auto()
    OUR_ANSWER = auto()
    READER = auto()
    GOODBYE = auto()


class Waiting(Protocol):
    """A connection, as the clock and the turns see it.

    Attributes:
        waiting_since: When it began to wait, by the loop's clock.
        patience: Seconds that it may.
    """

    waiting_since: float
    patience: float

    def expire(self) -> None:
        """End what has taken too long."""
        ...

    def advance(self) -> None:
        """Answer some more of what has come."""
        ...


class Process:
    """What all connections of a process share.

    Args:
        limits: What each of them is granted.
        parts: Of the application.
        application: Answers what the edge does not.
        state: The server's, with its connections.
        loop: Runs the clock.

    Attributes:
        now: The time of the last look at the clock, by the loop's clock.
        heads: Those that are known to be sound.
        keep_alive: Seconds that an idle connection is kept.
        quick_size: Bytes of the longest request that is answered without a look at its parts: none of them is too long.
    """

    def __init__(
        self,
        limits: Limits,
        parts: EdgeParts,
        application: Application,
        state: ServerState,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.limits = limits
        self.keep_alive = limits.keep_alive
        self.quick_size = min(limits.head_size, MAX_VIDEO)
        self.players, self._steering, self._paths, self.meters, self.proxies = parts[:5]
        self._watch, self._strangers, self._reports = parts.watch, parts.strangers, parts.reports
        self.application = application
        self.state = state
        self.loop = loop
        self.now = loop.time()
        self.parser = HeadParser()
        self.heads: Popular[RecognizedHead] = Popular(HEADS)
        # Heads of reports that can be answered as soon as their bodies have come.
        self._report_heads: Popular[ParsedHead] = Popular(HEADS)
        # By path, what those are told who ask for what is not there.
        self._nothing: Popular[Telling] = Popular(PATHS)
        self._clients: Counter[str] = Counter()
        self._backlog: deque[Waiting] = deque()
        self._is_working = False
        self.meters.show("connection-limit", limits.connections)
        loop.call_later(SWEEP, self._look_at_clock)

    @property
    def is_behind(self) -> bool:
        """Whether clients wait for their turn."""
        return bool(self._backlog)

    def head_of(self, rest: bytes) -> RecognizedHead | None:
        """Read a head from the space before the version to its end, None when it is not sound beyond doubt."""
        found = self.heads.get(rest)
        if found is None and (found := recognize_rest(rest)) is not None and len(rest) <= LONGEST_HEAD:
            self.heads.offer(rest, found)
        return found

    def is_own(self, start: Start) -> bool:
        """Tell whether the edge answers a request, and not the application."""
        path = start.path
        if _is_player(path) and self.players is not None:
            return True
        if (path == STEERING and self._steering is not None) or (path == REPORTS and self._reports is not None):
            return True
        if path != b"/" and (path.startswith(b"//") or path.endswith(b"/") or b"%" in path):
            # The framework would take these for paths that it has, and a proxy's rule for those would not know them.
            return True
        return self._paths is not None and path.partition(b"/")[2].partition(b"/")[0] not in self._paths

    def wants_body(self, start: Start) -> bool:
        """Tell whether a request of the edge's own is to be answered with its body, and not before it has come."""
        return self._reports is not None and start.path == REPORTS and start.method == b"POST"

    def parse(self, head: bytes) -> ParsedHead:
        """Parse a head, and remember that of a report behind which nothing but its body is to be waited for.

        Raises:
            MalformedHead: When it breaks the rules of HTTP.
        """
        parsed = self.parser.parse(head)
        if (
            self.wants_body(parsed.start)
            and parsed.keep_alive
            and not is_too_long(parsed.body)
            and not parsed.values(b"expect")
            and len(head) <= LONGEST_HEAD
        ):
            self._report_heads.offer(head, parsed)
        return parsed

    def answer_report(self, data: bytes, asker: Asker) -> bytes | None:
        """Answer a report that has come as a whole and with a head that is known; None for anything else.

        A player sends many with the same head, and to parse it costs more than what it reports.
        """
        end = data.find(_END_OF_HEAD) + len(_END_OF_HEAD)
        head = self._report_heads.get(data[:end])
        if head is None or head.body != len(data) - end or self._reports is None:
            return None
        return self._reports.answer(head.start, head, asker, data[end:], keep_alive=True)

    def answer_recognized(self, start: bytes, head: Head, asker: Asker) -> bytes | None:
        """Answer a request whose head is recognised; None where it is the application's, or not sound beyond doubt.

        Args:
            start: What came before the rest of the head; it may hold whole requests that came with this one.
            head: The rest of the head.
            asker: Who asks.
        """
        if (
            self._steering is not None
            and (start.startswith(_SESSIONS) or start == _SESSION)
            and start.find(VERSION) < 0
            and (answer := self._steering.answer_quickly(start[len(_SESSIONS) :], head, asker)) is not None
        ):
            return answer
        if start.startswith(_GET) and (told := self._nothing.get(start[len(_GET) :])) is not None:
            return self._answer_nothing(told, head, asker, is_head=False, keep_alive=head.keep_alive)
        asked = recognize_start(start)
        if asked is None or not self.is_own(asked):
            return None
        return self.answer(asked, head, asker, keep_alive=head.keep_alive)

    def answer(self, start: Start, head: Head, asker: Asker, body: bytes | None = b"", *, keep_alive: bool) -> bytes:
        """Answer a request of the edge's own: a player's, a session's, or one for a path at which there is nothing.

        Args:
            start: Its method, path and query.
            head: The rest of its head.
            asker: Who asks.
            body: Where that is wanted; None for one that is too long.
            keep_alive: Whether the connection stays open behind the answer.
        """
        path = start.path
        if _is_player(path) and self.players is not None:
            return self.players.answer(start, head, asker, keep_alive=keep_alive)
        if path == STEERING and self._steering is not None:
            return self._steering.answer(start, head, asker, keep_alive=keep_alive)
        if path == REPORTS and self._reports is not None:
            return self._reports.answer(start, head, asker, body, keep_alive=keep_alive)
        told = self._find_nothing(path)
        return self._answer_nothing(told, head, asker, is_head=start.method == b"HEAD", keep_alive=keep_alive)

    def _find_nothing(self, path: bytes) -> Telling:
        """Return what those are told who ask for a path at which there is nothing, and remember it."""
        told = self._nothing.get(path)
        if told is None:
            told = tell_stranger(not_found(unquote(path.decode("ascii"))), {})
            if len(path) <= LONGEST_PATH:
                self._nothing.offer(path, told)
        return told

    def _answer_nothing(self, told: Telling, head: Head, asker: Asker, *, is_head: bool, keep_alive: bool) -> bytes:
        """Answer a request for a path at which there is nothing, with this unless its client asks too often."""
        begun, code, throttle = monotonic(), "not-found", self._strangers
        client = asker.client or client_of(self.proxies, head, asker)
        if throttle is not None:
            wait = throttle.charge(client, begun)
            if wait > 0:
                self.meters.limited(throttle.name)
                error = throttle.refusal(wait)
                told, code = tell_stranger(problem_of(error), headers_of(error)), TABLE[RateLimited].name
        self.meters.answered("unknown", told.status)
        if self._watch.sees_refusals:
            self._watch.lost(told.status, code, client, begun)
        return asker.answers.problem(
            told, request_id_of(head.joined(_REQUEST_ID)), is_head=is_head, keep_alive=keep_alive
        )

    def admit(self, client: str) -> bool:
        """Count a connection of a client, and tell whether it may have it."""
        self._clients[client] += 1
        return self._clients[client] <= self.limits.client_connections

    def release(self, client: str) -> None:
        """Count a connection of a client no more."""
        self._clients[client] -= 1
        if not self._clients[client]:
            del self._clients[client]

    def put_off(self, connection: Waiting) -> None:
        """Let a connection go on when it is its turn; others come before it."""
        self._backlog.append(connection)
        if not self._is_working:
            self._is_working = True
            self.loop.call_soon(self._work)

    def _work(self) -> None:
        end = monotonic() + TURN
        while self._backlog:
            self._backlog.popleft().advance()
            if monotonic() > end:
                break
        self._is_working = bool(self._backlog)
        if self._is_working:
            self.loop.call_soon(self._work)

    def _look_at_clock(self) -> None:
        self.now = self.loop.time()
        self.meters.show("connections", len(self.state.connections))
        self._sweep(cast(list[Waiting], list(self.state.connections)))
        self.loop.call_later(SWEEP, self._look_at_clock)

    def _sweep(self, connections: list[Waiting]) -> None:
        """End what has waited too long, some connections in each turn of the loop."""
        now = self.now
        for connection in connections[-SLICE:]:
            if now - connection.waiting_since > connection.patience:
                connection.expire()
        del connections[-SLICE:]
        if connections:
            self.loop.call_soon(self._sweep, connections)


def _is_player(path: bytes) -> bool:
    return path == b"/" or (path.startswith(PATH_FORM) and path != PATH_FORM)
