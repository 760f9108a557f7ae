"""Workers that start slowly, fail, die or are silent, and a supervisor that is killed."""

import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from balancer.adapters.sql.engines import make_engine
from balancer.adapters.sql.migrations import AlembicSchema
from tests.factories import BEARER, KEY, VIDEO
from tests.integration.conftest import Start
from tests.processes import START_TIMEOUT, Balancer, Postgres, free_port, own_environment, wait_for
from tests.wire import GET

QUERY = f"/?video={VIDEO}"

IN_WORKERS = """
import sys, time, pathlib
if (pathlib.Path(__file__).parent / "held").exists():
    import atexit
    atexit.register(time.sleep, 60)
if "--multiprocessing-fork" in sys.argv or "spawn_main" in " ".join(sys.orig_argv):
    here = pathlib.Path(__file__).parent
    if (here / "slow").exists():
        time.sleep(float((here / "slow").read_text()))
    if (here / "broken").exists():
        import balancer.app
        def create_app(*args, **named):
            raise RuntimeError("broken on purpose")
        balancer.app.create_app = create_app
"""


class Saboteur:
    """Makes workers slow or broken: Python runs a module of this name at the start of every process.

    Args:
        folder: Where that module stands.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        (folder / "sitecustomize.py").write_text(IN_WORKERS)
        self.environment = {
            "PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))
        }

    def slow_down(self, seconds: float) -> None:
        """Let each worker that starts from now on take so much longer."""
        (self._folder / "slow").write_text(str(seconds))

    def break_workers(self) -> None:
        """Let each worker that starts from now on fail."""
        (self._folder / "broken").touch()

    def hold_processes(self) -> None:
        """Let each process that starts from now on take a minute to end."""
        (self._folder / "held").touch()

    def relent(self) -> None:
        """Let workers start as they should."""
        for name in ("slow", "broken"):
            (self._folder / name).unlink(missing_ok=True)


@pytest.fixture
def saboteur(tmp_path: Path) -> Saboteur:
    """Return what makes workers slow or broken."""
    return Saboteur(tmp_path / "sabotage")


def statuses(url: str, count: int = 20) -> Counter[int]:
    """Ask with a connection for each request, so that every worker is asked."""
    return Counter(httpx.get(url + QUERY, timeout=10).status_code for _ in range(count))


@pytest.mark.long
def test_workers_may_start_slowly(saboteur: Saboteur, tmp_path: Path) -> None:
    """Workers that take longer to import than a health check would wait come up, and none is killed for it."""
    saboteur.slow_down(7)
    with Balancer(tmp_path, saboteur.environment, WORKERS=2) as balancer:
        assert {301: 20} == statuses(balancer.url)
        assert 2 == balancer.starts
        assert not balancer.has_said(level="warning")


@pytest.mark.long
def test_a_worker_that_never_starts_is_started_again(saboteur: Saboteur, tmp_path: Path) -> None:
    """A worker that takes longer than `BALANCER_WORKER_START_TIME` is replaced; the others serve meanwhile."""
    with Balancer(tmp_path, saboteur.environment, WORKERS=2, WORKER_START_TIME=5) as balancer:
        saboteur.slow_down(60)
        balancer.workers()[0].kill()
        wait_for(lambda: any("did not start within 5 seconds" in line for line in balancer.log), seconds=30)
        assert {301: 20} == statuses(balancer.url)
        saboteur.relent()
        wait_for(lambda: balancer.starts == 3, seconds=START_TIMEOUT)


@pytest.mark.long
def test_a_service_whose_workers_cannot_start_fails(saboteur: Saboteur, tmp_path: Path) -> None:
    """When no worker can start the service ends, and its exit code says that something is wrong."""
    saboteur.break_workers()
    balancer = Balancer(tmp_path, saboteur.environment, WORKERS=2)
    assert 1 == balancer.ended()
    assert any("cannot start: the service ends" in line for line in balancer.log)


@pytest.mark.long
def test_a_worker_that_cannot_start_stops_nobody(saboteur: Saboteur, tmp_path: Path) -> None:
    """A replacement that cannot start is tried again and again, while the other workers serve."""
    with Balancer(tmp_path, saboteur.environment, WORKERS=2) as balancer:
        saboteur.break_workers()
        balancer.workers()[0].kill()
        wait_for(lambda: sum("is started again in" in line for line in balancer.log) >= 3, seconds=START_TIMEOUT)
        assert {301: 20} == statuses(balancer.url)
        saboteur.relent()
        wait_for(lambda: balancer.starts == 3, seconds=START_TIMEOUT)
        assert {301: 20} == statuses(balancer.url)


@pytest.mark.long
def test_a_restart_that_fails_changes_nothing(saboteur: Saboteur, tmp_path: Path) -> None:
    """On SIGHUP a worker retires only when its successor serves; without one the old workers go on."""
    with Balancer(tmp_path, saboteur.environment, WORKERS=2) as balancer:
        before = set(balancer.workers())
        saboteur.break_workers()
        balancer.process.send_signal(signal.SIGHUP)
        wait_for(lambda: any("the restart is given up" in line for line in balancer.log), seconds=START_TIMEOUT)
        assert before == set(balancer.workers())
        assert {301: 20} == statuses(balancer.url)


def refusals(balancer: Balancer) -> int:
    """Return how often the log has said that SIGHUP is ignored, and what to do."""
    return sum("set BALANCER_WORKERS to 2 or more" in line for line in balancer.log)


def test_one_worker_outlives_sighup(tmp_path: Path) -> None:
    """On SIGHUP one worker alone goes on, and says each time what would be done instead."""
    with Balancer(tmp_path) as balancer:
        for times in (1, 2):
            balancer.process.send_signal(signal.SIGHUP)
            wait_for(lambda: refusals(balancer) == times, seconds=START_TIMEOUT)  # noqa: B023 - it is called here
        assert {301: 20} == statuses(balancer.url)
        assert (1, None) == (balancer.starts, balancer.process.poll())
        balancer.process.terminate()
        assert 0 == balancer.process.wait(START_TIMEOUT)


def test_a_terminal_that_is_closed_ends_the_service(tmp_path: Path) -> None:
    """A service that logs to a terminal ends by the SIGHUP that is sent when the terminal is closed."""
    ours, theirs = pty.openpty()
    environment = {**own_environment(), "BALANCER_PORT": "0", "BALANCER_BOOTSTRAP_API_KEY": KEY}
    command = [sys.executable, "-m", "balancer", "serve"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    try:
        said = b""
        while b"startup complete" not in said:
            assert select.select([ours], [], [], START_TIMEOUT)[0]
            said += os.read(ours, 65536)
        process.send_signal(signal.SIGHUP)
        assert -signal.SIGHUP == process.wait(START_TIMEOUT)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@pytest.fixture
def outage(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    """Return a database of its own, which can be stopped."""
    with Postgres(f"faults-{abs(hash(request.node.name)) % 10_000}") as postgres:
        AlembicSchema(postgres.url, make_engine(postgres.url)).upgrade()
        yield postgres


@pytest.fixture
def nowhere(tmp_path: Path) -> Path:
    """Return a data folder that cannot be made, also by a privileged user."""
    (tmp_path / "file").touch()
    return tmp_path / "file" / "data"


def ready(url: str) -> dict[str, str]:
    """Return the statuses of the stores by name."""
    found = httpx.get(f"{url}/health/ready").json()
    return {store["name"]: store["status"] for store in found["dependencies"]} | {"": found["status"]}


@pytest.mark.long
def test_a_worker_without_a_config_waits_for_one(start: Start, outage: Postgres, nowhere: Path) -> None:
    """With the database away and no copy, a replaced worker answers 503 with Retry-After until the database is back."""
    balancer = start(WORKERS=2, DATABASE_URL=outage.url, DATA_DIR=nowhere).wait()
    assert balancer.has_said(event="the data folder cannot be written", level="warning")
    wait_for(lambda: ready(balancer.url) == {"": "degraded", "database": "ok", "data folder": "down"}, seconds=5)
    outage.stop()
    balancer.workers()[0].kill()
    wait_for(lambda: balancer.starts == 3, seconds=START_TIMEOUT)
    wait_for(lambda: set(statuses(balancer.url)) == {301, 503}, seconds=10)
    refused = next(answer for _ in range(100) if (answer := httpx.get(balancer.url + QUERY)).status_code == 503)
    assert "1" == refused.headers["retry-after"]
    assert "no-config" in refused.json()["type"]
    outage.start()
    wait_for(lambda: statuses(balancer.url) == {301: 20}, seconds=20)
    assert 3 == balancer.starts
    assert 0 == balancer.stop()


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.long), 2])
@pytest.mark.long
def test_a_first_start_waits_for_its_database(start: Start, outage: Postgres, nowhere: Path, workers: int) -> None:
    """A first start with no store and no copy answers 503 until the database is there, and then works in full."""
    outage.stop()
    balancer = start(WORKERS=workers, DATABASE_URL=outage.url, DATA_DIR=nowhere).wait()
    assert {503: 20} == statuses(balancer.url)
    assert "unable" == ready(balancer.url)[""]
    outage.start()
    wait_for(lambda: statuses(balancer.url) == {301: 20}, seconds=20)
    wait_for(lambda: httpx.get(f"{balancer.url}/config", headers=BEARER).status_code == 200, seconds=5)


@pytest.mark.long
def test_a_first_start_waits_for_its_folder(start: Start, tmp_path: Path) -> None:
    """The embedded database is made and brought up to date once its folder can be written."""
    (tmp_path / "data").touch()
    balancer = start(DATA_DIR=tmp_path / "data" / "inner").wait()
    assert {503: 20} == statuses(balancer.url)
    (tmp_path / "data").unlink()
    wait_for(lambda: statuses(balancer.url) == {301: 20}, seconds=20)
    assert 200 == httpx.get(f"{balancer.url}/config", headers=BEARER).status_code


def test_not_waiting_is_a_choice(tmp_path: Path, nowhere: Path) -> None:
    """With `BALANCER_WAIT_FOR_CONFIG=off` such a start fails, with exit code 1."""
    balancer = Balancer(tmp_path, DATA_DIR=nowhere, WAIT_FOR_CONFIG="off")
    assert 1 == balancer.ended()
    assert any("No config is known" in line for line in balancer.log)


def has_ended(process: psutil.Process) -> bool:
    """Return whether a process has ended, though nobody may have asked for its exit code yet."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.long
@pytest.mark.timed
def test_a_killed_supervisor_leaves_nobody(start: Start) -> None:
    """When the supervisor is killed its workers end within two seconds, and the port is free again."""
    port = free_port()
    balancer = start(WORKERS=2, PORT=port).wait()
    workers = balancer.workers()
    balancer.process.kill()
    wait_for(lambda: all(map(has_ended, workers)), seconds=2)
    with socket.create_server(("127.0.0.1", port)):
        pass


@pytest.mark.long
def test_a_silent_worker_is_replaced(start: Start) -> None:
    """A worker that is stopped is replaced when it has been silent for too long."""
    balancer = start(WORKERS=2, WORKER_START_TIME=8, WORKER_SILENCE=9).wait()
    silent = balancer.workers()[0]
    silent.suspend()
    # Where it was stopped before the supervisor had heard of it, it counts as one that does not start.
    fault = rf"worker {silent.pid} (was silent for 9|did not start within 8) seconds"
    wait_for(lambda: any(re.search(fault, line) for line in balancer.log), seconds=START_TIMEOUT)
    wait_for(lambda: balancer.starts == 3, seconds=START_TIMEOUT)
    assert not silent.is_running()


class Clients:
    """Clients that make a connection for each request, and what they got.

    Args:
        url: Whom they ask.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (str(parts.hostname), int(parts.port or 0))
        self.seen: Counter[str] = Counter()
        self.over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(8)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, each behind its request."""
        self.over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self.over.is_set():
            try:
                connection = socket.create_connection(self._address, timeout=10)
            except ConnectionRefusedError:
                self.seen["refused"] += 1
                return
            except OSError:
                self.seen["not connected"] += 1
                continue
            with connection:
                try:
                    connection.sendall(GET)
                    answer = connection.recv(4096)
                except OSError as error:
                    self.seen[type(error).__name__] += 1
                else:
                    self.seen[answer[9:12].decode() or "closed"] += 1


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.long), 3])
def test_stopping_resets_nobody(start: Start, workers: int) -> None:
    """While a service stops, whoever has a connection gets an answer; the others are refused at once."""
    balancer = start(WORKERS=workers).wait()
    clients = Clients(balancer.url)
    wait_for(lambda: clients.seen["301"] > 200, seconds=10)
    assert 0 == balancer.stop()
    clients.stop()
    assert {"301", "refused"} == set(clients.seen)


@pytest.mark.long
def test_restarting_resets_nobody(start: Start) -> None:
    """While workers are replaced one after another, every request is answered."""
    balancer = start(WORKERS=2).wait()
    clients = Clients(balancer.url)
    wait_for(lambda: clients.seen["301"] > 200, seconds=10)
    before = balancer.workers()
    balancer.process.send_signal(signal.SIGHUP)
    psutil.wait_procs(before, timeout=60)
    assert not set(before) & set(balancer.workers())
    clients.stop()
    assert {"301"} == set(clients.seen)


class LimitedBalancer(Balancer):
    """A balancer that may have few files open: at first fewer than it could ask for."""

    through = ("sh", "-c", 'ulimit -Sn 256; ulimit -Hn 640; exec "$@"', "sh")


def test_the_limit_on_open_files(tmp_path: Path) -> None:
    """The limit is raised as far as it may be, connections are bounded by it, and the ones above are told so."""
    with LimitedBalancer(tmp_path) as balancer:
        assert balancer.has_said(level="warning", connections=480, open_files=640)
        parts = urlsplit(balancer.url)
        with httpx.Client(base_url=balancer.url, headers=BEARER) as admin:
            admin.get("/health/live")
            address = (str(parts.hostname), int(parts.port or 0))
            connections = [socket.create_connection(address, timeout=10) for _ in range(560)]
            # Those above the limit are told so unasked; when the last one is, all before it have been taken.
            with connections.pop() as last:
                seen = Counter([last.recv(4096)[9:12].decode()])
            for connection in connections:
                connection.sendall(GET)
                seen[connection.recv(4096)[9:12].decode()] += 1
                connection.close()
            assert {"301": 479, "503": 81} == seen
            assert 200 == admin.patch("/config", json={"id": 1, "distribution_rate": 3}).status_code
            numbers = admin.get("/metrics").text
    assert "balancer_connections_refused_total 81.0" in numbers
    assert "balancer_connections_limit 480.0" in numbers


@pytest.mark.long
def test_killed_processes_are_reported(start: Start) -> None:
    """A worker that is killed is named with its exit code."""
    balancer = start(WORKERS=2).wait()
    killed = balancer.workers()[0]
    killed.kill()
    wait_for(lambda: any(f"worker {killed.pid} ended with exit code -9" in line for line in balancer.log), seconds=10)


def test_a_supervisor_obeys_while_workers_start(saboteur: Saboteur, tmp_path: Path) -> None:
    """A service that is told to end while its workers are still starting does so at once."""
    saboteur.slow_down(60)
    balancer = Balancer(tmp_path, saboteur.environment, WORKERS=2)
    try:
        wait_for(lambda: any("Started parent process" in line for line in balancer.log), seconds=START_TIMEOUT)
        balancer.process.send_signal(signal.SIGTERM)
    finally:
        code = balancer.ended(10)
    assert 0 == code


@pytest.mark.long
def test_a_process_ends_though_something_holds_it(saboteur: Saboteur, tmp_path: Path) -> None:
    """What a driver or a library leaves behind at the end of the server keeps the process for seconds, not for good."""
    saboteur.hold_processes()
    with Balancer(tmp_path, saboteur.environment) as balancer:
        assert 301 == httpx.get(balancer.url + QUERY).status_code
        # A minute would be too long.
        assert 0 == balancer.stop()
