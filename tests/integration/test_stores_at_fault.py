"""What the command line says when a store does not do what it should: the cause, and what to do."""

import asyncio
import signal
import socket
import socketserver
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil
import pytest
from typing_extensions import override

from balancer.adapters.redis.clients import make_redis
from balancer.adapters.redis.stores import RedisDependency
from balancer.adapters.sql.engines import SqlDependency, make_engine
from balancer.adapters.sql.migrations import LOCK, AlembicSchema
from balancer.core.errors import StoreFault, StoreUnavailable
from tests.factories import BEARER
from tests.inside import run_inside
from tests.integration.conftest import Start
from tests.processes import Postgres, Valkey, free_port, start_command, wait_for

pytestmark = pytest.mark.long

NOW = {"WAIT_FOR_CONFIG": "off"}
"""Lets a start fail that would wait for the database."""

COMMANDS = [
    ["config", "show"],
    ["keys", "list"],
    ["keys", "create", "--name", "a", "--role", "viewer"],
    ["keys", "revoke", "1"],
    ["audit", "export"],
    ["backup", "backup.jsonl"],
    ["migrate"],
    ["serve"],
]


class Server(NamedTuple):
    """A PostgreSQL server that a test may do anything to.

    Attributes:
        postgres: The server.
        folder: Where its socket and its data are.
    """

    postgres: Postgres
    folder: Path

    def url(self, user: str = "postgres", password: str = "a-secret-password", database: str = "balancer_test") -> str:
        """Return the URL of a database for a user, with a password."""
        return f"postgresql://{user}:{password}@/{database}?host={self.folder}"

    def sql(self, statement: str) -> None:
        """Run a statement as the administrator."""
        self.postgres.run(statement, "postgres")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Return a server of this module's own, with the newest schema."""
    with Postgres("faults") as postgres:
        AlembicSchema(postgres.url, make_engine(postgres.url)).upgrade()
        yield Server(postgres, postgres.folder)


@pytest.fixture(scope="module")
def deaf() -> Iterator[int]:
    """Return a port that takes connections, and never says anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def without_tls() -> Iterator[int]:
    """Return a port that answers as a PostgreSQL without TLS does: to the request for it with the letter N."""

    class Handler(socketserver.BaseRequestHandler):
        @override
        def handle(self) -> None:
            self.request.recv(8)
            self.request.sendall(b"N")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as listener:
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        yield listener.server_address[1]
        listener.shutdown()
        thread.join()


def told(done: "subprocess.CompletedProcess[str]") -> str:
    """Return the one line that a command ended with."""
    assert 1 == done.returncode, done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("balancer: ")]
    return line


def all_told(folder: Path, commands: list[list[str]], **settings: Any) -> list[str]:
    """Run commands side by side, and return the line that each ended with."""
    with ExitStack() as running:
        started = [running.enter_context(start_command(folder, *command, **settings)) for command in commands]
        for process in started:
            running.callback(process.kill)
        done = [(process, *process.communicate(timeout=120)) for process in started]
    return [told(subprocess.CompletedProcess(one.args, one.returncode, *said)) for one, *said in done]


def test_hanging_database(tmp_path: Path, deaf: int) -> None:
    """While the database takes connections and says nothing, commands end with a line that says so."""
    url = f"postgresql://u:secret@127.0.0.1:{deaf}/d"
    for line in all_told(tmp_path, [["keys", "list"], ["migrate"], ["serve"]], **NOW, DATABASE_URL=url):
        assert f"The database (PostgreSQL at 127.0.0.1:{deaf}, database 'd') does not answer in time" in line


def test_nothing_listens(tmp_path: Path) -> None:
    """Where no database listens, every command says where, and which setting names it."""
    url = f"postgresql://u:secret@localhost:{free_port()}/d"
    for line in (told(run_inside(tmp_path, *command, **NOW, DATABASE_URL=url)) for command in COMMANDS):
        assert "does not run at the address that is given. Start it, or correct BALANCER_DATABASE_URL" in line


def test_no_file(tmp_path: Path) -> None:
    """Where there is no SQLite file, a command that does not make one says so."""
    for line in (told(run_inside(tmp_path, *command)) for command in COMMANDS[:-2]):
        assert "The database (SQLite at data/balancer.db) does not exist" in line
    assert not (tmp_path / "data").exists()


def test_causes(server: Server, without_tls: int, tmp_path: Path) -> None:
    """A real server's refusals are told by their cause: user, password, database, permission, TLS, name."""
    server.sql("CREATE ROLE guest LOGIN PASSWORD 'right'")
    rules = server.folder / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"local all guest scram-sha-256\n{before}")
    server.sql("SELECT pg_reload_conf()")
    for url, cause in [
        (server.url("guest", "a-secret-password"), "refuses the user or the password"),
        (server.url("nobody"), "refuses the user or the password"),
        (server.url(database="none"), "does not exist"),
        (server.url("guest", "right"), "does not permit this"),
        (f"postgresql://u:secret@127.0.0.1:{without_tls}/d?sslmode=require", "cannot be talked to over TLS"),
        ("postgresql://u:secret@no-such-host.invalid/d", "whose name cannot be resolved"),
        ("postgresql://u:secret@/d?host=/none", "does not run at the address that is given"),
    ]:
        line = told(run_inside(tmp_path, "keys", "list", DATABASE_URL=url))
        assert cause in line, line
    rules.write_text(before)
    server.sql("SELECT pg_reload_conf()")


def test_sqlite_causes(tmp_path: Path) -> None:
    """A file that is no database or may not be written, and a folder that cannot be, are told by their cause."""
    (tmp_path / "letter.db").write_text("This is a letter, and no database. " * 100)
    run_inside(tmp_path, "migrate")
    read_only = f"sqlite:///file:{tmp_path}/data/balancer.db?mode=ro&uri=true"
    create = ["keys", "create", "--name", "a", "--role", "viewer"]
    for command, settings, cause in [
        (["keys", "list"], {"DATABASE_URL": "sqlite:///letter.db"}, "is damaged, or is not a database at all"),
        (["migrate"], {"DATABASE_URL": "sqlite:///letter.db"}, "is damaged, or is not a database at all"),
        (["migrate"], {"DATA_DIR": "/dev/null/data"}, "cannot be opened or read"),
        (["serve"], {**NOW, "DATA_DIR": "/dev/null/data"}, "cannot be opened or read"),
        (create, {"DATABASE_URL": read_only}, "can be read but not written"),
    ]:
        assert cause in told(run_inside(tmp_path, *command, **settings))


def test_serve_tells_why_it_has_no_config(server: Server, tmp_path: Path) -> None:
    """A start without a database and without a copy says what is wrong with the database."""
    line = told(run_inside(tmp_path, "serve", **NOW, DATABASE_URL=server.url(database="none")))
    assert "No config is known" in line
    assert "database 'none') does not exist" in line


def test_lost_store_is_told_by_its_cause(start: Start, tmp_path: Path) -> None:
    """While the service runs, the line about a lost store says why it was lost."""
    with Valkey(tmp_path) as valkey:
        balancer = start(REDIS_URL=valkey.url)
        valkey.kill()
        wait_for(lambda: any("Redis " in event.get("fault", "") for event in balancer.events()), seconds=20)


@pytest.mark.anyio
async def test_redis_causes(tmp_path: Path) -> None:
    """A Redis that wants a password, or can only be read, or is full, is told from one that is away."""
    with Valkey(tmp_path) as valkey:
        redis = make_redis(valkey.url)
        with pytest.raises(StoreUnavailable) as caught:
            await RedisDependency(make_redis(f"redis://127.0.0.1:{free_port()}/0"), "a:").ping()
        assert StoreFault.NOT_LISTENING == caught.value.fault
        with pytest.raises(StoreUnavailable) as caught:
            await RedisDependency(make_redis("redis://no-such-host.invalid/0"), "a:").ping()
        assert StoreFault.UNKNOWN_HOST == caught.value.fault
        await redis.config_set("requirepass", "right")
        for url in (valkey.url, valkey.url.replace("//", "//:wrong@")):
            with pytest.raises(StoreUnavailable) as caught:
                await RedisDependency(make_redis(url), "a:").ping()
            assert StoreFault.DENIED == caught.value.fault
        await redis.aclose()


def test_read_only_postgres(start: Start, server: Server, tmp_path: Path) -> None:
    """A PostgreSQL that takes no changes is not ready, whose sign is what a standby shows too; a command says why."""
    balancer = start(DATABASE_URL=server.url())
    health = f"{balancer.url}/health/ready"
    assert "ok" == httpx.get(health).json()["dependencies"][0]["status"]
    server.sql("ALTER DATABASE balancer_test SET default_transaction_read_only = on")
    server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'balancer_test'")
    try:
        wait_for(lambda: httpx.get(health).json()["dependencies"][0]["status"] == "down", seconds=10)
        wait_for(lambda: httpx.get(f"{balancer.url}/config", headers=BEARER).status_code == 200, seconds=10)
        command = ["keys", "create", "--name", "a", "--role", "viewer"]
        line = told(run_inside(tmp_path, *command, DATABASE_URL=server.url()))
        assert "can be read but not written" in line
        assert 0 == run_inside(tmp_path, "backup", "backup.jsonl", DATABASE_URL=server.url()).returncode
    finally:
        server.sql("ALTER DATABASE balancer_test RESET default_transaction_read_only")
        server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'balancer_test'")
    wait_for(lambda: httpx.get(health).json()["dependencies"][0]["status"] == "ok", seconds=10)


@pytest.mark.anyio
async def test_read_only_sqlite(tmp_path: Path) -> None:
    """An SQLite file that can only be read is not ready; one that somebody else is writing to is."""
    path = tmp_path / "a.db"
    url = f"sqlite:///{path}"
    writable = make_engine(url)
    await asyncio.to_thread(AlembicSchema(url, writable).upgrade)
    await SqlDependency(writable).ping()
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        await SqlDependency(writable).ping()
        other.execute("ROLLBACK")
    other.close()
    read_only = make_engine(f"sqlite:///file:{path}?mode=ro&uri=true")
    with pytest.raises(StoreUnavailable) as caught:
        await SqlDependency(read_only).ping()
    assert StoreFault.READ_ONLY == caught.value.fault
    await read_only.dispose()
    await writable.dispose()


def test_migration_may_take_its_time(server: Server, tmp_path: Path) -> None:
    """A migration that takes longer than a statement may in service comes to its end."""
    server.sql("CREATE DATABASE slow_test")
    url = server.url(database="slow_test")
    AlembicSchema(url, make_engine(url)).upgrade("0002")
    # Whatever is created from here on waits for six seconds, which is more than the five of `COMMAND_TIMEOUT`.
    server.postgres.run(
        "CREATE FUNCTION wait() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(6); END';"
        "CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION wait();",
        "slow_test",
    )
    assert 0 == run_inside(tmp_path, "migrate", DATABASE_URL=url).returncode
    AlembicSchema(url, make_engine(url)).downgrade("-1")


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_migration_does_not_wait_for_ever(server: Server, tmp_path: Path, kind: str) -> None:
    """While somebody else holds a lock, a migration waits as long as it is told, and says so."""
    url = server.url() if kind == "postgresql" else f"sqlite:///{tmp_path}/a.db"
    run_inside(tmp_path, "migrate", DATABASE_URL=url)
    with ExitStack() as held:
        if kind == "postgresql":
            held.enter_context(server.postgres.holding(f"SELECT pg_advisory_lock({LOCK})"))
        else:
            writer = held.enter_context(closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)))
            writer.execute("BEGIN IMMEDIATE")
        done = run_inside(tmp_path, "migrate", "--wait", "0.5", DATABASE_URL=url)
    assert "is locked by another program" in told(done)


def test_migration_of_a_server_that_dies_away(tmp_path: Path) -> None:
    """A server that says nothing any more in the middle of a migration is not waited for."""
    with Postgres("dying") as postgres:
        AlembicSchema(postgres.url, make_engine(postgres.url)).upgrade("0002")
        postgres.run(
            "CREATE FUNCTION wait() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(600); END';"
            "CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION wait();"
        )
        with start_command(tmp_path, "migrate", "--wait", "2", DATABASE_URL=postgres.url) as migration:
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
            wait_for(lambda: postgres.ask(waiting) == "1", 30)
            with postgres.frozen():
                _, log = migration.communicate(timeout=60)
            assert "does not answer in time" in log
            assert (1, False) == (migration.returncode, "Traceback" in log)


def test_interrupted(tmp_path: Path, deaf: int) -> None:
    """Ctrl-C ends a command with exit code 130 and no traceback."""
    url = f"postgresql://u:secret@127.0.0.1:{deaf}/d"
    for command in (["keys", "list"], ["migrate"]):
        with start_command(tmp_path, *command, DATABASE_URL=url) as process:
            connected = psutil.Process(process.pid)
            wait_for(lambda: any(one.status == "ESTABLISHED" for one in connected.net_connections()), 30)  # noqa: B023
            process.send_signal(signal.SIGINT)
            printed, log = process.communicate(timeout=30)
        assert (130, "", False) == (process.returncode, printed, "Traceback" in log), log
