"""The bytes of answers, for every lane the same: the application's answers have their fields in this order too."""

from http import HTTPStatus
from typing import NamedTuple

import msgspec
from uvicorn.server import ServerState

from balancer import front_page, headers
from balancer.core.steering import documents as steering
from balancer.problems import MEDIA_TYPE, Problem
from balancer.telemetry.players import REQUEST_ID

CLOSE = b"connection: close\r\n"

_END = b"\r\n\r\n"
_END_AND_CLOSE = b"\r\n" + CLOSE + b"\r\n"

_PLAYER = headers.lines(headers.PLAYER)
_PREFLIGHT = headers.lines(headers.PREFLIGHT)
_REPORT_PREFLIGHT = headers.lines(headers.REPORT_PREFLIGHT)
_SECURITY = headers.lines(headers.SECURITY)
_PAGE = headers.lines(front_page.HEADERS)


class Telling(NamedTuple):
    """A problem, ready to be told to whoever has it.

    Attributes:
        status: Of the answer.
        before: The lines that stand before those of the body.
        body: In JSON.
        after: The lines that stand behind them.
    """

    status: HTTPStatus
    before: str
    body: bytes
    after: str = ""


def tell_player(problem: Problem, more: dict[str, str]) -> Telling:
    """Make a problem ready for players, with fields that belong to it."""
    return Telling(HTTPStatus(problem.status), _PLAYER + headers.lines(more), msgspec.json.encode(problem))


def tell_stranger(problem: Problem, more: dict[str, str]) -> Telling:
    """Make a problem ready for whoever asks for what is not there, with fields that belong to it."""
    before = "cache-control: no-store\r\n" + headers.lines(more)
    return Telling(HTTPStatus(problem.status), before, msgspec.json.encode(problem), after=_SECURITY)


class Answers:
    """Makes answers for connections of one scheme.

    Args:
        state: The server's, with the date of this second.
        hsts: Seconds for which browsers are to ask by https alone (RFC 6797); 0 says nothing of it.
    """

    def __init__(self, state: ServerState, hsts: int = 0) -> None:
        self._state = state
        self._own = [(b"strict-transport-security", b"max-age=%d" % hsts)] if hsts else []
        self._dated: list[tuple[bytes, bytes]] | None = None
        self._redirect = self._steering = b""
        self._common = ""

    @property
    def own(self) -> list[tuple[bytes, bytes]]:
        """Fields that begin every answer, with the date (RFC 9110 §6.6.1)."""
        return self._state.default_headers + self._own

    def redirect(self) -> bytes:
        """Return all of a redirect up to the location."""
        if self._state.default_headers is not self._dated:
            self._begin_second()
        return self._redirect

    def preflight(self, request_id: str, *, keep_alive: bool, is_report: bool = False) -> bytes:
        """Return the answer to a browser that asks whether it may ask, or whether it may report."""
        fields = _REPORT_PREFLIGHT if is_report else _PREFLIGHT
        return self._head(HTTPStatus.NO_CONTENT, f"{fields}{REQUEST_ID}: {request_id}\r\n", keep_alive=keep_alive)

    def accepted(self, request_id: str, *, keep_alive: bool) -> bytes:
        """Return the answer to a report: there is nothing to say."""
        return self._head(HTTPStatus.NO_CONTENT, f"{_PLAYER}{REQUEST_ID}: {request_id}\r\n", keep_alive=keep_alive)

    def steering(self, body: bytes, *, is_head: bool, keep_alive: bool) -> bytes:
        """Return the answer that tells a session where to be."""
        if self._state.default_headers is not self._dated:
            self._begin_second()
        end = _END if keep_alive else _END_AND_CLOSE
        return b"%b%d%b%b" % (self._steering, len(body), end, b"" if is_head else body)

    def problem(
        self, told: Telling, request_id: str | None, *, is_head: bool = False, keep_alive: bool = True
    ) -> bytes:
        """Return the answer that tells a problem.

        Args:
            told: What is told.
            request_id: Of the request; None where there is no request yet.
            is_head: Whether the method is HEAD.
            keep_alive: Whether the connection stays.
        """
        status, before, body, after = told
        own_id = f"{REQUEST_ID}: {request_id}\r\n" if request_id else ""
        fields = f"{before}content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n{own_id}{after}"
        head = self._head(status, fields, keep_alive=keep_alive)
        return head if is_head else head + body

    def page(self, page: bytes, request_id: str, *, is_head: bool, keep_alive: bool) -> bytes:
        """Return the answer to a person who asks where players ask."""
        fields = f"{_PLAYER}content-type: {front_page.MEDIA_TYPE}\r\ncontent-length: {len(page)}\r\n{_PAGE}"
        head = self._head(HTTPStatus.OK, f"{fields}{REQUEST_ID}: {request_id}\r\n", keep_alive=keep_alive)
        return head if is_head else head + page

    def _head(self, status: HTTPStatus, fields: str, *, keep_alive: bool) -> bytes:
        if self._state.default_headers is not self._dated:
            self._begin_second()
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\n{self._common}{fields}".encode("latin-1")
        return head + (b"\r\n" if keep_alive else CLOSE + b"\r\n")

    def _begin_second(self) -> None:
        # uvicorn makes a new list each second, with the date.
        self._dated = self._state.default_headers
        self._common = b"".join(b"%b: %b\r\n" % field for field in self.own).decode("latin-1")
        head = f"HTTP/1.1 301 Moved Permanently\r\n{self._common}{_PLAYER}content-length: 0\r\nlocation: "
        self._redirect = head.encode("latin-1")
        head = f"HTTP/1.1 200 OK\r\n{self._common}{_PLAYER}content-type: {steering.MEDIA_TYPE}\r\ncontent-length: "
        self._steering = head.encode("latin-1")
