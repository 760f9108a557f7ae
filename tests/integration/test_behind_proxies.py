"""The settings and configurations of docs/proxies.md, with real nginx and HAProxy in front of a real balancer."""

import http.client
import os
import re
import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import psutil
import pytest
import yaml

from tests.factories import AT_CDN, VIDEO
from tests.integration.test_edge import Wire, where
from tests.processes import Balancer, wait_for, wait_until_it_listens

PAGE = Path(__file__).parents[2] / "docs" / "proxies.md"
SECTION = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SETTING = re.compile(r"^BALANCER_(\w+)=(.+)$", re.MULTILINE)
LISTENS = "127.0.0.1:8000"
SOCKET = "/run/balancer/balancer.sock"

TCP_MODE = "HAProxy, mode tcp"
pytestmark = pytest.mark.long

HTTP_MODES = ["nginx over TCP", "nginx over a Unix socket", "HAProxy, mode http"]

# Everything here is loopback, so that the clients' addresses tell them apart: 127.0.0.1 is the proxy's.
CLIENTS = 24
REQUESTS = 20


class Recipe(NamedTuple):
    """A section of the page.

    Attributes:
        settings: Of the balancer, by name without the prefix.
        language: `nginx`, `haproxy` or `yaml`.
        configuration: Of the proxy.
    """

    settings: dict[str, str]
    language: str
    configuration: str


class Site(NamedTuple):
    """A balancer with a proxy in front of it.

    Attributes:
        balancer: The balancer.
        port: Where the proxy listens.
    """

    balancer: Balancer
    port: int


def recipe(name: str) -> Recipe:
    """Return the section of the page with this heading."""
    text = dict(SECTION.findall(PAGE.read_text()))[name]
    (first, settings), (language, configuration) = BLOCK.findall(text)
    assert "ini" == first
    return Recipe(dict(SETTING.findall(settings)), language, configuration)


def replaced(text: str, old: str, new: str) -> str:
    """Return the text with another value for one that it must have, as a whole word."""
    text, count = re.subn(rf"{re.escape(old)}(?!\w)", lambda _: new, text)
    assert 1 == count
    return text


def free_port_everywhere() -> int:
    """Return a port that is free on every address: proxies listen on all of them, clients have many."""
    with socket.create_server(("", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def nginx(program: str, configuration: str, folder: Path) -> list[str]:
    """Return the command that runs nginx in a folder, and write its configuration there."""
    # As root, the workers would run as a user who may not enter the folder.
    user = "user root;\n" if os.geteuid() == 0 else ""
    kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    own = "".join(f"    {kind}_temp_path {folder / kind};\n" for kind in kinds)
    whole = f"daemon off;\npid {folder / 'nginx.pid'};\nerror_log stderr;\n{user}" + replaced(
        configuration, "http {\n", f"http {{\n    access_log off;\n{own}"
    )
    path = folder / "nginx.conf"
    path.write_text(whole)
    return [program, "-p", str(folder), "-e", "stderr", "-c", str(path)]


def haproxy(program: str, configuration: str, folder: Path) -> list[str]:
    """Return the command that runs HAProxy in the foreground, and write its configuration to a folder."""
    path = folder / "haproxy.cfg"
    path.write_text(configuration)
    return [program, "-db", "-f", str(path)]


COMMANDS: dict[str, Callable[[str, str, Path], list[str]]] = {"nginx": nginx, "haproxy": haproxy}


@contextmanager
def proxying(language: str, configuration: str, folder: Path) -> Iterator[int]:
    """Run a proxy on a free port, which is returned, until the end of the block; its own words are in `proxy.log`."""
    program = shutil.which(language, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin")
    if not program:
        pytest.skip(f"{language} is not installed")
    port = free_port_everywhere()
    command = COMMANDS[language](program, replaced(configuration, "8080", str(port)), folder)
    with (folder / "proxy.log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log, text=True) as proxy:
        try:
            try:
                wait_until_it_listens(port, proxy)
            except OSError as error:
                error.add_note((folder / "proxy.log").read_text())
                raise
            yield port
        finally:
            proxy.terminate()
            try:
                proxy.wait(10)
            except subprocess.TimeoutExpired:
                proxy.kill()
                raise


@contextmanager
def serving(name: str, folder: Path) -> Iterator[Site]:
    """Run the balancer and the proxy of a section."""
    settings, language, configuration = recipe(name)
    if "UNIX_SOCKET" in settings:
        assert SOCKET == settings["UNIX_SOCKET"]
        settings["UNIX_SOCKET"] = str(folder / "b.sock")
        configuration = replaced(configuration, SOCKET, settings["UNIX_SOCKET"])
    with Balancer(folder, None, ACCESS_LOG="all", DISTRIBUTION_RATE=0, **settings) as balancer:
        if "UNIX_SOCKET" not in settings:
            configuration = replaced(configuration, LISTENS, urlsplit(balancer.url).netloc)
        with proxying(language, configuration, folder) as port:
            yield Site(balancer, port)


@pytest.fixture(scope="module", params=[*HTTP_MODES, TCP_MODE])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a balancer behind each proxy."""
    with serving(request.param, tmp_path_factory.mktemp("behind")) as site:
        yield site


@pytest.fixture(scope="module", params=HTTP_MODES)
def http_site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a balancer behind each proxy that speaks HTTP."""
    with serving(request.param, tmp_path_factory.mktemp("behind")) as site:
        yield site


@contextmanager
def connected(site: Site, address: str = "127.0.0.1") -> Iterator[http.client.HTTPConnection]:
    """Return a client of the proxy that has this address."""
    client = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10, source_address=(address, 0))
    try:
        client.connect()
        yield client
    finally:
        client.close()


def ask(client: http.client.HTTPConnection, number: int, **fields: str) -> None:
    """Ask for a video of this number and expect it at the CDN."""
    video, at_cdn = where(number)
    client.request("GET", f"/?video={video}", headers=fields)
    answer = client.getresponse()
    assert (301, at_cdn, "no-store", b"") == (
        answer.status,
        answer.headers["location"],
        answer.headers["cache-control"],
        answer.read(),
    )


def redirected(site: Site, beginning: str) -> Counter[str]:
    """Return how many redirects the log has for each client whose address begins so."""
    found = [event["client"] for event in site.balancer.events() if event["event"] == "redirect"]
    return Counter(client for client in found if client.startswith(beginning))


def expect_clients(site: Site, beginning: str, expected: dict[str, int]) -> None:
    """Expect these redirects in the log, which may come a moment later."""
    wait_for(lambda: redirected(site, beginning).total() >= sum(expected.values()), 10)
    assert expected == redirected(site, beginning)


def test_kept_connections(site: Site) -> None:
    """Clients that keep their connections get their own redirects, and each counts by its own address."""
    addresses = [f"127.0.1.{number + 1}" for number in range(CLIENTS)]

    def play(client: int) -> bool:
        with connected(site, addresses[client]) as connection:
            sock = connection.sock
            for request in range(REQUESTS):
                ask(connection, client * REQUESTS + request)
            return connection.sock is sock

    with ThreadPoolExecutor(CLIENTS) as pool:
        assert [True] * CLIENTS == list(pool.map(play, range(CLIENTS), timeout=60))
    expect_clients(site, "127.0.1.", dict.fromkeys(addresses, REQUESTS))


def test_one_connection_for_each_request(site: Site) -> None:
    """Clients that connect anew for each request get their own redirects, and each counts by its own address."""
    addresses = [f"127.0.2.{number + 1}" for number in range(CLIENTS)]

    def play(client: int) -> None:
        for request in range(REQUESTS):
            with connected(site, addresses[client]) as connection:
                ask(connection, client * REQUESTS + request, Connection="close")

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(play, range(CLIENTS), timeout=60))
    expect_clients(site, "127.0.2.", dict.fromkeys(addresses, REQUESTS))


@pytest.mark.parametrize(
    ("address", "fields"),
    [
        pytest.param("127.0.3.1", {"X-Forwarded-For": "198.51.100.1"}, id="X-Forwarded-For"),
        pytest.param("127.0.3.2", {"X-Forwarded-For": "198.51.100.1, 127.0.0.1"}, id="with the proxy"),
        pytest.param("127.0.3.3", {"Forwarded": "for=198.51.100.1"}, id="Forwarded"),
        pytest.param(
            "127.0.3.4", {"X-Forwarded-For": "198.51.100.1", "Forwarded": "for=198.51.100.2"}, id="both, at odds"
        ),
    ],
)
def test_forged_address(site: Site, address: str, fields: dict[str, str]) -> None:
    """A client that claims another address counts by the one it has."""
    with connected(site, address) as client:
        ask(client, 1, **fields)
    expect_clients(site, address, {address: 1})


@pytest.mark.parametrize(
    ("query", "location"),
    [
        pytest.param(f"video={quote(VIDEO, safe='')}", AT_CDN, id="encoded"),
        pytest.param(f"video={VIDEO}?x=1&y=2", f"{AT_CDN}?x=1&y=2", id="with a query"),
        pytest.param("video=http://s1.origin-cluster/a%20b.ts", "http://cdn.example.com/s1/a%20b.ts", id="escapes"),
        pytest.param("video=http://s1.origin-cluster/a//b.ts", "http://cdn.example.com/s1/a//b.ts", id="slashes"),
        pytest.param("video=https://s1.origin-cluster/a.ts", "https://cdn.example.com/s1/a.ts", id="https"),
    ],
)
def test_urls_stay_as_they_are(site: Site, query: str, location: str) -> None:
    """The proxy changes neither the video on its way in nor the location on its way out."""
    with connected(site) as client:
        client.request("GET", f"/?{query}")
        answer = client.getresponse()
        assert (301, location) == (answer.status, answer.headers["location"])


def test_refused_video(site: Site) -> None:
    """A refused video gives the balancer's 422 through the proxy, and the connection goes on."""
    with connected(site) as client:
        client.request("GET", "/?video=http://example.com/a.ts")
        answer = client.getresponse()
        assert (422, "application/problem+json") == (answer.status, answer.headers["content-type"])
        assert b"host-not-allowed" in answer.read()
        ask(client, 1)


def test_methods(site: Site) -> None:
    """HEAD is answered as GET and OPTIONS as browsers need it, on one connection."""
    with connected(site) as client:
        sock = client.sock
        client.request("HEAD", f"/?video={VIDEO}")
        answer = client.getresponse()
        assert (301, AT_CDN, b"") == (answer.status, answer.headers["location"], answer.read())
        client.request("OPTIONS", "/", headers={"Origin": "https://a.example", "Access-Control-Request-Method": "GET"})
        answer = client.getresponse()
        assert (204, "*", b"") == (answer.status, answer.headers["access-control-allow-origin"], answer.read())
        ask(client, 1)
        assert sock is client.sock


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/%6detrics", "//metrics", "http://a/metrics", "/config"])
def test_only_players_pass(http_site: Site, path: str) -> None:
    """A proxy that speaks HTTP passes on no path but the players'."""
    with connected(http_site) as client:
        client.request("GET", path)
        answer = client.getresponse()
        # The balancer's own 404 would be problem details.
        assert (404, "text/html") == (answer.status, answer.headers["content-type"])


def test_metrics_behind_bytes(tmp_path: Path) -> None:
    """Where the proxy passes on bytes, metrics need a key."""
    with serving(TCP_MODE, tmp_path) as site, connected(site) as client:
        client.request("GET", "/metrics")
        assert 401 == client.getresponse().status


def test_old_clients(http_site: Site) -> None:
    """A client of HTTP/1.0 that names no host is redirected."""
    with Wire(f"http://127.0.0.1:{http_site.port}") as wire:
        wire.send(f"GET /?video={VIDEO} HTTP/1.0\r\n\r\n".encode())
        answer = wire.read()
        assert (301, AT_CDN) == (answer.status, answer.fields["location"])
        assert wire.at_end()


@pytest.mark.parametrize("name", [name for name in HTTP_MODES if "Unix" not in name])
def test_proxies_keep_their_connections(tmp_path: Path, name: str) -> None:
    """A proxy that speaks HTTP keeps its connections to the balancer while clients come and go."""
    with serving(name, tmp_path) as site:
        balancer = psutil.Process(site.balancer.process.pid)
        seen: list[set[object]] = []
        for _ in range(2):
            for number in range(2 * REQUESTS):
                with connected(site) as client:
                    ask(client, number, Connection="close")
            found = balancer.net_connections("tcp4")
            seen.append({one.raddr for one in found if one.status == psutil.CONN_ESTABLISHED})
    assert seen[0] & seen[1]


@pytest.mark.parametrize("name", HTTP_MODES)
def test_what_proxies_send(tmp_path: Path, name: str) -> None:
    """The balancer is sent HTTP/1.1 with the host that was asked for and with the client's address last."""
    settings, language, configuration = recipe(name)
    family = socket.AF_UNIX if "UNIX_SOCKET" in settings else socket.AF_INET
    path = tmp_path / "b.sock"
    with socket.socket(family) as server, socket.socket() as client:
        server.bind(str(path) if family == socket.AF_UNIX else ("127.0.0.1", 0))
        server.listen()
        server.settimeout(10)
        client.settimeout(10)
        if family == socket.AF_UNIX:
            path.chmod(0o666)
        where_to = str(path) if family == socket.AF_UNIX else "{}:{}".format(*server.getsockname())
        configuration = replaced(configuration, SOCKET if family == socket.AF_UNIX else LISTENS, where_to)
        with proxying(language, configuration, tmp_path) as port:
            client.bind(("127.0.4.1", 0))
            client.connect(("127.0.0.1", port))
            forged = "X-Forwarded-For: 198.51.100.1\r\nForwarded: for=198.51.100.2\r\n"
            client.sendall(f"GET /?video={VIDEO} HTTP/1.1\r\nHost: videos.example\r\n{forged}\r\n".encode())
            connection, _ = server.accept()
            with connection, connection.makefile("rb") as file:
                connection.settimeout(10)
                assert f"GET /?video={VIDEO} HTTP/1.1\r\n".encode() == file.readline()
                fields = http.client.parse_headers(file)
                connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
                assert b"HTTP/1.1 204" == client.recv(12)
    assert ["videos.example"] == fields.get_all("host")
    hops = ", ".join(fields.get_all("x-forwarded-for") or [])
    assert ("198.51.100.1, 127.0.4.1", None, None) == (hops, fields["forwarded"], fields["connection"])


def test_envoy_configuration_parses() -> None:
    """The configuration for Envoy is YAML that leads from the proxy's port to the balancer's address."""
    settings, language, configuration = recipe("Envoy")
    assert ({"TRUSTED_PROXIES": "127.0.0.1"}, "yaml") == (settings, language)
    resources = yaml.safe_load(configuration)["static_resources"]
    (listener,), (cluster,) = resources["listeners"], resources["clusters"]
    assert 8080 == listener["address"]["socket_address"]["port_value"]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    assert manager["use_remote_address"] is True
    (route,) = manager["route_config"]["virtual_hosts"][0]["routes"]
    assert ({"path": "/"}, cluster["name"]) == (route["match"], route["route"]["cluster"])
    (endpoint,) = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert {"address": "127.0.0.1", "port_value": 8000} == endpoint["endpoint"]["address"]["socket_address"]
