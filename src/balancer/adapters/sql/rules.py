"""The rules and their revisions in a SQL database."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import RowMapping, Text, cast, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from typing_extensions import override

from balancer.adapters.sql.deadlines import bounded, bounded_change
from balancer.adapters.sql.engines import answering, changing
from balancer.adapters.sql.tables import MAX_ID, cdn_configs, rule_revisions
from balancer.core.configs.revisions import Signature
from balancer.core.errors import ConfigInUse, IdempotencyKeyReused, InvalidInput, RuleRevisionNotFound, UnknownFormat
from balancer.core.rules.documents import FORMAT, RuleList, as_items, rules_from
from balancer.core.rules.ports import RuleRecord
from balancer.core.rules.revisions import NO_RULES, RuleEdit, RuleEntry, RuleRevision

LOCK = 0x72756C65
"""The advisory lock that makes a second change of the rules wait; the number has no meaning beyond being ours."""

_ENTRY = [rule_revisions.c[name] for name in ("number", "actor", "made_at", "reason", "restored")]
# The text as it is stored, so that a long one can be read beside the event loop.
_DOCUMENT = [rule_revisions.c.format, cast(rule_revisions.c.document, Text).label("document")]
_LATEST = rule_revisions.c.number.desc()


class SqlRuleRecord(RuleRecord):
    """Every list of rules in a row of its own, which is never rewritten; the greatest number is in force."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    @bounded
    async def latest(self, known: RuleRevision | None = None) -> RuleRevision:
        async with answering(self._engine) as connection:
            row = (await connection.execute(select(*_ENTRY).order_by(_LATEST).limit(1))).mappings().first()
            if known is not None and known.entry == (_entry(row) if row else None):
                return known
            return await _latest(connection)

    @override
    @bounded
    async def get(self, number: int) -> RuleRevision:
        if number == NO_RULES.number:
            return NO_RULES
        if not 1 <= number <= MAX_ID:
            raise RuleRevisionNotFound(number)
        async with answering(self._engine) as connection:
            return await rules_at(connection, number)

    @override
    @bounded
    async def page(self, before: int | None, limit: int) -> Sequence[RuleEntry]:
        statement = select(*_ENTRY).order_by(_LATEST).limit(limit)
        if before is not None and before <= MAX_ID:
            statement = statement.where(rule_revisions.c.number < before)
        async with answering(self._engine) as connection:
            return [_entry(row) for row in (await connection.execute(statement)).mappings()]

    @override
    @bounded_change
    async def edit(self, edit: RuleEdit, signature: Signature, restored: int | None = None) -> RuleRevision:
        async with changing(self._engine) as connection:
            await _lock(connection)
            if earlier := await _earlier(connection, signature):
                return await _revision(earlier)
            before = await _latest(connection)
            after = edit(before)
            if after == before.rules:
                return before
            await _check_configs(connection, after)
            entry = RuleEntry(before.number + 1, signature._replace(attempt=None), restored)
            await _record(connection, after, entry, signature)
            return RuleRevision(entry.number, after, entry)


async def rule_entries(connection: AsyncConnection) -> Sequence[RuleEntry]:
    """Return the whole history, the oldest first."""
    found = await connection.execute(select(*_ENTRY).order_by(rule_revisions.c.number))
    return [_entry(row) for row in found.mappings()]


async def rules_at(connection: AsyncConnection, number: int) -> RuleRevision:
    """Return one revision.

    Raises:
        RuleRevisionNotFound: When there is none of that number.
    """
    this = select(*_ENTRY, *_DOCUMENT).where(rule_revisions.c.number == number)
    row = (await connection.execute(this)).mappings().first()
    if row is None:
        raise RuleRevisionNotFound(number)
    return await _revision(row)


async def check_unused(connection: AsyncConnection, config_id: int) -> None:
    """See that no rule names a config, whose row is locked so that none can begin to.

    Raises:
        ConfigInUse: When one does.
    """
    rule = (await _latest(connection)).rules.rule_of(config_id)
    if rule is not None:
        raise ConfigInUse(config_id, rule.name)


async def _lock(connection: AsyncConnection) -> None:
    """Keep everybody else from changing the rules until this is over."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    else:
        # A transaction takes the lock with its first statement that may write, whether it changes anything.
        await connection.execute(update(rule_revisions).where(rule_revisions.c.number == 0).values(restored=None))


async def _check_configs(connection: AsyncConnection, rules: RuleList) -> None:
    """See that there are the configs that rules name, and keep them until this is over.

    Raises:
        InvalidInput: When there is one missing.
    """
    present = select(cdn_configs.c.id).where(cdn_configs.c.id.in_(rules.config_ids), cdn_configs.c.deleted_at.is_(None))
    # By id, so that two transactions cannot wait for each other; SQLite knows no such locks, and SQLAlchemy leaves the
    # clause out there.
    found = set(await connection.scalars(present.order_by(cdn_configs.c.id).with_for_update(read=True)))
    for rule in rules.rules:
        if rule.config_id not in found:
            raise InvalidInput(f"rules.{rule.name}.config_id", f"names config {rule.config_id}, which there is not")


async def _earlier(connection: AsyncConnection, signature: Signature) -> RowMapping | None:
    """Return the revision that an earlier attempt at the same request has made, None when there is none.

    Raises:
        IdempotencyKeyReused: When it was another request.
    """
    if signature.attempt is None:
        return None
    mine = select(*_ENTRY, *_DOCUMENT, rule_revisions.c.request_digest).where(
        rule_revisions.c.actor == signature.actor, rule_revisions.c.idempotency_key == signature.attempt.key
    )
    found = (await connection.execute(mine)).mappings().first()
    if found is not None and found["request_digest"] != signature.attempt.digest:
        raise IdempotencyKeyReused
    return found


async def _latest(connection: AsyncConnection) -> RuleRevision:
    row = (await connection.execute(select(*_ENTRY, *_DOCUMENT).order_by(_LATEST).limit(1))).mappings().first()
    return await _revision(row) if row else NO_RULES


async def _record(connection: AsyncConnection, rules: RuleList, entry: RuleEntry, signature: Signature) -> None:
    values: dict[str, Any] = {
        "number": entry.number,
        "format": FORMAT,
        "document": await asyncio.to_thread(as_items, rules),
        "actor": signature.actor,
        "made_at": signature.at,
        "reason": signature.reason,
        "restored": entry.restored,
    }
    if attempt := signature.attempt:
        values |= {"idempotency_key": attempt.key, "request_digest": attempt.digest}
    await connection.execute(insert(rule_revisions).values(values))


async def _revision(row: RowMapping) -> RuleRevision:
    entry = _entry(row)
    # Ten thousand rules take a tenth of a second.
    rules = await asyncio.to_thread(_rules, row["document"], row["format"], entry.number)
    return RuleRevision(entry.number, rules, entry)


def _rules(document: str, form: int, number: int) -> RuleList:
    if form != FORMAT:
        raise UnknownFormat(f"revision {number} of the rules", f"its format is {form}, this program reads {FORMAT}")
    try:
        return rules_from(msgspec.json.decode(document))
    except (InvalidInput, TypeError, KeyError) as error:
        raise UnknownFormat(f"revision {number} of the rules", str(error).rstrip(".")) from None


def _entry(row: RowMapping) -> RuleEntry:
    return RuleEntry(row["number"], Signature(row["actor"], row["made_at"], row["reason"]), row["restored"])
