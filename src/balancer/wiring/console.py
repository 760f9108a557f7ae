"""The parts of the console."""

from dishka import Provider, Scope, provide

from balancer.api.console.live import Scene
from balancer.api.console.streams import Streams
from balancer.core.access.masking import SettingsInForce
from balancer.core.access.providers import SignIn
from balancer.settings import Settings
from balancer.telemetry.metrics.live import LiveNumbers


class ConsoleProvider(Provider):
    """What the console shows, and how people sign in there."""

    scope = Scope.APP

    streams = provide(Streams)
    numbers = provide(LiveNumbers)
    scene = provide(Scene)

    @provide
    def settings_in_force(self, settings: Settings) -> SettingsInForce:
        return settings.in_force

    @provide
    def sign_in(self, settings: Settings) -> SignIn | None:
        return settings.sign_in
