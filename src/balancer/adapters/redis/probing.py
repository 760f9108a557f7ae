"""Who probes for a fleet, what it found, and which shares it gives, in Redis."""

from redis.asyncio import Redis
from typing_extensions import override

from balancer.adapters import loop_json, verdict_json
from balancer.adapters.asking import asking
from balancer.adapters.redis.clients import in_one_slot
from balancer.adapters.redis.stores import STORE
from balancer.core.health.ports import LEASE, Leadership, SharedVerdicts
from balancer.core.health.verdicts import Verdicts
from balancer.core.loop.ports import SharedLoops
from balancer.core.loop.telling import Loops

LIFETIME = 3600
"""Seconds that verdicts and loops are kept; long before that they do not count any more."""


class RedisLeadership(Leadership):
    """The lead is a key that ends by itself, with the name of the process that has it.

    Args:
        redis: The client.
        prefix: Of all keys of the fleet.
        name: Of this process, among those of all hosts.
    """

    _LEAD = """
    local holder = redis.call('GET', KEYS[1])
    if holder and holder ~= ARGV[1] then
        return 0
    end
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return 1
    """

    _LEAVE = """
    if redis.call('GET', KEYS[1]) == ARGV[1] then
        redis.call('DEL', KEYS[1])
    end
    """

    def __init__(self, redis: Redis, prefix: str, name: str) -> None:
        self._key = f"{in_one_slot(redis, prefix)}prober"
        self._name = name
        self._lead = redis.register_script(self._LEAD)
        self._leave = redis.register_script(self._LEAVE)

    @override
    async def lead(self) -> bool:
        with asking(STORE):
            return bool(await self._lead([self._key], [self._name, int(LEASE * 1000)]))

    @override
    async def leave(self) -> None:
        with asking(STORE):
            await self._leave([self._key], [self._name])


class RedisSharedVerdicts(SharedVerdicts):
    """All verdicts in one value."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._key = f"{in_one_slot(redis, prefix)}verdicts"
        self._reader = verdict_json.Reader(STORE)

    @override
    async def save(self, verdicts: Verdicts) -> None:
        with asking(STORE):
            await self._redis.set(self._key, verdict_json.dump(verdicts), ex=LIFETIME)

    @override
    async def load(self) -> Verdicts | None:
        with asking(STORE):
            data = await self._redis.get(self._key)
        return self._reader.read(data)


class RedisSharedLoops(SharedLoops):
    """All loops in one value."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._key = f"{in_one_slot(redis, prefix)}loops"
        self._reader = loop_json.Reader(STORE)

    @override
    async def save(self, loops: Loops) -> None:
        with asking(STORE):
            await self._redis.set(self._key, loop_json.dump(loops), ex=LIFETIME)

    @override
    async def load(self) -> Loops | None:
        with asking(STORE):
            data = await self._redis.get(self._key)
        return self._reader.read(data)
