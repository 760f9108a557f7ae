"""Who probes for a fleet, what it found, and which shares it gives, in PostgreSQL."""

from sqlalchemy import Interval, cast, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from balancer.adapters import loop_json, verdict_json
from balancer.adapters.sql.deadlines import bounded
from balancer.adapters.sql.engines import answering
from balancer.adapters.sql.tables import probing
from balancer.core.health.ports import LEASE, Leadership, SharedVerdicts
from balancer.core.health.verdicts import Verdicts
from balancer.core.loop.ports import SharedLoops
from balancer.core.loop.telling import Loops

THE_ROW = 1
"""The id of the only row."""


class PostgresLeadership(Leadership):
    """The lead is a lease in a row, by the server's clock.

    An advisory lock would end with the connection, but behind PgBouncer in transaction mode nobody has one to himself.

    Args:
        engine: Of the database.
        name: Of this process, among those of all hosts.
    """

    def __init__(self, engine: AsyncEngine, name: str) -> None:
        self._engine = engine
        self._name = name

    @override
    @bounded
    async def lead(self) -> bool:
        now = func.clock_timestamp()
        until = now + cast(literal(f"{LEASE} seconds"), Interval)
        mine = {"holder": self._name, "held_until": until}
        free = or_(probing.c.holder.is_(None), probing.c.holder == self._name, probing.c.held_until < now)
        take = insert(probing).values(id=THE_ROW, **mine)
        take = take.on_conflict_do_update(index_elements=[probing.c.id], set_=mine, where=free)
        async with answering(self._engine) as connection:
            return (await connection.execute(take.returning(probing.c.id))).first() is not None

    @override
    @bounded
    async def leave(self) -> None:
        mine = update(probing).where(probing.c.id == THE_ROW, probing.c.holder == self._name)
        async with answering(self._engine) as connection:
            await connection.execute(mine.values(holder=None, held_until=None))


class PostgresSharedVerdicts(SharedVerdicts):
    """All verdicts in one column of that row."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reader = verdict_json.Reader("database")

    @override
    @bounded
    async def save(self, verdicts: Verdicts) -> None:
        await _replace(self._engine, {"verdicts": verdict_json.dump(verdicts)})

    @override
    @bounded
    async def load(self) -> Verdicts | None:
        async with answering(self._engine) as connection:
            data = await connection.scalar(select(probing.c.verdicts).where(probing.c.id == THE_ROW))
        return self._reader.read(data)


class PostgresSharedLoops(SharedLoops):
    """All loops in another column of that row."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reader = loop_json.Reader("database")

    @override
    @bounded
    async def save(self, loops: Loops) -> None:
        await _replace(self._engine, {"loops": loop_json.dump(loops)})

    @override
    @bounded
    async def load(self) -> Loops | None:
        async with answering(self._engine) as connection:
            data = await connection.scalar(select(probing.c.loops).where(probing.c.id == THE_ROW))
        return self._reader.read(data)


async def _replace(engine: AsyncEngine, told: dict[str, bytes]) -> None:
    replace = insert(probing).values(id=THE_ROW, **told)
    async with answering(engine) as connection:
        await connection.execute(replace.on_conflict_do_update(index_elements=[probing.c.id], set_=told))
