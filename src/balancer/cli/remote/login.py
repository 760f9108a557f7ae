"""`balancer login` and `balancer open`."""

import sys
import webbrowser

import click
import httpx

from balancer.cli.endings import show
from balancer.cli.remote.asking import connect, with_service
from balancer.cli.remote.profiles import Profiles, Service
from balancer.cli.remote.remedies import CannotDo

MAX_KEY = 8192
"""Characters of a key that is read."""

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@click.command()
@click.argument("url", required=False)
@click.option("--profile", default="default", show_default=True, metavar="NAME", help="Under which name to keep it.")
def login(url: str | None, profile: str) -> None:
    """Keep a service's URL and key for the other commands.

    The key is asked for, or read from standard input where that is no terminal, and checked against the service. It is
    kept in a file that only you can read, and is the usual one from then on.
    """
    at_terminal = sys.stdin is not None and sys.stdin.isatty()
    if not url:
        if not at_terminal:
            raise CannotDo("Say which service: balancer login https://video.example.com")
        url = click.prompt("URL of the service", err=True)
    key = click.prompt("API key", hide_input=True, err=True) if at_terminal else _read_key()
    service = Service(str(url).rstrip("/"), str(key).strip())
    if not service.api_key:
        raise CannotDo("No key was given. Type it at a terminal, or give it on standard input.")
    connect(service).read_config()
    address = httpx.URL(service.url)
    if address.scheme == "http" and address.host not in _LOOPBACK:
        click.echo("balancer: the key travels to this service unencrypted; https would be better", err=True)
    profiles = Profiles.of_user()
    profiles.keep(profile, service)
    show(f"{service.url} is kept as the profile '{profile}' in {profiles.path}.")


def _read_key() -> str:
    return sys.stdin.readline(MAX_KEY) if sys.stdin is not None else ""


@click.command("open")
@with_service
def open_console(service: Service | None) -> None:
    """Open the console in a browser, and print its address."""
    if service is None:
        connect(service)
        return
    address = f"{service.url.rstrip('/')}/console"
    show(address)
    webbrowser.open(address)
