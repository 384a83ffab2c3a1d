"""The report's statistics, against scipy and by their meaning."""

from __future__ import annotations

import random

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
