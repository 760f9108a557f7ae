"""What players are told that get no redirect."""

import math
from enum import Enum, auto
from http import HTTPStatus
from typing import NamedTuple

from balancer import headers
from balancer.core.clients.addresses import TrustedProxies
from balancer.core.clients.quotas import Throttle
from balancer.core.errors import BalancerError, RateLimited
from balancer.core.refusals import Refusal, RefusalReason
from balancer.edge.answers import Telling, tell_player
from balancer.edge.asking import Asker, client_of
from balancer.edge.heads import Head
from balancer.front_page import is_persons
from balancer.problems import TABLE, headers_of, not_allowed, problem_of
from balancer.telemetry.metrics.meters import Meters
from balancer.telemetry.players import REQUEST_ID, PlayerWatch, request_id_of

REFUSALS = 512
"""Different refusals of which the bytes are shared."""

_REQUEST_ID = REQUEST_ID.encode()


class Refused(NamedTuple):
    """Why a request is refused, ready to be told.

    Attributes:
        told: The problem.
        code: Its name in the log.
        reason: What is wrong with the video, None when it is something else.
        cells: Where it is counted.
    """

    told: Telling
    code: str
    reason: RefusalReason | None
    cells: tuple[int, ...]


class Preflight(Enum):
    """A browser asks whether it may ask, and is told the same whatever it wants."""

    ASKED = auto()


class Refusals:
    """Tells players why they get no redirect.

    Args:
        meters: Count what happens.
        watch: Sees each refusal.
        proxies: Those whose word on their clients counts.
        page: What a person is shown who asks for no video.
    """

    def __init__(self, meters: Meters, watch: PlayerWatch, proxies: TrustedProxies, page: bytes) -> None:
        self._meters = meters
        self._watch = watch
        self._proxies = proxies
        self._page = page
        # By class, reason and message of the fault.
        self._shared: dict[tuple[type[Refusal], RefusalReason, str], Refused] = {}
        # What clients that ask too often were told last, and for how many seconds.
        self._told_to_wait: tuple[int, Refused] | None = None

    def for_video(self, error: Refusal) -> Refused:
        """Return what those are told who ask for a video that is refused."""
        # Videos that are refused for the same reason share the bytes: they are ready, and in the processor's caches.
        key = type(error), error.reason, str(error)
        refused = self._shared.get(key)
        if refused is None:
            refused = self._refused(tell_player(problem_of(error), headers_of(error)), error.reason, error.reason)
            if len(self._shared) >= REFUSALS:
                self._shared.clear()
            self._shared[key] = refused
        return refused

    def for_fault(self, error: BalancerError) -> Refused:
        """Return what is told where this fault keeps the service from redirecting."""
        return self._refused(tell_player(problem_of(error), headers_of(error)), TABLE[type(error)].name)

    def for_method(self, method: str, path: str) -> Refused:
        """Return what is told where a method does not fit this path."""
        problem = not_allowed(method, path, headers.PLAYER_METHODS)
        return self._refused(tell_player(problem, {"allow": headers.PLAYER_METHODS}), "method-not-allowed")

    def for_haste(self, throttle: Throttle, wait: float) -> Refused:
        """Return what clients are told that have to wait for so many seconds."""
        seconds = math.ceil(wait)
        if self._told_to_wait is None or self._told_to_wait[0] != seconds:
            # Whoever asks too often is told whole seconds, and mostly the same as the one before.
            error = throttle.refusal(wait)
            refused = self._refused(tell_player(problem_of(error), headers_of(error)), TABLE[RateLimited].name)
            limited = self._meters.cell_of_limited(throttle.name)
            self._told_to_wait = seconds, refused._replace(cells=(*refused.cells, limited))
        return self._told_to_wait[1]

    def tell(  # noqa: PLR0913  of a request that is only refused nothing is put together
        self, refused: Refused, head: Head, asker: Asker, begun: float, *, is_head: bool, keep_alive: bool
    ) -> bytes:
        """Return the answer to a request that is refused, and count it."""
        told, code, reason, cells = refused
        request_id = request_id_of(head.joined(_REQUEST_ID))
        if self._page and reason is RefusalReason.VIDEO_MISSING and is_persons(head.joined(b"accept")):
            self._meters.answered("player", HTTPStatus.OK)
            return asker.answers.page(self._page, request_id, is_head=is_head, keep_alive=keep_alive)
        words = self._meters.words
        for cell in cells:
            words[cell] += 1
        if self._watch.sees_refusals:
            self._watch.refused(told.status, code, client_of(self._proxies, head, asker), begun)
        return asker.answers.problem(told, request_id, is_head=is_head, keep_alive=keep_alive)

    def permit(self, head: Head, asker: Asker, *, keep_alive: bool) -> bytes:
        """Tell a browser that it may ask."""
        self._meters.answered("player", HTTPStatus.NO_CONTENT)
        return asker.answers.preflight(request_id_of(head.joined(_REQUEST_ID)), keep_alive=keep_alive)

    def _refused(self, told: Telling, code: str, reason: RefusalReason | None = None) -> Refused:
        return Refused(told, code, reason, self._meters.cells_of_refusal(told.status, reason))
