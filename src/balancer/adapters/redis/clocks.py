"""The clock of Redis."""

from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis
from typing_extensions import override

from balancer.adapters.asking import asking
from balancer.adapters.redis.stores import STORE
from balancer.core.storage.ports import StoreClock


class RedisClock(StoreClock):
    """The server's clock; of a cluster that of one of its nodes."""

    name = STORE

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @override
    async def now(self) -> datetime:
        with asking(STORE):
            told: Any = await self._redis.time()
        seconds, micros = next(iter(told.values())) if isinstance(told, dict) else told
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)
