"""API keys in a SQL database, and the trail of all changes."""

from asyncio import Lock
from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from operator import itemgetter
from time import monotonic
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, and_, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from typing_extensions import override

from balancer.adapters.sql.configs import revision_of
from balancer.adapters.sql.deadlines import bounded
from balancer.adapters.sql.engines import answering
from balancer.adapters.sql.rules import rule_entries, rules_at
from balancer.adapters.sql.tables import MAX_ID, api_keys, config_revisions
from balancer.core.access.keys import ApiKey, AuditEntry, Role
from balancer.core.access.ports import ApiKeys, AuditTrail
from balancer.core.configs.revisions import Revision, Signature
from balancer.core.errors import KeyNotFound, LastAdminKey, StoreUnavailable
from balancer.core.rules.revisions import RuleEntry

RECALL_INTERVAL = 1.0
"""Seconds for which the digests of all keys that work are remembered."""


class SqlApiKeys(ApiKeys):
    """Keys in one table."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._recalling = Lock()
        self._working: Collection[bytes] | None = None
        self._recalled_at: float | None = None

    @override
    @bounded
    async def create_first(self, key: ApiKey) -> bool:
        async with answering(self._engine) as connection:
            if (await connection.execute(select(api_keys.c.id).limit(1))).first():
                return False
            upsert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            statement = upsert(api_keys).values({**_values(key), "id": key.id}).on_conflict_do_nothing()
            return (await connection.execute(statement.returning(api_keys.c.id))).first() is not None

    @override
    @bounded
    async def create(self, key: ApiKey) -> ApiKey:
        async with answering(self._engine) as connection:
            made = await connection.execute(insert(api_keys).values(_values(key)).returning(api_keys))
            return _key(made.mappings().one())

    @override
    @bounded
    async def find(self, digest: bytes) -> ApiKey | None:
        async with answering(self._engine) as connection:
            found = await connection.execute(select(api_keys).where(api_keys.c.digest == digest))
            row = found.mappings().first()
        return _key(row) if row else None

    @override
    @bounded
    async def page(self, after: int, limit: int) -> Sequence[ApiKey]:
        if after >= MAX_ID:
            return []
        statement = select(api_keys).where(api_keys.c.id > after).order_by(api_keys.c.id).limit(limit)
        async with answering(self._engine) as connection:
            return [_key(row) for row in (await connection.execute(statement)).mappings()]

    @override
    @bounded
    async def working(self, now: datetime) -> Collection[bytes]:
        async with self._recalling:
            if self._recalled_at is None or monotonic() - self._recalled_at >= RECALL_INTERVAL:
                self._working = None
                try:
                    async with answering(self._engine) as connection:
                        found = await connection.scalars(select(api_keys.c.digest).where(_works_at(now)))
                        self._working = frozenset(found)
                finally:
                    # A database that is away is asked no oftener either.
                    self._recalled_at = monotonic()
            if self._working is None:
                raise StoreUnavailable("database")
            return self._working

    @override
    @bounded
    async def revoke(self, key_id: int, signature: Signature, *, even_last: bool = False) -> ApiKey:
        if not 1 <= key_id <= MAX_ID:
            raise KeyNotFound(key_id)
        this = api_keys.c.id == key_id
        change = update(api_keys).where(this, api_keys.c.revoked_at.is_(None))
        async with answering(self._engine) as connection:
            if not even_last and await _working_admins(connection, signature.at) == [key_id]:
                raise LastAdminKey(key_id)
            await connection.execute(change.values(revoked_at=signature.at, revoked_by=signature.actor))
            row = (await connection.execute(select(api_keys).where(this))).mappings().first()
        if row is None:
            raise KeyNotFound(key_id)
        return _key(row)

    @override
    @bounded
    async def use(self, key_id: int, now: datetime) -> None:
        async with answering(self._engine) as connection:
            await connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=now))


class SqlAuditTrail(AuditTrail):
    """The trail as the revisions of configs and of rules and the dates of keys tell it, in one order."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    async def read(self) -> AsyncGenerator[AuditEntry, None]:
        revisions = select(config_revisions).order_by(
            config_revisions.c.made_at, config_revisions.c.config_id, config_revisions.c.number
        )
        async with answering(self._engine) as connection:
            keys = [_key(row) for row in (await connection.execute(select(api_keys))).mappings()]
            waiting: list[tuple[datetime, AuditEntry | RuleEntry]] = [
                *((entry.at, entry) for key in keys for entry in _entries(key)),
                *((entry.signed.at, entry) for entry in await rule_entries(connection)),
            ]
            waiting.sort(key=itemgetter(0), reverse=True)
            async for row in (await connection.stream(revisions)).mappings():
                while waiting and waiting[-1][0] <= row["made_at"]:
                    yield await _told(connection, waiting.pop()[1])
                yield _entry(revision_of(row))
            while waiting:
                yield await _told(connection, waiting.pop()[1])


def _works_at(now: datetime) -> ColumnElement[bool]:
    expires_at = api_keys.c.expires_at
    return and_(api_keys.c.revoked_at.is_(None), or_(expires_at.is_(None), expires_at > now))


async def _working_admins(connection: AsyncConnection, now: datetime) -> list[int]:
    """Return the ids of all admins' keys that work, and keep everybody else from revoking one until this is over."""
    # On SQLite a transaction takes the lock with its first statement that may write, whether it changes anything.
    await connection.execute(update(api_keys).where(api_keys.c.id == 0).values(revoked_at=None))
    admins = select(api_keys.c.id).where(api_keys.c.role == Role.ADMIN.label, _works_at(now))
    # PostgreSQL locks the rows, by id so that two transactions cannot wait for each other, and looks at them again when
    # it has waited; SQLite knows no such locks, and SQLAlchemy leaves the clause out there.
    return list(await connection.scalars(admins.order_by(api_keys.c.id).with_for_update()))


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


async def _told(connection: AsyncConnection, entry: AuditEntry | RuleEntry) -> AuditEntry:
    """Return what the trail says of an entry; rules, which may be many, are read when they are wanted."""
    if isinstance(entry, AuditEntry):
        return entry
    action = "rules.replaced" if entry.restored is None else "rules.rolled-back"
    rules = await rules_at(connection, entry.number)
    return AuditEntry(entry.signed.at, entry.signed.actor, action, entry.signed.reason, None, None, rules)


def _entry(revision: Revision) -> AuditEntry:
    if revision.document is None:
        action = "config.deleted"
    elif revision.restored is not None:
        action = "config.rolled-back"
    else:
        action = "config.created" if revision.number == 1 else "config.changed"
    signed = revision.signed
    return AuditEntry(signed.at, signed.actor, action, signed.reason, revision, None)
