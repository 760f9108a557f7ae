"""Players that ask all the time while something goes wrong, and what they got."""

import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.wire import GET, location_of

PACE = 0.005
"""Seconds between two requests of one player."""


@dataclass
class Seen:
    """What players got.

    Attributes:
        right: Redirects to where they may go, by location.
        wrong: Answers that are anything else.
        failed: Requests without an answer.
        slowest: Seconds that the slowest answer took.
        faults: Of those that failed or were wrong, what happened.
    """

    right: Counter[str] = field(default_factory=Counter)
    wrong: int = 0
    failed: int = 0
    slowest: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def sent(self) -> int:
        """How many requests were made."""
        return self.right.total() + self.wrong + self.failed


class Players:
    """Some with a connection that they keep, and some with one for each request.

    Args:
        url: Whom they ask.
        expected: Where they may be sent.
        each: How many of both kinds.
    """

    def __init__(self, url: str, expected: set[str], each: int = 2) -> None:
        parts = urlsplit(url)
        self._address = (str(parts.hostname), int(parts.port or 0))
        self._expected = expected
        self._lock = threading.Lock()
        self._over = threading.Event()
        self.seen = Seen()
        self._threads = [
            threading.Thread(target=self._play, args=(keeps,), daemon=True) for keeps in [True, False] * each
        ]
        for thread in self._threads:
            thread.start()

    def take(self) -> Seen:
        """Return what they got since they began, or since this was called."""
        with self._lock:
            seen, self.seen = self.seen, Seen()
        return seen

    def stop(self) -> Seen:
        """End, each behind its request, and return what they got."""
        self._over.set()
        for thread in self._threads:
            thread.join(30)
        return self.take()

    def _play(self, keeps: bool) -> None:
        connection: socket.socket | None = None
        while not self._over.wait(PACE):
            begun = time.monotonic()
            try:
                if connection is None:
                    connection = socket.create_connection(self._address, timeout=20)
                connection.sendall(GET)
                answer = _read(connection)
            except OSError as error:
                if connection:
                    connection.close()
                connection = None
                self._note(begun, None, type(error).__name__)
                continue
            self._note(begun, answer, "")
            if not keeps or b"connection: close" in answer.lower():
                connection.close()
                connection = None
        if connection:
            connection.close()

    def _note(self, begun: float, answer: bytes | None, fault: str) -> None:
        took = time.monotonic() - begun
        with self._lock:
            seen = self.seen
            seen.slowest = max(seen.slowest, took)
            if answer is None:
                seen.failed += 1
                seen.faults[fault] += 1
                return
            try:
                location = location_of(answer)
            except (AssertionError, ValueError):
                location = ""
            if location in self._expected:
                seen.right[location] += 1
            else:
                seen.wrong += 1
                seen.faults[answer[:40].decode("latin-1")] += 1


def _read(connection: socket.socket) -> bytes:
    """Return the head of an answer.

    Raises:
        OSError: When the connection ends before it.
    """
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(65536)):
            raise ConnectionAbortedError("closed without an answer")
        data += more
    return data
