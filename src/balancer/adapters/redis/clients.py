"""Clients for whatever speaks the Redis protocol: a server, one that Sentinel watches, a cluster."""

from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from typing_extensions import override

from balancer.store_urls import RedisKind, RedisPlace, read_redis_url

TIMEOUT = 1.0
"""Seconds to wait for a connection or an answer. No redirect waits for either."""


def make_redis(url: str) -> Redis:
    """Return a client for a URL as `balancer.store_urls.read_redis_url` takes it; it connects at its first use."""
    place = read_redis_url(url)
    match place.kind:
        case RedisKind.SERVER:
            return Redis.from_url(url, **_patience())
        case RedisKind.SENTINEL:
            return _watched(place)
        case RedisKind.CLUSTER:
            # It has the same commands.
            return cast(Redis, _cluster(place))


def is_cluster(redis: Redis) -> bool:
    """Return whether the keys of a command must be in one slot."""
    return isinstance(redis, RedisCluster)


def in_one_slot(redis: Redis, prefix: str) -> str:
    """Return the beginning of keys that a client can use together.

    A cluster keeps all keys of a fleet in one slot, and so on one node, as the prefix is their hash tag: scripts and
    pipelines work as on one server. A prefix with a tag of its own stays as it is.

    Source: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
    """
    return f"{{{prefix}}}" if is_cluster(redis) and "{" not in prefix else prefix


def _patience(retries: int = 1) -> dict[str, Any]:
    # One more try at once: the server may have closed a pooled connection when it was restarted.
    return {
        "socket_connect_timeout": TIMEOUT,
        "socket_timeout": TIMEOUT,
        "retry": Retry(NoBackoff(), retries),
    }


class _WatchedPool(SentinelConnectionPool):
    """Connections to the server that the sentinels call the primary; closes those to the sentinels with them."""

    @override
    async def aclose(self) -> None:
        await super().aclose()
        await self.sentinel_manager.aclose()


def _watched(place: RedisPlace) -> Redis:
    # A sentinel that does not answer is passed over at once, as another one may.
    options = {**_patience(retries=0), **place.sentinel_options}
    sentinel = Sentinel(place.hosts, sentinel_kwargs=options)  # type: ignore[no-untyped-call]  # the library's gap
    redis: Redis = sentinel.master_for(
        place.service, connection_pool_class=_WatchedPool, **{**_patience(), **place.options}
    )
    return redis


class _Cluster(RedisCluster):
    """Reads which node has which slots before it sends a command.

    Otherwise the library sends a client's first commands to any node. When five of them are sent on to the right one,
    it reads the slots anew, and for that closes connections on which other commands are under way.
    """

    @override
    async def execute_command(self, *args: Any, **options: Any) -> Any:
        _ = await self.initialize()
        return await super().execute_command(*args, **options)


def _cluster(place: RedisPlace) -> RedisCluster:
    return _Cluster(
        startup_nodes=[ClusterNode(host, port) for host, port in place.hosts],
        # The nodes may all have other addresses one day, and the names that the operator gave lead to them.
        dynamic_startup_nodes=False,
        # Slots that others use are no concern of ours.
        require_full_coverage=False,
        **{**_patience(), **place.options},
    )
