"""The parts of the server."""

import uvicorn
from dishka import Provider, Scope, provide

from balancer.core.quality.hearing import Hearing
from balancer.core.routing.redirects import Redirects
from balancer.edge.asking import PlayerGate
from balancer.edge.certificates import CertificateFiles
from balancer.edge.listening import Edge
from balancer.edge.players import Players
from balancer.edge.process import Limits
from balancer.front_page import FrontPage, front_page
from balancer.settings import Settings
from balancer.telemetry.logs import log_config, style_of
from balancer.telemetry.metrics.meters import Meters
from balancer.telemetry.players import PlayerWatch


class ServerProvider(Provider):
    """The server that runs the application."""

    scope = Scope.APP

    @provide
    def players(
        self,
        redirects: Redirects,
        gate: PlayerGate,
        meters: Meters,
        watch: PlayerWatch,
        hearing: Hearing | None,
        page: FrontPage,
        settings: Settings,
    ) -> Players | None:
        if settings.role == "admin" or not settings.fast_lane:
            return None
        return Players(redirects, gate, meters, watch, hearing, page)

    @provide
    def page(self, settings: Settings) -> FrontPage:
        return front_page(has_admin=settings.role != "edge")

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
