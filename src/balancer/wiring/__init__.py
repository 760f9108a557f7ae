"""Who meets whom: the one table of all parts, read by Dishka."""

from dishka import AsyncContainer, make_async_container
from dishka.provider import BaseProvider

from balancer.settings import Settings
from balancer.telemetry.metrics.board import Board
from balancer.wiring.console import ConsoleProvider
from balancer.wiring.health import HealthProvider
from balancer.wiring.metrics import MetricsProvider
from balancer.wiring.quality import QualityProvider
from balancer.wiring.rules import RulesProvider
from balancer.wiring.server import ServerProvider
from balancer.wiring.steering import SteeringProvider
from balancer.wiring.stores import DatabaseProvider, RedisProvider, SingleHostProvider


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
        MetricsProvider(),
        DatabaseProvider(),
        HealthProvider(),
        sharing,
        SteeringProvider(),
        QualityProvider(),
        ServerProvider(),
        ConsoleProvider(),
        *overrides,
        context={Settings: settings, Board: board or Board()},
    )
