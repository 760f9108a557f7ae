"""The schema of the database: bring it up to date, or say that it is not."""

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from balancer.adapters.asking import asking
from balancer.adapters.sql.engines import answering
from balancer.core.errors import SchemaMismatch, StoreFault, StoreUnavailable
from balancer.core.storage.migrations import Loss, Migration, UnknownRevision, resolve, steps_down
from balancer.core.storage.ports import LOCK_WAIT, Schema
from balancer.store_urls import read_database_url

_PACKAGED = Path(__file__).parents[2] / "migrations"
_CHECKOUT = Path(__file__).parents[4] / "alembic"

PRIVATE_FOLDER = 0o700
"""Mode of the folder that is made for an embedded database."""

PRIVATE_FILE = 0o600
"""Mode of the database itself; SQLite gives the files beside it the same."""

OTHERS = 0o077
"""What everybody else may do with a file."""

URL_ATTRIBUTE = "balancer.database_url"
"""Under this name the migration environment finds the URL of the database to work on."""

WAIT_ATTRIBUTE = "balancer.wait"
"""The same for the seconds that it waits for a lock."""

CONNECTION_ATTRIBUTE = "balancer.connection"
"""The same for a connection with a transaction to work in, which has the lock already."""

LOCK = 0x62616C61
"""The advisory lock that makes a second runner wait; the number has no meaning beyond being ours."""


class AlembicSchema(Schema):
    """The schema by the migrations that came with this program, in a wheel or in a checkout.

    Args:
        database_url: The database to work on.
        engine: An engine for the same.
    """

    def __init__(self, database_url: str, engine: AsyncEngine) -> None:
        self._url = read_database_url(database_url)
        self._engine = engine
        self._config = Config()
        self._config.set_main_option("script_location", str(_PACKAGED if _PACKAGED.is_dir() else _CHECKOUT))
        self._config.attributes[URL_ATTRIBUTE] = database_url

    @override
    async def make_ready(self) -> None:
        if self._url.get_backend_name() == "sqlite":
            await asyncio.to_thread(self.upgrade)
        else:
            await self.check()

    @override
    async def check(self) -> None:
        self.see_file()
        async with answering(self._engine) as connection:
            found = await connection.run_sync(self.found)
        if found != self.newest:
            raise SchemaMismatch(found, self.newest)

    @override
    async def plan(self, revision: str) -> Migration:
        if self._file and not self._file.exists():
            return Migration(None, resolve(revision, None, self.known), is_down=False)
        async with answering(self._engine) as connection:
            found = await connection.run_sync(self.found)
            target = resolve(revision, found, self.known)
            undone = steps_down(found, target, self.known)
            losses = [
                Loss(what, await connection.run_sync(_count, count))
                for step in undone
                for what, count in self._scripts.get_revision(step).module.LOSES
            ]
        return Migration(found, target, bool(undone), losses)

    @override
    def upgrade(self, revision: str = "head", wait: float = LOCK_WAIT) -> None:
        with self._migrating(wait):
            self.make_file()
            command.upgrade(self._config, revision)

    @override
    def downgrade(self, revision: str, wait: float = LOCK_WAIT) -> None:
        with self._migrating(wait):
            command.downgrade(self._config, revision)

    def see_file(self) -> None:
        """See that the file of an SQLite database is there, as to connect would make an empty one.

        Raises:
            StoreUnavailable: When it is not.
        """
        if self._file and not self._file.exists():
            raise StoreUnavailable("database", StoreFault.MISSING)

    def make_file(self) -> None:
        """Make an SQLite database and its folder unless they are there; nobody else may read what is in them.

        Raises:
            StoreUnavailable: When that is not possible.
        """
        if self._file is None:
            return
        with asking("database"):
            self._file.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            if not self._file.exists():
                self._file.touch(mode=PRIVATE_FILE)
        # One that an earlier release has made, with what SQLite keeps beside it.
        for file in self._file.parent.glob(f"{self._file.name}*"):
            if file.name.removeprefix(self._file.name) in {"", "-wal", "-shm"}:
                with suppress(OSError):
                    file.chmod(file.stat().st_mode & ~OTHERS)

    def move(self, connection: Connection, revision: str) -> None:
        """Bring the schema to a revision within a transaction that has the lock."""
        undone = steps_down(self.found(connection), resolve(revision, None, self.known), self.known)
        self._config.attributes[CONNECTION_ATTRIBUTE] = connection
        try:
            (command.downgrade if undone else command.upgrade)(self._config, revision)
        finally:
            del self._config.attributes[CONNECTION_ATTRIBUTE]

    def found(self, connection: Connection) -> str | None:
        """Return the revision that a database is at, None when it has no schema.

        Raises:
            SchemaMismatch: When a newer program was here.
        """
        found = current_revision(connection)
        if found is not None and found not in self.known:
            raise SchemaMismatch(found, self.newest, is_newer=True)
        return found

    @property
    def newest(self) -> str:
        """The revision that this program needs."""
        return self.known[-1]

    @property
    def known(self) -> Sequence[str]:
        """The revisions that this program knows, the oldest first."""
        return known_revisions(self._scripts)

    @property
    def _scripts(self) -> ScriptDirectory:
        return ScriptDirectory.from_config(self._config)

    @property
    def _file(self) -> Path | None:
        """The file of an SQLite database, None where the database is not named by a path."""
        named = self._url.get_backend_name() == "sqlite" and "uri" not in self._url.query and self._url.database
        return Path(named) if named and named != ":memory:" else None

    @contextmanager
    def _migrating(self, wait: float) -> Generator[None, None, None]:
        self._config.attributes[WAIT_ATTRIBUTE] = wait
        try:
            with asking("database"):
                yield
        except CommandError as error:
            raise UnknownRevision(str(error), self.known) from error


def _count(connection: Connection, count: str | Callable[[Connection], int]) -> int:
    """Count what a migration back would lose: by a statement, or by a function of the migration."""
    found: int | None = connection.scalar(text(count)) if isinstance(count, str) else count(connection)
    return found or 0


def known_revisions(scripts: ScriptDirectory) -> Sequence[str]:
    """Return the revisions that this program knows, the oldest first."""
    return [script.revision for script in scripts.walk_revisions()][::-1]


def current_revision(connection: Connection) -> str | None:
    """Return the revision that a database says it is at, None when it has no schema."""
    # Alembic's own way to ask logs two lines each time.
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def take_lock(connection: Connection, wait: float) -> None:
    """Let nobody else migrate, or write to an SQLite file, until the transaction ends.

    Args:
        connection: Whose transaction begins here.
        wait: Seconds to wait for this lock, and for each that the transaction needs later.
    """
    milliseconds = int(wait * 1000)
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT set_config('lock_timeout', :limit, true)"), {"limit": f"{milliseconds}ms"})
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    else:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {milliseconds}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
