"""The parts of the domain."""

import asyncio
import secrets
from datetime import UTC, datetime
from time import monotonic, sleep

from dishka import Provider, Scope, from_context, provide

from balancer import idn
from balancer.adapters.files.places import MaxMindPlaces
from balancer.adapters.identity.tokens import JwtTokens
from balancer.api.framework.guards import Throttles
from balancer.api.framework.strangers import Strangers
from balancer.core.access.authentication import Authenticator, Entropy, KeyRing
from balancer.core.access.ports import ApiKeys
from balancer.core.clients.addresses import TrustedProxies
from balancer.core.clients.quotas import Quota, Throttle
from balancer.core.clocks import Clock, Stopwatch
from balancer.core.configs.documents import CdnConfig
from balancer.core.configs.ports import CdnConfigs
from balancer.core.configs.simple import simple_document
from balancer.core.control.changes import ConfigChanges
from balancer.core.control.in_force import ConfigInForce
from balancer.core.control.ports import ConfigNotices, Record
from balancer.core.control.rule_changes import RuleChanges
from balancer.core.routing.planner import Planner
from balancer.core.routing.redirects import Redirects
from balancer.core.routing.tickets import TicketBooks
from balancer.core.rules.ports import ClientPlaces, PlaceFiles, RuleRecord
from balancer.core.storage.ports import Schema
from balancer.core.urls.hosts import OriginHosts, ToAscii
from balancer.edge.asking import PlayerGate
from balancer.jobs.following import Following, Preparing
from balancer.jobs.placing import Placing
from balancer.jobs.spreading import Spreading
from balancer.settings import Settings

BREATH = 0.0001
"""Seconds that whoever lays out a long schedule waits again and again, so that requests are answered meanwhile."""

FIRST_CONFIG = 1
"""The id of the config that a first start makes."""


class RulesProvider(Provider):
    """The domain."""

    scope = Scope.APP

    settings = from_context(Settings)
    books = provide(TicketBooks)
    redirects = provide(Redirects)
    changes = provide(ConfigChanges)
    rule_changes = provide(RuleChanges)
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
    def record(self, configs: CdnConfigs, rules: RuleRecord) -> Record:
        return Record(configs, rules)

    @provide
    def place_files(self, settings: Settings) -> PlaceFiles:
        return MaxMindPlaces(settings.geo_database)

    @provide
    def places(self, files: PlaceFiles) -> ClientPlaces:
        return files

    @provide
    def placing(self, files: PlaceFiles, settings: Settings) -> Placing | None:
        return Placing(files) if settings.geo_database else None

    @provide
    def planner(self, redirects: Redirects, books: TicketBooks, places: ClientPlaces) -> Planner:
        return Planner(redirects, books, asyncio.to_thread, lambda: sleep(BREATH), places)

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
    def throttles(self, settings: Settings) -> Throttles:
        def throttle(name: str, quota: Quota | None) -> Throttle | None:
            return Throttle(name, quota) if quota else None

        return Throttles(
            player=throttle("player", settings.player_rate),
            admin=throttle("admin", settings.admin_rate),
            login=throttle("login", settings.login_rate),
            strangers=throttle("open", settings.open_rate),
        )

    @provide
    def gate(self, throttles: Throttles, proxies: TrustedProxies) -> PlayerGate:
        return PlayerGate(throttles.player, proxies)

    @provide
    def strangers(self, throttles: Throttles, proxies: TrustedProxies, stopwatch: Stopwatch) -> Strangers:
        return Strangers(throttles.strangers, proxies, stopwatch)

    @provide
    def identity_tokens(self, settings: Settings) -> JwtTokens | None:
        if not (settings.jwt_issuer and settings.jwt_audience and settings.jwt_jwks):
            return None
        return JwtTokens(
            settings.jwt_issuer, settings.jwt_audience, settings.jwt_jwks, settings.jwt_role_claim, settings.jwt_roles
        )

    @provide
    def authenticator(
        self, tokens: JwtTokens | None, keys: ApiKeys, throttles: Throttles, clock: Clock, stopwatch: Stopwatch
    ) -> Authenticator:
        return Authenticator(keys, tokens, throttles.login, clock, stopwatch)

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
        return CdnConfig(FIRST_CONFIG, simple_document(settings.cdn_host, settings.distribution_rate), 1, clock(), None)
