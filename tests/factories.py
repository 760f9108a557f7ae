"""Valid objects of the domain; a test names only the field that it is about."""

from datetime import UTC, datetime
from typing import Any

from polyfactory.factories import DataclassFactory
from typing_extensions import override

from balancer.core.access.keys import ApiKey, Role, digest_of
from balancer.core.configs.bounds import Bounds, TargetBounds
from balancer.core.configs.checks import Check
from balancer.core.configs.documents import CdnConfig, ConfigDocument, PolicyName
from balancer.core.configs.revisions import Signature
from balancer.core.configs.simple import SimpleView, simple_document, simple_view
from balancer.core.configs.targets import Kind, Scheme, Target
from balancer.core.routing.decisions import Plan
from balancer.core.routing.planner import Drawing, Planner
from balancer.core.routing.redirects import Redirects
from balancer.core.routing.routes import Route
from balancer.core.routing.tickets import TicketBook, TicketBooks
from balancer.core.routing.usable import usable
from balancer.core.urls.hosts import OriginHosts
from balancer.idn import to_ascii

CREATED = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
CHANGED = datetime(2026, 5, 5, 8, 15, 30, 250_000, tzinfo=UTC)
SIGNED = Signature("test", CHANGED)
"""Signs changes in tests."""

VIDEO = "http://s1.origin-cluster/video/1488/xcg2djHckad.m3u8"
AT_CDN = "http://cdn.example.com/s1/video/1488/xcg2djHckad.m3u8"


class ConfigFactory(DataclassFactory[CdnConfig]):
    """The config of a first start, made from a document or from the fields of the simple view."""

    id = 1
    revision = 1
    created_at = CREATED
    updated_at = None

    @classmethod
    @override
    def build(cls, factory_use_construct: bool | None = None, **fields: Any) -> CdnConfig:
        """Return a config; `cdn_host`, `distribution_rate` and `name` are those of its document."""
        simple = {name: fields.pop(name) for name in ("cdn_host", "distribution_rate", "name") if name in fields}
        fields.setdefault(
            "document", simple_document(**{"cdn_host": "cdn.example.com", "distribution_rate": 10, **simple})
        )
        return super().build(**fields)


def view_of(config: CdnConfig) -> SimpleView:
    """Return the simple view of a config that has one."""
    view = simple_view(config.document)
    assert view is not None
    return view


NEW = {"policy", "sticky_key", "panic_threshold", "slow_start", "targets", "target_changes", "loop"}


def simple_part(answer: Any) -> Any:
    """Return what an answer says of configs in the simple view, and no more."""
    if isinstance(answer, dict):
        return {name: simple_part(value) for name, value in answer.items() if name not in NEW}
    return [simple_part(item) for item in answer] if isinstance(answer, list) else answer


def targets(**weights: int) -> tuple[Target, ...]:
    """Return targets by their weights: one named `origin` is the origin, the others are CDNs at `NAME.example`."""
    return tuple(
        Target(name, Kind.ORIGIN, weight=weight)
        if name == "origin"
        else Target(name.replace("_", "-"), Kind.CDN, f"{name.replace('_', '-')}.example", weight=weight)
        for name, weight in weights.items()
    )


def planner(*patterns: str) -> Planner:
    """Return what draws plans for redirects from these origins, or the default ones, at once."""

    async def at_once(drawing: Drawing) -> Plan:
        return drawing()

    return Planner(Redirects(origins(*patterns)), TicketBooks(), at_once)


def route(config: CdnConfig) -> Route:
    """Return a config compiled, with all its targets healthy."""
    return Route(config, usable(config.document, {}), TicketBook())


KEY = "vbk_" + "k" * 43
"""An admin's API key in tests."""

BEARER = {"authorization": f"Bearer {KEY}"}
"""Says that an admin asks."""


class KeyFactory(DataclassFactory[ApiKey]):
    """The key of an admin."""

    id = 1
    name = "first"
    role = Role.ADMIN
    digest = digest_of(KEY)
    created_at = CREATED
    created_by = "first-start"
    expires_at = None
    last_used_at = None
    revoked_at = None
    revoked_by = None


def origins(*patterns: str) -> OriginHosts:
    """Return an allow-list, by default the one of the default settings."""
    return OriginHosts(patterns or ("*.origin-cluster",), to_ascii)


def cdn(name: str, weight: int = 1, *, tier: int = 0, enabled: bool = True) -> Target:
    """Return a CDN whose host follows its name."""
    return Target(name, Kind.CDN, f"{name}.example", weight=weight, tier=tier, enabled=enabled)


MANY_TARGETS = ConfigDocument(
    (
        Target("origin", Kind.ORIGIN, weight=3, check=Check("http://status.example/", statuses=(200, 204), rise=1)),
        Target("cdn-a", Kind.CDN, "a.example:8443", Scheme.HTTPS, "/live/{host}{path}", 5),
        Target(
            "cdn-b",
            Kind.CDN,
            "b.example",
            Scheme.HTTP,
            weight=2,
            check=Check(contains='Ünïcode "🎬"', host="c.example"),
        ),
        cdn("standby", 0),
        cdn("off", enabled=False),
        *(cdn(f"late-{number}", number, tier=number) for number in range(1, 60)),
    ),
    PolicyName.STICKY,
    sticky_key="query:session",
    panic_threshold=50,
    slow_start=30.5,
    name="Ünïcode 🎬",
    loop=Bounds(
        7.5, 50, 4, 0, 20, is_frozen=True, targets=(TargetBounds("cdn-a", 5.5, 60, 2), TargetBounds("origin", max=15))
    ),
)
"""As many targets as a config can have, with checks and every other field."""
