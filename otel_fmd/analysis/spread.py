"""A few durations that stand for many, as FMD's box plots get them.

Up to `most` durations stay as they are, ascending. More become `most` percentiles: evenly spaced
whole percents from the smallest one on, and the largest one (observed at FMD 5.1: of ten
0 %, 11 %, ... 88 %, 100 %).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from otel_fmd.analysis.distribution import Counts, bucket_values


def spread(durations_ms: Sequence[float], most: int) -> list[float]:
    """At most so many durations that stand for all of them, ascending."""
    if len(durations_ms) <= most:
        return sorted(durations_ms)
    found = np.percentile(np.asarray(durations_ms, dtype=np.float64), _percents(most))
    return [float(one) for one in found]


def spread_of_counts(counts: Counts, most: int) -> list[float]:
    """The same of counts by bucket, to within 1.1 %."""
    total = int(counts.sum())
    if total == 0:
        return []
    shares = np.linspace(0, 1, total) if total <= most else _percents(most) / 100
    ranks = np.clip(np.ceil(shares * total - 1e-9), 1, total)
    places = np.searchsorted(np.cumsum(counts), ranks)
    return [float(one) for one in bucket_values(places)]


def _percents(most: int) -> npt.NDArray[np.float64]:
    step = 100 // (most - 1)
    return np.array([*range(0, step * (most - 1), step), 100], dtype=np.float64)
