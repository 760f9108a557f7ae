"""Who meets whom: the one table of all parts, read by Dishka."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import uvicorn
from dishka import AsyncContainer, Provider, Scope, from_context, make_async_container, provide
from dishka.provider import BaseProvider
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from balancer import idn
from balancer.adapters.local import FileConfigCopies, NoConfigNotices
from balancer.adapters.migrations import AlembicSchema
from balancer.adapters.redis_stores import RedisConfigCopies, RedisConfigNotices, RedisTickets, make_redis
from balancer.adapters.sql import make_engine
from balancer.adapters.sql_configs import SqlCdnConfigs, SqlConfigHistory
from balancer.background import Background, Leasing
from balancer.core.changes import ConfigChanges, ConfigInForce
from balancer.core.configs import CdnConfig
from balancer.core.hosts import OriginHosts, ToAscii
from balancer.core.ports import CdnConfigs, Clock, ConfigCopies, ConfigHistory, ConfigNotices, Schema, Tickets
from balancer.core.redirects import Redirects
from balancer.core.tickets import TicketBook
from balancer.logs import log_config
from balancer.settings import Settings
from balancer.web.protocol import Limits, Protocols

FIRST_CONFIG = 1
"""The id of the config that a first start makes."""


class RulesProvider(Provider):
    """The domain."""

    scope = Scope.APP

    settings = from_context(Settings)
    book = provide(TicketBook)
    redirects = provide(Redirects)
    changes = provide(ConfigChanges)
    in_force = provide(ConfigInForce)

    @provide
    def clock(self) -> Clock:
        return lambda: datetime.now(UTC)

    @provide
    def to_ascii(self) -> ToAscii:
        return idn.to_ascii

    @provide
    def origins(self, settings: Settings, to_ascii: ToAscii) -> OriginHosts:
        return OriginHosts(settings.origin_hosts, to_ascii)

    @provide
    def first_config(self, settings: Settings, clock: Clock) -> CdnConfig:
        return CdnConfig(FIRST_CONFIG, settings.cdn_host, settings.distribution_rate, 1, clock(), None)


class DatabaseProvider(Provider):
    """The record of configs."""

    scope = Scope.APP

    configs = provide(SqlCdnConfigs, provides=CdnConfigs)
    history = provide(SqlConfigHistory, provides=ConfigHistory)

    @provide
    async def engine(self, settings: Settings) -> AsyncIterator[AsyncEngine]:
        engine = make_engine(settings.database_url.get_secret_value())
        yield engine
        await engine.dispose()

    @provide
    def schema(self, settings: Settings, engine: AsyncEngine) -> Schema:
        return AlembicSchema(settings.database_url.get_secret_value(), engine)


class RedisProvider(Provider):
    """What a fleet shares."""

    scope = Scope.APP

    @provide
    async def redis(self, settings: Settings) -> AsyncIterator[Redis]:
        url = settings.redis_url.get_secret_value() if settings.redis_url else ""
        redis = make_redis(url)
        yield redis
        await redis.aclose()

    @provide
    def tickets(self, redis: Redis, settings: Settings) -> Tickets:
        return RedisTickets(redis, settings.redis_prefix)

    @provide
    def notices(self, redis: Redis, settings: Settings) -> ConfigNotices:
        return RedisConfigNotices(redis, settings.redis_prefix)

    @provide
    def copies(self, redis: Redis, settings: Settings) -> Sequence[ConfigCopies]:
        return [RedisConfigCopies(redis, settings.redis_prefix), _file_copies(settings)]

    @provide
    def background(
        self, in_force: ConfigInForce, notices: ConfigNotices, book: TicketBook, tickets: Tickets, settings: Settings
    ) -> Background:
        return Background(in_force, notices, Leasing(book, tickets), settings.poll_interval)


class SingleHostProvider(Provider):
    """What a host has that shares nothing: each process counts its own tickets and polls the record."""

    scope = Scope.APP

    notices = provide(NoConfigNotices, provides=ConfigNotices)

    @provide
    def copies(self, settings: Settings) -> Sequence[ConfigCopies]:
        return [_file_copies(settings)]

    @provide
    def background(self, in_force: ConfigInForce, notices: ConfigNotices, settings: Settings) -> Background:
        return Background(in_force, notices, None, settings.poll_interval)


class ServerProvider(Provider):
    """The server that runs the application."""

    scope = Scope.APP

    @provide
    def server(self, settings: Settings) -> uvicorn.Config:
        return uvicorn.Config(
            "balancer.app:create_app",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            # uvicorn calls this where it would call a class.
            http=cast(
                type[asyncio.Protocol],
                Protocols(
                    Limits(settings.head_size, settings.head_time, settings.keep_alive, settings.connections),
                    fast_lane=settings.fast_lane,
                ),
            ),
            ws="none",
            log_config=log_config(settings.log_level),
            access_log=False,
            server_header=False,
            # A forwarded address counts only from a proxy that the operator named.
            proxy_headers=False,
            timeout_graceful_shutdown=settings.shutdown_timeout,
        )


def make_container(settings: Settings, *overrides: BaseProvider) -> AsyncContainer:
    """Return the container of one process.

    Args:
        settings: Decide which adapters are in it.
        overrides: Providers whose parts go before ours, for tests.
    """
    sharing = RedisProvider() if settings.redis_url else SingleHostProvider()
    return make_async_container(
        RulesProvider(), DatabaseProvider(), sharing, ServerProvider(), *overrides, context={Settings: settings}
    )


def _file_copies(settings: Settings) -> FileConfigCopies:
    return FileConfigCopies(Path(settings.data_dir) / "config.json")
