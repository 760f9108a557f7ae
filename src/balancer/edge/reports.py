"""Answers players that report events of their playback, `POST /cmcd`: from memory alone, whatever they send."""

from http import HTTPStatus
from time import monotonic, time

from balancer import headers
from balancer.core.cmcd.reading import MAX_BODY
from balancer.core.quality.hearing import Hearing
from balancer.edge.answers import Telling, tell_player
from balancer.edge.asking import Asker, PlayerGate
from balancer.edge.heads import Head, Start
from balancer.problems import generic, headers_of, not_allowed, problem_of
from balancer.telemetry.metrics.meters import Meters
from balancer.telemetry.players import REQUEST_ID, request_id_of

PATH = headers.REPORTS.encode()

SURFACE = "reports"

_REQUEST_ID = REQUEST_ID.encode()
_TOO_LONG = tell_player(generic(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is longer than {MAX_BODY} bytes."), {})


class ReportAnswers:
    """Answers whoever reports.

    Args:
        hearing: Takes in what is reported.
        gate: Says which clients ask too often, and whose word on their clients counts.
        meters: Count what happens.
    """

    def __init__(self, hearing: Hearing, gate: PlayerGate, meters: Meters) -> None:
        self._hearing = hearing
        self._throttle, self._proxies = gate
        self._meters = meters

    def answer(self, start: Start, head: Head, asker: Asker, body: bytes | None, *, keep_alive: bool) -> bytes:
        """Answer a request.

        Args:
            start: Its method and path.
            head: The rest of its head.
            asker: Who asks.
            body: None for one that is too long.
            keep_alive: Whether the connection stays open behind the answer.
        """
        request_id = request_id_of(head.joined(_REQUEST_ID))
        if start.method == b"OPTIONS":
            self._meters.answered(SURFACE, HTTPStatus.NO_CONTENT)
            return asker.answers.preflight(request_id, keep_alive=keep_alive, is_report=True)
        told = self._refusal_of(start, head, asker, body)
        if told is not None:
            self._meters.answered(SURFACE, told.status)
            is_head = start.method == b"HEAD"
            return asker.answers.problem(told, request_id, is_head=is_head, keep_alive=keep_alive)
        if body:
            self._hearing.hear_events(body, self._proxies.address_of(asker.peer, head.joined), int(time()))
        self._meters.answered(SURFACE, HTTPStatus.NO_CONTENT)
        return asker.answers.accepted(request_id, keep_alive=keep_alive)

    def _refusal_of(self, start: Start, head: Head, asker: Asker, body: bytes | None) -> Telling | None:
        if start.method != b"POST":
            problem = not_allowed(start.method.decode(), headers.REPORTS, headers.REPORT_METHODS)
            return tell_player(problem, {"allow": headers.REPORT_METHODS})
        throttle = self._throttle
        if throttle is not None:
            client, begun = self._proxies.key_of(asker.peer, head.joined), monotonic()
            wait = throttle.charge(client, begun)
            if wait > 0:
                self._meters.limited(throttle.name)
                error = throttle.refusal(wait)
                return tell_player(problem_of(error), headers_of(error))
        return _TOO_LONG if body is None else None
