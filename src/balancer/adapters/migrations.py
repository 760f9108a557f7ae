"""The schema of the database: bring it up to date, or say that it is not."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from balancer.adapters.sql import answering
from balancer.core.errors import SchemaMismatch, StoreUnavailable
from balancer.core.ports import Schema
from balancer.store_urls import read_database_url

_PACKAGED = Path(__file__).parents[1] / "migrations"
_CHECKOUT = Path(__file__).parents[3] / "alembic"

PRIVATE_FOLDER = 0o700
"""Mode of the folder that is made for an embedded database."""

URL_ATTRIBUTE = "balancer.database_url"
"""Under this name the migration environment finds the URL of the database to work on."""


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
            await self._check()

    @override
    def upgrade(self, revision: str = "head") -> None:
        with self._migrating():
            if self._url.get_backend_name() == "sqlite" and self._url.database:
                Path(self._url.database).parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            command.upgrade(self._config, revision)

    @override
    def downgrade(self, revision: str) -> None:
        with self._migrating():
            command.downgrade(self._config, revision)

    async def _check(self) -> None:
        async with answering(self._engine) as connection:
            found = await connection.run_sync(_current)
        if found != self._newest:
            raise SchemaMismatch(found, self._newest)

    @property
    def _newest(self) -> str:
        return ScriptDirectory.from_config(self._config).get_current_head() or ""

    @contextmanager
    def _migrating(self) -> Generator[None, None, None]:
        try:
            yield
        except CommandError as error:
            # The database is at a revision that this program does not know: a newer program was here.
            raise SchemaMismatch(str(error), self._newest) from error
        except (DBAPIError, OSError) as error:
            raise StoreUnavailable("database") from error


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
