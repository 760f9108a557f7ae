"""Stores over TLS with a private authority: trusted, and not."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from balancer.adapters.sql.engines import make_engine
from balancer.adapters.sql.migrations import AlembicSchema
from tests.certificates import Authority
from tests.factories import BEARER, VIDEO
from tests.integration.conftest import Start
from tests.network import Wire
from tests.processes import Balancer, Valkey, wait_for
from tests.servers import DatabaseServer

pytestmark = pytest.mark.long

QUERY = f"/?video={VIDEO}"
SECRET = "a-password-of-sixteen"

BOUND = 20
"""Seconds within which a process finds out, on a busy machine."""


class Place(NamedTuple):
    """A store that speaks TLS.

    Attributes:
        setting: Which setting names it.
        name: How health does.
        url: Its URL, without an authority.
        option: What names an authority's file.
        wire: What speaks TLS for it.
    """

    setting: str
    name: str
    url: str
    option: str
    wire: Wire


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Return an authority of our own."""
    return Authority(tmp_path)


@pytest.fixture
def other(tmp_path: Path) -> Authority:
    """Return an authority that signs nothing of ours."""
    folder = tmp_path / "other"
    folder.mkdir()
    return Authority(folder)


@pytest.fixture(params=["database", "redis"])
def place(request: pytest.FixtureRequest, authority: Authority, tmp_path: Path) -> Iterator[Place]:
    """Return a store of each kind that has a certificate of the authority, and asks its clients for one."""
    tls = authority.server(asks_clients=True)
    if request.param == "redis":
        with Valkey(tmp_path) as valkey, Wire(valkey.port, tls) as wire:
            valkey.say("ACL", "SETUSER", "default", "on", f">{SECRET}")
            certificate, key = authority.issue("balancer.example")
            client = f"ssl_certfile={certificate}&ssl_keyfile={key}"
            url = f"rediss://:{SECRET}@127.0.0.1:{wire.port}/0?{client}"
            yield Place("REDIS_URL", "redis", url, "ssl_ca_certs", wire)
    else:
        with DatabaseServer("tls") as server, Wire(server.port, tls, asks_for_tls=True) as wire:
            server.create()
            AlembicSchema(server.url, make_engine(server.url)).upgrade()
            certificate, key = authority.issue("balancer.example")
            client = f"sslmode=verify-full&sslcert={certificate}&sslkey={key}"
            url = f"postgresql://postgres:{SECRET}@127.0.0.1:{wire.port}/balancer_test?{client}"
            yield Place("DATABASE_URL", "database", url, "sslrootcert", wire)


def state(client: httpx.Client, name: str) -> str:
    """Return how a store is, as the process says."""
    stores = {one["name"]: one["status"] for one in client.get("/health/ready").json()["dependencies"]}
    return str(stores[name])


def test_private_authority(start: Start, place: Place, authority: Authority) -> None:
    """A store whose certificate is of the authority in the URL is talked to over TLS, with a client's certificate."""
    balancer = start(OPEN_RATE="off", **{place.setting: f"{place.url}&{place.option}={authority.path}"})
    with httpx.Client(headers=BEARER, base_url=balancer.url, timeout=30) as client:
        wait_for(lambda: state(client, place.name) == "ok", BOUND)
        assert 200 == client.patch("/config", json={"id": 1, "name": "over TLS"}).status_code
    assert place.wire.handshakes > 0


def test_other_authority(start: Start, place: Place, authority: Authority, other: Authority) -> None:
    """A store whose certificate is of another authority is down, at once; a line says that it is not trusted."""
    balancer = start(OPEN_RATE="off", **{place.setting: f"{place.url}&{place.option}={authority.path}"})
    with httpx.Client(headers=BEARER, base_url=balancer.url, timeout=30) as client:
        wait_for(lambda: state(client, place.name) == "ok", BOUND)
        place.wire.drop(other.server())
        wait_for(lambda: state(client, place.name) == "down", BOUND)
        fault = f"{'Redis' if place.name == 'redis' else 'The database'} has a certificate that is not trusted."
        wait_for(lambda: balancer.has_said(event="store lost", fault=fault), BOUND)
        assert 301 == client.get(QUERY).status_code
    balancer.stop()
    assert SECRET not in "".join(balancer.log)
    assert not [event for event in balancer.events() if "exception" in event]


def test_start_with_other_authority(tmp_path: Path, place: Place, authority: Authority, other: Authority) -> None:
    """A process that starts with the wrong authority serves by its copy, and says why it is without the store."""
    with Balancer(tmp_path, None, **{place.setting: f"{place.url}&{place.option}={authority.path}"}) as balancer:
        wait_for(lambda: httpx.get(balancer.url + QUERY).status_code == 301, BOUND)
    with (
        Balancer(tmp_path, None, **{place.setting: f"{place.url}&{place.option}={other.path}"}) as balancer,
        httpx.Client(base_url=balancer.url, timeout=30) as client,
    ):
        assert "down" == state(client, place.name)
        assert 301 == client.get(QUERY).status_code
        fault = f"{'Redis' if place.name == 'redis' else 'The database'} has a certificate that is not trusted."
        wait_for(lambda: balancer.has_said(event="store lost", fault=fault), BOUND)
    assert SECRET not in "".join(balancer.log)


def test_machines_authorities(tmp_path: Path, authority: Authority) -> None:
    """`sslrootcert=system` trusts what the machine does."""
    # The machine's are where these variables say (OpenSSL, SSL_CTX_set_default_verify_paths).
    environment = {"SSL_CERT_FILE": str(authority.path), "SSL_CERT_DIR": str(tmp_path)}
    with (
        DatabaseServer("system") as server,
        Wire(server.port, authority.server(), asks_for_tls=True) as wire,
    ):
        server.create()
        AlembicSchema(server.url, make_engine(server.url)).upgrade()
        url = f"postgresql://postgres@127.0.0.1:{wire.port}/balancer_test?sslmode=verify-full&sslrootcert=system"
        with (
            Balancer(tmp_path, environment, DATABASE_URL=url) as balancer,
            httpx.Client(base_url=balancer.url, timeout=30) as client,
        ):
            assert "ok" == state(client, "database")
