"""The report's statistics, against scipy and by their meaning."""

from __future__ import annotations

import random
from collections.abc import Sequence
from math import exp, inf, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from otel_fmd.analysis.reporting import (
    benjamini_hochberg,
    median_ratio,
    median_test,
    sample_of,
    status_changes,
)

VALUES = st.lists(st.integers(1, 40).map(float), min_size=2, max_size=60)


@given(VALUES, VALUES)
def test_the_median_test_is_scipys(one: list[float], other: list[float]) -> None:
    """As FMD calls it."""
    try:
        expected = stats.median_test(one, other).pvalue
    except ValueError:
        expected = 1.0
    assert median_test(sample_of(one), sample_of(other)) == pytest.approx(expected, abs=1e-9)


@given(VALUES)
def test_the_median_is_the_usual_one(values: list[float]) -> None:
    """Also from counted values."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    expected = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    assert sample_of(values).median == expected


def test_the_confidence_interval_holds_the_true_ratio_as_often_as_promised() -> None:
    """About 95 of 100, for log-normal durations and a true ratio of 1.5."""
    chance = random.Random(3)
    held = 0
    for _ in range(400):
        old = sample_of([chance.lognormvariate(2, 0.6) for _ in range(150)])
        new = sample_of([1.5 * chance.lognormvariate(2, 0.6) for _ in range(90)])
        found = median_ratio(old, new)
        assert found is not None
        held += found[1] <= 1.5 <= found[2]
    assert 0.91 <= held / 400 <= 0.985


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_correction_is_scipys(p_values: list[float]) -> None:
    """Benjamini and Hochberg."""
    expected = stats.false_discovery_control(p_values)
    assert benjamini_hochberg(p_values) == pytest.approx(list(expected), abs=1e-12)


def test_status_codes_follow_fmds_rule() -> None:
    """30 requests on both sides, more than 3 percentage points."""
    assert status_changes({200: 29}, {200: 100}) == ([], False)
    assert status_changes({200: 100}, {200: 97, 500: 3})[1] is False
    changes, changed = status_changes({200: 100}, {200: 96, 500: 4})
    assert changed
    assert [(one.status_code, round(one.change, 9)) for one in changes] == [(200, -4), (500, 4)]


def log_variance(values: Sequence[float]) -> float:
    """The variance of a median's logarithm by Price and Bonett, with scipy's distributions."""
    ordered, size = sorted(values), len(values)
    rank = max(1, round((size + 1) / 2 - sqrt(size)))
    z = stats.norm.isf(stats.binom.cdf(rank - 1, size, 0.5)) if size <= 200 else 2.0
    return ((log(ordered[size - rank]) - log(ordered[rank - 1])) / (2 * z)) ** 2


@pytest.mark.parametrize("size", [5, 6, 30, 31, 100, 199, 200, 201, 202, 500])
def test_the_interval_is_that_of_the_paper(size: int) -> None:
    """For few and for many durations."""
    chance = random.Random(size)
    old = [chance.lognormvariate(2, 0.6) for _ in range(size)]
    new = [chance.lognormvariate(2.2, 0.4) for _ in range(40)]
    found = median_ratio(sample_of(old), sample_of(new))
    ratio = float(np.median(new) / np.median(old))
    reach = exp(1.959963984540054 * sqrt(log_variance(old) + log_variance(new)))
    assert found == pytest.approx((ratio, ratio / reach, ratio * reach), rel=1e-9)


def test_a_ratio_needs_five_durations_and_a_median() -> None:
    """Of both sides; a median of less than a millisecond is one."""
    four, five, fast = sample_of([1, 2, 3, 4]), sample_of([1, 2, 3, 4, 5]), sample_of([0.1] * 5)
    assert median_ratio(four, five) is None
    assert median_ratio(five, four) is None
    assert median_ratio(five, sample_of([0.0] * 5)) is None
    assert median_ratio(five, five) is not None
    found = median_ratio(fast, fast)
    assert found == (1.0, 1.0, 1.0)


def test_durations_of_zero_make_the_interval_endless() -> None:
    """Their logarithm is none: the ratio is known, how exactly is not."""
    zeros = sample_of([0, 0, 1, 2, 3])
    assert median_ratio(zeros, sample_of([2.0] * 9)) == (2.0, 0.0, inf)


def test_a_sample_counts_equal_durations() -> None:
    """Ascending; ranks begin at 1 and end at the size."""
    found = sample_of([3, 1, 3, 2])
    assert list(found.values) == [1.0, 2.0, 3.0]
    assert list(found.counts) == [1, 1, 2]
    assert (found.values.dtype, found.counts.dtype) == (np.float64, np.int64)
    assert found.size == 4
    assert [found.at_rank(rank) for rank in (0, 1, 2, 3, 4, 5)] == [1, 1, 2, 3, 3, 3]


def test_thirty_requests_on_each_side_are_enough() -> None:
    """29 are not, on either; a code that went away has no share any more."""
    assert status_changes({200: 100}, {200: 29}) == ([], False)
    changes, changed = status_changes({200: 27, 404: 3}, {200: 30})
    assert [(one.status_code, one.baseline, one.comparison) for one in changes] == [
        (200, 90.0, 100.0),
        (404, 10.0, 0.0),
    ]
    assert changed
