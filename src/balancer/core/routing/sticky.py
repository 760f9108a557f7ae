"""The policy that keeps a key at its target: weighted rendezvous hashing, laid out as a table of slots.

A key hashes to one of `SLOTS` slots. For each slot, every target draws a number that depends on its name and the slot
alone; the lowest number, divided by the target's weight, wins the slot (Schindelhauer and Schomaker, Weighted
Distributed Hash Tables, 2005). So adding, removing or reweighting a target moves only slots that it gains or loses.
"""

from array import array
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import shake_128
from math import inf, log
from zlib import crc32

SLOT_BITS = 15
SLOTS = 1 << SLOT_BITS
"""Slots of a table. Of 150 pairs of equal targets, each had shares within 0.8 percentage points of a half; with half as
many slots, two pairs were off by more than 1 point."""

SPAN = 1 << 11
"""Slots that are laid out at a time, in about a tenth of a millisecond for each target."""

REMEMBERED = 128 * SLOTS // SPAN
"""Spans of draws kept in memory: those of 128 names, 17 MB at most."""

_WORD = 1 << 32
_GOLDEN = 0x9E3779B1
_SHIFT = 32 - SLOT_BITS


def slot_of(key: bytes) -> int:
    """Return the slot of a key, from 0 to `SLOTS` - 1: the same in every process and release."""
    # A CRC is linear, so numbered keys leave a pattern in it; the multiplication breaks it (Knuth, TAOCP 3, §6.4).
    return (crc32(key) * _GOLDEN % _WORD) >> _SHIFT


def table(names: Sequence[str], weights: Sequence[int], pause: Callable[[], None] | None = None) -> bytes:
    """Return the index of the target of each slot.

    The order of the targets does not matter. A target whose share is below one slot may have none.

    Args:
        names: By target index, all different.
        weights: By target index, 0 or more, not all 0.
        pause: Called for each target every `SPAN` slots, so that a thread that lays out can let others run.
    """
    # By name, so that a tie goes to the same target whatever their order.
    drawing = sorted((name, index) for index, name in enumerate(names) if weights[index])
    if len(drawing) == 1:
        return bytes([drawing[0][1]]) * SLOTS
    owners = bytearray()
    for span in range(SLOTS // SPAN):
        lowest, having = [inf] * SPAN, bytearray(SPAN)
        for name, index in drawing:
            if pause:
                pause()
            weight = weights[index]
            for slot, draw in enumerate(_draws(name, span)):
                score = draw / weight
                if score < lowest[slot]:
                    lowest[slot] = score
                    having[slot] = index
        owners += having
    return bytes(owners)


def ranked(slot: int, names: Sequence[str], weights: Sequence[int]) -> list[int]:
    """Return the indices of all targets with a weight, best first for this slot; the first one owns it in the table."""
    span, place = divmod(slot, SPAN)
    scores = [
        (_draws(name, span)[place] / weights[index], name, index) for index, name in enumerate(names) if weights[index]
    ]
    return [index for _, _, index in sorted(scores)]


@lru_cache(REMEMBERED)
def _draws(name: str, span: int) -> Sequence[float]:
    """Return what a target draws for each slot of a span: -ln u, with u uniform between 0 and 1.

    Single precision hides the last bits, in which the logarithms of two machines may differ.
    """
    words = array("I", shake_128(f"{span}/{name}".encode()).digest(4 * SPAN))
    return array("f", [-log((word + 0.5) / _WORD) for word in words])
