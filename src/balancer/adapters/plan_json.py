"""What is in force as JSON, for the copies that a start without the database serves by."""

from hashlib import sha256
from typing import Any

import msgspec
import structlog

from balancer.adapters import config_json
from balancer.core.errors import InvalidInput
from balancer.core.routing.planner import Blueprint
from balancer.core.rules.documents import RuleList, as_items, rules_from
from balancer.core.rules.revisions import NO_RULES, RuleRevision

FORMAT = 1
"""Of a copy. A reader that meets another one, or a field that it does not know, goes on with what it has."""

logger = structlog.stdlib.get_logger(__name__)


class _Rules(msgspec.Struct, forbid_unknown_fields=True):
    number: int
    items: list[dict[str, Any]]


class _Copy(msgspec.Struct, forbid_unknown_fields=True):
    format: int
    default: dict[str, Any]
    others: list[dict[str, Any]]
    rules: _Rules
    checksum: str


_decoder = msgspec.json.Decoder(_Copy)


def dump(blueprint: Blueprint) -> bytes:
    """Return what is in force as one line of JSON."""
    fields = {
        "default": config_json.as_fields(blueprint.default),
        "others": [config_json.as_fields(config) for config in blueprint.others.values()],
        "rules": {"number": blueprint.rules.number, "items": as_items(blueprint.rules.rules)},
    }
    return msgspec.json.encode({"format": FORMAT, **fields, "checksum": _checksum(fields)})


def load(data: bytes | str | None, source: str) -> Blueprint | None:
    """Return what is in force by a copy, None when there is none; one that cannot be trusted is reported and refused.

    Args:
        data: As `dump` wrote it, or `config_json.dump` of the last release.
        source: Where it comes from, for the report: `file`, `redis`.
    """
    if data is None:
        return None
    try:
        return _read(data)
    except (msgspec.MsgspecError, InvalidInput, ValueError, TypeError, KeyError) as error:
        logger.warning("a copy of the config is refused", source=source, fault=str(error))
        return None


def _read(data: bytes | str) -> Blueprint:
    copy = _decoder.decode(data)
    if copy.format != FORMAT:
        raise ValueError(f"its format is {copy.format}, this program reads {FORMAT}")
    fields = msgspec.to_builtins(copy)
    if copy.checksum != _checksum({name: fields[name] for name in ("default", "others", "rules")}):
        raise ValueError("its checksum does not fit")
    others = map(config_json.from_fields, copy.others)
    return Blueprint(
        config_json.from_fields(copy.default),
        {config.id: config for config in others},
        RuleRevision(copy.rules.number, _rules(copy.rules.items)) if copy.rules.number else NO_RULES,
    )


def _rules(items: list[dict[str, Any]]) -> RuleList:
    rules = rules_from(items)
    if as_items(rules) != items:
        raise ValueError("its rules have a field that is not known")
    return rules


def _checksum(fields: dict[str, Any]) -> str:
    return sha256(msgspec.json.encode(fields)).hexdigest()
