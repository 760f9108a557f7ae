"""Verdicts as JSON, between processes of this program, which may be of different releases."""

from datetime import datetime

import msgspec
import structlog

from balancer.core.health.verdicts import TargetHealth, Verdicts

FORMAT = 1
"""Of what is written here. A reader that meets another one knows no verdicts, and every target is usable."""

logger = structlog.stdlib.get_logger(__name__)


class _Target(msgspec.Struct, forbid_unknown_fields=True):
    config: int
    name: str
    health: TargetHealth


class _Told(msgspec.Struct, forbid_unknown_fields=True):
    format: int
    at: datetime
    by: str
    unreliable_since: datetime | None
    targets: list[_Target]


class _Format(msgspec.Struct):
    format: int


_decoder = msgspec.json.Decoder(_Told)
_format_decoder = msgspec.json.Decoder(_Format)


def dump(verdicts: Verdicts) -> bytes:
    """Return verdicts as one line of JSON."""
    targets = [_Target(*key, health) for key, health in verdicts.targets.items()]
    return msgspec.json.encode(_Told(FORMAT, verdicts.at, verdicts.by, verdicts.unreliable_since, targets))


class Reader:
    """Reads what `dump` wrote, and remembers what it has read last: it is mostly asked for the same again.

    Args:
        source: Where it comes from, for the report: `file`, `redis`, `database`.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._data: bytes | str | None = None
        self._verdicts: Verdicts | None = None

    def read(self, data: bytes | str | None) -> Verdicts | None:
        """Return the verdicts in `data`; None when there are none, or they cannot be trusted, which is reported once.

        Args:
            data: As `dump` wrote it, in this release or another one.
        """
        if data != self._data:
            self._data = data
            self._verdicts = self._load(data)
        return self._verdicts

    def _load(self, data: bytes | str | None) -> Verdicts | None:
        if data is None:
            return None
        try:
            found = _format_decoder.decode(data).format
            if found != FORMAT:
                raise ValueError(f"their format is {found}, this program reads {FORMAT}")
            return _verdicts(_decoder.decode(data))
        except (msgspec.MsgspecError, ValueError) as error:
            logger.warning("verdicts about targets are refused", source=self._source, fault=str(error))
            return None


def _verdicts(told: _Told) -> Verdicts:
    """Check what was told, and return it.

    Raises:
        ValueError: When a value is out of range.
    """
    times = [told.at, told.unreliable_since]
    for target in told.targets:
        health = target.health
        times += [health.since, health.probed_at, health.certificate_ends, health.recovered_at]
        if not 0 <= health.part <= 1:
            raise ValueError("a part is not from 0 to 1")
    if any(time is not None and time.tzinfo is None for time in times):
        raise ValueError("a time has no zone")
    targets = {(target.config, target.name): target.health for target in told.targets}
    return Verdicts(told.at, told.by, told.unreliable_since, targets)
