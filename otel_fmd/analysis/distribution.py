"""Durations as a distribution: box statistics, exactly from values or within 1.1 % from buckets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from otel_fmd.analysis.histogram import BASE, HEAD, ZERO_BUCKET

Counts = npt.NDArray[np.int64]
_SIZE = 2_080
"""Buckets 0 to 63 * 32 of a 63-bit duration, and the bucket of zero."""
_WHISKER = 1.5

_edges = BASE ** np.arange(-1, _SIZE - 1, dtype=np.float64)
_VALUES = _edges * 2 * BASE / (1 + BASE) / 1e6
_VALUES[0] = 0.0


@dataclass(frozen=True, slots=True)
class Distribution:
    """The figures of a box, or a table row, about durations; all in milliseconds.

    `low` and `high` are the whiskers: the smallest and largest value within 1.5 times the
    interquartile range of the quartiles (Tukey). `is_exact` says whether the values come from rows
    (True) or from buckets, to within 1.1 %.
    """

    count: int
    mean: float
    minimum: float
    low: float
    q1: float
    median: float
    q3: float
    high: float
    maximum: float
    p95: float
    p99: float
    is_exact: bool


class NamedDistribution(NamedTuple):
    """The durations of one endpoint, version or user.

    Its label, a note, and a key that is unique where labels need not be.
    """

    label: str
    note: str
    data: Distribution
    key: str = ""


def bucket_values(places: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The durations (ms) that stand for the buckets at these places of counts."""
    return _VALUES[places]


def empty_counts() -> Counts:
    """Buckets without counts; bucket `b` is at place `b + 1`."""
    return np.zeros(_SIZE, dtype=np.int64)


def add_packed(counts: Counts, packed: bytes) -> None:
    """Add a packed histogram to counts, in place."""
    width, lowest = HEAD.unpack_from(packed)
    values = np.frombuffer(packed, "<u8" if width == 8 else "<u4", offset=HEAD.size)
    start = lowest - ZERO_BUCKET
    counts[start : start + len(values)] += values.astype(np.int64)


def from_counts(counts: Counts) -> Distribution | None:
    """The distribution of counts by bucket; None when there are none."""
    total = int(counts.sum())
    if total == 0:
        return None
    cumulative = np.cumsum(counts)

    def at(fraction: float) -> float:
        rank = min(total, max(1, int(np.ceil(fraction * total - 1e-9))))
        return float(_VALUES[int(np.searchsorted(cumulative, rank))])

    used = _VALUES[np.flatnonzero(counts)]
    mean = float((counts * _VALUES).sum() / total)
    return _make(total, mean, used, [at(f) for f in _FRACTIONS], is_exact=False)


def from_values(durations_ms: Sequence[float]) -> Distribution | None:
    """The distribution of values; None when there are none.

    Percentiles are the nearest rank, but the median of an even number is the mean of the two in
    the middle, as FMD's is.
    """
    if not len(durations_ms):
        return None
    values = np.sort(np.asarray(durations_ms, dtype=np.float64))
    total = len(values)
    found = [
        float(values[min(total - 1, max(0, int(np.ceil(f * total - 1e-9)) - 1))])
        for f in _FRACTIONS
    ]
    found[1] = float(np.median(values))
    return _make(total, float(values.mean()), values, found, is_exact=True)


_FRACTIONS = (0.25, 0.5, 0.75, 0.95, 0.99)


def _make(
    total: int,
    mean: float,
    used: npt.NDArray[np.float64],
    percentiles: Sequence[float],
    *,
    is_exact: bool,
) -> Distribution:
    q1, median, q3, p95, p99 = percentiles
    reach = _WHISKER * (q3 - q1)
    low = float(used[np.searchsorted(used, q1 - reach, side="left")])
    high = float(used[np.searchsorted(used, q3 + reach, side="right") - 1])
    return Distribution(
        total,
        mean,
        float(used[0]),
        min(low, q1),
        q1,
        median,
        q3,
        max(high, q3),
        float(used[-1]),
        p95,
        p99,
        is_exact,
    )
