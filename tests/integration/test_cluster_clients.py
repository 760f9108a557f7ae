"""A client of a cluster."""

import asyncio

import redis

from balancer.adapters.redis.clients import make_redis
from balancer.store_urls import read_redis_url

SCRIPT = "return redis.call('INCR', KEYS[1])"


def _sent_on(url: str) -> int:
    """Count the commands that nodes have sent on to another one since they started."""
    count = 0
    for host, port in read_redis_url(url).hosts:
        with redis.Redis(host, port) as node:
            count += node.info("errorstats").get("errorstat_MOVED", {"count": 0})["count"]
    return count


async def test_first_commands_find_their_node(cluster_url: str) -> None:
    """However many commands are a client's first ones, each goes to the node that has the key."""
    before = _sent_on(cluster_url)
    for number in range(3):
        client = make_redis(cluster_url)
        try:
            count = client.register_script(SCRIPT)
            answers = await asyncio.gather(*(count([f"first commands {number}"]) for _ in range(64)))
        finally:
            await client.aclose()
        assert list(range(1, 65)) == sorted(answers)
    assert before == _sent_on(cluster_url)
