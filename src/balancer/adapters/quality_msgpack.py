"""The quality of a step as bytes, between processes of this program, which may be of different releases."""

import zlib
from collections.abc import Iterable, Mapping

import msgspec
import structlog

from balancer.core.quality import distinct
from balancer.core.quality.aggregates import MAX_ERRORS, Group, Qualities, Quality
from balancer.core.quality.histograms import MAX_BUCKET

FORMAT = 1
"""Of what is written here. A reader that meets another one knows nothing of that step."""

MAX_BYTES = 8 * 1024 * 1024
"""Bytes of a step before it is compressed; more than a process can gather."""

MAX_GROUPS = 2000
"""Groups of a step; a process gathers no more than some hundred."""

MAX_NAME = 128
"""Characters of a name or an error code."""

MAX_COUNT = 2**48
"""The greatest count of a step; so sums of many can still be written."""

_FASTEST = 1

logger = structlog.stdlib.get_logger(__name__)


class _Told(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    format: int
    groups: list[tuple[Group, Quality]]


class _Format(msgspec.Struct, array_like=True):
    format: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Told)
_format_decoder = msgspec.msgpack.Decoder(_Format)


def dump(qualities: Qualities) -> bytes:
    """Return the quality of a step as compressed MessagePack: about a hundred bytes for a group of few sessions."""
    return zlib.compress(_encoder.encode(_Told(FORMAT, list(qualities.items()))), _FASTEST)


def load(data: bytes) -> Qualities:
    """Return what `dump` has written; nothing when it cannot be trusted, which is reported."""
    try:
        plain = _decompressed(data)
        found = _format_decoder.decode(plain).format
        if found != FORMAT:
            raise ValueError(f"their format is {found}, this program reads {FORMAT}")
        groups = _decoder.decode(plain).groups
        if len(groups) > MAX_GROUPS:
            raise ValueError(f"there are more than {MAX_GROUPS} groups")
        for group, quality in groups:
            _check(group, quality)
        return dict(groups)
    except (zlib.error, msgspec.MsgspecError, ValueError) as error:
        logger.warning("figures of quality are refused", fault=str(error))
        return {}


def load_steps(found: Mapping[int, Iterable[bytes]]) -> dict[int, list[Qualities]]:
    """Return what `dump` has written of each step; steps of which nothing is known are left out."""
    steps = {step: [qualities for data in dumps if (qualities := load(data))] for step, dumps in found.items()}
    return {step: told for step, told in steps.items() if told}


def _decompressed(data: bytes) -> bytes:
    reader = zlib.decompressobj()
    plain = reader.decompress(data, MAX_BYTES)
    if not reader.eof:
        raise ValueError("they are too long, or cut off")
    return plain


def _check(group: Group, quality: Quality) -> None:
    """Check that a group's quality is what a process can have gathered.

    Raises:
        ValueError: When it is not.
    """
    if max(map(len, (*group, *quality.errors))) > MAX_NAME or len(quality.errors) > MAX_ERRORS + 1:
        raise ValueError("a name is too long, or there are too many errors")
    for registers in (quality.sessions, quality.starved, quality.failed, quality.late):
        if registers and (len(registers) != distinct.REGISTERS or max(registers) > distinct.MAX_RANK):
            raise ValueError("registers are not as this program writes them")
    for histogram in (quality.start_ms, quality.throughput_kbps):
        if histogram and not 0 <= min(histogram) <= max(histogram) <= MAX_BUCKET:
            raise ValueError("a bucket is out of range")
    numbers = [quality.reports, quality.starved_ms]
    for counts in (quality.errors, quality.start_ms, quality.throughput_kbps):
        numbers += counts.values()
    if not 0 <= min(numbers) <= max(numbers) <= MAX_COUNT:
        raise ValueError("a count is out of range")
