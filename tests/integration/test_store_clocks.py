"""The clocks of all kinds of stores that several hosts share."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from balancer.adapters.redis.clients import make_redis
from balancer.adapters.redis.clocks import RedisClock
from balancer.adapters.sql.clocks import PostgresClock
from balancer.adapters.sql.engines import make_engine

NEAR = timedelta(milliseconds=100)
"""What clocks of one machine may be apart by rounding."""


@pytest.mark.parametrize("store", ["postgres_url", "redis_url", "sentinel_url", "cluster_url"])
def test_the_time_there(request: pytest.FixtureRequest, store: str) -> None:
    """A store on this machine has its time, aware, between the question and the answer."""
    url: str = request.getfixturevalue(store)

    async def ask() -> tuple[datetime, datetime, datetime]:
        if store == "postgres_url":
            engine = make_engine(url)
            try:
                return datetime.now(UTC), await PostgresClock(engine).now(), datetime.now(UTC)
            finally:
                await engine.dispose()
        async with make_redis(url) as redis:
            return datetime.now(UTC), await RedisClock(redis).now(), datetime.now(UTC)

    before, there, after = asyncio.run(ask())
    assert before - NEAR <= there <= after + NEAR
