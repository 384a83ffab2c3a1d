"""Hours of UTC as days and hours of a time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from otel_fmd.analysis.calendar import (
    Columns,
    days_between,
    days_of_label,
    hour_of,
    hourly_load,
    label_of,
    local_time,
    midnight_us,
    utc_offset_hours,
)

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
SYDNEY = ZoneInfo("Australia/Sydney")
KOLKATA = ZoneInfo("Asia/Kolkata")


def hour(*parts: int) -> int:
    """Hours since 1970 of a UTC time."""
    return int(datetime(*parts, tzinfo=UTC).timestamp()) // 3600


def test_a_load_is_put_at_local_hours() -> None:
    """23:00 UTC is the next day in Amsterdam."""
    start = hour(2026, 6, 1, 0)
    found = hourly_load({hour(2026, 6, 1, 23): 7}, start, start + 24, AMSTERDAM)
    assert found.columns.labels == ["2026-06-01", "2026-06-02"]
    assert found.matrix[1][1] == 7
    assert found.total == 7


def test_the_hour_that_comes_twice_is_added() -> None:
    """When summer time ends, two hours of UTC are one of the clock."""
    first, second = hour(2026, 10, 25, 0), hour(2026, 10, 25, 1)
    found = hourly_load({first: 1, second: 2}, first, second + 1, AMSTERDAM)
    assert found.matrix[2][0] == 3


def test_an_offset_is_known_only_when_it_is_whole_and_constant() -> None:
    """Else days are made from hours."""
    assert utc_offset_hours(hour(2026, 6, 1, 0), hour(2026, 6, 30, 0), AMSTERDAM) == 2
    assert utc_offset_hours(hour(2026, 10, 1, 0), hour(2026, 11, 30, 0), AMSTERDAM) is None
    assert utc_offset_hours(hour(2026, 6, 1, 0), hour(2026, 6, 2, 0), KOLKATA) is None


def test_days_and_midnight_are_local() -> None:
    """Today begins at different moments around the world."""
    now = datetime(2026, 6, 1, 20, tzinfo=UTC)
    us = int(now.timestamp() * 1e6)
    assert datetime.fromtimestamp(midnight_us(us, SYDNEY) / 1e6, UTC).day == 1
    assert midnight_us(us, SYDNEY) > midnight_us(us, AMSTERDAM)
    assert days_between(5, 5, AMSTERDAM) == []
    assert hour_of(date(2026, 6, 2), 1, AMSTERDAM) == hour(2026, 6, 1, 23)


def test_midnight_is_exact() -> None:
    """To the microsecond, a second after midnight as well as late in the evening."""
    midnight = int(datetime(2026, 5, 31, 22, tzinfo=UTC).timestamp()) * 1_000_000
    assert midnight_us(midnight + 1_000_000, AMSTERDAM) == midnight
    assert midnight_us(midnight + 86_399_999_999, AMSTERDAM) == midnight
    assert midnight_us(midnight - 1_000_000, AMSTERDAM) == midnight - 86_400_000_000


def test_an_hour_is_a_number_and_begins_somewhere() -> None:
    """There and back again."""
    found = hour_of(date(2026, 6, 2), 1, AMSTERDAM)
    assert isinstance(found, int)
    assert local_time(found, AMSTERDAM).isoformat() == "2026-06-02T01:00:00+02:00"


def test_days_are_those_of_the_hours_within() -> None:
    """The end is not part of the range; one hour is one day."""
    start = hour_of(date(2026, 6, 2), 0, AMSTERDAM)
    assert days_between(start, start + 1, AMSTERDAM) == [date(2026, 6, 2)]
    assert days_between(start, start + 24, AMSTERDAM) == [date(2026, 6, 2)]
    assert days_between(start, start + 25, AMSTERDAM) == [date(2026, 6, 2), date(2026, 6, 3)]
    assert days_between(start - 1, start, AMSTERDAM) == [date(2026, 6, 1)]
    assert days_between(start, start - 1, AMSTERDAM) == []


def test_an_offset_is_not_asked_beyond_the_range() -> None:
    """A week that ends an hour before the clocks change has one offset."""
    end = hour(2026, 10, 25, 0)
    assert utc_offset_hours(end + 1 - 7 * 24, end, AMSTERDAM) == 2
    assert utc_offset_hours(end + 1 - 7 * 24, end + 1, AMSTERDAM) is None
    assert utc_offset_hours(end, end, ZoneInfo("America/New_York")) == -4


@pytest.mark.parametrize(
    ("unit", "label", "first", "last"),
    [
        ("day", "2026-11-27", date(2026, 11, 27), date(2026, 11, 27)),
        ("week", "2026-W48", date(2026, 11, 23), date(2026, 11, 29)),
        ("week", "2026-W01", date(2025, 12, 29), date(2026, 1, 4)),
        ("month", "2026-11", date(2026, 11, 1), date(2026, 11, 30)),
        ("month", "2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("month", "2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        ("year", "2026", date(2026, 1, 1), date(2026, 12, 31)),
    ],
)
def test_a_label_and_its_days(unit: str, label: str, first: date, last: date) -> None:
    """ISO 8601, and both ends lie in it."""
    assert days_of_label(label) == (first, last)
    assert label_of(first, unit) == label_of(last, unit) == label


@pytest.mark.parametrize("label", ["", "now", "2026-13", "2026-W60", "20x6", "2026-02-30"])
def test_a_label_of_nothing_is_an_error(label: str) -> None:
    """It came from an address."""
    with pytest.raises(ValueError):  # noqa: PT011 - of the standard library, in its words
        days_of_label(label)


@pytest.mark.parametrize(
    ("start", "number", "unit", "columns"),
    [
        (date(2026, 1, 1), 1, "day", 1),
        (date(2026, 1, 1), 120, "day", 120),
        (date(2026, 1, 1), 121, "week", 18),
        (date(2024, 1, 1), 120 * 7, "week", 120),
        (date(2024, 1, 1), 120 * 7 + 1, "month", 28),
        (date(2010, 1, 1), 3_652, "month", 120),
        (date(2010, 1, 1), 3_653, "year", 11),
        (date(1900, 1, 1), 47_482, "year", 130),
    ],
)
def test_columns_fit_a_screen(start: date, number: int, unit: str, columns: int) -> None:
    """At most 120; beyond, each stands for a longer time, and for years in the end."""
    days = [start + timedelta(days=n) for n in range(number)]
    found = Columns(days)
    assert (found.unit, len(found), len(found.labels)) == (unit, columns, columns)
    assert [found.place(days[0]), found.place(days[-1])] == [0, columns - 1]
    assert found.place(date(1800, 1, 1)) is None


def test_no_days_have_no_columns() -> None:
    """A range without an hour."""
    assert len(Columns([])) == 0


def test_counts_outside_of_the_days_are_left_out() -> None:
    """And those of one local hour are added."""
    start = hour_of(date(2026, 6, 2), 0, AMSTERDAM)
    found = hourly_load({start: 1, start + 23: 2, start + 24: 4}, start, start + 24, AMSTERDAM)
    assert (len(found.matrix), found.total) == (24, 3)
    assert (found.matrix[0], found.matrix[23]) == ([1], [2])
