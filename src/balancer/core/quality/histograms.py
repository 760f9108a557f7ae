"""Quantiles of positive values with a fixed relative error: how many values fell into each of a fixed set of buckets.

Bucket i holds what is greater than GAMMA to the power of i - 1, and not greater than GAMMA to the power of i, as in
DDSketch (Masson, Rim, Lee: DDSketch, VLDB 2019, §2.1). Where the range of values is fixed, so is the number of buckets:
nothing has to be collapsed, and histograms are added up bucket by bucket, in any order.
"""

import math
from collections.abc import Mapping

ERROR = 0.05
"""By what part of it a quantile may be off."""

GAMMA = (1 + ERROR) / (1 - ERROR)

MAX_VALUE = 10_000_000
"""What is greater counts as this."""

_SCALE = 1 / math.log(GAMMA)

Histogram = Mapping[int, int]
"""How many values are in each bucket that has any."""


def bucket_of(value: int) -> int:
    """Return the bucket of a value; what is less than 1 counts as 1."""
    return math.ceil(math.log(min(max(value, 1), MAX_VALUE)) * _SCALE)


MAX_BUCKET = bucket_of(MAX_VALUE)


def added(one: Histogram, other: Histogram) -> Histogram:
    """Return the histogram of all values of two."""
    if not one or not other:
        return one or other
    total = dict(one)
    for bucket, number in other.items():
        total[bucket] = total.get(bucket, 0) + number
    return total


def quantile(histogram: Histogram, part: float) -> float | None:
    """Return the value that this part of all values does not exceed, within `ERROR` of it; None when there are none.

    Args:
        histogram: Where to look.
        part: 0.5 for the median.
    """
    rank = part * (sum(histogram.values()) - 1)
    seen = 0
    for bucket in sorted(histogram):
        seen += histogram[bucket]
        if seen > rank:
            return float(2 * GAMMA**bucket / (GAMMA + 1))
    return None
