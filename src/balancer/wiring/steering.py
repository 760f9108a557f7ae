"""The parts that steer sessions."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import NewType

import structlog
from dishka import Provider, Scope, provide

from balancer import __version__
from balancer.adapters.files.secrets import shared_secret
from balancer.adapters.manifests import HttpManifests
from balancer.core.clients.addresses import TrustedProxies
from balancer.core.errors import StoreUnavailable
from balancer.core.manifests.ports import Manifests
from balancer.core.manifests.serving import SteeredManifests
from balancer.core.quality.hearing import Hearing
from balancer.core.routing.redirects import Redirects
from balancer.core.steering.documents import Addresses
from balancer.core.steering.steering import Steering
from balancer.core.steering.tokens import KEY_SIZE, Tokens, key_of
from balancer.core.urls.hosts import OriginHosts
from balancer.edge.steering import SteeringAnswers
from balancer.settings import Settings
from balancer.telemetry.metrics.meters import Meters

SteeringKey = NewType("SteeringKey", bytes)
"""Signs the state of sessions, and what else is to be told from what others made is derived from it."""

KEY_FILE = "steering.key"

logger = structlog.stdlib.get_logger(__name__)


class SteeringProvider(Provider):
    """What steers sessions."""

    scope = Scope.APP

    @provide
    def addresses(self, settings: Settings) -> Addresses:
        return Addresses(settings.public_url)

    @provide
    def key(self, settings: Settings) -> SteeringKey:
        return SteeringKey(_key(settings))

    @provide
    def steering(self, redirects: Redirects, key: SteeringKey, settings: Settings) -> Steering:
        return Steering(redirects, Tokens(key), settings.steering_ttl)

    @provide
    async def manifests(self) -> AsyncIterator[Manifests]:
        manifests = HttpManifests(__version__)
        yield manifests
        await manifests.close()

    @provide
    def served(self, manifests: Manifests, steering: Steering, origins: OriginHosts) -> SteeredManifests:
        return SteeredManifests(manifests, steering, asyncio.to_thread, origins)

    @provide
    def answers(
        self,
        steering: Steering,
        addresses: Addresses,
        proxies: TrustedProxies,
        meters: Meters,
        hearing: Hearing | None,
        settings: Settings,
    ) -> SteeringAnswers | None:
        if settings.role == "admin" or not settings.fast_lane:
            return None
        return SteeringAnswers(steering, addresses, proxies, meters, hearing)


def _key(settings: Settings) -> bytes:
    """Return what signs the state of sessions: the operator's key, this host's, or, without a data folder, our own."""
    if settings.steering_key:
        return key_of(settings.steering_key.get_secret_value())
    try:
        found = shared_secret(settings.data_dir / KEY_FILE, secrets.token_bytes(KEY_SIZE))
    except StoreUnavailable:
        found = b""
    if len(found) == KEY_SIZE:
        return found
    logger.warning(
        "no key for sessions in the data folder: another worker takes them for new; set BALANCER_STEERING_KEY"
    )
    return secrets.token_bytes(KEY_SIZE)
