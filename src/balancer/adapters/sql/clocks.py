"""The clock of PostgreSQL."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from balancer.adapters.sql.deadlines import bounded
from balancer.adapters.sql.engines import answering
from balancer.core.storage.ports import StoreClock


class PostgresClock(StoreClock):
    """The server's clock, not that of the transaction's beginning."""

    name = "database"

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    @bounded
    async def now(self) -> datetime:
        async with answering(self._engine) as connection:
            at: datetime = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
        return at
