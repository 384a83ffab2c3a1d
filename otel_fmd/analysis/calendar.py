"""Hours since 1970 (UTC) as days and hours of a time zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from otel_fmd.analysis.rollup import HOURS_PER_DAY

_HOUR_S = 3600


def local_time(hour: int, zone: ZoneInfo) -> datetime:
    """When an hour begins, in a time zone."""
    return datetime.fromtimestamp(hour * _HOUR_S, UTC).astimezone(zone)


def hour_of(day: date, hour: int, zone: ZoneInfo) -> int:
    """The hour since 1970 in which a local hour of a local day begins."""
    moment = datetime(day.year, day.month, day.day, hour, tzinfo=zone)
    return int(moment.timestamp()) // _HOUR_S


def midnight_us(now_us: int, zone: ZoneInfo) -> int:
    """When the local day of a moment began, both in unix microseconds."""
    now = datetime.fromtimestamp(now_us / 1e6, UTC).astimezone(zone)
    return int(now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()) * 1_000_000


def days_between(start_hour: int, end_hour: int, zone: ZoneInfo) -> list[date]:
    """Every local day that has an hour of the half-open range."""
    if end_hour <= start_hour:
        return []
    first, last = local_time(start_hour, zone).date(), local_time(end_hour - 1, zone).date()
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


class HourlyLoad(NamedTuple):
    """Requests per local hour (row, 0 to 23) and local day (column)."""

    days: list[date]
    matrix: list[list[int]]

    @property
    def total(self) -> int:
        """All requests."""
        return sum(map(sum, self.matrix))


def hourly_load(
    counts: Mapping[int, int], start_hour: int, end_hour: int, zone: ZoneInfo
) -> HourlyLoad:
    """Counts by hour since 1970 as a matrix of local hours and days."""
    days = days_between(start_hour, end_hour, zone)
    columns = {day: column for column, day in enumerate(days)}
    matrix = [[0] * len(days) for _ in range(HOURS_PER_DAY)]
    for hour, count in counts.items():
        moment = local_time(hour, zone)
        column = columns.get(moment.date())
        if column is not None:
            matrix[moment.hour][column] += count
    return HourlyLoad(days, matrix)


def utc_offset_hours(start_hour: int, end_hour: int, zone: ZoneInfo) -> int | None:
    """The zone's offset, when it is a whole number of hours and the same in all the range."""
    offsets = {
        local_time(hour, zone).utcoffset()
        for hour in range(start_hour, end_hour + 1, HOURS_PER_DAY * 7)
    } | {local_time(end_hour, zone).utcoffset()}
    if len(offsets) != 1:
        return None
    offset = offsets.pop() or timedelta()
    hours, rest = divmod(offset, timedelta(hours=1))
    return None if rest else hours
