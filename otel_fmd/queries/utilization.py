"""Load over time, and how it divides over endpoints, versions and status codes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from otel_fmd.analysis.calendar import (
    Columns,
    HourlyLoad,
    days_between,
    hourly_load,
    local_time,
    utc_offset_hours,
)
from otel_fmd.analysis.rollup import HOURS_PER_DAY
from otel_fmd.queries.counts import sums
from otel_fmd.queries.selection import Selection
from otel_fmd.queries.snapshot import Snapshot
from otel_fmd.queries.versions import VersionSeen, versions_seen

_UNIX_DAY = date(1970, 1, 1)
NO_STATUS = 0


class DailyLoad(NamedTuple):
    """Requests per column of local days: one list per endpoint id, as long as `columns`."""

    columns: Columns
    per_endpoint: dict[int, list[int]]


class VersionShare(NamedTuple):
    """Share of each version's requests, in percent: rows are endpoints, columns versions."""

    endpoint_ids: list[int]
    versions: list[VersionSeen]
    percent: list[list[float]]
    hits: list[list[int]]


def hourly(snapshot: Snapshot, selection: Selection, zone: ZoneInfo) -> HourlyLoad:
    """Requests per hour and day."""
    found = sums(snapshot, selection, ("period",), hours_per_period=1)
    counts = {hour: one.number for (hour,), one in found.items()}
    return hourly_load(counts, selection.start_hour, selection.end_hour, zone)


def daily(snapshot: Snapshot, selection: Selection, zone: ZoneInfo) -> DailyLoad:
    """Requests per day and endpoint."""
    columns = Columns(days_between(selection.start_hour, selection.end_hour, zone))
    per_endpoint: dict[int, list[int]] = {}
    for (day, endpoint), number in per_day(snapshot, selection, zone).items():
        column = columns.place(day)
        if column is not None:
            row = per_endpoint.setdefault(endpoint, [0] * len(columns))
            row[column] += number
    return DailyLoad(columns, per_endpoint)


def per_day(
    snapshot: Snapshot, selection: Selection, zone: ZoneInfo
) -> dict[tuple[date, int], int]:
    """Requests by local day and endpoint."""
    offset = utc_offset_hours(selection.start_hour, selection.end_hour, zone)
    by = ("period", "endpoint_id")
    found: dict[tuple[date, int], int] = {}
    if offset is None:
        rows = sums(snapshot, selection, by, hours_per_period=1)
    else:
        rows = sums(snapshot, selection, by, hours_per_period=HOURS_PER_DAY, offset_hours=offset)
    for (period, endpoint), one in rows.items():
        if offset is None:
            day = local_time(period, zone).date()
        else:
            day = _UNIX_DAY + timedelta(days=period)
        found[day, endpoint] = found.get((day, endpoint), 0) + one.number
    return found


def per_hour(
    snapshot: Snapshot, selection: Selection, zone: ZoneInfo
) -> dict[tuple[date, int], int]:
    """Requests by local day and the hour of that day."""
    found: dict[tuple[date, int], int] = {}
    rows = sums(snapshot, selection, ("period",), hours_per_period=1)
    for (period,), one in rows.items():
        moment = local_time(period, zone)
        key = moment.date(), moment.hour
        found[key] = found.get(key, 0) + one.number
    return found


def version_share(snapshot: Snapshot, selection: Selection, most_versions: int) -> VersionShare:
    """How the requests of each of the newest versions divide over the endpoints."""
    found = sums(snapshot, selection, ("endpoint_id", "version_id"))
    used = {version for _, version in found}
    seen = [v for v in versions_seen(snapshot, selection.endpoint_ids) if v.id in used]
    chosen = list(reversed(seen[:most_versions]))
    totals = {v.id: 0 for v in chosen}
    per_endpoint: dict[int, int] = {}
    for (endpoint, version), one in found.items():
        if version in totals:
            totals[version] += one.number
            per_endpoint[endpoint] = per_endpoint.get(endpoint, 0) + one.number
    endpoints = sorted(per_endpoint, key=lambda number: per_endpoint[number])
    hits = [[found[e, v.id].number if (e, v.id) in found else 0 for v in chosen] for e in endpoints]
    percent = [
        [100 * n / totals[v.id] if totals[v.id] else 0.0 for n, v in zip(row, chosen, strict=True)]
        for row in hits
    ]
    return VersionShare(endpoints, chosen, percent, hits)


def status_codes(snapshot: Snapshot, selection: Selection) -> dict[int, int]:
    """Requests per status code; `NO_STATUS` for those without one."""
    found = sums(snapshot, selection, ("status_code",))
    return {status: one.number for (status,), one in sorted(found.items())}
