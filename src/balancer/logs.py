"""What the operator sees: plain lines on standard error."""

from typing import Any


def log_config(level: str) -> dict[str, Any]:
    """Return the configuration of the `logging` module for everything in the process, uvicorn's lines included."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "stream": "ext://sys.stderr"}},
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {
            # Handlers of its own would write each of its lines twice.
            "uvicorn": {"handlers": [], "level": level.upper(), "propagate": True},
        },
    }
