"""Box statistics: whiskers, percentiles and means, from values and from buckets."""

from __future__ import annotations

import numpy as np
import pytest

from otel_fmd.analysis import histogram
from otel_fmd.analysis.distribution import (
    Distribution,
    add_packed,
    bucket_values,
    empty_counts,
    from_counts,
    from_values,
)

WITHIN = 0.011


def test_a_box_of_values() -> None:
    """Nearest ranks; whiskers end at the last value within 1.5 interquartile ranges."""
    assert from_values([20.0, 4.0, 5.0, 6.0, 0.5]) == Distribution(
        count=5,
        mean=7.1,
        minimum=0.5,
        low=4.0,
        q1=4.0,
        median=5.0,
        q3=6.0,
        high=6.0,
        maximum=20.0,
        p95=20.0,
        p99=20.0,
        is_exact=True,
    )


def test_a_value_at_the_reach_of_a_whisker_belongs_to_it() -> None:
    """At 1.5 interquartile ranges exactly, below and above."""
    found = from_values([1.0, 4.0, 5.0, 6.0, 9.0])
    assert found is not None
    assert (found.low, found.high) == (1.0, 9.0)


def test_whiskers_do_not_end_within_the_box() -> None:
    """Where every value is far from the quartiles, they end at them."""
    found = from_values([1.0])
    assert found == Distribution(1, *[1.0] * 10, is_exact=True)


def test_the_median_of_an_even_number_is_between() -> None:
    """As FMD's; the other percentiles are values that occurred."""
    found = from_values([4, 1, 3, 2])
    assert found is not None
    assert (found.q1, found.median, found.q3, found.p95) == (1.0, 2.5, 3.0, 4.0)


def test_a_rank_that_floating_point_overshoots_is_not_the_next() -> None:
    """0.95 of 20 is the 19th, 0.99 of 100 the 99th."""
    twenty, hundred = from_values(range(1, 21)), from_values(range(1, 101))
    assert twenty is not None
    assert hundred is not None
    assert (twenty.p95, hundred.p99) == (19.0, 99.0)


def counted(counts: dict[int, int]) -> Distribution:
    """The distribution of counts by bucket."""
    dense = empty_counts()
    add_packed(dense, histogram.pack(counts))
    found = from_counts(dense)
    assert found is not None
    return found


def test_a_box_of_buckets() -> None:
    """The same statistics, of the values that stand for the buckets."""
    durations_ms = [0.5, 4.0, 5.0, 6.0, 20.0]
    buckets = [histogram.bucket_of(int(ms * 1e6)) for ms in durations_ms]
    found = counted(dict.fromkeys(buckets, 1))
    values = [histogram.value_ms(bucket) for bucket in buckets]
    assert found.count == 5
    assert found.mean == pytest.approx(sum(values) / 5)
    assert (found.minimum, found.q1, found.median, found.q3, found.maximum) == pytest.approx(values)
    assert (found.low, found.high, found.p95, found.p99) == pytest.approx(
        (values[1], values[3], values[4], values[4])
    )
    assert found.median == pytest.approx(5.0, rel=WITHIN)
    assert found.is_exact is False


def test_ranks_of_buckets_count_every_request() -> None:
    """95 fast and 5 slow ones: the 95th percentile is fast still."""
    found = counted({100: 95, 500: 5})
    assert found.count == 100
    assert found.p95 == pytest.approx(histogram.value_ms(100))
    assert found.p99 == pytest.approx(histogram.value_ms(500))
    assert found.mean == pytest.approx(
        0.95 * histogram.value_ms(100) + 0.05 * histogram.value_ms(500)
    )


def test_histograms_are_added_in_place() -> None:
    """Those with counts of 64 bits, too; durations of 0 are in the first place."""
    dense = empty_counts()
    assert (dense.dtype, dense.shape) == (np.dtype(np.int64), (2_080,))
    add_packed(dense, histogram.pack({-1: 2, 3: 5}))
    add_packed(dense, histogram.pack({3: 2**33, 4: 1}))
    assert {int(n): int(dense[n]) for n in np.flatnonzero(dense)} == {0: 2, 4: 5 + 2**33, 5: 1}


def test_the_values_of_places_are_those_of_buckets() -> None:
    """A place is one more than its bucket; none takes no time at all."""
    places = np.array([0, 1, 2, 1_000])
    expected = [0.0, *(histogram.value_ms(bucket) for bucket in (0, 1, 999))]
    assert list(bucket_values(places)) == pytest.approx(expected)
