"""What processes share through a Redis server, or one that speaks its protocol such as Valkey."""

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import contextmanager

import msgspec
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from typing_extensions import override

from balancer.adapters import config_json
from balancer.adapters.causes import fault_of
from balancer.core.configs import CdnConfig
from balancer.core.errors import StoreUnavailable
from balancer.core.ports import ConfigCopies, ConfigNotices, Dependency, SharedLimits, SharedStats, Tickets

TIMEOUT = 1.0
"""Seconds to wait for a connection or an answer. No redirect waits for either."""

SILENCE = 10.0
"""Seconds without a notice after which the subscription's connection is checked."""

TICKETS_LIFETIME = 7 * 24 * 3600
"""Seconds that an unused sequence is kept. It may begin again at 1 then: only a ticket's place in its cycle counts."""

STATS_LIFETIME = 2 * 3600
"""Seconds that a step of the statistics is kept; they can be asked for the last hour."""

LIMITS_AT_ONCE = 200
"""Clients in one call; the server does nothing else meanwhile."""


def make_redis(url: str) -> Redis:
    """Return a client for `redis://…`, `rediss://…` or `unix://…`; it connects at its first use."""
    # One more try at once: the server may have closed a pooled connection when it was restarted.
    return Redis.from_url(
        url,
        socket_connect_timeout=TIMEOUT,
        socket_timeout=TIMEOUT,
        retry=Retry(NoBackoff(), 1),
    )


@contextmanager
def _answering() -> Generator[None, None, None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise StoreUnavailable("redis", fault_of(error)) from error


class RedisTickets(Tickets):
    """The shared ticket sequence: a counter for each length of schedule, so that leased pages are whole cycles."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._prefix = prefix

    @override
    async def lease(self, cycle: int, size: int) -> range:
        key = f"{self._prefix}tickets:{cycle}"
        with _answering():
            async with self._redis.pipeline(transaction=True) as commands:
                # In a pipeline these only queue the commands.
                _ = commands.incrby(key, size)
                _ = commands.expire(key, TICKETS_LIFETIME)
                last, _ = await commands.execute()
        return range(last - size + 1, last + 1)


class RedisConfigCopies(ConfigCopies):
    """The copy of the default config in Redis, for every process of the fleet."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._key = f"{prefix}config"

    @override
    async def load(self) -> CdnConfig | None:
        with _answering():
            return config_json.load(await self._redis.get(self._key))

    @override
    async def save(self, config: CdnConfig) -> None:
        with _answering():
            await self._redis.set(self._key, config_json.dump(config))


class RedisConfigNotices(ConfigNotices):
    """Notices by publish and subscribe; they carry the whole config, so that hearing one is enough."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._channel = f"{prefix}configs"

    @override
    async def publish(self, config: CdnConfig) -> None:
        with _answering():
            await self._redis.publish(self._channel, config_json.dump(config))

    @override
    async def listen(self) -> AsyncGenerator[CdnConfig | None, None]:
        with _answering():
            async with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:
                await subscription.subscribe(self._channel)
                while True:
                    message = await subscription.get_message(timeout=SILENCE)
                    if message is None:
                        # The server has taken the subscription, or was silent for a while.
                        await subscription.ping()
                        yield None
                    elif (config := config_json.load(message["data"])) is not None:
                        yield config


class RedisSharedLimits(SharedLimits):
    """Debts of clients, each in a key that ends when its debt is over."""

    # The server's clock counts for all; ARGV holds seconds as text, since replies of Lua numbers are cut to integers.
    _ADD = """
    local time = redis.call('TIME')
    local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
    local debts = {}
    for i, key in ipairs(KEYS) do
        local full_at = math.max(tonumber(redis.call('GET', key) or 0), now) + tonumber(ARGV[i])
        redis.call('SET', key, string.format('%.6f', full_at), 'PX', math.ceil((full_at - now) * 1000) + 1)
        debts[i] = string.format('%.6f', full_at - now)
    end
    return debts
    """

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._prefix = f"{prefix}limits:"
        self._add = redis.register_script(self._ADD)

    @override
    async def add(self, policy: str, debts: Mapping[str, float]) -> Mapping[str, float]:
        names = list(debts)
        found: dict[str, float] = {}
        for start in range(0, len(names), LIMITS_AT_ONCE):
            some = names[start : start + LIMITS_AT_ONCE]
            keys = [f"{self._prefix}{policy}:{name}" for name in some]
            with _answering():
                answer = await self._add(keys, [f"{debts[name]:.6f}" for name in some])
            found |= {name: float(debt) for name, debt in zip(some, answer, strict=True)}
        return found


class RedisSharedStats(SharedStats):
    """A hash for each step, with a field for each process: to write one again changes nothing."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._prefix = f"{prefix}stats:"

    @override
    async def save(self, source: str, steps: Mapping[int, Mapping[str, int]]) -> None:
        with _answering():
            async with self._redis.pipeline(transaction=False) as commands:
                for step, counts in steps.items():
                    # In a pipeline these only queue the commands.
                    _ = commands.hset(f"{self._prefix}{step}", source, msgspec.json.encode(counts))
                    _ = commands.expire(f"{self._prefix}{step}", STATS_LIFETIME)
                await commands.execute()

    @override
    async def load(self, steps: range) -> Sequence[Mapping[str, Mapping[str, int]]]:
        with _answering():
            async with self._redis.pipeline(transaction=False) as commands:
                for step in steps:
                    _ = commands.hgetall(f"{self._prefix}{step}")
                answers = await commands.execute()
        return [
            {source.decode(): msgspec.json.decode(counts, type=dict[str, int]) for source, counts in answer.items()}
            for answer in answers
            if answer
        ]


class RedisDependency(Dependency):
    """The server itself."""

    name = "redis"
    fallback = "each process counts its own tickets and limits by itself, and finds changes by polling"

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @override
    async def ping(self) -> None:
        with _answering():
            await self._redis.ping()
