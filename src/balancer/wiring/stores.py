"""The parts that keep and share things: the database, and Redis or nothing."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from dishka import Provider, Scope, provide
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from balancer import __version__
from balancer.adapters.files.local import DataFolder, FilePlanCopies, NoConfigNotices
from balancer.adapters.files.quality import FileSharedQuality
from balancer.adapters.identity.tokens import JwtTokens
from balancer.adapters.redis.clients import make_redis
from balancer.adapters.redis.clocks import RedisClock
from balancer.adapters.redis.probing import RedisLeadership, RedisSharedLoops, RedisSharedVerdicts
from balancer.adapters.redis.quality import RedisSharedQuality
from balancer.adapters.redis.stores import (
    RedisConfigNotices,
    RedisDependency,
    RedisPlanCopies,
    RedisSharedQuotas,
    RedisSharedStats,
    RedisTickets,
)
from balancer.adapters.sql.backups import SqlBackups
from balancer.adapters.sql.clocks import PostgresClock
from balancer.adapters.sql.configs import SqlCdnConfigs, SqlConfigHistory
from balancer.adapters.sql.engines import SqlDependency, make_engine
from balancer.adapters.sql.keys import SqlApiKeys, SqlAuditTrail
from balancer.adapters.sql.migrations import AlembicSchema
from balancer.adapters.sql.probing import PostgresLeadership, PostgresSharedLoops, PostgresSharedVerdicts
from balancer.adapters.sql.rules import SqlRuleRecord
from balancer.api.framework.guards import Throttles
from balancer.core.access.ports import ApiKeys, AuditTrail
from balancer.core.clients.ports import SharedQuotas
from balancer.core.clocks import Clock, Stopwatch
from balancer.core.configs.ports import CdnConfigs, ConfigHistory
from balancer.core.control.ports import ConfigNotices, PlanCopies
from balancer.core.health.fallbacks import Fallbacks
from balancer.core.health.ports import Dependency, LocalFolder, PeerGroup, SharedStats
from balancer.core.quality.ports import SharedQuality
from balancer.core.routing.ports import Tickets
from balancer.core.routing.tickets import TicketBooks
from balancer.core.rules.ports import RuleRecord
from balancer.core.storage.ports import Backups, Schema, StoreClock
from balancer.jobs.following import Following
from balancer.jobs.heeding import Heeding
from balancer.jobs.leasing import Leasing
from balancer.jobs.looping import Looping
from balancer.jobs.placing import Placing
from balancer.jobs.pooling import Pooling
from balancer.jobs.probing import Probing
from balancer.jobs.runner import Background, Jobs
from balancer.jobs.sharing import Sharing
from balancer.jobs.spreading import Spreading
from balancer.settings import Settings
from balancer.telemetry.health import Watchman
from balancer.telemetry.metrics.calls import timed
from balancer.telemetry.metrics.meters import Meters
from balancer.telemetry.metrics.reporting import Reporting
from balancer.telemetry.traces import Tracing
from balancer.wiring.health import timed_group


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

    @provide
    def rules(self, engine: AsyncEngine, meters: Meters) -> RuleRecord:
        return timed(SqlRuleRecord(engine), "rules", "database", meters)

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
    def copies(self, redis: Redis, settings: Settings, meters: Meters) -> Sequence[PlanCopies]:
        shared: PlanCopies = RedisPlanCopies(redis, settings.redis_prefix)
        return [_file_copies(settings, meters), timed(shared, "copies", "redis", meters)]

    @provide
    def shared_quotas(self, redis: Redis, settings: Settings, meters: Meters) -> SharedQuotas:
        return timed(RedisSharedQuotas(redis, settings.redis_prefix), "limits", "redis", meters)

    @provide
    def shared_stats(self, redis: Redis, settings: Settings, meters: Meters) -> SharedStats | None:
        return timed(RedisSharedStats(redis, settings.redis_prefix), "stats", "redis", meters)

    @provide
    def shared_quality(self, redis: Redis, settings: Settings, meters: Meters) -> SharedQuality:
        return timed(RedisSharedQuality(redis, settings.redis_prefix), "quality", "redis", meters)

    @provide
    def fleet(self, redis: Redis, settings: Settings, meters: Meters) -> PeerGroup | None:
        prefix = settings.redis_prefix
        leadership = RedisLeadership(redis, prefix, meters.slot.source)
        group = PeerGroup(leadership, RedisSharedVerdicts(redis, prefix), RedisSharedLoops(redis, prefix))
        return timed_group(group, "redis", meters)

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
    def clocks(self, redis: Redis, engine: AsyncEngine) -> Sequence[StoreClock]:
        return [*_database_clocks(engine), RedisClock(redis)]

    @provide
    def leasing(self, books: TicketBooks, tickets: Tickets, meters: Meters) -> Leasing:
        return Leasing(books, tickets, meters)

    @provide
    def sharing(self, throttles: Throttles, store: SharedQuotas, stopwatch: Stopwatch) -> Sharing:
        return Sharing(throttles.all(), store, stopwatch)

    @provide
    def background(
        self,
        following: Following,
        spreading: Spreading,
        watchman: Watchman,
        leasing: Leasing,
        sharing: Sharing,
        placing: Placing | None,
        pooling: Pooling | None,
        reporting: Reporting,
        probing: Probing,
        heeding: Heeding,
        looping: Looping,
        fallbacks: Fallbacks,
        settings: Settings,
    ) -> Background:
        # Where no players come, no tickets are needed.
        leases = leasing if settings.role != "admin" else None
        everywhere = following, spreading, watchman, reporting, probing, heeding, looping
        jobs = Jobs(*everywhere, leasing=leases, sharing=sharing, placing=placing, pooling=pooling)
        return Background(jobs, fallbacks)


class SingleHostProvider(Provider):
    """What a host has that shares nothing: each process counts its own tickets and polls the record."""

    scope = Scope.APP

    notices = provide(NoConfigNotices, provides=ConfigNotices)

    @provide
    def copies(self, settings: Settings, meters: Meters) -> Sequence[PlanCopies]:
        return [_file_copies(settings, meters)]

    @provide
    def shared_stats(self) -> SharedStats | None:
        return None

    @provide
    def shared_quality(self, settings: Settings, meters: Meters) -> SharedQuality:
        shared: SharedQuality = FileSharedQuality(Path(settings.data_dir) / "quality")
        return timed(shared, "quality", "file", meters)

    @provide
    def fleet(self, engine: AsyncEngine, meters: Meters) -> PeerGroup | None:
        if engine.dialect.name != "postgresql":
            return None
        leadership = PostgresLeadership(engine, meters.slot.source)
        group = PeerGroup(leadership, PostgresSharedVerdicts(engine), PostgresSharedLoops(engine))
        return timed_group(group, "database", meters)

    @provide
    def dependencies(
        self, database: SqlDependency, folder: LocalFolder, tokens: JwtTokens | None
    ) -> Sequence[Dependency]:
        return [database, folder, *filter(None, [tokens])]

    @provide
    def clocks(self, engine: AsyncEngine) -> Sequence[StoreClock]:
        return _database_clocks(engine)

    @provide
    def background(
        self,
        following: Following,
        spreading: Spreading,
        watchman: Watchman,
        placing: Placing | None,
        pooling: Pooling | None,
        reporting: Reporting,
        probing: Probing,
        heeding: Heeding,
        looping: Looping,
        fallbacks: Fallbacks,
    ) -> Background:
        everywhere = following, spreading, watchman, reporting, probing, heeding, looping
        return Background(Jobs(*everywhere, placing=placing, pooling=pooling), fallbacks)


def _database_clocks(engine: AsyncEngine) -> list[StoreClock]:
    """Return the clock of the database, where that has one of its own."""
    return [PostgresClock(engine)] if engine.dialect.name == "postgresql" else []


def _file_copies(settings: Settings, meters: Meters) -> PlanCopies:
    copies: PlanCopies = FilePlanCopies(Path(settings.data_dir))
    return timed(copies, "copies", "file", meters)
