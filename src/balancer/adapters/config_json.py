"""A config as JSON: its document as it is stored, and copies and notices between processes of different releases.

Whoever reads a format or a field that it does not know refuses it and goes on with what it has: to drop a field and put
the rest in force would send players elsewhere than the admin said.
"""

from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
import structlog

from balancer.core.configs.bounds import Bounds, TargetBounds
from balancer.core.configs.checks import Check
from balancer.core.configs.documents import FORMAT, CdnConfig, ConfigDocument, PolicyName
from balancer.core.configs.simple import simple_document
from balancer.core.configs.targets import Kind, Scheme, Target
from balancer.core.errors import InvalidInput
from balancer.core.urls.hosts import parse_cdn_host

SIMPLE = 1
"""The format of the releases that knew one CDN host and one rate. What they wrote is read for good."""

logger = structlog.stdlib.get_logger(__name__)


class _Check(msgspec.Struct, forbid_unknown_fields=True):
    url: str
    method: str
    statuses: tuple[int, ...]
    contains: str | None
    interval: float
    timeout: float
    rise: int
    fall: int
    verify_tls: bool
    expiry_warning: int
    host: str | None


class _Target(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    kind: Kind
    host: str | None
    scheme: Scheme
    path: str | None
    weight: int
    tier: int
    enabled: bool
    check: _Check | None


class _TargetBounds(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    min: float
    max: float
    cost: float


class _Bounds(msgspec.Struct, forbid_unknown_fields=True):
    slope: float
    min_sessions: int
    worse_by: float
    worse_for: float
    way_back: float
    is_frozen: bool
    targets: list[_TargetBounds]


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    targets: list[_Target]
    policy: PolicyName
    sticky_key: str
    panic_threshold: int
    slow_start: float
    name: str | None
    # What was written before there was a loop has no such field.
    loop: _Bounds | None = None


class _SimpleDocument(msgspec.Struct, forbid_unknown_fields=True):
    cdn_host: str
    distribution_rate: int
    name: str | None = None


class _Fields(msgspec.Struct, forbid_unknown_fields=True):
    """A config in the format of this release."""

    format: int
    id: int
    document: dict[str, Any]
    revision: int
    created_at: datetime
    updated_at: datetime | None


class _Copy(_Fields, forbid_unknown_fields=True):
    checksum: str


class _SimpleCopy(msgspec.Struct, forbid_unknown_fields=True):
    """A copy in the first format; the first release wrote neither of the last two fields."""

    id: int
    cdn_host: str
    distribution_rate: int
    revision: int
    created_at: datetime
    updated_at: datetime | None
    name: str | None = None
    format: int = SIMPLE
    checksum: str = ""


class _AnyFormat(msgspec.Struct):
    format: int = SIMPLE


_any_format = msgspec.json.Decoder(_AnyFormat)
_copy = msgspec.json.Decoder(_Copy)
_simple_copy = msgspec.json.Decoder(_SimpleCopy)


def dump_document(document: ConfigDocument) -> dict[str, Any]:
    """Return a document as the JSON that is stored, in format `FORMAT`."""
    made: dict[str, Any] = msgspec.to_builtins(document)
    return made


def read_document(stored: dict[str, Any], form: int) -> ConfigDocument:
    """Return the document in stored JSON.

    Args:
        stored: As this release or an earlier one stored it.
        form: In which format.

    Raises:
        ValueError: When the format, a field or a value is one that this release does not know.
    """
    try:
        if form == SIMPLE:
            simple = msgspec.convert(stored, _SimpleDocument)
            return simple_document(simple.cdn_host, simple.distribution_rate, simple.name)
        if form != FORMAT:
            raise ValueError(f"its format is {form}, this program reads {SIMPLE} to {FORMAT}")
        found = msgspec.convert(stored, _Document)
        fields = {name: getattr(found, name) for name in found.__struct_fields__}
        loop = _bounds(found.loop) if found.loop else None
        return ConfigDocument(**{**fields, "targets": tuple(map(_target, found.targets)), "loop": loop})
    except (msgspec.ValidationError, InvalidInput) as error:
        raise ValueError(str(error)) from None


def _target(found: _Target) -> Target:
    fields = msgspec.structs.asdict(found)
    if found.host is not None and parse_cdn_host(found.host, _no_conversion) != found.host:
        raise InvalidInput(f"targets.{found.name}.host", "is not in the form that is stored")
    return Target(**{**fields, "check": Check(**msgspec.structs.asdict(found.check)) if found.check else None})


def _bounds(found: _Bounds) -> Bounds:
    targets = tuple(TargetBounds(**msgspec.structs.asdict(target)) for target in found.targets)
    return Bounds(**{**msgspec.structs.asdict(found), "targets": targets})


def as_fields(config: CdnConfig) -> dict[str, Any]:
    """Return a config as JSON, without a seal."""
    fields: dict[str, Any] = msgspec.to_builtins(config)
    return {"format": FORMAT, **fields}


def from_fields(fields: dict[str, Any]) -> CdnConfig:
    """Return the config in such JSON.

    Raises:
        ValueError: When a field or value is one that this release does not know.
    """
    return _config(msgspec.convert(fields, _Fields))


def dump(config: CdnConfig) -> bytes:
    """Return a config as one line of JSON, sealed by a checksum."""
    fields = as_fields(config)
    return msgspec.json.encode({**fields, "checksum": _checksum(fields)})


def load(data: bytes | str | None, source: str) -> CdnConfig | None:
    """Return the config in `data`, None when there is none; one that cannot be trusted is reported and refused.

    Args:
        data: As `dump` wrote it, in this release or the last one.
        source: Where it comes from, for the report: `file`, `redis`, `notice`.
    """
    if data is None:
        return None
    try:
        return _read(data)
    except (msgspec.MsgspecError, InvalidInput, ValueError) as error:
        logger.warning("a copy of the config is refused", source=source, fault=str(error))
        return None


def _read(data: bytes | str) -> CdnConfig:
    """Read and check a copy.

    Raises:
        msgspec.MsgspecError: When it is not JSON of this shape.
        InvalidInput: When a value is one that a config cannot have.
        ValueError: When it is damaged, or of a format that is not known.
    """
    if _any_format.decode(data).format == SIMPLE:
        return _simple_config(_simple_copy.decode(data))
    copy = _copy.decode(data)
    fields = {name: value for name, value in msgspec.to_builtins(copy).items() if name != "checksum"}
    if copy.checksum != _checksum(fields):
        raise ValueError("its checksum does not fit")
    return _config(copy)


def _config(found: _Fields) -> CdnConfig:
    _check_dates(found)
    document = read_document(found.document, found.format)
    return CdnConfig(found.id, document, found.revision, found.created_at, found.updated_at)


def _simple_config(found: _SimpleCopy) -> CdnConfig:
    fields = {name: value for name, value in msgspec.to_builtins(found).items() if name not in {"format", "checksum"}}
    if found.checksum and found.checksum != _checksum(fields):
        raise ValueError("its checksum does not fit")
    if parse_cdn_host(found.cdn_host, _no_conversion) != found.cdn_host:
        raise ValueError("its CDN host is not in the form that is stored")
    _check_dates(found)
    document = simple_document(found.cdn_host, found.distribution_rate, found.name)
    return CdnConfig(found.id, document, found.revision, found.created_at, found.updated_at)


def _check_dates(found: _Fields | _SimpleCopy) -> None:
    if found.id < 1 or found.revision < 1 or found.created_at.tzinfo is None:
        raise ValueError("its id, revision or time is out of range")


def _checksum(fields: dict[str, Any]) -> str:
    return sha256(msgspec.json.encode(fields)).hexdigest()


def _no_conversion(name: str) -> str:
    raise ValueError(f"{name!r} is not ASCII")
