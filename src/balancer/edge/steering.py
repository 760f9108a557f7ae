"""Answers sessions at `/steering`: always, at once and from memory alone, as some players ask and ask again."""

from http import HTTPStatus
from time import time

from balancer import headers
from balancer.core.clients.addresses import TrustedProxies
from balancer.core.steering.documents import PATH, Addresses, steering_list
from balancer.core.steering.steering import Steering
from balancer.edge.answers import tell_player
from balancer.edge.heads import Head, Start
from balancer.edge.players import Asker, client_of
from balancer.problems import not_allowed
from balancer.telemetry.metrics.meters import Meters
from balancer.telemetry.players import REQUEST_ID, request_id_of

_REQUEST_ID = REQUEST_ID.encode()


class SteeringAnswers:
    """Answers sessions.

    Args:
        steering: Decides.
        addresses: Know the address of this service.
        proxies: Those whose word on their clients counts.
        meters: Count what happens.
    """

    def __init__(self, steering: Steering, addresses: Addresses, proxies: TrustedProxies, meters: Meters) -> None:
        self._steering = steering
        self._addresses = addresses
        self._proxies = proxies
        self._meters = meters

    def answer(self, start: Start, head: Head, asker: Asker, *, keep_alive: bool) -> bytes:
        """Answer a request."""
        method = start.method
        if method not in {b"GET", b"HEAD"}:
            return self._answer_others(method, head, asker, keep_alive=keep_alive)
        steered = self._steering.steer(start.query, lambda: client_of(self._proxies, head, asker), int(time()))
        self._meters.steered(steered)
        told = head.joined(b"x-forwarded-proto") if self._proxies.trusts(asker.peer) else ""
        base = self._addresses.base(asker.scheme, head.joined(b"host"), told)
        body = steering_list(base, steered)
        return asker.answers.steering(body, is_head=method == b"HEAD", keep_alive=keep_alive)

    def _answer_others(self, method: bytes, head: Head, asker: Asker, *, keep_alive: bool) -> bytes:
        request_id = request_id_of(head.joined(_REQUEST_ID))
        if method == b"OPTIONS":
            self._meters.answered("steering", HTTPStatus.NO_CONTENT)
            return asker.answers.preflight(request_id, keep_alive=keep_alive)
        self._meters.answered("steering", HTTPStatus.METHOD_NOT_ALLOWED)
        problem = not_allowed(method.decode(), PATH, headers.PLAYER_METHODS)
        told = tell_player(problem, {"allow": headers.PLAYER_METHODS})
        return asker.answers.problem(told, request_id, keep_alive=keep_alive)
