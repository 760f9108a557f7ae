"""What processes share through a Redis server, or one that speaks its protocol such as Valkey."""

from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from typing_extensions import override

from balancer.adapters import config_json
from balancer.core.configs import CdnConfig
from balancer.core.errors import StoreUnavailable
from balancer.core.ports import ConfigCopies, ConfigNotices, Tickets

TIMEOUT = 1.0
"""Seconds to wait for a connection or an answer. No redirect waits for either."""

SILENCE = 10.0
"""Seconds without a notice after which the subscription's connection is checked."""

TICKETS_LIFETIME = 7 * 24 * 3600
"""Seconds that an unused sequence is kept. It may begin again at 1 then: only a ticket's place in its cycle counts."""


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
        raise StoreUnavailable("redis") from error


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
    async def listen(self) -> AsyncGenerator[CdnConfig, None]:
        with _answering():
            async with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:
                await subscription.subscribe(self._channel)
                while True:
                    message = await subscription.get_message(timeout=SILENCE)
                    if message is None:
                        await subscription.ping()
                    elif (config := config_json.load(message["data"])) is not None:
                        yield config
