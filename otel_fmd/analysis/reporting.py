"""Comparing two sets of requests: did the durations or the status codes change?

* Durations: Mood's median test, as FMD (`scipy.stats.median_test` with its defaults: ties count as
  below, Yates' correction), and the ratio of the medians with a distribution-free 95 % confidence
  interval (Price and Bonett, 2002, "Distribution-free confidence intervals for difference and ratio
  of medians", Journal of Statistical Computation and Simulation 72).
* Status codes: FMD's rule, at least 30 requests on both sides and one status code whose share grew
  by more than 3 percentage points.
* Many endpoints at once: Benjamini and Hochberg (1995), false discovery rate 5 %.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb, erfc, exp, log, sqrt

import numpy as np
import numpy.typing as npt

SIGNIFICANT = 0.05
MIN_REQUESTS = 30
MIN_SHARE_CHANGE = 3.0
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Sample:
    """Durations in milliseconds, ascending and distinct, and how often each occurred."""

    values: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]

    @property
    def size(self) -> int:
        """How many durations there are."""
        return int(self.counts.sum())

    def at_rank(self, rank: int) -> float:
        """The duration at a rank from 1 to `size`."""
        place = int(np.searchsorted(np.cumsum(self.counts), max(1, min(self.size, rank))))
        return float(self.values[place])

    @property
    def median(self) -> float:
        """The middle duration; the mean of the two in the middle of an even number."""
        size = self.size
        if size % 2:
            return self.at_rank((size + 1) // 2)
        return (self.at_rank(size // 2) + self.at_rank(size // 2 + 1)) / 2


def sample_of(durations_ms: Sequence[float]) -> Sample:
    """The sample of single durations."""
    values, counts = np.unique(np.asarray(durations_ms, dtype=np.float64), return_counts=True)
    return Sample(values, counts.astype(np.int64))


def median_test(one: Sample, other: Sample) -> float:
    """The p-value of Mood's median test; 1 when it cannot be made."""
    pooled = _pooled(one, other)
    grand = pooled.median
    above = [int(s.counts[s.values > grand].sum()) for s in (one, other)]
    below = [s.size - a for s, a in zip((one, other), above, strict=True)]
    total = sum(above) + sum(below)
    if 0 in (sum(above), sum(below), one.size, other.size):
        return 1.0
    statistic = 0.0
    for row in (above, below):
        for place, count in enumerate(row):
            column = above[place] + below[place]
            expected = sum(row) * column / total
            # Yates' correction never overshoots: it moves by half, or to the expected value.
            off = abs(count - expected)
            statistic += (off - min(0.5, off)) ** 2 / expected
    return erfc(sqrt(statistic / 2))


def median_ratio(baseline: Sample, comparison: Sample) -> tuple[float, float, float] | None:
    """Comparison / baseline of the medians, and its 95 % confidence interval.

    None when a median is 0 or a sample has fewer than 5 durations.
    """
    parts = []
    for one in (baseline, comparison):
        if one.size < 5 or one.median <= 0:
            return None
        parts.append((log(one.median), _log_median_variance(one)))
    (log_old, var_old), (log_new, var_new) = parts
    difference, reach = log_new - log_old, _Z * sqrt(var_old + var_new)
    return exp(difference), exp(difference - reach), exp(difference + reach)


def _log_median_variance(one: Sample) -> float:
    """Variance of the logarithm of a median, from two order statistics (Price and Bonett)."""
    size = one.size
    rank = max(1, round((size + 1) / 2 - sqrt(size)))
    if size <= 200:
        tail = 2 * sum(comb(size, i) for i in range(rank)) / 2**size
        z = _normal_quantile(1 - tail / 2) if 0 < tail < 1 else 2.0
    else:
        z = 2.0
    low, high = one.at_rank(rank), one.at_rank(size - rank + 1)
    if low <= 0:
        return float("inf")
    return float(((log(high) - log(low)) / (2 * z)) ** 2)


def _normal_quantile(p: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(p)


def _pooled(one: Sample, other: Sample) -> Sample:
    values = np.concatenate([one.values, other.values])
    counts = np.concatenate([one.counts, other.counts])
    found, inverse = np.unique(values, return_inverse=True)
    return Sample(found, np.bincount(inverse, weights=counts).astype(np.int64))


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A status code's share of the requests, in percent, before and after."""

    status_code: int
    baseline: float
    comparison: float

    @property
    def change(self) -> float:
        """Percentage points."""
        return self.comparison - self.baseline


def status_changes(
    baseline: Mapping[int, int], comparison: Mapping[int, int]
) -> tuple[list[StatusChange], bool]:
    """The shares of every status code, and whether FMD calls the change significant."""
    old, new = sum(baseline.values()), sum(comparison.values())
    if old < MIN_REQUESTS or new < MIN_REQUESTS:
        return [], False
    changes = [
        StatusChange(code, 100 * baseline.get(code, 0) / old, 100 * comparison.get(code, 0) / new)
        for code in sorted(baseline.keys() | comparison.keys())
    ]
    return changes, max(one.change for one in changes) > MIN_SHARE_CHANGE


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values: those up to 0.05 are discoveries at a false discovery rate of 5 %."""
    number = len(p_values)
    order = sorted(range(number), key=lambda place: p_values[place], reverse=True)
    adjusted = [1.0] * number
    least = 1.0
    for position, place in enumerate(order):
        least = min(least, p_values[place] * number / (number - position))
        adjusted[place] = least
    return adjusted
