"""Configs and their revisions in a SQL database."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, Select, and_, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from typing_extensions import override

from balancer.adapters.config_json import dump_document, read_document
from balancer.adapters.sql.deadlines import bounded, bounded_change
from balancer.adapters.sql.engines import answering, changing
from balancer.adapters.sql.rules import check_unused
from balancer.adapters.sql.tables import MAX_ID, cdn_configs, config_revisions
from balancer.core.configs.documents import FORMAT, CdnConfig, ConfigDocument
from balancer.core.configs.ports import CdnConfigs, ConfigHistory
from balancer.core.configs.revisions import Edit, Revision, Signature, Standing
from balancer.core.configs.simple import simple_view
from balancer.core.errors import ConfigNotFound, IdempotencyKeyReused, NoConfig, RevisionNotFound, UnknownFormat

_LATEST = and_(config_revisions.c.config_id == cdn_configs.c.id, config_revisions.c.number == cdn_configs.c.revision)
_CONFIGS = select(
    *(cdn_configs.c[name] for name in ("id", "revision", "created_at", "updated_at")),
    config_revisions.c.format,
    config_revisions.c.document,
).join(config_revisions, _LATEST)
IDS_AT_ONCE = 500
"""Configs that are asked for in one statement."""

_PRESENT = cdn_configs.c.deleted_at.is_(None)


class SqlCdnConfigs(CdnConfigs):
    """Configs in one table, which says which revision is the latest of each, beside the table of all revisions."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    @bounded_change
    async def create_first(self, config: CdnConfig, signature: Signature) -> None:
        async with changing(self._engine) as connection:
            if (await connection.execute(select(cdn_configs.c.id).limit(1))).first() is None:
                upsert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
                values = {
                    "id": config.id,
                    "created_at": config.created_at,
                    **_columns(config.document, config.revision),
                }
                statement = upsert(cdn_configs).values(values).on_conflict_do_nothing()
                # Of several first starts at once, one makes the row and the revision.
                if (await connection.execute(statement.returning(cdn_configs.c.id))).first():
                    await _record(connection, Revision(config.id, config.revision, config.document, signature))

    @override
    @bounded_change
    async def create(self, document: ConfigDocument, signature: Signature) -> CdnConfig:
        values = {"created_at": signature.at, **_columns(document, 1)}
        async with changing(self._engine) as connection:
            if earlier := await _earlier(connection, signature):
                this = select(cdn_configs).where(cdn_configs.c.id == earlier["config_id"])
                return _as_of(earlier, (await connection.execute(this)).mappings().one())
            made = await connection.execute(insert(cdn_configs).values(values).returning(cdn_configs.c.id))
            config = CdnConfig(made.scalar_one(), document, 1, signature.at, None)
            await _record(connection, Revision(config.id, 1, document, signature))
        return config

    @override
    @bounded
    async def default(self) -> CdnConfig:
        found = await self._read(_CONFIGS.where(_PRESENT).order_by(cdn_configs.c.id).limit(1))
        if not found:
            raise NoConfig
        return found[0]

    @override
    @bounded
    async def get(self, config_id: int) -> CdnConfig:
        found = None
        if 1 <= config_id <= MAX_ID:
            found = await self._read(_CONFIGS.where(_PRESENT, cdn_configs.c.id == config_id))
        if not found:
            raise ConfigNotFound(config_id)
        return found[0]

    @override
    @bounded
    async def several(self, ids: Collection[int]) -> Mapping[int, CdnConfig]:
        found: dict[int, CdnConfig] = {}
        wanted = sorted(ids)
        for begin in range(0, len(wanted), IDS_AT_ONCE):
            some = wanted[begin : begin + IDS_AT_ONCE]
            configs = await self._read(_CONFIGS.where(_PRESENT, cdn_configs.c.id.in_(some)))
            found |= {config.id: config for config in configs}
        return found

    @override
    @bounded
    async def page(self, after: int, limit: int) -> Sequence[CdnConfig]:
        if after >= MAX_ID:
            return []
        later = cdn_configs.c.id > after
        return await self._read(_CONFIGS.where(_PRESENT, later).order_by(cdn_configs.c.id).limit(limit))

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
            row = (await connection.execute(lock.returning(cdn_configs))).mappings().first()
            if row is None:
                raise ConfigNotFound(config_id)
            if earlier := await _earlier(connection, signature):
                return _as_of(earlier, row) if earlier["document"] else None
            latest = select(config_revisions).where(
                config_revisions.c.config_id == config_id, config_revisions.c.number == row["revision"]
            )
            before = revision_of((await connection.execute(latest)).mappings().one()).document
            is_default = await connection.scalar(default) == config_id
            after = edit(Standing(config_id, row["revision"], before, is_default))
            if after == before:
                return _config({**row, "document": before}) if before else None
            if after is None:
                await check_unused(connection, config_id)
            number = row["revision"] + 1
            await _record(connection, Revision(config_id, number, after, signature, restored))
            values = _columns(after, number) if after else {"revision": number}
            values |= {"deleted_at": None if after else signature.at, "updated_at": signature.at}
            await connection.execute(update(cdn_configs).where(this).values(**values))
            return CdnConfig(config_id, after, number, row["created_at"], signature.at) if after else None

    async def _read(self, statement: Select[tuple[object, ...]]) -> list[CdnConfig]:
        async with answering(self._engine) as connection:
            return [
                _config({**row, "document": _document(row, row["id"])})
                for row in (await connection.execute(statement)).mappings()
            ]


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


def _document(row: RowMapping, config_id: int) -> ConfigDocument:
    try:
        return read_document(row["document"], row["format"])
    except ValueError as error:
        raise UnknownFormat(f"config {config_id}", str(error)) from None


def _as_of(revision: RowMapping, config: RowMapping) -> CdnConfig:
    """Return a config as a revision left it."""
    number = revision["number"]
    document = _document(revision, config["id"])
    updated_at = revision["made_at"] if number > 1 else None
    return CdnConfig(config["id"], document, number, config["created_at"], updated_at)


def _columns(document: ConfigDocument, revision: int) -> dict[str, Any]:
    """Return what the row of a config says beside the document of its latest revision, for the last release."""
    view = simple_view(document)
    hosts = [target.host for target in document.targets if target.host]
    return {
        "revision": revision,
        "name": document.name,
        "cdn_host": view.cdn_host if view else next(iter(hosts), ""),
        "distribution_rate": view.distribution_rate if view else -1,
    }


async def _record(connection: AsyncConnection, revision: Revision) -> None:
    values = {
        "config_id": revision.config_id,
        "number": revision.number,
        "format": FORMAT,
        "document": dump_document(revision.document) if revision.document else None,
        "actor": revision.signed.actor,
        "made_at": revision.signed.at,
        "reason": revision.signed.reason,
        "restored": revision.restored,
    }
    if attempt := revision.signed.attempt:
        values |= {"idempotency_key": attempt.key, "request_digest": attempt.digest}
    await connection.execute(insert(config_revisions).values(values))


def _config(row: Mapping[str, Any]) -> CdnConfig:
    return CdnConfig(**{name: row[name] for name in CdnConfig.__dataclass_fields__})


def revision_of(row: RowMapping) -> Revision:
    """Return the revision in a row of `config_revisions`."""
    document = _document(row, row["config_id"]) if row["document"] else None
    signed = Signature(row["actor"], row["made_at"], row["reason"])
    return Revision(row["config_id"], row["number"], document, signed, row["restored"])
