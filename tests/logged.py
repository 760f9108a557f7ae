"""What was logged in a test."""

from typing import Any

import pytest


def logged(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    """Return the fields of each line of this name.

    They are read where the `logging` module gets them: what structlog's own `capture_logs` replaces is not seen by a
    logger that has written a line before the last `structlog.configure`.
    """
    found = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    return [line for line in found if line["event"] == event]
