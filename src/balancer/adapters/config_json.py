"""A config as JSON, for copies and notices between processes of this program, which may be of different releases."""

from datetime import datetime
from hashlib import sha256

import msgspec
import structlog

from balancer.core.configs.documents import CdnConfig
from balancer.core.errors import InvalidInput
from balancer.core.urls.hosts import parse_cdn_host

FORMAT = 1
"""Of what is written here. A reader that meets another one goes on with what it has."""

logger = structlog.stdlib.get_logger(__name__)


class _Copy(msgspec.Struct, forbid_unknown_fields=True):
    """The fields of a config, and what tells a sound copy; the last release wrote neither of these."""

    id: int
    cdn_host: str
    distribution_rate: int
    revision: int
    created_at: datetime
    updated_at: datetime | None
    name: str | None = None
    format: int = FORMAT
    checksum: str = ""


_decoder = msgspec.json.Decoder(_Copy)


def dump(config: CdnConfig) -> bytes:
    """Return a config as one line of JSON."""
    fields = msgspec.to_builtins(config)
    return msgspec.json.encode({**fields, "format": FORMAT, "checksum": _checksum(config)})


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
        ValueError: When it is damaged, or of another format.
    """
    copy = _decoder.decode(data)
    if copy.format != FORMAT:
        raise ValueError(f"its format is {copy.format}, this program reads {FORMAT}")
    config = CdnConfig(
        copy.id, copy.cdn_host, copy.distribution_rate, copy.revision, copy.created_at, copy.updated_at, copy.name
    )
    if copy.checksum and copy.checksum != _checksum(config):
        raise ValueError("its checksum does not fit")
    if config.id < 1 or config.revision < 1 or config.created_at.tzinfo is None:
        raise ValueError("its id, revision or time is out of range")
    # Making the document checks the rate and the name.
    if parse_cdn_host(config.document.cdn_host, _no_conversion) != config.cdn_host:
        raise ValueError("its CDN host is not in the form that is stored")
    return config


def _checksum(config: CdnConfig) -> str:
    return sha256(msgspec.json.encode(config)).hexdigest()


def _no_conversion(name: str) -> str:
    raise ValueError(f"{name!r} is not ASCII")
