"""The Litestar application, put together from the routes of this room."""

from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, NamedTuple

import msgspec
from litestar import Litestar, Response, Router
from litestar.datastructures import MutableScopeHeaders
from litestar.exceptions import HTTPException, NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, Contact, License, SecurityScheme, Server, Tag
from litestar.status_codes import HTTP_404_NOT_FOUND
from litestar.types import ControllerRouterHandler, Message, Scope

from balancer.api.access import keys
from balancer.api.configs import configs as config
from balancer.api.configs import history, preview
from balancer.api.console import live, pages
from balancer.api.framework.guards import OPEN, authorize, needs
from balancer.api.framework.problems import MAX_BODY, on_domain_error, on_http_error, on_unexpected
from balancer.api.openapi import docs
from balancer.api.openapi.document import Document
from balancer.api.operation import configured, health, loop, quality, stats, targets
from balancer.api.routing import explain, manifest, player, reports, steering
from balancer.api.rules import history as rule_history
from balancer.api.rules import preview as rule_preview
from balancer.api.rules import rules, shapes
from balancer.core.access.keys import Role
from balancer.core.errors import BalancerError
from balancer.headers import SECURITY, is_players
from balancer.problems import Problem
from balancer.telemetry.health import Readiness

ProcessRole = Literal["all", "edge", "admin"]
"""What a process answers: players, admins, or both."""

_TAGS = [
    Tag(name="player", description="What players ask."),
    Tag(name="config", description="What admins ask and change."),
    Tag(name="history", description="What a config was before."),
    Tag(name="rules", description="Which config a request gets."),
    Tag(name="explain", description="What would happen, and why."),
    Tag(name="stats", description="What was served."),
    Tag(name="targets", description="How the targets are."),
    Tag(name="keys", description="Who may do what."),
    Tag(name="health", description="What orchestrators ask."),
]

_DESCRIPTION = """Redirects video players to an origin cluster or to a CDN, by rules that admins change.

Every `GET` also answers `HEAD`, with the same header fields and no body; this document leaves those out. Errors are
problem details (RFC 9457) in `application/problem+json`."""

_SHAPES: list[type[msgspec.Struct]] = [
    *(config.Config, config.ConfigPage, config.ConfigPatch, config.NewConfig, config.TargetPatch),
    *(history.ConfigRevision, history.RevisionPage, history.ConfigDiff, history.Rollback),
    *(shapes.Rules, rules.NewRules, rule_preview.RulesPreview, rule_preview.RulesPreviewRequest),
    *(rule_history.RulesRevision, rule_history.RulesPage, rule_history.RulesDiff, rule_history.RulesRollback),
    *(explain.Explained, preview.Preview, preview.PreviewRequest),
    *(keys.Key, keys.KeyPage, keys.NewKey, keys.KeyRequest, keys.Visitor, configured.SettingList, live.Live),
    *(health.Health, Readiness, stats.StatsAnswer, quality.QualityAnswer, targets.TargetList),
    loop.LoopAnswer,
    *(steering.SteeringManifest, Problem),
]
"""Bodies of requests and answers."""

# The page loads its own files, and Swagger UI sets styles in the page.
_DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


_ADMIN = (
    *(config, history, preview, explain, rules, rule_history, rule_preview, keys),
    *(stats, targets, loop, live, configured),
)
"""Modules with endpoints for admins."""


def _no_pages(response: Response[Any]) -> Response[Any]:
    """Let an unknown path below `/schema` be a problem as everywhere else; the framework would send a page."""
    if response.status_code == HTTP_404_NOT_FOUND:
        raise NotFoundException
    return response


def _securing(policies: Mapping[str, str]) -> Callable[[Message, Scope], Coroutine[Any, Any, None]]:
    """Return what adds the security headers to every answer but a player's.

    Args:
        policies: Of pages, by their path: what they may do.
    """

    async def secure(message: Message, scope: Scope) -> None:
        if message["type"] == "http.response.start" and not is_players(scope["path"]):
            fields = MutableScopeHeaders.from_message(message)
            for name, value in SECURITY.items():
                fields[name] = value
            page = "/".join(scope["path"].split("/", 2)[:2])
            if page in policies:
                fields["content-security-policy"] = policies[page]

    return secure


class Served(NamedTuple):
    """What a process serves.

    Attributes:
        role: What it answers; all other paths are not there.
        manifests: Whether players may ask for manifests with steering.
        cmcd: Whether players are heard.
        open_docs: Whether the documents of the API need no credentials.
        open_metrics: Whether the metrics need none.
        console_policy: What the page of the console may do (Content Security Policy 3).
    """

    role: ProcessRole = "all"
    manifests: bool = False
    cmcd: bool = False
    open_docs: bool = True
    open_metrics: bool = True
    console_policy: str = ""


def make_application(
    version: str, lifespan: Callable[[Litestar], AbstractAsyncContextManager[None]], served: Served
) -> Litestar:
    """Return the application.

    Args:
        version: The program's, for the OpenAPI document.
        lifespan: Entered before the first request, left after the last one.
        served: What it serves.
    """
    role, manifests, cmcd, open_docs, open_metrics, console_policy = served
    documents = OPEN if open_docs else needs(Role.VIEWER)
    routes: list[ControllerRouterHandler] = [
        *health.ENDPOINTS.routes,
        *stats.routes(OPEN if open_metrics else needs(Role.VIEWER)),
    ]
    if role != "admin":
        routes += [*player.ENDPOINTS.routes, *steering.ENDPOINTS.routes]
        routes += manifest.ENDPOINTS.routes if manifests else []
        routes += reports.ENDPOINTS.routes if cmcd else []
    if role != "edge":
        for subject in _ADMIN:
            routes += subject.ENDPOINTS.routes
        routes += quality.ENDPOINTS.routes if cmcd else []
        routes += [*docs.routes(documents), *pages.routes(has_players=role == "all")]
    return Litestar(
        route_handlers=routes,
        guards=[authorize],
        before_send=[_securing({"/docs": _DOCS_POLICY, "/console": console_policy})],
        lifespan=[lifespan],
        exception_handlers={
            BalancerError: on_domain_error,
            HTTPException: on_http_error,
            Exception: on_unexpected,
        },
        openapi_config=None if role == "edge" else _openapi(version, documents),
        request_max_body_size=MAX_BODY,
        # Tracebacks are logged by our own handlers.
        logging_config=None,
    )


def _openapi(version: str, access: dict[str, Any]) -> OpenAPIConfig:
    bearer = SecurityScheme(
        type="http", scheme="bearer", description="An API key, or a token of the identity provider."
    )
    document = Document(_SHAPES)
    return OpenAPIConfig(
        title="Video balancer",
        version=version,
        description=_DESCRIPTION,
        contact=Contact(name="The operator of this service"),
        servers=[Server(url="/", description="The service that this document comes from.")],
        license=License(name="MIT", identifier="MIT"),
        components=Components(security_schemes={"bearer": bearer}),
        openapi_router=Router(
            "/schema",
            route_handlers=[],
            include_in_schema=False,
            before_request=document.give,
            after_request=_no_pages,
            **access,
        ),
        render_plugins=[document],
        tags=_TAGS,
        use_handler_docstrings=True,
    )
