"""Hours since 1970 (UTC) as days and hours of a time zone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from otel_fmd.analysis.rollup import HOURS_PER_DAY

_HOUR_S = 3600
MOST_COLUMNS = 120
"""Columns that a screen shows side by side; beyond, they stand for longer times."""
UNITS = {"day": 1, "week": 7, "month": 31, "year": 366}
"""Times that a column may stand for, and their days, at the most."""


class Mark(NamedTuple):
    """A day, and what happened on it."""

    day: date
    words: str


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


def label_of(day: date, unit: str) -> str:
    """The day, or the week, month or year that it lies in.

    `2026-11-27`, `2026-W48`, `2026-11`, `2026`.
    """
    if unit == "day":
        return day.isoformat()
    if unit == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02d}"
    return day.isoformat()[: 7 if unit == "month" else 4]


def days_of_label(label: str) -> tuple[date, date]:
    """The first and the last day of what `label_of` named.

    Raises:
        ValueError: it named nothing.
    """
    if "W" in label:
        first = date.fromisoformat(label)
        return first, first + timedelta(days=6)
    if len(label) == 4:
        return date(int(label), 1, 1), date(int(label), 12, 31)
    if len(label) == 7:
        first = date.fromisoformat(f"{label}-01")
        later = first + timedelta(days=31)
        return first, later.replace(day=1) - timedelta(days=1)
    day = date.fromisoformat(label)
    return day, day


class Columns:
    """Local days side by side; weeks, months or years where those would be too many for a screen.

    Args:
        days: every day, the first one first.
    """

    def __init__(self, days: Iterable[date]) -> None:
        all_days = list(days)
        for self.unit, least in UNITS.items():
            if len(all_days) > (MOST_COLUMNS + 1) * least and self.unit != "year":
                continue
            self.labels = list(dict.fromkeys(label_of(day, self.unit) for day in all_days))
            if len(self.labels) <= MOST_COLUMNS:
                break
        self._places = {label: place for place, label in enumerate(self.labels)}

    def __len__(self) -> int:
        return len(self.labels)

    def place(self, day: date) -> int | None:
        """The column of a day."""
        return self._places.get(label_of(day, self.unit))


class HourlyLoad(NamedTuple):
    """Requests per local hour (row, 0 to 23) and column of local days."""

    columns: Columns
    matrix: list[list[int]]

    @property
    def total(self) -> int:
        """All requests."""
        return sum(map(sum, self.matrix))


def hourly_load(
    counts: Mapping[int, int], start_hour: int, end_hour: int, zone: ZoneInfo
) -> HourlyLoad:
    """Counts by hour since 1970 as a matrix of local hours and days."""
    columns = Columns(days_between(start_hour, end_hour, zone))
    matrix = [[0] * len(columns) for _ in range(HOURS_PER_DAY)]
    for hour, count in counts.items():
        moment = local_time(hour, zone)
        column = columns.place(moment.date())
        if column is not None:
            matrix[moment.hour][column] += count
    return HourlyLoad(columns, matrix)


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
