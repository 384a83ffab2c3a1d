"""FMD's outlier rule: over a constant times the mean of those before."""

from __future__ import annotations

from math import inf

import pytest

from otel_fmd.analysis.outliers import OutlierRule, RunningMean


def test_a_mean_takes_one_more() -> None:
    """Counts and totals, from nothing."""
    mean = RunningMean()
    mean.add(4)
    mean.add(6)
    assert mean == RunningMean(count=2, sum_ns=10)


def test_the_threshold_is_a_multiple_of_the_mean() -> None:
    """2.5 times by default; exactly that is no outlier yet."""
    mean = RunningMean(40, 40 * 100)
    rule = OutlierRule()
    assert rule.threshold_ns(mean) == 250
    assert [rule.is_outlier(ns, mean) for ns in (249, 250, 251)] == [False, False, True]


@pytest.mark.parametrize(
    ("least", "count", "threshold"),
    [(30, 29, inf), (30, 30, 300.0), (0, 0, inf), (0, 1, 300.0), (1, 1, 300.0), (2, 1, inf)],
)
def test_requests_must_be_known_before(least: int, count: int, threshold: float) -> None:
    """At least one, whatever is set: nothing has no mean."""
    rule = OutlierRule(constant=3.0, min_requests=least)
    assert rule.threshold_ns(RunningMean(count, count * 100)) == threshold
