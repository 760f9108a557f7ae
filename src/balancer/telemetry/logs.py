"""What the operator sees: one line for each event on standard error, as JSON or for people, whoever writes it.

Lines of uvicorn, SQLAlchemy and Alembic come by the `logging` module and go the same way. Nothing that grants access
leaves the process by a line: see `Scrubber`.
"""

import logging
import os
import queue
import re
import sys
import threading
from collections.abc import Iterable, MutableMapping
from contextlib import suppress
from datetime import datetime
from time import monotonic
from typing import Any, Literal

import structlog
from structlog.types import EventDict, Processor, WrappedLogger
from typing_extensions import override

Style = Literal["json", "console"]

WAITING = 10_000
"""Lines that wait for a standard error that does not take them; those above are dropped and counted."""

FLUSH = 2.0
"""Seconds that the end of a process waits for its last lines to be taken."""

MIN_SECRET = 12
"""Characters that a secret has at least to be looked for word by word; a shorter one may be a common word."""

HIDDEN = "***"

_HIDDEN_PARTS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Our own keys, and tokens (RFC 7519 §3).
    (re.compile(r"\bvbk_[\w-]{6,}"), f"vbk_{HIDDEN}"),
    (re.compile(r"\beyJ[\w-]{6,}+(?:\.[\w-]*+)*+"), HIDDEN),
    # RFC 9110 §11.4: credentials behind the name of their scheme.
    (re.compile(r"(?i)\b(bearer|basic)\s++[^\s,'\"]{6,}"), rf"\1 {HIDDEN}"),
    # RFC 3986 §3.2.1 and §3.4: user info, and the query of a URL, which may be its signature; escaped ones too.
    (re.compile(r"://[^/\s'\"<>?#]*@"), f"://{HIDDEN}@"),
    (re.compile(r"([?&][\w.~%\[\]-]{1,100}=)[^\s&'\"<>]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)%3F[^\s'\"<>]+"), f"%3F{HIDDEN}"),
)

# What a terminal takes for a command, or shows in another order than it is written: control characters (C0, DEL, C1),
# Unicode's ends of lines, marks and overrides of direction (UAX #9); and half characters, which no file can hold.
_UNSEEN = r"\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_UNSEEN_IN_JSON = re.compile(f"[{_UNSEEN}]")
_UNSEEN_ON_A_LINE = re.compile(rf"[\x00-\x1f{_UNSEEN}]")
_UNSEEN_ON_LINES = re.compile(rf"[\x00-\x08\x0b-\x1f{_UNSEEN}]")

# Values that are lines of text: tracebacks.
_LINES = frozenset({"exception", "stack"})

# Names that say that something else than a line's text is in them.
_KEPT = frozenset({"level", "logger", "time", "_record", "_from_structlog", "exc_info"})


class Scrubber:
    """Hides what grants access in whatever a line says, tracebacks and other libraries' lines included.

    It is the net below the rule that nothing of the kind is logged in the first place.

    Args:
        secrets: What the settings hold; those of `MIN_SECRET` characters or more are hidden wherever they stand.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        long = sorted({secret for secret in secrets if len(secret) >= MIN_SECRET}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, long))) if long else None

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """Hide it in all values of a line."""
        for name, value in event.items():
            if name not in _KEPT:
                event[name] = self._cleaned(value)
        return event

    def text(self, text: str) -> str:
        """Return a text without it."""
        if self._secrets:
            text = self._secrets.sub(HIDDEN, text)
        for pattern, instead in _HIDDEN_PARTS:
            text = pattern.sub(instead, text)
        return text

    def _cleaned(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(name)): self._cleaned(part) for name, part in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._cleaned(part) for part in value]
        return value if value is None or isinstance(value, bool | int | float) else self.text(str(value))


class Lines(logging.Handler):
    """Writes lines to standard error from a thread of its own: whoever reads them slowly keeps no request waiting."""

    dropped = 0
    """Lines of this process that were dropped."""

    def __init__(self) -> None:
        super().__init__()
        self._queue: queue.Queue[str | None] = queue.Queue(WAITING)
        self._writer: threading.Thread | None = None

    @override
    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, daemon=True, name="log")
                self._writer.start()
            self._queue.put_nowait(line)
        except queue.Full:
            Lines.dropped += 1
        except Exception:  # as all handlers of the library do: a line that cannot be made must not fail a request
            self.handleError(record)

    @override
    def flush(self) -> None:
        """Wait until what was logged is written, or for `FLUSH` seconds."""
        if self._writer and self._writer.is_alive():
            deadline = monotonic() + FLUSH
            with self._queue.all_tasks_done:
                while self._queue.unfinished_tasks and (rest := deadline - monotonic()) > 0:
                    self._queue.all_tasks_done.wait(rest)

    @override
    def close(self) -> None:
        """Write what there is, and end the thread."""
        self.flush()
        if self._writer:
            # Where it is full the thread is stuck, and ends with the process.
            with suppress(queue.Full):
                self._queue.put_nowait(None)
        super().close()

    def _write(self) -> None:
        while (line := self._queue.get()) is not None:
            try:
                sys.stderr.write(line + "\n")
                sys.stderr.flush()
            except (OSError, ValueError):
                Lines.dropped += 1
            self._queue.task_done()


def log_config(level: str, style: Style, secrets: Iterable[str] = ()) -> dict[str, Any]:
    """Return the configuration of the `logging` module for everything in the process; it configures structlog as well.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        style: Of the lines.
        secrets: What no line may have.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": make_formatter, "style": style, "secrets": tuple(secrets)}},
        "handlers": {"lines": {"class": "balancer.telemetry.logs.Lines", "formatter": "line"}},
        "root": {"handlers": ["lines"], "level": level.upper()},
        "loggers": {
            # Handlers of its own would write each of its lines twice.
            "uvicorn": {"handlers": [], "level": level.upper(), "propagate": True},
            # They tell of each request and statement, at a level that is for the program's own events.
            "httpx": {"level": "WARNING"},
            "sqlalchemy.engine": {"level": "INFO" if level == "debug" else "WARNING"},
            "aiosqlite": {"level": "INFO"},
            "dishka": {"level": "INFO"},
            "asyncio": {"level": "INFO"},
        },
    }


def style_of(chosen: Literal["auto", "json", "console"]) -> Style:
    """Return the style of the lines: for people where they are read on a terminal, unless one is chosen."""
    if chosen == "auto":
        return "console" if sys.stderr.isatty() else "json"
    return chosen


def is_coloured() -> bool:
    """Tell whether lines for people are coloured: on a terminal that can, unless `NO_COLOR` says not to.

    https://no-color.org: the variable counts whatever its value is, unless it is empty.
    """
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def make_formatter(style: Style, secrets: Iterable[str]) -> logging.Formatter:
    """Return what makes a line of an event, from structlog or from the `logging` module, and configure structlog."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _add_trace,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderers: list[Processor] = (
        [structlog.processors.JSONRenderer(ensure_ascii=False), _escape_in_json]
        if style == "json"
        else [
            _shorten_time,
            _escape,
            structlog.dev.ConsoleRenderer(
                colors=is_coloured(), timestamp_key="time", exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # A text without local variables, which may be secrets.
            structlog.processors.format_exc_info,
            Scrubber(secrets),
            *renderers,
        ],
    )


def _shorten_time(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Give a line for people its time to milliseconds; those of JSON have microseconds."""
    at = datetime.fromisoformat(event["time"]).isoformat(timespec="milliseconds")
    event["time"] = at.replace("+00:00", "Z")
    return event


def _escape(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Write out in a line for people what a terminal would obey; values that are no text get that from `repr`."""
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            unseen = _UNSEEN_ON_LINES if name in _LINES else _UNSEEN_ON_A_LINE
            event[name] = unseen.sub(lambda found: ascii(found[0])[1:-1], value)
    return event


def _escape_in_json(_logger: WrappedLogger, _method: str, line: Any) -> str:
    """Escape in a line of JSON what JSON need not have escaped: the values stay the same."""
    return _UNSEEN_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def _add_trace(_logger: WrappedLogger, _method: str, event: EventDict) -> MutableMapping[str, Any]:
    """Add the ids of the trace that is under way, where tracing is installed and on."""
    if "opentelemetry.sdk.trace" in sys.modules:
        from opentelemetry import trace  # noqa: PLC0415 - an extra, and only asked for where it is in use already

        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            event["trace_id"] = trace.format_trace_id(context.trace_id)
            event["span_id"] = trace.format_span_id(context.span_id)
    return event
