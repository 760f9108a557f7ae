"""What processes share through a Redis server, or one that speaks its protocol such as Valkey."""

from collections.abc import AsyncGenerator, Mapping

import msgspec
from redis.asyncio import Redis
from typing_extensions import override

from balancer.adapters import config_json, plan_json
from balancer.adapters.asking import asking
from balancer.adapters.redis.clients import TIMEOUT, in_one_slot, is_cluster
from balancer.core.clients.ports import SharedQuotas
from balancer.core.configs.documents import CdnConfig
from balancer.core.control.ports import ConfigNotices, PlanCopies, RulesChanged
from balancer.core.health.ports import Dependency, SharedStats
from balancer.core.routing.planner import Blueprint
from balancer.core.routing.ports import Tickets

STORE = "redis"
"""The name of the store in errors."""

SILENCE = 10.0
"""Seconds without a notice after which the subscription's connection is checked."""

TICKETS_LIFETIME = 7 * 24 * 3600
"""Seconds that an unused sequence is kept. It may begin again at 1 then: only a ticket's place in its cycle counts."""

STATS_LIFETIME = 2 * 3600
"""Seconds that a step of the statistics is kept; they can be asked for the last hour."""

LIMITS_AT_ONCE = 200
"""Clients in one call; the server does nothing else meanwhile."""


class RedisTickets(Tickets):
    """Shared ticket sequences: counters by config and length of its schedule, so that leased pages are whole cycles."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._prefix = in_one_slot(redis, prefix)

    @override
    async def lease(self, config_id: int, cycle: int, size: int) -> range:
        key = f"{self._prefix}tickets:{config_id}:{cycle}"
        with asking(STORE):
            async with self._redis.pipeline(transaction=False) as commands:
                # In a pipeline these only queue the commands.
                _ = commands.incrby(key, size)
                _ = commands.expire(key, TICKETS_LIFETIME)
                last, _ = await commands.execute()
        return range(last - size + 1, last + 1)


class RedisPlanCopies(PlanCopies):
    """The copy of what is in force in Redis, for every process of the fleet."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._key = f"{in_one_slot(redis, prefix)}in-force"
        # Where the last release has its copy, which its processes go on writing.
        self._last = f"{in_one_slot(redis, prefix)}config"

    @override
    async def load(self) -> Blueprint | None:
        with asking(STORE):
            data = await self._redis.get(self._key)
            last = await self._redis.get(self._last) if data is None else None
        config = config_json.load(last, "redis")
        return Blueprint(config) if config else plan_json.load(data, "redis")

    @override
    async def save(self, blueprint: Blueprint) -> None:
        with asking(STORE):
            await self._redis.set(self._key, plan_json.dump(blueprint))


class RedisConfigNotices(ConfigNotices):
    """Notices by publish and subscribe; that of a config carries all of it, so that hearing it is enough."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._channel = f"{in_one_slot(redis, prefix)}configs"

    @override
    async def publish(self, changed: CdnConfig | RulesChanged) -> None:
        told = b"rules %d" % changed.number if isinstance(changed, RulesChanged) else config_json.dump(changed)
        with asking(STORE):
            await self._redis.publish(self._channel, told)

    @override
    async def listen(self) -> AsyncGenerator[CdnConfig | RulesChanged | None, None]:
        if is_cluster(self._redis):
            # A subscription looks for its node in what is known of the cluster, and a command brings that up to date.
            with asking(STORE):
                await self._redis.get(self._channel)
        with asking(STORE):
            async with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:
                await subscription.subscribe(self._channel)
                asked = False
                while True:
                    message = await subscription.get_message(timeout=TIMEOUT if asked else SILENCE)
                    if message is None and asked:
                        raise TimeoutError
                    if message is None:
                        # The server has taken the subscription, or was silent for a while.
                        await subscription.ping()
                        asked = True
                        continue
                    asked = False
                    if message["type"] == "pong":
                        yield None
                    elif (changed := _notice(message["data"])) is not None:
                        yield changed


def _notice(data: bytes) -> CdnConfig | RulesChanged | None:
    word, _, number = data.partition(b" ")
    if word == b"rules" and number.isdigit():
        return RulesChanged(int(number))
    return config_json.load(data, "notice")


class RedisSharedQuotas(SharedQuotas):
    """Debts of clients, each in a key that ends when its debt is over."""

    # The server's clock counts for all; ARGV holds seconds as text, since replies of Lua numbers are cut to integers.
    _ADD = """
    local time = redis.call('TIME')
    local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
    local most = now + tonumber(ARGV[#KEYS + 1])
    local debts = {}
    for i, key in ipairs(KEYS) do
        local full_at = math.min(math.max(tonumber(redis.call('GET', key) or 0), now) + tonumber(ARGV[i]), most)
        redis.call('SET', key, string.format('%.6f', full_at), 'PX', math.ceil((full_at - now) * 1000) + 1)
        debts[i] = string.format('%.6f', full_at - now)
    end
    return debts
    """

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._prefix = f"{in_one_slot(redis, prefix)}limits:"
        self._add = redis.register_script(self._ADD)

    @override
    async def add(self, policy: str, debts: Mapping[str, float], most: float) -> Mapping[str, float]:
        names = list(debts)
        found: dict[str, float] = {}
        for start in range(0, len(names), LIMITS_AT_ONCE):
            some = names[start : start + LIMITS_AT_ONCE]
            keys = [f"{self._prefix}{policy}:{name}" for name in some]
            with asking(STORE):
                answer = await self._add(keys, [f"{debt:.6f}" for debt in [*map(debts.get, some), most]])
            found |= {name: float(debt) for name, debt in zip(some, answer, strict=True)}
        return found


class RedisSharedStats(SharedStats):
    """A hash for each step, with a field for each process: to write one again changes nothing."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._prefix = f"{in_one_slot(redis, prefix)}stats:"

    @override
    async def save(self, source: str, steps: Mapping[int, Mapping[str, int]]) -> None:
        with asking(STORE):
            async with self._redis.pipeline(transaction=False) as commands:
                for step, counts in steps.items():
                    # In a pipeline these only queue the commands.
                    _ = commands.hset(f"{self._prefix}{step}", source, msgspec.json.encode(counts))
                    _ = commands.expire(f"{self._prefix}{step}", STATS_LIFETIME)
                await commands.execute()

    @override
    async def load(self, steps: range) -> Mapping[int, Mapping[str, Mapping[str, int]]]:
        with asking(STORE):
            async with self._redis.pipeline(transaction=False) as commands:
                for step in steps:
                    _ = commands.hgetall(f"{self._prefix}{step}")
                answers = await commands.execute()
        return {
            step: {source.decode(errors="replace"): _read_counts(counts) for source, counts in answer.items()}
            for step, answer in zip(steps, answers, strict=True)
            if answer
        }


def _read_counts(data: bytes) -> dict[str, int]:
    try:
        return msgspec.json.decode(data, type=dict[str, int])
    except msgspec.MsgspecError:
        return {}  # Of a version that counts in another way.


class RedisDependency(Dependency):
    """The server itself."""

    name = "redis"
    fallback = "each process counts its own tickets and limits by itself, and finds changes by polling"

    def __init__(self, redis: Redis, prefix: str) -> None:
        self._redis = redis
        self._key = f"{in_one_slot(redis, prefix)}config"

    @override
    async def ping(self) -> None:
        with asking(STORE):
            if is_cluster(self._redis):
                # Of a cluster, the node that has our keys counts.
                await self._redis.get(self._key)
            else:
                await self._redis.ping()
