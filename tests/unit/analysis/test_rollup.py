"""Sums of requests: per hour and per day, exactly."""

from __future__ import annotations

import pytest

from otel_fmd.analysis.histogram import bucket_of
from otel_fmd.analysis.rollup import HOUR_US, Rollup, Tally

HOUR = 24 * 20_000
"""The first hour of a day."""
START_US = HOUR * HOUR_US
FAST, SLOW = 1_000_000, 9_000_000


def added(*requests: tuple[int, int, int]) -> Rollup:
    """Requests of endpoint 1 in version 2: microseconds after the day's begin, status, duration."""
    found = Rollup()
    starts, statuses, durations = zip(*requests, strict=True)
    number = len(requests)
    starts_us = [START_US + start for start in starts]
    found.add([1] * number, [2] * number, statuses, starts_us, durations)
    return found


def test_an_hour_has_least_and_greatest_first_and_last() -> None:
    """In whatever order they come."""
    found = added((50, 200, 5), (10, 200, 9), (90, 200, 1), (60, 200, 4), (55, 500, 3))
    assert found.hours == {
        (HOUR, 1, 2, 200): Tally(4, 19, 1, 9, START_US + 10, START_US + 90),
        (HOUR, 1, 2, 500): Tally(1, 3, 3, 3, START_US + 55, START_US + 55),
    }
    assert all(isinstance(hour, int) for hour, *_ in found.hours)


def test_hours_of_a_day_are_merged() -> None:
    """Every part of their tallies; the hours stay as they were."""
    found = added((HOUR_US + 5, 200, 7), (3, 200, 8), (HOUR_US + 9, 200, 2), (24 * HOUR_US, 200, 1))
    assert found.days() == {
        (20_000, 1, 2, 200): Tally(3, 17, 2, 8, START_US + 3, START_US + HOUR_US + 9),
        (20_001, 1, 2, 200): Tally(1, 1, 1, 1, START_US + 24 * HOUR_US, START_US + 24 * HOUR_US),
    }
    assert found.hours[HOUR + 1, 1, 2, 200].count == 2
    assert all(isinstance(day, int) for day, *_ in found.days())


def test_merging_takes_the_ends_of_both() -> None:
    """Least and greatest, first and last, sums."""
    one = Tally(2, 10, 4, 6, 100, 200)
    one.merge(Tally(3, 30, 1, 9, 50, 300))
    assert one == Tally(5, 40, 1, 9, 50, 300)
    one.merge(Tally(1, 5, 5, 5, 60, 70))
    assert one == Tally(6, 45, 1, 9, 50, 300)


def test_histograms_count_by_hour_and_by_day() -> None:
    """The same buckets of two hours are one of the day."""
    found = added((0, 200, FAST), (1, 500, FAST), (HOUR_US, 200, FAST), (HOUR_US, 200, SLOW))
    fast, slow = bucket_of(FAST), bucket_of(SLOW)
    assert found.hour_histograms() == {
        (HOUR, 1, 2): {fast: 2},
        (HOUR + 1, 1, 2): {fast: 1, slow: 1},
    }
    assert found.day_histograms() == {(20_000, 1, 2): {fast: 3, slow: 1}}
    assert all(isinstance(day, int) for day, *_ in found.day_histograms())


def test_a_websocket_is_counted_and_has_no_duration() -> None:
    """Status 101 is in the counts, not in the histogram."""
    found = added((0, 101, 0), (1, 200, FAST), (2, 101, 0))
    assert found.hour_histograms() == {(HOUR, 1, 2): {bucket_of(FAST): 1}}
    assert found.hours[HOUR, 1, 2, 101].count == 2


@pytest.mark.parametrize("short", range(5))
def test_columns_of_different_lengths_are_an_error(short: int) -> None:
    """Nothing is guessed of what is missing."""
    columns = [[1, 1], [2, 2], [200, 200], [START_US, START_US], [5, 5]]
    columns[short].pop()
    with pytest.raises(ValueError, match="zip"):
        Rollup().add(*columns)


def test_first_and_last_start_of_a_version() -> None:
    """Over all hours and status codes."""
    found = added((HOUR_US, 200, 1), (3, 500, 1), (2 * HOUR_US, 404, 1))
    found.add([1], [7], [200], [START_US + 8], [1])
    assert found.endpoint_versions() == {
        (1, 2): (START_US + 3, START_US + 2 * HOUR_US),
        (1, 7): (START_US + 8, START_US + 8),
    }


def test_the_last_start_of_an_endpoint() -> None:
    """Those seen only included; an hour that goes on after the given time tells nothing."""
    found = added((5, 200, 1), (HOUR_US, 500, 1), (2 * HOUR_US, 200, 1))
    found.note_seen({1: START_US + 7, 9: START_US + 4})
    found.note_seen({9: START_US + 6, 8: START_US + 2 * HOUR_US})
    found.note_seen({9: START_US + 5})
    last = START_US + 2 * HOUR_US
    assert found.last_requested(last) == {1: last, 9: START_US + 6, 8: last}
    assert found.last_requested(last - 1) == {1: START_US + HOUR_US, 9: START_US + 6}
    assert found.last_requested(START_US + 6) == {1: START_US + 5, 9: START_US + 6}
    assert found.last_requested(START_US) == {}


def test_a_start_in_1970_is_one() -> None:
    """The first microseconds of all, for those who have that clock."""
    found = Rollup()
    found.note_seen({3: 0})
    found.add([1], [2], [200], [0], [1])
    assert found.last_requested(0) == {1: 0, 3: 0}
