"""Copies of a config as JSON: what is trusted, and what is not."""

import json
from datetime import datetime
from typing import Any

import pytest

from balancer.adapters import config_json
from balancer.core.configs.documents import CdnConfig
from tests.factories import CHANGED, ConfigFactory

CONFIG = ConfigFactory.build(revision=7, updated_at=CHANGED, name="evening")


def changed(**fields: Any) -> bytes:
    """Return a copy with some fields changed and no checksum, as the last release wrote them."""
    copy = json.loads(config_json.dump(CONFIG)) | fields
    del copy["checksum"]
    return json.dumps(copy).encode()


def test_there_and_back() -> None:
    """What was written is read."""
    assert config_json.load(config_json.dump(CONFIG), "file") == CONFIG
    assert config_json.load(None, "file") is None


def test_the_last_release_is_understood() -> None:
    """A copy without a format and a checksum is read; and what is written has all that the last release reads."""
    fields = json.loads(config_json.dump(CONFIG))
    for name in ("format", "checksum"):
        del fields[name]
    assert config_json.load(json.dumps(fields), "redis") == CONFIG
    assert set(CdnConfig.__dataclass_fields__) == set(fields)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(config_json.dump(CONFIG)[:-5], id="truncated"),
        pytest.param(config_json.dump(CONFIG).replace(b"evening", b"ev\xff\xfeing"), id="broken UTF-8"),
        pytest.param(config_json.dump(CONFIG).replace(b"evening", b"morning"), id="damaged"),
        pytest.param(changed(distribution_rate=-5), id="rate out of range"),
        pytest.param(changed(distribution_rate="5"), id="rate of another type"),
        pytest.param(changed(cdn_host="a b"), id="host with a space"),
        pytest.param(changed(cdn_host="http://a.example"), id="host with a scheme"),
        pytest.param(changed(cdn_host="A.example"), id="host in capitals"),
        pytest.param(changed(cdn_host="ä.example"), id="host that is not ASCII"),
        pytest.param(changed(name=""), id="empty name"),
        pytest.param(changed(id=0), id="id out of range"),
        pytest.param(changed(revision=0), id="revision out of range"),
        pytest.param(changed(created_at=datetime(2026, 1, 1).isoformat()), id="naive time"),  # noqa: DTZ001  # the point
        pytest.param(changed(format=2), id="newer format"),
        pytest.param(changed(targets=[]), id="field that is not known"),
    ],
)
def test_what_cannot_be_trusted_is_refused(data: bytes) -> None:
    """Whatever is damaged, out of range or from a newer program counts as no copy."""
    assert config_json.load(data, "file") is None
