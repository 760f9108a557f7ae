"""Configs and their revisions in a SQL database."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import RowMapping, Select, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from typing_extensions import override

from balancer.adapters.sql.deadlines import bounded, bounded_change
from balancer.adapters.sql.engines import answering, changing
from balancer.adapters.sql.tables import MAX_ID, cdn_configs, config_revisions
from balancer.core.configs.documents import CdnConfig, ConfigDocument
from balancer.core.configs.ports import CdnConfigs, ConfigHistory
from balancer.core.configs.revisions import Edit, Revision, Signature, Standing
from balancer.core.errors import ConfigNotFound, IdempotencyKeyReused, NoConfig, RevisionNotFound

_COLUMNS = [cdn_configs.c[name] for name in CdnConfig.__dataclass_fields__]
_PRESENT = cdn_configs.c.deleted_at.is_(None)


class SqlCdnConfigs(CdnConfigs):
    """Configs in one table, which holds the latest revision of each, beside the table of all revisions."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    @bounded_change
    async def create_first(self, config: CdnConfig, signature: Signature) -> None:
        async with changing(self._engine) as connection:
            if (await connection.execute(select(cdn_configs.c.id).limit(1))).first() is None:
                upsert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
                statement = upsert(cdn_configs).values(asdict(config)).on_conflict_do_nothing()
                # Of several first starts at once, one makes the row and the revision.
                if (await connection.execute(statement.returning(cdn_configs.c.id))).first():
                    await _record(connection, Revision(config.id, config.revision, config.document, signature))

    @override
    @bounded_change
    async def create(self, document: ConfigDocument, signature: Signature) -> CdnConfig:
        values = {**asdict(document), "revision": 1, "created_at": signature.at}
        async with changing(self._engine) as connection:
            if earlier := await _earlier(connection, signature):
                this = select(*_COLUMNS).where(cdn_configs.c.id == earlier["config_id"])
                return _config({**(await connection.execute(this)).mappings().one(), **_as_of(earlier)})
            made = await connection.execute(insert(cdn_configs).values(values).returning(*_COLUMNS))
            config = _config(made.mappings().one())
            await _record(connection, Revision(config.id, 1, document, signature))
        return config

    @override
    @bounded
    async def default(self) -> CdnConfig:
        found = await self._read(select(*_COLUMNS).where(_PRESENT).order_by(cdn_configs.c.id).limit(1))
        if not found:
            raise NoConfig
        return found[0]

    @override
    @bounded
    async def get(self, config_id: int) -> CdnConfig:
        found = None
        if 1 <= config_id <= MAX_ID:
            found = await self._read(select(*_COLUMNS).where(_PRESENT, cdn_configs.c.id == config_id))
        if not found:
            raise ConfigNotFound(config_id)
        return found[0]

    @override
    @bounded
    async def page(self, after: int, limit: int) -> Sequence[CdnConfig]:
        if after >= MAX_ID:
            return []
        later = cdn_configs.c.id > after
        return await self._read(select(*_COLUMNS).where(_PRESENT, later).order_by(cdn_configs.c.id).limit(limit))

    @override
    @bounded_change
    async def edit(
        self, config_id: int, edit: Edit, signature: Signature, restored: int | None = None
    ) -> CdnConfig | None:
        if not 1 <= config_id <= MAX_ID:
            raise ConfigNotFound(config_id)
        this = cdn_configs.c.id == config_id
        # Writing first takes the lock, of the row or of an SQLite file: nobody else can change it until this is over.
        lock = update(cdn_configs).where(this).values(revision=cdn_configs.c.revision)
        default = select(cdn_configs.c.id).where(_PRESENT).order_by(cdn_configs.c.id).limit(1)
        async with changing(self._engine) as connection:
            row = (await connection.execute(lock.returning(*_COLUMNS, cdn_configs.c.deleted_at))).mappings().first()
            if row is None:
                raise ConfigNotFound(config_id)
            if earlier := await _earlier(connection, signature):
                return _config({**row, **_as_of(earlier)}) if earlier["document"] else None
            config = _config(row)
            before = config.document if row["deleted_at"] is None else None
            is_default = await connection.scalar(default) == config_id
            after = edit(Standing(config_id, config.revision, before, is_default))
            if after == before:
                return config if before else None
            number = config.revision + 1
            await _record(connection, Revision(config_id, number, after, signature, restored))
            values = {**(asdict(after) if after else {}), "deleted_at": None if after else signature.at}
            change = update(cdn_configs).where(this).values(**values, revision=number, updated_at=signature.at)
            changed = (await connection.execute(change.returning(*_COLUMNS))).mappings().one()
            return _config(changed) if after else None

    async def _read(self, statement: Select[tuple[object, ...]]) -> list[CdnConfig]:
        async with answering(self._engine) as connection:
            return [_config(row) for row in (await connection.execute(statement)).mappings()]


class SqlConfigHistory(ConfigHistory):
    """Revisions in a table that rows are only ever added to."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    @bounded
    async def page(self, config_id: int, before: int | None, limit: int) -> Sequence[Revision]:
        statement = (
            select(config_revisions)
            .where(config_revisions.c.config_id == config_id)
            .order_by(config_revisions.c.number.desc())
            .limit(limit)
        )
        if before is not None and before <= MAX_ID:
            statement = statement.where(config_revisions.c.number < before)
        async with answering(self._engine) as connection:
            await _check_config(connection, config_id)
            return [revision_of(row) for row in (await connection.execute(statement)).mappings()]

    @override
    @bounded
    async def get(self, config_id: int, number: int) -> Revision:
        this = (config_revisions.c.config_id == config_id, config_revisions.c.number == number)
        async with answering(self._engine) as connection:
            await _check_config(connection, config_id)
            row = None
            if 1 <= number <= MAX_ID:
                row = (await connection.execute(select(config_revisions).where(*this))).mappings().first()
        if row is None:
            raise RevisionNotFound(config_id, number)
        return revision_of(row)


async def _check_config(connection: AsyncConnection, config_id: int) -> None:
    known = select(config_revisions.c.number).where(config_revisions.c.config_id == config_id).limit(1)
    if not 1 <= config_id <= MAX_ID or await connection.scalar(known) is None:
        raise ConfigNotFound(config_id)


async def _earlier(connection: AsyncConnection, signature: Signature) -> RowMapping | None:
    """Return the revision that an earlier attempt at the same request has made, None when there is none.

    Raises:
        IdempotencyKeyReused: When it was another request.
    """
    if signature.attempt is None:
        return None
    mine = (
        config_revisions.c.actor == signature.actor,
        config_revisions.c.idempotency_key == signature.attempt.key,
    )
    found = (await connection.execute(select(config_revisions).where(*mine))).mappings().first()
    if found is not None and found["request_digest"] != signature.attempt.digest:
        raise IdempotencyKeyReused
    return found


def _as_of(revision: RowMapping) -> dict[str, Any]:
    """Return the columns of a config as a revision left them."""
    number = revision["number"]
    return {**revision["document"], "revision": number, "updated_at": revision["made_at"] if number > 1 else None}


async def _record(connection: AsyncConnection, revision: Revision) -> None:
    values = {
        "config_id": revision.config_id,
        "number": revision.number,
        "document": asdict(revision.document) if revision.document else None,
        "actor": revision.signed.actor,
        "made_at": revision.signed.at,
        "reason": revision.signed.reason,
        "restored": revision.restored,
    }
    if attempt := revision.signed.attempt:
        values |= {"idempotency_key": attempt.key, "request_digest": attempt.digest}
    await connection.execute(insert(config_revisions).values(values))


def _config(row: RowMapping | Mapping[str, Any]) -> CdnConfig:
    return CdnConfig(**{column.name: row[column.name] for column in _COLUMNS})


def revision_of(row: RowMapping) -> Revision:
    """Return the revision in a row of `config_revisions`."""
    document = ConfigDocument(**row["document"]) if row["document"] else None
    signed = Signature(row["actor"], row["made_at"], row["reason"])
    return Revision(row["config_id"], row["number"], document, signed, row["restored"])
