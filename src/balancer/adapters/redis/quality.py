"""What players told all processes of a fleet, in Redis."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from redis.asyncio import Redis
from typing_extensions import override

from balancer.adapters import quality_msgpack
from balancer.adapters.asking import asking
from balancer.adapters.redis.clients import in_one_slot
from balancer.adapters.redis.stores import STORE
from balancer.core.quality.aggregates import Qualities
from balancer.core.quality.ports import SharedQuality

LIFETIME = 3900
"""Seconds that a step is kept: the longest window is an hour, and a process that starts reads all of it."""


class RedisSharedQuality(SharedQuality):
    """A hash for each step, with a field for each process: to write one again changes nothing."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._prefix = f"{in_one_slot(redis, prefix)}quality:"

    @override
    async def save(self, source: str, step: int, qualities: Qualities) -> None:
        key, data = f"{self._prefix}{step}", await asyncio.to_thread(quality_msgpack.dump, qualities)
        with asking(STORE):
            async with self._redis.pipeline(transaction=False) as commands:
                # In a pipeline these only queue the commands.
                _ = commands.hset(key, source, data)
                _ = commands.expire(key, LIFETIME)
                await commands.execute()

    @override
    async def load(self, steps: Collection[int]) -> Mapping[int, Sequence[Qualities]]:
        with asking(STORE):
            async with self._redis.pipeline(transaction=False) as commands:
                for step in steps:
                    _ = commands.hvals(f"{self._prefix}{step}")
                answers = await commands.execute()
        found = dict(zip(steps, answers, strict=True))
        return await asyncio.to_thread(quality_msgpack.load_steps, found)
