"""What is shown while something takes long."""

import io
import sys
import threading
import time

import pytest
from typing_extensions import override

from balancer.cli.remote.waiting import waiting


class FakeTerminal(io.StringIO):
    """A terminal that keeps what is written."""

    @override
    def isatty(self) -> bool:
        return True


def shows(terminal: FakeTerminal, text: str) -> bool:
    """Return whether something is shown within some seconds."""
    deadline = time.monotonic() + 30
    while text not in terminal.getvalue():
        if time.monotonic() > deadline:
            return False
        threading.Event().wait(0.01)
    return True


def at_terminal(monkeypatch: pytest.MonkeyPatch) -> FakeTerminal:
    """Return a terminal in the place of standard error, which pytest replaces before each test and not within one."""
    terminal = FakeTerminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    return terminal


def test_a_long_wait_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes longer than the patience is shown with its progress, and no second one within it."""
    terminal = at_terminal(monkeypatch)
    with waiting("Working", 3, patience=0) as advance:
        assert shows(terminal, "Working")
        with waiting("Within", patience=0) as inner:
            inner()
        advance()
        assert shows(terminal, "1/3")
    assert "Within" not in terminal.getvalue()


def test_a_short_wait_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done at once shows nothing."""
    terminal = at_terminal(monkeypatch)
    with waiting("Working", patience=60) as advance:
        advance()
    assert "" == terminal.getvalue()


def test_nothing_is_shown_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where standard error is no terminal, or closed, nothing is shown."""
    for nobody in (io.StringIO(), None):
        monkeypatch.setattr(sys, "stderr", nobody)
        with waiting("Working", patience=0) as advance:
            advance()
        assert nobody is None or "" == nobody.getvalue()
