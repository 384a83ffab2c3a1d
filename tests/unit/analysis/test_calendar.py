"""Hours of UTC as days and hours of a time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from otel_fmd.analysis.calendar import (
    days_between,
    hour_of,
    hourly_load,
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
