"""Copies of a config as JSON: what is trusted, and what is not."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from balancer.adapters import config_json
from balancer.core.configs.checks import Check
from balancer.core.configs.documents import ConfigDocument, PolicyName
from tests.factories import CHANGED, ConfigFactory, targets

CONFIG = ConfigFactory.build(revision=7, updated_at=CHANGED, name="evening", distribution_rate=5)

# As the last release wrote it.
LAST = (
    '{"id":1,"cdn_host":"cdn.example.com","distribution_rate":5,"revision":7,"created_at":"2026-05-04T12:30:00Z",'
    '"updated_at":"2026-05-05T08:15:30.250000Z","name":"evening","format":1,'
    '"checksum":"da97997892b52d001bbcbbbdf036b4036dcd3016c3b0ae8c10cf05b78ae9c214"}'
)


def changed(**fields: Any) -> bytes:
    """Return a copy of the last release with some fields changed, and no checksum, as the one before it wrote them."""
    copy = json.loads(LAST) | fields
    del copy["checksum"]
    return json.dumps(copy).encode()


def sealed(target: dict[str, Any] | None = None, document: dict[str, Any] | None = None, **fields: Any) -> bytes:
    """Return a copy of this release with fields of its CDN, its document or itself changed, and a fitting checksum."""
    copy = json.loads(config_json.dump(CONFIG))
    copy["document"]["targets"][1] |= target or {}
    copy["document"] |= document or {}
    copy |= fields
    del copy["checksum"]
    return json.dumps({**copy, "checksum": config_json._checksum(copy)}).encode()


def test_there_and_back() -> None:
    """What was written is read."""
    assert config_json.load(config_json.dump(CONFIG), "file") == CONFIG
    assert config_json.load(sealed(), "file") == CONFIG
    many = ConfigFactory.build(document=ConfigDocument(targets(origin=1, cdn_a=6, cdn_b=3), PolicyName.STICKY))
    checked = replace(many.document.targets[1], check=Check("/health", statuses=(200, 204)))
    many = many.with_document(replace(many.document, targets=(checked, *many.document.targets[2:]), slow_start=30.0))
    assert config_json.load(config_json.dump(many), "file") == many
    assert config_json.load(None, "file") is None


def test_the_last_release_is_understood() -> None:
    """What the last releases wrote is read: with a format and a checksum, and without."""
    assert config_json.load(LAST, "redis") == CONFIG
    fields = json.loads(LAST)
    for name in ("format", "checksum"):
        del fields[name]
    assert config_json.load(json.dumps(fields), "redis") == CONFIG
    damaged = json.dumps(json.loads(LAST) | {"distribution_rate": 6})
    assert config_json.load(damaged, "redis") is None


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
        pytest.param(changed(targets=[]), id="field that the last release did not know"),
        pytest.param(sealed(format=3), id="newer format"),
        pytest.param(sealed(signing=None), id="field that is not known"),
        pytest.param(sealed(document={"signing": None}), id="field of the document that is not known"),
        pytest.param(sealed(target={"signing": None}), id="field of a target that is not known"),
        pytest.param(sealed(document={"policy": "loyal"}), id="policy that is not known"),
        pytest.param(sealed(target={"kind": "edge"}), id="kind that is not known"),
        pytest.param(sealed(target={"host": "A.example"}), id="target's host in capitals"),
        pytest.param(sealed(target={"weight": -1}), id="weight out of range"),
        pytest.param(sealed(target={"check": {"url": "/"}}), id="half a check"),
        pytest.param(sealed(document={"targets": []}), id="no target"),
    ],
)
def test_what_cannot_be_trusted_is_refused(data: bytes) -> None:
    """Whatever is damaged, out of range or from a newer program counts as no copy."""
    assert config_json.load(data, "file") is None
