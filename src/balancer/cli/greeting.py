"""What a start shows at a terminal: where the service is, and once an admin's key; elsewhere the way to a key."""

import logging
import shlex
import sys
from collections.abc import Sequence

import click
import structlog
from dishka import AsyncContainer

from balancer import __version__
from balancer.cli.program import API_KEY
from balancer.core.access.authentication import KeyRing
from balancer.core.access.ports import ApiKeys
from balancer.core.clocks import Clock
from balancer.core.configs.revisions import Signature
from balancer.core.control.in_force import FIRST_START
from balancer.core.errors import StoreUnavailable
from balancer.edge.sockets import Listener
from balancer.settings import Settings

HOW_TO = "balancer keys create --name <name> --role admin"
"""Makes an admin's key on the machine of the database."""

_LOOPBACK = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}

_WHERE = """
video-balancer {version} serves at {address}
"""

_PAGES = """
  Console: {address}/console
  API:     {address}/docs
"""

_KEY = """
The first API key, for an admin; it is not shown again. Paste both lines into another terminal:

  export {name}={secret}
  {request}
"""

_NO_KEY = f"""
An API key, where you have none: {HOW_TO}
"""

logger = structlog.stdlib.get_logger(__name__)


async def make_first_key(parts: AsyncContainer) -> str | None:
    """Make an admin's key unless there ever was a key, and return it if somebody has to be shown it.

    One that the operator gives is taken. Another one is made only for somebody at a terminal: elsewhere standard output
    is kept, and those who keep it are not the ones whom the key is for.
    """
    settings: Settings = await parts.get(Settings)
    given = settings.bootstrap_api_key.get_secret_value() if settings.bootstrap_api_key else None
    try:
        if given or (_is_at_terminal() and settings.role != "edge"):
            ring, clock = await parts.get(KeyRing), await parts.get(Clock)
            secret: str | None = await ring.create_first(given, Signature(FIRST_START, clock()))
            return secret
        keys: ApiKeys = await parts.get(ApiKeys)
        if not settings.jwt_issuer and settings.role != "edge" and not await keys.page(0, 1):
            logger.warning("there is no API key yet", make_one_by=HOW_TO)
    except StoreUnavailable as error:
        logger.warning("whether there is an API key is not known", fault=error.explained)
    return None


def greet(secret: str | None, settings: Settings, listeners: Sequence[Listener]) -> None:
    """Show whoever sits at a terminal where the service is, and a new key with how to use it."""
    if not secret and not _is_at_terminal():
        return
    # What was logged so far stands above.
    for handler in logging.getLogger().handlers:
        handler.flush()
    # The plain port asks nothing of the client's trust.
    listener = min(listeners, key=lambda listener: listener.tls)
    options, address = _how_to_reach(listener, settings)
    in_browsers = listener.url.startswith("http")
    told = _WHERE.format(version=__version__, address=address if in_browsers else listener.url)
    if settings.role != "edge":
        if in_browsers:
            told += _PAGES.format(address=address)
        request = f'curl {options}-H "Authorization: Bearer ${API_KEY}" {address}/config'
        told += _KEY.format(name=API_KEY, secret=secret, request=request) if secret else _NO_KEY
    click.echo(told)


def _how_to_reach(listener: Listener, settings: Settings) -> tuple[str, str]:
    """Return curl's options for a listener, each with a space behind it, and the address to ask."""
    kind, _, place = listener.url.partition(":")
    # From trusted proxies alone, of which this machine need not be one.
    options = "--haproxy-protocol " if settings.proxy_protocol else ""
    if kind == "unix":
        return f"{options}--unix-socket {shlex.quote(place)} ", "http://localhost"
    host, _, port = place.removeprefix("//").rpartition(":")
    if listener.tls:
        # The certificate need not be for the name that this machine has for itself.
        options += "--insecure "
    return options, f"{kind}://{_LOOPBACK.get(host, host)}:{port}"


def _is_at_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()
