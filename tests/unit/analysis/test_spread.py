"""A few durations that stand for many."""

from __future__ import annotations

import pytest

from otel_fmd.analysis.distribution import empty_counts
from otel_fmd.analysis.histogram import bucket_of
from otel_fmd.analysis.spread import spread, spread_of_counts


def test_few_stay_as_they_are() -> None:
    """Ascending."""
    assert spread([3.0, 1.0, 2.0], 10) == [1.0, 2.0, 3.0]
    assert spread([], 10) == []


def test_many_become_percentiles_as_fmd_has_them() -> None:
    """Observed at FMD 5.1, of eleven and of twelve durations, and of four hundred."""
    eleven = [1.0, 2.1, 3.2, 4.3, 5.4, 6.5, 7.6, 8.7, 9.8, 11.0]
    assert spread([float(n) for n in range(1, 12)], 10) == pytest.approx(eleven)
    twelve = [1.0, 2.21, 3.42, 4.63, 5.84, 7.05, 8.26, 9.47, 10.68, 12.0]
    assert spread([float(n) for n in range(1, 13)], 10) == pytest.approx(twelve)
    hundred = spread([float(n) for n in range(400)], 100)
    assert len(hundred) == 100
    assert (hundred[1], hundred[-2:]) == (3.99, [pytest.approx(391.02), 399.0])


@pytest.mark.parametrize("number", [1, 5, 10, 11, 1000])
def test_buckets_are_close(number: int) -> None:
    """As many values, within the width of a bucket and a rank."""
    values, counts = [1.0 + n / number for n in range(number)], empty_counts()
    for value in values:
        counts[bucket_of(round(value * 1e6)) + 1] += 1
    found = spread_of_counts(counts, 10)
    assert found == pytest.approx(spread(values, 10), rel=0.012 + 1 / number)
    assert spread_of_counts(empty_counts(), 10) == []
