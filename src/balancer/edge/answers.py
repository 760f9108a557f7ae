"""The bytes of answers, for every lane the same: the application's answers have their fields in this order too."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from uvicorn.server import ServerState

from balancer import front_page, headers
from balancer.core.steering import documents as steering
from balancer.problems import MEDIA_TYPE, Problem
from balancer.telemetry.players import REQUEST_ID

CLOSE = b"connection: close\r\n"


def _lines(fields: Mapping[str, str]) -> bytes:
    return headers.lines(fields).encode("latin-1")


_PROBLEM = MEDIA_TYPE.encode()

_END = b"\r\n\r\n"
_END_AND_CLOSE = b"\r\n" + CLOSE + b"\r\n"

_STATUS_LINES = {status: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_ID = f"{REQUEST_ID}: ".encode()

_PLAYER = _lines(headers.PLAYER)
_PREFLIGHT = _lines(headers.PREFLIGHT)
_REPORT_PREFLIGHT = _lines(headers.REPORT_PREFLIGHT)
_SECURITY = _lines(headers.SECURITY)
_PAGE = _lines(front_page.HEADERS)
_NO_STORE = b"cache-control: no-store\r\n"


class Telling:
    """A problem, ready to be told to whoever has it.

    Args:
        status: Of the answer.
        before: The lines that stand before the request's id.
        after: The lines that stand behind it.
        body: In JSON.

    Attributes:
        common: The lines with the date of the second for which `begin` was made; None before any.
        begin: Of an answer on a connection that stays, all up to the request's id.
        end: The rest.
    """

    __slots__ = ("after", "before", "begin", "body", "common", "end", "status")

    def __init__(self, status: HTTPStatus, before: bytes, after: bytes, body: bytes) -> None:
        self.status = status
        self.before = before
        self.after = after
        self.body = body
        self.common: bytes | None = None
        self.begin = b""
        self.end = b"\r\n" + after + b"\r\n" + body

    def date(self, common: bytes) -> None:
        """Begin another second, whose answers have these lines."""
        self.common = common
        self.begin = _STATUS_LINES[self.status] + common + self.before + _ID


def tell_player(problem: Problem, more: dict[str, str]) -> Telling:
    """Make a problem ready for players, with fields that belong to it."""
    return _telling(problem, _PLAYER, more, b"")


def tell_stranger(problem: Problem, more: dict[str, str]) -> Telling:
    """Make a problem ready for whoever asks for what is not there, with fields that belong to it."""
    return _telling(problem, _NO_STORE, more, _SECURITY)


def _telling(problem: Problem, before: bytes, more: dict[str, str], after: bytes) -> Telling:
    body = msgspec.json.encode(problem)
    content = b"%b%bcontent-type: %b\r\ncontent-length: %d\r\n" % (before, _lines(more), _PROBLEM, len(body))
    return Telling(HTTPStatus(problem.status), content, after, body)


class Answers:
    """Makes answers for connections of one scheme.

    Args:
        state: The server's, with the date of this second.
        hsts: Seconds for which browsers are to ask by https alone (RFC 6797); 0 says nothing of it.

    Attributes:
        state: As above.
        dated: The date for which answers are ready: they are up to date as long as it is the state's.
        moved: All of a redirect up to the location, with that date.
    """

    def __init__(self, state: ServerState, hsts: int = 0) -> None:
        self.state = state
        self._own = [(b"strict-transport-security", b"max-age=%d" % hsts)] if hsts else []
        self.dated: list[tuple[bytes, bytes]] | None = None
        self.moved = self._steering = self._common = b""

    @property
    def own(self) -> list[tuple[bytes, bytes]]:
        """Fields that begin every answer, with the date (RFC 9110 §6.6.1)."""
        return self.state.default_headers + self._own

    def redirect(self) -> bytes:
        """Return all of a redirect up to the location."""
        if self.state.default_headers is not self.dated:
            self._begin_second()
        return self.moved

    def preflight(self, request_id: str, *, keep_alive: bool, is_report: bool = False) -> bytes:
        """Return the answer to a browser that asks whether it may ask, or whether it may report."""
        fields = _REPORT_PREFLIGHT if is_report else _PREFLIGHT
        return self._answer(HTTPStatus.NO_CONTENT, fields, request_id, keep_alive=keep_alive)

    def accepted(self, request_id: str, *, keep_alive: bool) -> bytes:
        """Return the answer to a report: there is nothing to say."""
        return self._answer(HTTPStatus.NO_CONTENT, _PLAYER, request_id, keep_alive=keep_alive)

    def steering(self, body: bytes, *, is_head: bool, keep_alive: bool) -> bytes:
        """Return the answer that tells a session where to be."""
        if self.state.default_headers is not self.dated:
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
        if request_id is None or is_head or not keep_alive:
            body = b"" if is_head else told.body
            return self._answer(told.status, told.before, request_id, told.after, body, keep_alive=keep_alive)
        # The same for what is told most, without the cost of putting it together.
        if self.state.default_headers is not self.dated:
            self._begin_second()
        if told.common is not self._common:
            told.date(self._common)
        return told.begin + request_id.encode() + told.end

    def page(self, page: bytes, request_id: str, *, is_head: bool, keep_alive: bool) -> bytes:
        """Return the answer to a person who asks where players ask."""
        content = f"content-type: {front_page.MEDIA_TYPE}\r\ncontent-length: {len(page)}\r\n".encode()
        before = _PLAYER + content + _PAGE
        return self._answer(HTTPStatus.OK, before, request_id, body=b"" if is_head else page, keep_alive=keep_alive)

    def _answer(  # noqa: PLR0913  an answer is made of what there is, in one go
        self,
        status: HTTPStatus,
        before: bytes,
        request_id: str | None,
        after: bytes = b"",
        body: bytes = b"",
        *,
        keep_alive: bool,
    ) -> bytes:
        if self.state.default_headers is not self.dated:
            self._begin_second()
        own_id = _ID + request_id.encode() + b"\r\n" if request_id else b""
        parts = (
            _STATUS_LINES[status],
            self._common,
            before,
            own_id,
            after,
            b"" if keep_alive else CLOSE,
            b"\r\n",
            body,
        )
        return b"".join(parts)

    def _begin_second(self) -> None:
        # uvicorn makes a new list each second, with the date.
        self.dated = self.state.default_headers
        self._common = b"".join(b"%b: %b\r\n" % field for field in self.own)
        moved, found = (
            _STATUS_LINES[status] + self._common + _PLAYER for status in (HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.OK)
        )
        self.moved = moved + b"content-length: 0\r\nlocation: "
        self._steering = b"%bcontent-type: %b\r\ncontent-length: " % (found, steering.MEDIA_TYPE.encode())
