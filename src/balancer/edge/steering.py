"""Answers sessions at `/steering`: always, at once and from memory alone, as some players ask and ask again."""

import re
from http import HTTPStatus
from time import time

from balancer import headers
from balancer.core.clients.addresses import TrustedProxies
from balancer.core.quality.hearing import PARAMETER, Hearing
from balancer.core.routing.popular import Popular
from balancer.core.steering.documents import PATH, Addresses, steering_list
from balancer.core.steering.steering import Steered, Steering
from balancer.edge.answers import tell_player
from balancer.edge.asking import Asker, who_asks
from balancer.edge.heads import Head, Start
from balancer.edge.players import POPULAR
from balancer.problems import not_allowed
from balancer.telemetry.metrics.meters import Meters
from balancer.telemetry.players import REQUEST_ID, request_id_of

# What this server gave, and what a player adds to it, in characters that need no care.
_PLAIN = re.compile(rb"(?:config=[0-9]{1,10}&)?session=([A-Za-z0-9_-]{1,1024})(?:&_[A-Za-z0-9_=&%.,-]*+)?")
_REQUEST_ID = REQUEST_ID.encode()


class SteeringAnswers:
    """Answers sessions.

    Args:
        steering: Decides.
        addresses: Know the address of this service.
        proxies: Those whose word on their clients counts.
        meters: Count what happens.
        hearing: Takes in what players report with their requests; None where nobody is heard.
    """

    def __init__(
        self,
        steering: Steering,
        addresses: Addresses,
        proxies: TrustedProxies,
        meters: Meters,
        hearing: Hearing | None = None,
    ) -> None:
        self._steering = steering
        self._addresses = addresses
        self._proxies = proxies
        self._meters = meters
        self._hearing = hearing
        self._edition: object = None
        # By query: what sessions whose state stays as it is are told.
        self._popular: Popular[Steered] = Popular(POPULAR)

    def answer_quickly(self, query: bytes, head: Head, asker: Asker) -> bytes | None:
        """Answer a GET whose query is plain: of a session that goes on, or begins; None leaves it to `answer`."""
        steering = self._steering
        if steering.edition is not self._edition:
            self._popular.clear()
            self._edition = steering.edition
        now = int(time())
        steered = self._popular.get(query)
        if steered is not None:
            steering.count(now)
        elif (found := _PLAIN.fullmatch(query)) is None:
            steered = steering.begin_quickly(query, now)
        else:
            steered = steering.go_on(found[1], query, now)
            if steered is not None and steered.token == found[1] and steering.edition is self._edition:
                # The state stays as it is, and so does the answer while nothing changes.
                self._popular.offer(query, steered)
        if steered is None:
            return None
        if self._hearing is not None:
            self._hear(self._hearing, query, steered, head, asker)
        return self._tell(steered, head, asker, is_head=False, keep_alive=head.keep_alive)

    def answer(self, start: Start, head: Head, asker: Asker, *, keep_alive: bool) -> bytes:
        """Answer a request."""
        method = start.method
        if method not in {b"GET", b"HEAD"}:
            return self._answer_others(method, head, asker, keep_alive=keep_alive)
        steered = self._steering.steer(start.query, lambda: who_asks(self._proxies, head, asker), int(time()))
        if self._hearing is not None and steered is not None:
            self._hear(self._hearing, start.query, steered, head, asker)
        return self._tell(steered, head, asker, is_head=method == b"HEAD", keep_alive=keep_alive)

    def _hear(self, hearing: Hearing, query: bytes, steered: Steered, head: Head, asker: Asker) -> None:
        """Take in the report that goes with a request, if it has one."""
        if head.cmcd or query.find(PARAMETER) >= 0:
            target = steered.route.config.document.targets[steered.first]
            address = self._proxies.address_of(asker.peer, head.joined)
            hearing.hear_request(query, head.cmcd, target.name, address, int(time()))

    def _tell(self, steered: Steered | None, head: Head, asker: Asker, *, is_head: bool, keep_alive: bool) -> bytes:
        self._meters.steered(steered)
        proxies = self._proxies
        told = head.joined(b"x-forwarded-proto") if proxies.are_named and proxies.trusts(asker.peer) else ""
        base = self._addresses.base(asker.scheme, head.joined(b"host"), told)
        body = steering_list(base, steered)
        return asker.answers.steering(body, is_head=is_head, keep_alive=keep_alive)

    def _answer_others(self, method: bytes, head: Head, asker: Asker, *, keep_alive: bool) -> bytes:
        request_id = request_id_of(head.joined(_REQUEST_ID))
        if method == b"OPTIONS":
            self._meters.answered("steering", HTTPStatus.NO_CONTENT)
            return asker.answers.preflight(request_id, keep_alive=keep_alive)
        self._meters.answered("steering", HTTPStatus.METHOD_NOT_ALLOWED)
        problem = not_allowed(method.decode(), PATH, headers.PLAYER_METHODS)
        told = tell_player(problem, {"allow": headers.PLAYER_METHODS})
        return asker.answers.problem(told, request_id, keep_alive=keep_alive)
