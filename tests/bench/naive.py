"""A peer: the design that suggests itself first, with one PostgreSQL read and two Redis calls for each request."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from litestar import Litestar, get
from litestar.datastructures import State
from litestar.response import Redirect
from redis.asyncio import Redis
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from balancer.adapters.sql.tables import cdn_configs
from balancer.store_urls import read_database_url


@get("/")
async def redirect(video: str, state: State) -> Redirect:
    """Read the config in a session of this request, count the request, remember the target, and redirect."""
    sessions: async_sessionmaker[AsyncSession] = state.sessions
    async with sessions() as session:
        config = (await session.execute(select(cdn_configs).order_by(cdn_configs.c.id).limit(1))).mappings().one()
    ticket = await state.redis.incr("naive:tickets")
    target = video
    if config["distribution_rate"] == 0 or ticket % config["distribution_rate"]:
        parts = urlsplit(video)
        target = f"{parts.scheme}://{config['cdn_host']}/{parts.netloc.partition('.')[0]}{parts.path}"
    await state.redis.set(f"naive:{video}", target, ex=60)
    return Redirect(target, status_code=301, headers={"cache-control": "no-store", "access-control-allow-origin": "*"})


@asynccontextmanager
async def stores(app: Litestar) -> AsyncGenerator[None, None]:
    """Connect to the stores."""
    engine = create_async_engine(read_database_url(os.environ["NAIVE_DATABASE_URL"]), pool_size=20)
    app.state.sessions = async_sessionmaker(engine)
    app.state.redis = Redis.from_url(os.environ["NAIVE_REDIS_URL"])
    yield
    await app.state.redis.aclose()
    await engine.dispose()


app = Litestar([redirect], lifespan=[stores], openapi_config=None, logging_config=None)
