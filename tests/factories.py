"""Valid objects of the domain; a test names only the field that it is about."""

from datetime import UTC, datetime

from polyfactory.factories import DataclassFactory

from balancer.core.access.keys import ApiKey, Role, digest_of
from balancer.core.configs.documents import CdnConfig
from balancer.core.configs.revisions import Signature
from balancer.core.urls.hosts import OriginHosts
from balancer.idn import to_ascii

CREATED = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
CHANGED = datetime(2026, 5, 5, 8, 15, 30, 250_000, tzinfo=UTC)
SIGNED = Signature("test", CHANGED)
"""Signs changes in tests."""

VIDEO = "http://s1.origin-cluster/video/1488/xcg2djHckad.m3u8"
AT_CDN = "http://cdn.example.com/s1/video/1488/xcg2djHckad.m3u8"


class ConfigFactory(DataclassFactory[CdnConfig]):
    """The config of a first start."""

    id = 1
    cdn_host = "cdn.example.com"
    distribution_rate = 10
    revision = 1
    created_at = CREATED
    updated_at = None
    name = None


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
