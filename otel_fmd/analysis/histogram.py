"""Base-2 exponential histograms of durations at scale 5, packed into bytes.

Bucket `i` holds durations in `(base**i, base**(i+1)]` nanoseconds with `base = 2**(2**-5)`; a
percentile read from the middle of a bucket has a relative error of at most 1.1 %.
Source: https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram

Packed form: a byte with the width of a count (4, or 8 where one does not fit), the lowest bucket
(16-bit integer), then one unsigned count per bucket up to the highest. A duration of 0 is in
bucket -1.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterable, Mapping
from math import ceil, log2

SCALE = 5
BASE: float = 2.0 ** (2.0**-SCALE)
_FACTOR = 2**SCALE
MAX_RELATIVE_ERROR = (BASE - 1) / (BASE + 1)
HEAD = struct.Struct("<Bh")
"""Width of a count, lowest bucket."""
_MAX_32 = 0xFFFFFFFF
ZERO_BUCKET = -1


def bucket_of(duration_ns: int) -> int:
    """The bucket of a duration in nanoseconds."""
    return ceil(log2(duration_ns) * _FACTOR) - 1 if duration_ns > 1 else ZERO_BUCKET


def value_ms(bucket: int) -> float:
    """The duration in milliseconds that stands for a bucket: the middle that halves the error."""
    if bucket <= ZERO_BUCKET:
        return 0.0
    low: float = BASE**bucket
    return low * 2 * BASE / (1 + BASE) / 1e6


def pack(counts: Mapping[int, int]) -> bytes:
    """The packed form of a mapping from bucket to count; counts must not be negative."""
    if not counts:
        return b""
    lowest, highest = min(counts), max(counts)
    wide = max(counts.values()) > _MAX_32
    dense = array("Q" if wide else "I", bytes((8 if wide else 4) * (highest - lowest + 1)))
    for bucket, count in counts.items():
        dense[bucket - lowest] = count
    return HEAD.pack(8 if wide else 4, lowest) + _little(dense).tobytes()


def unpack(packed: bytes) -> dict[int, int]:
    """The mapping from bucket to count, without empty buckets."""
    if not packed:
        return {}
    lowest, dense = dense_of(packed)
    return {lowest + i: count for i, count in enumerate(dense) if count}


def dense_of(packed: bytes) -> tuple[int, array[int]]:
    """The lowest bucket and the counts from there on."""
    width, lowest = HEAD.unpack_from(packed)
    dense = array("Q" if width == 8 else "I")
    dense.frombytes(packed[HEAD.size :])
    return lowest, _little(dense)


def add(packed: bytes, counts: Mapping[int, int]) -> bytes:
    """The packed sum of a packed histogram and a mapping."""
    if not packed:
        return pack(counts)
    lowest, dense = dense_of(packed)
    highest = lowest + len(dense) - 1
    if min(counts) < lowest or max(counts) > highest or dense.typecode == "Q":
        merged = unpack(packed)
        for bucket, count in counts.items():
            merged[bucket] = merged.get(bucket, 0) + count
        return pack(merged)
    try:
        for bucket, count in counts.items():
            dense[bucket - lowest] += count
    except OverflowError:
        merged = unpack(packed)
        for bucket, count in counts.items():
            merged[bucket] = merged.get(bucket, 0) + count
        return pack(merged)
    return HEAD.pack(4, lowest) + _little(dense).tobytes()


def percentile(counts: Mapping[int, int], fractions: Iterable[float]) -> list[float | None]:
    """Durations in milliseconds at the given fractions (0 to 1); None when there is no count.

    The rank is the nearest one, `ceil(fraction * n)`, so that the value is one that occurred, to
    within the bucket.
    """
    total = sum(counts.values())
    wanted = list(fractions)
    if total == 0:
        return [None] * len(wanted)
    ordered = sorted(counts.items())
    found: list[float | None] = []
    for fraction in wanted:
        rank = min(total, max(1, ceil(fraction * total - 1e-9)))
        seen = 0
        for bucket, count in ordered:
            seen += count
            if seen >= rank:
                found.append(value_ms(bucket))
                break
    return found


def _little(dense: array[int]) -> array[int]:
    if sys.byteorder == "big":
        dense.byteswap()
    return dense
