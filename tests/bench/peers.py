"""The servers that are compared, each on a loopback port and on one core."""

import http.client
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.load import SERVER_CORE
from tests.factories import KEY
from tests.processes import free_port

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
HAPROXY = shutil.which("haproxy") or "/usr/sbin/haproxy"
NJS = Path("/usr/lib/nginx/modules/ngx_http_js_module.so")

REQUEST = "/?video=http%3A%2F%2Fs1.origin-cluster%2Fvideo%2F1%2Fxcg2djHckad.m3u8"


@dataclass
class Server:
    """A running server.

    Attributes:
        process: Its first process.
        port: Where it listens on the loopback address.
        start: Seconds from its start to its first redirect.
        tls_port: Where it speaks TLS, 0 for nowhere.
    """

    process: subprocess.Popen[bytes]
    port: int
    start: float
    tls_port: int = 0

    def worker(self) -> psutil.Process:
        """Return the process that does the work."""
        first = psutil.Process(self.process.pid)
        workers = [child for child in first.children() if "resource_tracker" not in " ".join(child.cmdline())]
        return workers[0] if workers else first

    def memory(self) -> float:
        """Return the memory in MiB that the worker has for itself and shares with none."""
        return float(self.worker().memory_full_info().uss) / 2**20


@contextmanager
def running(
    command: list[str], port: int, folder: Path, environment: dict[str, str] | None = None, core: int = SERVER_CORE
) -> Generator[Server, None, None]:
    """Run a server on one core for as long as the block lasts."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("BALANCER_")}
    begin = time.monotonic()
    with (folder / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            cwd=folder,
            env={**own, "PYTHONPATH": str(Path(__file__).parents[2]), **(environment or {})},
            stdout=log,
            stderr=log,
        )
        try:
            while (location := first_redirect(port)) is None:
                if process.poll() is not None or time.monotonic() - begin > 30:
                    raise RuntimeError((folder / f"{port}.log").read_text())
                time.sleep(0.005)  # Between two tries to connect; nothing depends on its length.
            start = time.monotonic() - begin
            if not location.startswith(("http://cdn.example.com/s1/video", "http://s1.origin-cluster/video")):
                raise RuntimeError(f"{command[0]} redirects to {location}")
            yield Server(process, port, start)
        finally:
            process.terminate()
            process.wait(30)


def first_redirect(port: int) -> str | None:
    """Return where a server sends a request, None while it does not answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", REQUEST)
        answer = connection.getresponse()
        return answer.headers["location"] if answer.status == 301 else None
    except OSError:
        return None
    finally:
        connection.close()


Start = Callable[[Path], Generator[Server, None, None]]


@contextmanager
def balancer(
    folder: Path,
    settings: Mapping[str, object],
    core: int = SERVER_CORE,
    program: str = "balancer",
    more: Mapping[str, str] | None = None,
) -> Generator[Server, None, None]:
    """Run this program, or a module that changes it.

    Args:
        folder: For what it writes.
        settings: By name without the prefix.
        core: On which it runs.
        program: The module.
        more: Of the environment, such as where another release is.
    """
    port, tls_port = free_port(), free_port() if "TLS_CERT" in settings else 0
    # Configs are changed more often than an admin may.
    given = {"BOOTSTRAP_API_KEY": KEY, "ADMIN_RATE": "off", **settings}
    if tls_port:
        given["PLAIN_PORT"] = port
    environment = {**{f"BALANCER_{name}": str(value) for name, value in given.items()}, **(more or {})}
    own = folder / str(port)
    own.mkdir(exist_ok=True)
    command = [sys.executable, "-m", program, "serve", "--port", str(tls_port or port)]
    with running(command, port, own, environment, core) as server:
        server.tls_port = tls_port
        yield server


@contextmanager
def asgi(folder: Path, app: str, **environment: str) -> Generator[Server, None, None]:
    """Run an ASGI application on uvicorn as it comes, with its fast parser and loop."""
    port = free_port()
    options = [
        "--port",
        str(port),
        "--http",
        "httptools",
        "--loop",
        "uvloop",
        "--no-access-log",
        "--log-level",
        "warning",
    ]
    with running([sys.executable, "-m", "uvicorn", app, *options], port, folder, environment) as server:
        yield server


@contextmanager
def haproxy(folder: Path, certificate: Path | None = None) -> Generator[Server, None, None]:
    """Run HAProxy with the same work: decode, allow-list, split, one in ten to the origin, the same answer."""
    port, tls_port = free_port(), free_port() if certificate else 0
    tls = f"bind 127.0.0.1:{tls_port} ssl crt {certificate} alpn http/1.1" if certificate else ""
    config = folder / "haproxy.cfg"
    config.write_text(f"""
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout client 60s
  timeout connect 1s
  timeout server 1s
frontend edge
  bind 127.0.0.1:{port}
  {tls}
  http-request set-var(txn.url) url_param(video),url_dec
  http-request set-var(txn.host) var(txn.url),field(3,/)
  http-request deny deny_status 422 unless {{ var(txn.host) -m end .origin-cluster }}
  http-after-response set-header Cache-Control no-store
  http-after-response set-header Access-Control-Allow-Origin *
  http-request redirect location %[var(txn.url)] code 301 if {{ rand(10) eq 0 }}
  http-request redirect location http://cdn.example.com/%[var(txn.host),field(1,.)]/%[var(txn.url),field(4,/,0)] code 301
""")
    with running([HAPROXY, "-db", "-f", str(config)], port, folder) as server:
        server.tls_port = tls_port
        yield server


def _nginx_config(folder: Path, top: str, http: str, port: int, location: str) -> list[str]:
    config = folder / f"nginx-{port}.conf"
    config.write_text(f"""
{top}
worker_processes 1;
daemon off;
pid {folder}/nginx-{port}.pid;
error_log stderr crit;
events {{ worker_connections 10000; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  {http}
  server {{
    listen 127.0.0.1:{port};
    {location}
  }}
}}
""")
    return [NGINX, "-p", str(folder), "-c", str(config)]


@contextmanager
def nginx_njs(folder: Path) -> Generator[Server, None, None]:
    """Run nginx with the same work in njs, its JavaScript."""
    port = free_port()
    (folder / "edge.js").write_text("""
var ticket = 0;
function edge(r) {
  var url = decodeURIComponent(r.args.video || '');
  var parts = url.match(/^(https?):\\/\\/([a-z0-9-]+)\\.origin-cluster(\\/.+)$/);
  if (!parts) { r.return(422); return; }
  r.headersOut['Cache-Control'] = 'no-store';
  r.headersOut['Access-Control-Allow-Origin'] = '*';
  r.return(301, Math.random() < 0.1 ? url : parts[1] + '://cdn.example.com/' + parts[2] + parts[3]);
}
export default {edge};
""")
    command = _nginx_config(
        folder,
        f"load_module {NJS};",
        f"js_path {folder}/; js_import edge.js;",
        port,
        "location = / { js_content edge.edge; }",
    )
    with running(command, port, folder) as server:
        yield server


@contextmanager
def nginx_split(folder: Path) -> Generator[Server, None, None]:
    """Run nginx with `split_clients` and a map; it cannot undo percent-encoding and takes the URL apart as it is sent."""
    port = free_port()
    http = """
  split_clients "$request_id" $branch { 10% origin; * cdn; }
  map $arg_video $cdn {
    "~^http%3A%2F%2F(?<server>[a-z0-9-]+)\\.origin-cluster%2F(?<path>.+)$" http://cdn.example.com/$server/$path;
  }
  map $branch $target { origin http://s1.origin-cluster/$path; default $cdn; }
"""
    location = """
    add_header Cache-Control no-store always;
    add_header Access-Control-Allow-Origin * always;
    location = / { if ($cdn = "") { return 422; } return 301 $target; }
"""
    with running(_nginx_config(folder, "", http, port, location), port, folder) as server:
        yield server
