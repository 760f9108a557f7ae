"""Who meets whom: the one table of all parts, read by Dishka."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import cast

import uvicorn
from dishka import AsyncContainer, Provider, Scope, from_context, make_async_container, provide
from dishka.provider import BaseProvider
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from balancer import idn
from balancer.adapters.local import FileConfigCopies, NoConfigNotices
from balancer.adapters.migrations import AlembicSchema
from balancer.adapters.redis_stores import (
    RedisConfigCopies,
    RedisConfigNotices,
    RedisSharedLimits,
    RedisTickets,
    make_redis,
)
from balancer.adapters.sql import make_engine
from balancer.adapters.sql_configs import SqlCdnConfigs, SqlConfigHistory
from balancer.adapters.sql_keys import SqlApiKeys, SqlAuditTrail
from balancer.adapters.tokens import JwtTokens
from balancer.background import Background, Leasing, Sharing
from balancer.core.access import Authenticator, Entropy, KeyRing, Stopwatch
from balancer.core.addresses import TrustedProxies
from balancer.core.changes import ConfigChanges, ConfigInForce
from balancer.core.configs import CdnConfig
from balancer.core.hosts import OriginHosts, ToAscii
from balancer.core.limits import Limiter
from balancer.core.ports import (
    ApiKeys,
    AuditTrail,
    CdnConfigs,
    Clock,
    ConfigCopies,
    ConfigHistory,
    ConfigNotices,
    IdentityTokens,
    Schema,
    SharedLimits,
    Tickets,
)
from balancer.core.redirects import Redirects
from balancer.core.tickets import TicketBook
from balancer.logs import log_config
from balancer.settings import Settings
from balancer.web.access import Limiters
from balancer.web.fast_lane import Protocols
from balancer.web.protocol import Limits, PlayerGate

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

    ring = provide(KeyRing)

    @provide
    def entropy(self) -> Entropy:
        return secrets.token_bytes

    @provide
    def stopwatch(self) -> Stopwatch:
        return monotonic

    @provide
    def proxies(self, settings: Settings) -> TrustedProxies:
        return TrustedProxies(settings.trusted_proxies)

    @provide
    def limiters(self, settings: Settings) -> Limiters:
        rates = {"player": settings.player_rate, "admin": settings.admin_rate, "login": settings.login_rate}
        return Limiters(**{name: Limiter(name, rate) if rate else None for name, rate in rates.items()})

    @provide
    def gate(self, limiters: Limiters, proxies: TrustedProxies) -> PlayerGate:
        return PlayerGate(limiters.player, proxies)

    @provide
    def authenticator(
        self, settings: Settings, keys: ApiKeys, limiters: Limiters, clock: Clock, stopwatch: Stopwatch
    ) -> Authenticator:
        return Authenticator(keys, _identity_tokens(settings), limiters.login, clock, stopwatch)

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
    keys = provide(SqlApiKeys, provides=ApiKeys)
    trail = provide(SqlAuditTrail, provides=AuditTrail)

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
    def shared_limits(self, redis: Redis, settings: Settings) -> SharedLimits:
        return RedisSharedLimits(redis, settings.redis_prefix)

    @provide
    def leasing(self, book: TicketBook, tickets: Tickets) -> Leasing:
        return Leasing(book, tickets)

    @provide
    def sharing(self, limiters: Limiters, store: SharedLimits, stopwatch: Stopwatch) -> Sharing:
        return Sharing(limiters.all(), store, stopwatch)

    @provide
    def background(
        self, in_force: ConfigInForce, notices: ConfigNotices, leasing: Leasing, sharing: Sharing, settings: Settings
    ) -> Background:
        # Where no players come, no tickets are needed.
        return Background(
            in_force, notices, leasing if settings.role != "admin" else None, sharing, settings.poll_interval
        )


class SingleHostProvider(Provider):
    """What a host has that shares nothing: each process counts its own tickets and polls the record."""

    scope = Scope.APP

    notices = provide(NoConfigNotices, provides=ConfigNotices)

    @provide
    def copies(self, settings: Settings) -> Sequence[ConfigCopies]:
        return [_file_copies(settings)]

    @provide
    def background(self, in_force: ConfigInForce, notices: ConfigNotices, settings: Settings) -> Background:
        return Background(in_force, notices, None, None, settings.poll_interval)


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
                    fast_lane=settings.fast_lane and settings.role != "admin",
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


def _identity_tokens(settings: Settings) -> IdentityTokens | None:
    if not (settings.jwt_issuer and settings.jwt_audience and settings.jwt_jwks):
        return None
    return JwtTokens(
        settings.jwt_issuer, settings.jwt_audience, settings.jwt_jwks, settings.jwt_role_claim, settings.jwt_roles
    )


def _file_copies(settings: Settings) -> FileConfigCopies:
    return FileConfigCopies(Path(settings.data_dir) / "config.json")
