"""API keys in a SQL database, and the trail of all changes."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from balancer.adapters.sql import answering
from balancer.adapters.sql_configs import revision_of
from balancer.adapters.tables import MAX_ID, api_keys, config_revisions
from balancer.core.errors import KeyNotFound
from balancer.core.keys import ApiKey, AuditEntry, Role
from balancer.core.ports import ApiKeys, AuditTrail
from balancer.core.revisions import Revision, Signature


class SqlApiKeys(ApiKeys):
    """Keys in one table."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    async def create_first(self, key: ApiKey) -> bool:
        async with answering(self._engine) as connection:
            if (await connection.execute(select(api_keys.c.id).limit(1))).first():
                return False
            upsert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            statement = upsert(api_keys).values({**_values(key), "id": key.id}).on_conflict_do_nothing()
            return (await connection.execute(statement.returning(api_keys.c.id))).first() is not None

    @override
    async def create(self, key: ApiKey) -> ApiKey:
        async with answering(self._engine) as connection:
            made = await connection.execute(insert(api_keys).values(_values(key)).returning(api_keys))
            return _key(made.mappings().one())

    @override
    async def find(self, digest: bytes) -> ApiKey | None:
        async with answering(self._engine) as connection:
            found = await connection.execute(select(api_keys).where(api_keys.c.digest == digest))
            row = found.mappings().first()
        return _key(row) if row else None

    @override
    async def page(self, after: int, limit: int) -> Sequence[ApiKey]:
        if after >= MAX_ID:
            return []
        statement = select(api_keys).where(api_keys.c.id > after).order_by(api_keys.c.id).limit(limit)
        async with answering(self._engine) as connection:
            return [_key(row) for row in (await connection.execute(statement)).mappings()]

    @override
    async def revoke(self, key_id: int, signature: Signature) -> ApiKey:
        if not 1 <= key_id <= MAX_ID:
            raise KeyNotFound(key_id)
        this = api_keys.c.id == key_id
        change = update(api_keys).where(this, api_keys.c.revoked_at.is_(None))
        async with answering(self._engine) as connection:
            await connection.execute(change.values(revoked_at=signature.at, revoked_by=signature.actor))
            row = (await connection.execute(select(api_keys).where(this))).mappings().first()
        if row is None:
            raise KeyNotFound(key_id)
        return _key(row)

    @override
    async def use(self, key_id: int, now: datetime) -> None:
        async with answering(self._engine) as connection:
            await connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=now))


class SqlAuditTrail(AuditTrail):
    """The trail as the revisions of configs and the dates of keys tell it, in one order."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    async def read(self) -> AsyncGenerator[AuditEntry, None]:
        revisions = select(config_revisions).order_by(
            config_revisions.c.made_at, config_revisions.c.config_id, config_revisions.c.number
        )
        async with answering(self._engine) as connection:
            keys = [_key(row) for row in (await connection.execute(select(api_keys))).mappings()]
            waiting = sorted(
                (entry for key in keys for entry in _entries(key)), key=lambda entry: entry.at, reverse=True
            )
            async for row in (await connection.stream(revisions)).mappings():
                while waiting and waiting[-1].at <= row["made_at"]:
                    yield waiting.pop()
                yield _entry(revision_of(row))
        while waiting:
            yield waiting.pop()


def _values(key: ApiKey) -> dict[str, Any]:
    values = {**asdict(key), "role": key.role.label}
    del values["id"]
    return values


def _key(row: RowMapping) -> ApiKey:
    return ApiKey(**{**row, "role": Role.of(row["role"])})


def _entries(key: ApiKey) -> list[AuditEntry]:
    found = [AuditEntry(key.created_at, key.created_by, "key.created", None, None, key)]
    if key.revoked_at:
        found.append(AuditEntry(key.revoked_at, key.revoked_by or "", "key.revoked", None, None, key))
    return found


def _entry(revision: Revision) -> AuditEntry:
    if revision.document is None:
        action = "config.deleted"
    elif revision.restored is not None:
        action = "config.rolled-back"
    else:
        action = "config.created" if revision.number == 1 else "config.changed"
    signed = revision.signed
    return AuditEntry(signed.at, signed.actor, action, signed.reason, revision, None)
