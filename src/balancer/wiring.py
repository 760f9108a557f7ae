"""Who meets whom: the one table of all parts, read by Dishka."""

import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import uvicorn
from dishka import AsyncContainer, Provider, Scope, from_context, make_async_container, provide
from dishka.provider import BaseProvider
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from balancer import __version__, idn
from balancer.adapters.local import DataFolder, FileConfigCopies, NoConfigNotices
from balancer.adapters.migrations import AlembicSchema
from balancer.adapters.redis_clients import make_redis
from balancer.adapters.redis_stores import (
    RedisConfigCopies,
    RedisConfigNotices,
    RedisDependency,
    RedisSharedLimits,
    RedisSharedStats,
    RedisTickets,
)
from balancer.adapters.sql import SqlDependency, make_engine
from balancer.adapters.sql_backups import SqlBackups
from balancer.adapters.sql_configs import SqlCdnConfigs, SqlConfigHistory
from balancer.adapters.sql_keys import SqlApiKeys, SqlAuditTrail
from balancer.adapters.tokens import JwtTokens
from balancer.api.access import Limiters
from balancer.api.strangers import Strangers
from balancer.background import Background, Following, Jobs, Leasing, Preparing, Sharing, Spreading
from balancer.core.access import Authenticator, Entropy, KeyRing, Stopwatch
from balancer.core.addresses import TrustedProxies
from balancer.core.changes import ConfigChanges, ConfigInForce
from balancer.core.configs import CdnConfig
from balancer.core.fallbacks import Fallbacks
from balancer.core.hosts import OriginHosts, ToAscii
from balancer.core.limits import Limiter, Rate
from balancer.core.ports import (
    ApiKeys,
    AuditTrail,
    Backups,
    CdnConfigs,
    Clock,
    ConfigCopies,
    ConfigHistory,
    ConfigNotices,
    Dependency,
    LocalFolder,
    Schema,
    SharedLimits,
    SharedStats,
    Tickets,
)
from balancer.core.redirects import Redirects
from balancer.core.serving import Serving
from balancer.core.tickets import TicketBook
from balancer.edge.listening import Edge
from balancer.edge.players import PlayerGate, Players
from balancer.edge.process import Limits
from balancer.edge.tls import CertificateFiles
from balancer.settings import Settings
from balancer.telemetry.health import Watchman
from balancer.telemetry.logs import Lines, log_config, style_of
from balancer.telemetry.metrics.board import Board
from balancer.telemetry.metrics.calls import timed
from balancer.telemetry.metrics.exposition import Exposition
from balancer.telemetry.metrics.meters import Meters
from balancer.telemetry.metrics.reporting import Reporting
from balancer.telemetry.metrics.stats import Stats
from balancer.telemetry.players import AccessLog, PlayerWatch
from balancer.telemetry.repeats import Repeats
from balancer.telemetry.traces import Tracing, is_wanted

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

    spreading = provide(Spreading)

    @provide
    def preparing(self, schema: Schema, ring: KeyRing, clock: Clock, settings: Settings) -> Preparing:
        given = settings.bootstrap_api_key
        return Preparing(schema, ring, clock, given.get_secret_value() if given else None)

    @provide
    def following(
        self, in_force: ConfigInForce, notices: ConfigNotices, preparing: Preparing, settings: Settings
    ) -> Following:
        return Following(in_force, notices, settings.poll_interval, preparing.prepare)

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
        def limiter(name: str, rate: Rate | None) -> Limiter | None:
            return Limiter(name, rate) if rate else None

        return Limiters(
            player=limiter("player", settings.player_rate),
            admin=limiter("admin", settings.admin_rate),
            login=limiter("login", settings.login_rate),
            strangers=limiter("open", settings.open_rate),
        )

    @provide
    def gate(self, limiters: Limiters, proxies: TrustedProxies) -> PlayerGate:
        return PlayerGate(limiters.player, proxies)

    @provide
    def strangers(self, limiters: Limiters, proxies: TrustedProxies, stopwatch: Stopwatch) -> Strangers:
        return Strangers(limiters.strangers, proxies, stopwatch)

    @provide
    def identity_tokens(self, settings: Settings) -> JwtTokens | None:
        if not (settings.jwt_issuer and settings.jwt_audience and settings.jwt_jwks):
            return None
        return JwtTokens(
            settings.jwt_issuer, settings.jwt_audience, settings.jwt_jwks, settings.jwt_role_claim, settings.jwt_roles
        )

    @provide
    def authenticator(
        self, tokens: JwtTokens | None, keys: ApiKeys, limiters: Limiters, clock: Clock, stopwatch: Stopwatch
    ) -> Authenticator:
        return Authenticator(keys, tokens, limiters.login, clock, stopwatch)

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


class NumbersProvider(Provider):
    """What the operator sees."""

    scope = Scope.APP

    board = from_context(Board)
    fallbacks = provide(Fallbacks)
    serving = provide(Serving)
    stats = provide(Stats)

    @provide
    def meters(self, board: Board) -> Iterator[Meters]:
        slot = board.claim()
        yield Meters(slot)
        slot.close()

    @provide
    def reporting(self, meters: Meters, serving: Serving, clock: Clock, shared: SharedStats | None) -> Reporting:
        return Reporting(meters, serving, clock, lambda: Lines.dropped, shared)

    @provide
    def tracing(self) -> Iterator[Tracing | None]:
        tracing = Tracing(__version__) if is_wanted() else None
        yield tracing
        if tracing:
            tracing.close()

    @provide
    def repeats(self) -> Iterator[Repeats]:
        repeats = Repeats()
        yield repeats
        repeats.flush()

    @provide
    def watch(self, settings: Settings, tracing: Tracing | None, repeats: Repeats) -> PlayerWatch:
        return PlayerWatch(AccessLog(*settings.access_log), tracing, settings.traced_redirects, repeats)

    @provide
    def exposition(self, board: Board, reporting: Reporting, clock: Clock, stopwatch: Stopwatch) -> Exposition:
        return Exposition(board, reporting, clock, stopwatch)

    @provide
    def watchman(
        self, dependencies: Sequence[Dependency], serving: Serving, clock: Clock, settings: Settings
    ) -> Watchman:
        # Whoever serves admins alone does nothing without the database: it holds the keys too.
        return Watchman(dependencies, serving, clock, ["database"] if settings.role == "admin" else [])


class DatabaseProvider(Provider):
    """The record of configs."""

    scope = Scope.APP

    @provide
    def configs(self, engine: AsyncEngine, meters: Meters) -> CdnConfigs:
        return timed(SqlCdnConfigs(engine), "configs", "database", meters)

    @provide
    def history(self, engine: AsyncEngine, meters: Meters) -> ConfigHistory:
        return timed(SqlConfigHistory(engine), "history", "database", meters)

    @provide
    def keys(self, engine: AsyncEngine, meters: Meters) -> ApiKeys:
        return timed(SqlApiKeys(engine), "keys", "database", meters)

    trail = provide(SqlAuditTrail, provides=AuditTrail)

    @provide
    async def engine(self, settings: Settings, tracing: Tracing | None) -> AsyncIterator[AsyncEngine]:
        engine = make_engine(settings.database_url.get_secret_value())
        if tracing:
            tracing.watch_database(engine)
        yield engine
        await engine.dispose()

    @provide
    def database(self, engine: AsyncEngine) -> SqlDependency:
        return SqlDependency(engine)

    @provide
    def folder(self, settings: Settings) -> LocalFolder:
        return DataFolder(settings.data_dir)

    @provide
    def schema(self, settings: Settings, engine: AsyncEngine) -> Schema:
        return AlembicSchema(settings.database_url.get_secret_value(), engine)

    @provide
    def backups(self, settings: Settings, clock: Clock) -> Backups:
        return SqlBackups(settings.database_url.get_secret_value(), __version__, clock)


class RedisProvider(Provider):
    """What a fleet shares."""

    scope = Scope.APP

    @provide
    async def redis(self, settings: Settings, tracing: Tracing | None) -> AsyncIterator[Redis]:
        url = settings.redis_url.get_secret_value() if settings.redis_url else ""
        redis = make_redis(url)
        if tracing:
            tracing.watch_redis(redis)
        yield redis
        await redis.aclose()

    @provide
    def tickets(self, redis: Redis, settings: Settings, meters: Meters) -> Tickets:
        return timed(RedisTickets(redis, settings.redis_prefix), "tickets", "redis", meters)

    @provide
    def notices(self, redis: Redis, settings: Settings, meters: Meters) -> ConfigNotices:
        return timed(RedisConfigNotices(redis, settings.redis_prefix), "notices", "redis", meters)

    @provide
    def copies(self, redis: Redis, settings: Settings, meters: Meters) -> Sequence[ConfigCopies]:
        shared: ConfigCopies = RedisConfigCopies(redis, settings.redis_prefix)
        return [_file_copies(settings, meters), timed(shared, "copies", "redis", meters)]

    @provide
    def shared_limits(self, redis: Redis, settings: Settings, meters: Meters) -> SharedLimits:
        return timed(RedisSharedLimits(redis, settings.redis_prefix), "limits", "redis", meters)

    @provide
    def shared_stats(self, redis: Redis, settings: Settings, meters: Meters) -> SharedStats | None:
        return timed(RedisSharedStats(redis, settings.redis_prefix), "stats", "redis", meters)

    @provide
    def dependencies(
        self,
        redis: Redis,
        database: SqlDependency,
        folder: LocalFolder,
        tokens: JwtTokens | None,
        settings: Settings,
    ) -> Sequence[Dependency]:
        return [database, RedisDependency(redis, settings.redis_prefix), folder, *filter(None, [tokens])]

    @provide
    def leasing(self, book: TicketBook, tickets: Tickets, meters: Meters) -> Leasing:
        return Leasing(book, tickets, meters)

    @provide
    def sharing(self, limiters: Limiters, store: SharedLimits, stopwatch: Stopwatch) -> Sharing:
        return Sharing(limiters.all(), store, stopwatch)

    @provide
    def background(
        self,
        following: Following,
        spreading: Spreading,
        watchman: Watchman,
        leasing: Leasing,
        sharing: Sharing,
        reporting: Reporting,
        fallbacks: Fallbacks,
        settings: Settings,
    ) -> Background:
        # Where no players come, no tickets are needed.
        leases = leasing if settings.role != "admin" else None
        return Background(Jobs(following, spreading, watchman, reporting, leases, sharing), fallbacks)


class SingleHostProvider(Provider):
    """What a host has that shares nothing: each process counts its own tickets and polls the record."""

    scope = Scope.APP

    notices = provide(NoConfigNotices, provides=ConfigNotices)

    @provide
    def copies(self, settings: Settings, meters: Meters) -> Sequence[ConfigCopies]:
        return [_file_copies(settings, meters)]

    @provide
    def shared_stats(self) -> SharedStats | None:
        return None

    @provide
    def dependencies(
        self, database: SqlDependency, folder: LocalFolder, tokens: JwtTokens | None
    ) -> Sequence[Dependency]:
        return [database, folder, *filter(None, [tokens])]

    @provide
    def background(
        self,
        following: Following,
        spreading: Spreading,
        watchman: Watchman,
        reporting: Reporting,
        fallbacks: Fallbacks,
    ) -> Background:
        return Background(Jobs(following, spreading, watchman, reporting), fallbacks)


class ServerProvider(Provider):
    """The server that runs the application."""

    scope = Scope.APP

    @provide
    def players(
        self, redirects: Redirects, gate: PlayerGate, meters: Meters, watch: PlayerWatch, settings: Settings
    ) -> Players | None:
        if settings.role == "admin" or not settings.fast_lane:
            return None
        return Players(redirects, gate, meters, watch)

    @provide
    def edge(self, settings: Settings) -> Edge:
        return Edge(
            Limits(
                settings.head_size,
                settings.head_time,
                settings.keep_alive,
                settings.connections,
                settings.client_connections,
            ),
            settings.proxy_protocol,
            CertificateFiles(settings.tls_cert, settings.tls_key) if settings.tls_cert and settings.tls_key else None,
            settings.hsts,
        )

    @provide
    def server(self, settings: Settings) -> uvicorn.Config:
        return uvicorn.Config(
            "balancer.app:create_app",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            ws="none",
            log_config=log_config(settings.log_level, style_of(settings.log_format), settings.secrets),
            access_log=False,
            server_header=False,
            # A forwarded address counts only from a proxy that the operator named.
            proxy_headers=False,
            timeout_graceful_shutdown=settings.shutdown_timeout,
        )


def make_container(settings: Settings, *overrides: BaseProvider, board: Board | None = None) -> AsyncContainer:
    """Return the container of one process.

    Args:
        settings: Decide which adapters are in it.
        overrides: Providers whose parts go before ours, for tests.
        board: Where the process counts; on one of its own when it is not given.
    """
    sharing = RedisProvider() if settings.redis_url else SingleHostProvider()
    return make_async_container(
        RulesProvider(),
        NumbersProvider(),
        DatabaseProvider(),
        sharing,
        ServerProvider(),
        *overrides,
        context={Settings: settings, Board: board or Board()},
    )


def _file_copies(settings: Settings, meters: Meters) -> ConfigCopies:
    copies: ConfigCopies = FileConfigCopies(Path(settings.data_dir) / "config.json")
    return timed(copies, "copies", "file", meters)
