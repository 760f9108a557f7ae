"""What an operator is told when something is wrong: what it is, and what to do."""

from balancer.core.errors import NoConfig, StoreFault, StoreUnavailable, named
from balancer.settings import Settings
from balancer.store_urls import read_database_url
from balancer.telemetry.logs import Scrubber

MAX_DETAIL = 300
"""Characters of a driver's own words that are shown."""

_ADVICE = {
    StoreFault.TIMED_OUT: "See whether it is overloaded or stopped, and whether a firewall stands in between",
    StoreFault.NOT_LISTENING: "Start it, or correct {setting}",
    StoreFault.UNKNOWN_HOST: "Correct the host in {setting}, or the name service",
    StoreFault.UNREACHABLE: "Look at the network, or correct the host in {setting}",
    StoreFault.DISCONNECTED: "Look into its log, and try again",
    StoreFault.DENIED: "Correct the user and the password in {setting}, or let them in",
    StoreFault.MISSING: "Correct {setting}, or make it: 'balancer migrate' makes an SQLite file, 'createdb' a database",
    StoreFault.TLS: "Correct sslmode in {setting}, or the server's certificate",
    StoreFault.UNTRUSTED: "Name the authority's certificate in {setting}, or correct the server's",
    StoreFault.FULL: "Make room there",
    StoreFault.READ_ONLY: "Name the primary server or a file that can be written in {setting}",
    StoreFault.FORBIDDEN: "Give the user of {setting}, or of this process, the permission",
    StoreFault.NO_TABLES: "Run 'balancer migrate'",
    StoreFault.LOCKED: "Try again when the other program has finished",
    StoreFault.CROWDED: "Let it take more, or use fewer workers",
    StoreFault.STARTING: "Try again in a moment",
    StoreFault.UNREADABLE: "See whether the path in {setting} exists and this user may read and write it",
    StoreFault.DAMAGED: "Correct {setting}, or restore a backup by 'balancer restore'",
    StoreFault.OTHER: "Look into its log",
}

_SETTINGS = {"database": "BALANCER_DATABASE_URL", "redis": "BALANCER_REDIS_URL", "file": "BALANCER_DATA_DIR"}


def explain(error: BaseException, settings: Settings | None) -> str:
    """Return one line for an error, without a secret.

    Args:
        error: What has gone wrong.
        settings: What the operator said, None when that could not be read.
    """
    text = f"{error.strerror}: {error.filename}." if isinstance(error, OSError) and error.filename else str(error)
    store = _store_behind(error)
    if store:
        told = _told(store, settings)
        text = told if store is error else f"{text} {told}"
    line = " ".join(text.split())
    return Scrubber(settings.secrets).text(line) if settings else line


def _store_behind(error: BaseException) -> StoreUnavailable | None:
    if isinstance(error, StoreUnavailable):
        return error
    # It is raised while another error is being handled.
    cause = error.__context__ if isinstance(error, NoConfig) else None
    return cause if isinstance(cause, StoreUnavailable) else None


def _told(error: StoreUnavailable, settings: Settings | None) -> str:
    place = place_of_database(settings) if settings and error.store == "database" else ""
    advice = _ADVICE[error.fault].format(setting=_SETTINGS.get(error.store, f"the settings of the {error.store}"))
    return f"{named(error.store)}{place} {error.fault}. {advice}.{_detail(error)}"


def place_of_database(settings: Settings) -> str:
    """Return where the database is, as a part of a sentence: ` (PostgreSQL at db:5432, database 'd')`."""
    url = read_database_url(settings.database_url.get_secret_value())
    if url.get_backend_name() == "sqlite":
        return f" (SQLite at {url.database})"
    hosts = url.query.get("host", "")
    host = url.host or (hosts if isinstance(hosts, str) else ", ".join(hosts)) or "localhost"
    return f" (PostgreSQL at {host}{f':{url.port}' if url.port else ''}, database '{url.database or ''}')"


def _detail(error: StoreUnavailable) -> str:
    """Return the driver's own words, which may be none."""
    cause = error.__cause__
    cause = getattr(cause, "orig", None) or cause
    words = str(getattr(cause, "__cause__", None) or cause or "").strip()
    first = words.splitlines()[0] if words else ""
    return f" ({first[:MAX_DETAIL]})" if first else ""
